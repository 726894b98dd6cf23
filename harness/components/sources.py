"""Source files of components: the file of each, and what it imports or names of its own package or folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path

from ..text.errors import UsageError, one_line
from .entry import Entry
from .fingerprint import COMPONENT_PACKAGES, Import, source_of
from .plugins import module_of, name_in_keys
from .registry import Bound


def sources_of(components: Iterable[Bound]) -> dict[str, str]:
    """Each source file of components (nested ones included), named from its package or folder → its fingerprint."""
    fingerprints: dict[str, str] = {}
    for name, file in _modules_of(components).items():
        fingerprints.update({name: "no file"} if file is None else module_sources(Path(file).resolve(), name))
    return dict(sorted(fingerprints.items()))


def method_sources(bound: Bound) -> dict[str, str]:
    """`sources_of` one component, for what it computes once and caches.

    For example:

        >>> [file for file in nb.method_sources(nb.bind("median", "method")) if "__init__" not in file]
        ['noisebench.methods/restore/median.py']
    """
    return sources_of([bound])


def method_folders(bound: Bound) -> dict[str, str]:
    """The folders of a method (nested ones included): their names in its source files → their paths."""
    folders: dict[str, str] = {}
    for name, file in _modules_of([bound]).items():
        if file is not None:
            root, prefix = _root_of(Path(file).absolute(), name)
            folders[prefix or name] = str(root)
    return dict(sorted(folders.items()))


def _modules_of(components: Iterable[Bound]) -> dict[str, str | None]:
    """The modules of components (nested ones included) → their files; a second plug-in of one name gets `_2`.""" ""
    files: dict[str, str | None] = {}
    entries = [entry for bound in components for entry in bound.entries]
    for entry in entries:
        module = module_of(entry)
        file = getattr(module, "__file__", None)
        key_name = name_in_keys(module) if module is not None else entry.obj.__module__
        names = (key_name, *(f"{key_name}_{n}" for n in range(2, len(entries) + 1)))
        files[next(name for name in names if files.get(name, file) == file)] = file
    return files


def _root_of(file: Path, name: str) -> tuple[Path, str]:
    """The folder of a module's package and the name of the package; without a package its own folder and no name.

    Within noisebench it is a package of components, such as `noisebench.methods`.
    """
    root = file.parent
    package = name.split(".")[:-1] if "." in name else []
    top = 2 if package[:1] == [__name__.partition(".")[0]] else 1
    while len(package) > top and (root / "__init__.py").exists() and (root.parent / "__init__.py").exists():
        root, package = root.parent, package[:-1]
    return root, ".".join(package)


def declared_files(entry: Entry, names: Sequence[str]) -> dict[str, str]:
    """Files beside the file of a component, by name → SHA-256. Raises `UsageError` for one that cannot be read."""
    hashes = {}
    for name in names:
        module = getattr(module_of(entry), "__file__", None)
        file = (Path(module).resolve().parent if module else Path.cwd()) / name
        try:
            hashes[name] = hashlib.sha256(file.read_bytes()).hexdigest()
        except OSError as error:
            raise UsageError(
                f"method {entry.name!r}: its weights {one_line(name)!r} cannot be read ({error.strerror}): "
                f"they are looked for beside its file, in {one_line(file.parent)}"
            ) from None
    return hashes


@lru_cache(maxsize=4096)
def module_sources(file: Path, name: str) -> dict[str, str]:
    """The files that `file` (imported as `name`) draws in from its own root → their fingerprints.

    A file is named `<root>/<path below it>`. The root is the top package of `name`, or the module itself where it is
    in none. So the names are the same however the package was installed, and files of one name in two roots are two.
    Cached for the length of a plan, which starts with `forget_sources`.

        >>> for name, code in {"net": "from layers import blur", "layers": "def blur(x): ..."}.items():
        ...     _ = Path(f"{name}.py").write_text(code)
        >>> list(nb.module_sources(Path("net.py").resolve(), "net"))
        ['net/net.py', 'net/layers.py']
    """
    root, package = _root_of(file, name)
    fingerprints: dict[str, str] = {}
    # Importing a module of a package runs the `__init__.py` of each folder on its way.
    above = [folder / "__init__.py" for folder in file.parents if package and folder.is_relative_to(root)]
    todo, visited = [(path, root, package) for path in (file, *above) if path.is_file()], set()
    while todo:
        path, root, package = todo.pop()
        if path in visited:
            continue
        visited.add(path)
        below = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
        source = source_of(path, package, below.count("/"))
        fingerprints[f"{package or name}/{below}"] = source.sha256
        for one in source.imports:
            todo += _imported(one, path, root, package)
        named_files = [(path.parent / text).resolve() for text in source.files]
        todo += [(file, root, package) for file in named_files if file.is_file() and file.is_relative_to(root)]
    return fingerprints


def forget_sources() -> None:
    """Look at the files of components again: they may have changed."""
    module_sources.cache_clear()


def _imported(one: Import, path: Path, root: Path, package: str) -> Iterator[tuple[Path, Path, str]]:
    """The files of an import that lie below the root, or in a package of components, each with its root and package."""
    parts = one.module.split(".") if one.module else []
    home = ".".join(parts[:2])
    if not one.level and home in COMPONENT_PACKAGES and home != package:
        root, package = _folder_of(home), home
    if one.level:
        folder = path.parents[one.level - 1] if one.level <= len(path.parents) else root.parent
        if not folder.is_relative_to(root):
            return
    elif package:
        top = package.split(".")
        if parts[: len(top)] != top:
            return
        folder, parts = root, parts[len(top) :]
    else:
        folder = root
    for names in ([], *([name] for name in one.names)):
        for file in _files(folder, [*parts, *names]):
            yield file, root, package


@cache
def _folder_of(package: str) -> Path:
    """The folder of a package of noisebench."""
    return Path(str(import_module(package).__file__)).resolve().parent


def _files(folder: Path, parts: list[str]) -> list[Path]:
    files: list[Path] = []
    for part in parts:
        if not part.isidentifier():
            break
        module, package = folder / f"{part}.py", folder / part / "__init__.py"
        if package.is_file():
            files.append(package)
        elif module.is_file():
            files.append(module)
        elif not (folder / part).is_dir():
            break
        folder = folder / part
    return files
