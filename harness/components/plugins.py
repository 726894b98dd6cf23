"""Plug-ins: a user's files that register components; each can import from its own folder only."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import itertools
import os
import sys
import threading
import traceback
import types
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..text.errors import Skip, UsageError, described, one_line, raised_at
from .entry import Entry, origin
from .registry import REGISTRIES

_SLOW = 3.0
_BUILT_IN = __name__.partition(".")[0] + "."


@contextmanager
def _named_if_slow(name: str) -> Iterator[None]:
    """Print to standard error what is still being imported after some seconds."""

    def say() -> None:
        print(f"noisebench: {name} is still being imported, after {_SLOW:.0f} s", file=sys.stderr, flush=True)

    timer = threading.Timer(_SLOW, say)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


_PLUGINS: dict[str, types.ModuleType] = {}
"""The plug-ins that were loaded, by the names of their modules; of several folders, not all are in `sys.modules`."""


def module_of(entry: Entry) -> types.ModuleType | None:
    """The module that registered an entry."""
    name = origin(entry.obj)[0]
    return _PLUGINS.get(name) or sys.modules.get(name)


def name_in_keys(module: types.ModuleType) -> str:
    """The name of a module in keys; a plug-in's is the same whatever else was loaded."""
    plugin = _PLUGINS.get(module.__name__)
    return _plugin_name(Path(str(module.__file__))) if plugin is module else module.__name__


def described_at(error: BaseException, limit: int = 200) -> str:
    """An error in a line, with the place in a user's file of components where it was raised, if in one."""
    names = {origin(entry.obj)[0] for registered in list(REGISTRIES.values()) for entry in registered.entries()}
    modules = (_PLUGINS.get(name) or sys.modules.get(name) for name in names if not name.startswith(_BUILT_IN))
    plugin_files = {getattr(module, "__file__", None) for module in modules}
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    file = next((file for file in reversed(files) if file in plugin_files), "")
    return described(error, limit) + (raised_at(error, file) if file else "")


def _plugin_name(file: Path) -> str:
    # Not by the path: the name goes into keys, which are the same wherever the file lies.
    return file.stem if file.stem.isidentifier() else f"noisebench_plugin_{file.stem}"


_elsewhere: list[Callable[[types.ModuleType], None]] = []
"""What registers the components of a plug-in that is not to be imported in this process; nothing where it is."""


def import_elsewhere(register: Callable[[types.ModuleType], None]) -> None:
    """Import no plug-in in this process from now on: `register` is given a module without code in its place."""
    _elsewhere[:] = [register]


def load_plugin(path: str | Path) -> types.ModuleType:
    """Import a plug-in file, which can import what lies beside it, and nothing from another plug-in's folder.

    Raises `UsageError` naming the file.
    """
    file = Path(path).expanduser().resolve()
    if not file.is_file():
        raise UsageError(f"plug-in {one_line(path)} is not a file: give --plugin the path of a .py file")
    name = _plugin_name(file)
    for loaded in (*_PLUGINS.values(), sys.modules.get(name)):
        if getattr(loaded, "__file__", None) == str(file):
            assert loaded is not None
            return _PLUGINS.setdefault(loaded.__name__, loaded)
    if name in _PLUGINS or name in sys.modules:
        taken = {*_PLUGINS, *sys.modules}
        name = next(f"{name}_{n}" for n in itertools.count(2) if f"{name}_{n}" not in taken)
    for register in _elsewhere:
        module = _PLUGINS[name] = types.ModuleType(name)
        module.__file__ = str(file)
        register(module)
        return module
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise UsageError(f"plug-in {one_line(file)} cannot be imported: its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    with _without_other_plugins(str(file.parent)):
        sys.modules[name] = module
        try:
            with _named_if_slow(f"plug-in {one_line(file)}"):
                spec.loader.exec_module(module)
        except UsageError:
            sys.modules.pop(name, None)
            raise
        except (Exception, SystemExit) as error:
            sys.modules.pop(name, None)
            problem = f"{type(error).__name__}: {one_line(error)}{raised_at(error, str(file))}"
            raise UsageError(f"plug-in {one_line(file)} failed: {problem}") from error
        _PLUGINS[name] = module
    return module


@contextmanager
def _without_other_plugins(folder: str) -> Iterator[None]:
    """Import a plug-in of a folder as if there were no plug-ins of other folders.

    A module name of several folders is not left in `sys.modules`: a later import would give one folder the module of
    another. Raises `UsageError` where such a module registers a component, which is found by its module's name.
    """
    others = set(_plugin_folders()) - {folder}
    path = sys.path if folder in sys.path else [folder, *sys.path]
    hidden = {name: sys.modules.pop(name) for name in _modules_in(others)}
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not _LATE]
    sys.path[:] = [place for place in path if os.path.realpath(place) not in others]
    try:
        yield
    finally:
        for name, module in hidden.items():
            sys.modules.setdefault(name, module)
        sys.path[:] = path
        shared = _forget_shared() if others else {}
        if others:
            sys.meta_path.insert(0, _LATE)
    for registered in list(REGISTRIES.values()):
        for entry in registered.entries():
            name = origin(entry.obj)[0]
            if name not in _PLUGINS and (place := shared.get(name.partition(".")[0])):
                raise UsageError(f"{registered.kind} {entry.name!r} is of a module {place}: rename one of the two")


def _plugin_folders() -> dict[str, str]:
    """The folders of plug-ins → one of the plug-ins there."""
    files = [str(module.__file__) for module in _PLUGINS.values()]
    return {os.path.dirname(file): file for file in reversed(files)}


def _modules_in(folders: Collection[str]) -> list[str]:
    """The names of all modules that were imported from these folders."""
    if not folders:
        return []
    tops = set()
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        if "." not in name and isinstance(spec, importlib.machinery.ModuleSpec):
            places = spec.submodule_search_locations or ([spec.origin] if spec.has_location and spec.origin else [])
            if any(os.path.realpath(os.path.dirname(place)) in folders for place in places):
                tops.add(name)
    return [name for name in sys.modules if name.partition(".")[0] in tops]


def _forget_shared() -> dict[str, str]:
    """Remove modules that several plug-in folders have from `sys.modules`. Returns their names, and where each lies."""
    shared: dict[str, str] = {}
    for name in _modules_in(_plugin_folders()):
        top = name.partition(".")[0]
        if top in shared or (place := _shared(top)):
            shared.setdefault(top, place)
            del sys.modules[name]
    return shared


def _shared(name: str) -> str:
    """Where a module lies that plug-ins could mean in several places, in words; empty where there is one place."""
    find = importlib.machinery.PathFinder.find_spec
    folders = _plugin_folders()
    specs = {file: spec for folder, file in folders.items() if (spec := find(name, [folder])) is not None}
    if not specs:
        return ""
    installed = find(name, [place for place in sys.path if os.path.realpath(place) not in folders])
    if installed is not None and installed.has_location:
        # A mere folder of that name does not hide the installed module.
        files = [file for file, spec in specs.items() if spec.has_location]
        places = [*files, str(installed.origin)] if files else []
    else:
        places = list(specs)
    if len(places) < 2:
        return ""
    return f"{name!r} that lies beside plug-in {one_line(places[0])} and " + (
        f"beside {one_line(places[1])}" if places[1] in specs else f"in {one_line(places[1])}"
    )


def _refuse_late(name: str, path: object = None, target: object = None) -> None:
    """Raise `Skip` for a module that lies beside several plug-ins: their order would decide which is found.

    Not `ImportError`, which a plug-in may catch. Without the other plug-in the same cell runs.
    """
    if path is None and (place := _shared(name)):
        raise Skip(
            f"module {place} is imported within a function: import it at the head of the file, or rename one of them",
            needs=f"one module {name!r}",
        )


_LATE = types.SimpleNamespace(find_spec=_refuse_late)
"""A finder that finds nothing, and refuses. It is installed once plug-ins of several folders are loaded."""
