"""The sandbox of a plug-in's code, by bubblewrap: it has what it is made of, and no data, store, network or home."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from ..data.roots import data_roots, weight_roots
from ..planning.cells import PlannedCell, folders_of, plugins_of
from ..spec.parsing import Spec, Value, expand
from ..text.errors import UsageError, one_line

_ROOMS = ("methods", "datasets", "recipes")
"""Parts of the package that lie beside it where it was not copied to install it."""
_PACKAGES = tuple(f"noisebench.{room}" for room in _ROOMS)
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_FILES = (
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime", "/etc/passwd"),
    *("/etc/group", "/etc/nsswitch.conf", "/etc/fonts", "/sys/devices/system"),
)
_GPU = ("/sys", "/dev/dri", "/dev/kfd")
SCRATCH = ("/tmp", "/dev/shm")
_NOBODY = (
    *("--unshare-all", "--unshare-user", "--disable-userns", "--uid", "65534", "--gid", "65534"),
    *("--cap-drop", "ALL"),
)
"""No network, no other process, no right of root; the user nobody, who can make no further user namespace."""
_VARIABLES = (
    *("CUDA_", "GOMP_", "KMP_", "LANG", "LC_", "LD_LIBRARY_PATH", "MKL_", "NOISEBENCH_", "NPY_", "NUMEXPR_", "NVIDIA_"),
    *("OMP_", "OPENBLAS_", "PATH", "PYTHON", "TORCH_", "TZ"),
)
"""What variables start with that are passed on: no other may hold a password, or say where something lies."""


class Confinement(Struct, frozen=True, kw_only=True):
    """What a sandbox is of: the folders and files that nobody in it sees, whatever else shows them (data, the store),
    and its limits: bytes, also of its temporary folders, and processes."""

    hidden: list[str]
    memory: int
    processes: int = 512


def need_bubblewrap() -> None:
    """Raise `UsageError` where there is no bubblewrap, or where it can make no sandbox."""
    program = shutil.which("bwrap")
    if program is None:
        raise UsageError("--sandbox needs bubblewrap: install it (apt-get install bubblewrap), or leave the option out")
    words = [program, *_NOBODY, "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"]
    tried = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if tried.returncode:
        raise UsageError(f"--sandbox: bubblewrap cannot make one here ({one_line(tried.stderr, 120)}): leave it out")


def confinement(data: Iterable[str], store: Path, memory: int | None, jobs: int) -> Confinement:
    """The sandboxes of a run: what the specs of its data name, all other data and the store are hidden. Without a limit
    of `memory` each of the `jobs` at once has its part of four fifths of the machine's."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    rooms = getattr(find_spec(f"{__name__.partition('.')[0]}.datasets"), "submodule_search_locations", None) or ()
    embedded = [folder for room in rooms for folder in Path(room).glob("*/pictures")]
    named = [path for spec in data for path in named_paths(spec)]
    paths = [path for path in map(str, (*data_roots(), *embedded, *named)) if os.path.exists(path)]
    hidden = sorted({os.path.realpath(path) for path in (*paths, str(store))})
    return Confinement(hidden=hidden, memory=memory or int(0.8 * machine) // max(1, jobs))


def shown_for(cell: PlannedCell, checkpoints: Iterable[str]) -> tuple[list[str], list[str]]:
    """What the method of a cell is made of: the plug-ins that it lies in, and checkpoints; and the files that it names,
    by its spec and as its weights."""
    plugins = own_plugins(cell)
    weights = [os.path.join(os.path.dirname(file), name) for file in plugins for name in cell.inputs.get("weights", ())]
    return [*plugins, *checkpoints], [*named_paths(cell.method.display), *filter(os.path.exists, weights)]


def own_plugins(cell: PlannedCell) -> list[str]:
    """The plug-ins of a suite that the method of a cell lies in; all of them where it lies in what one imports."""
    folders, plugins = folders_of(cell), plugins_of(cell)
    parts = [name.partition("/") for name in cell.method.sources]
    files = {os.path.realpath(os.path.join(folders[label], below)) for label, _, below in parts if label in folders}
    chosen = [file for file in plugins if os.path.realpath(file) in files]
    return chosen or ([] if all(label.startswith(_PACKAGES) for label, _, _ in parts) else plugins)


def named_paths(spec: str) -> list[str]:
    """The files and folders that are there by a name in a spec, or by a word of a command in it."""
    words: list[str] = []
    with suppress(UsageError):  # planning says what is wrong with it
        words = [word for one in expand(spec) for text in _texts(one) for word in {text, *text.split()}]
    return [os.path.abspath(path) for path in map(os.path.expanduser, words) if path and os.path.exists(path)]


def command(
    given: Confinement, shown: Iterable[str], named: Iterable[str], words: Sequence[str], *, gpu: bool = False
) -> list[str]:
    """What runs `python WORDS` in a sandbox. `shown` files are there, and `named` ones but for what is hidden.

    Beside a plug-in there is all of its folder where neither the working directory nor anything hidden lies in it, and
    else its Python files and packages.
    """
    folder = os.path.realpath(os.getcwd())
    away = [folder, os.path.expanduser("~"), *SCRATCH, *given.hidden]
    kept = [path for one in shown for path in (_files_beside(one, away) if one.endswith(".py") else [one])]
    kept += [str(path) for path in weight_roots()]
    kept += [path for path in named if not any(_lies_in(path, place) for place in given.hidden)]
    binds = {place: path for path in (*_FILES, *_code(folder), *kept) for place in {path, os.path.realpath(path)}}
    # Where the user's cache is for who has /tmp as a home.
    binds["/tmp/.cache/noisebench/weights"] = str(weight_roots()[-1])
    binds |= {path: path for path in _SYSTEM if not os.path.islink(path)}
    links = {path: os.readlink(path) for path in _SYSTEM if os.path.islink(path)}
    devices = [*_GPU, *map(str, Path("/dev").glob("nvidia*"))] if gpu else []
    masks = {path for path in given.hidden if path not in binds and any(_lies_in(path, place) for place in binds)}
    built = [shutil.which("bwrap") or "bwrap", *_NOBODY, "--die-with-parent", "--new-session", "--dev", "/dev"]
    for place in SCRATCH:
        built += ["--size", str(given.memory), "--tmpfs", place]
    for place in sorted({*binds, *links, *masks}, key=lambda place: place.count("/")):  # what lies within comes after
        if place in masks:
            built += ["--tmpfs", place] if os.path.isdir(place) else ["--ro-bind", os.devnull, place]
        else:
            built += ["--symlink", links[place], place] if place in links else ["--ro-bind-try", binds[place], place]
    for place in devices:
        built += ["--dev-bind-try", place, place]
    built += ["--proc", "/proc", "--symlink", "/tmp", "/var/tmp", "--dir", folder]
    built += [word for place in (*filter(os.path.isdir, masks), "/") for word in ("--remount-ro", place)]
    passed = {name: value for name, value in os.environ.items() if name.startswith(_VARIABLES)} | {"HOME": "/tmp"}
    built += ["--chdir", folder, "--clearenv"]
    built += [word for name, value in passed.items() for word in ("--setenv", name, value)]
    python = os.path.join(sys.prefix, "bin", "python3")
    return [*built, python if os.path.exists(python) else sys.executable, "-P", *words]


def _code(folder: str) -> list[str]:
    """Python, noisebench and all that can be imported, but for the working directory `folder` and what is above it."""
    package = Path(__file__).resolve().parents[1]
    places = [path for path in sys.path if os.path.isabs(path) and not _lies_in(folder, path)]
    return [sys.prefix, sys.base_prefix, str(package), *(str(package.parent / room) for room in _ROOMS), *places]


def _files_beside(file: str, away: Iterable[str]) -> list[str]:
    """A plug-in with what lies beside it."""
    folder = os.path.dirname(os.path.realpath(file))
    if not any(_lies_in(place, folder) for place in away):
        return [file, folder]
    packages = (str(path.parent) for path in Path(folder).glob("*/__init__.py"))
    return [file, *map(str, Path(folder).glob("*.py")), *packages]


def _lies_in(path: str, folder: str) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _texts(value: Value) -> Iterator[str]:
    """Every text in a value, and every bare name."""
    if isinstance(value, Spec):
        yield value.name
        for _, inner in value.args:
            yield from _texts(inner)
    elif isinstance(value, tuple):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value
