"""What code a method is made of: its file and, transitively, the modules it imports from its own package or folder."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from ..text.errors import UsageError, one_line
from .plugins import module_of, name_in_keys
from .registry import Bound, Entry


def method_sources(bound: Bound) -> dict[str, str]:
    """Each source file of a method (nested ones included), named from its package or folder → SHA-256."""
    found: dict[str, str] = {}
    for name, file in _modules_of(bound).items():
        found.update({name: "no file"} if file is None else module_sources(Path(file).resolve(), name))
    return dict(sorted(found.items()))


def method_files(bound: Bound) -> dict[str, Path | None]:
    """Each source file of a method, named as by `method_sources` → where it lies, None for code that is in no file."""
    found: dict[str, Path | None] = {}
    for name, module in _modules_of(bound).items():
        if module is None:
            found[name] = None
            continue
        file = Path(module).resolve()
        root, _ = _root_of(file, name)
        found.update({label: root / label.partition("/")[2] for label in module_sources(file, name)})
    return dict(sorted(found.items()))


def method_folders(bound: Bound) -> dict[str, str]:
    """The folders of a method (nested ones included) as its source files are named → where they lie."""
    found: dict[str, str] = {}
    for name, file in _modules_of(bound).items():
        if file is not None:
            root, prefix = _root_of(Path(file).absolute(), name)
            found[prefix or name] = str(root)
    return dict(sorted(found.items()))


def _modules_of(bound: Bound) -> dict[str, str | None]:
    """The modules of a method (nested ones included) → their files; of two plug-ins of one name the second has a 2."""
    found: dict[str, str | None] = {}
    for entry in bound.entries:
        module = module_of(entry)
        file = getattr(module, "__file__", None)
        own = name_in_keys(module) if module is not None else entry.obj.__module__
        names = (own, *(f"{own}_{n}" for n in range(2, len(bound.entries) + 1)))
        found[next(name for name in names if found.get(name, file) == file)] = file
    return found


def _root_of(file: Path, name: str) -> tuple[Path, str]:
    """The folder of a module, or of the package that it is of, and the name of that package, empty where it is in none.

    Of noisebench it is the room, such as `noisebench.methods`.
    """
    root = file.parent
    package = name.split(".")[:-1] if "." in name else []
    top = 2 if package[:1] == [__name__.partition(".")[0]] else 1
    while len(package) > top and (root / "__init__.py").exists() and (root.parent / "__init__.py").exists():
        root, package = root.parent, package[:-1]
    return root, ".".join(package)


def declared_files(entry: Entry, names: Sequence[str]) -> dict[str, str]:
    """Files beside the file of a component, by their names there → SHA-256. Raises `UsageError` for one that is not."""
    found = {}
    for name in names:
        module = getattr(module_of(entry), "__file__", None)
        file = (Path(module).resolve().parent if module else Path.cwd()) / name
        try:
            found[name] = hashlib.sha256(file.read_bytes()).hexdigest()
        except OSError as error:
            raise UsageError(
                f"method {entry.name!r}: its weights {one_line(name)!r} cannot be read ({error.strerror}): "
                f"they are looked for beside its file, in {one_line(file.parent)}"
            ) from None
    return found


@lru_cache(maxsize=256)
def module_sources(file: Path, name: str) -> dict[str, str]:
    """The files that `file` (imported as `name`) draws in from its own root → SHA-256 of their bytes.

    A file is named `<root>/<path below it>`. The root is the top package of `name`, or the module itself where it is
    in none. So the names are the same however the package
    was installed, and files of one name in two roots are two.
    """
    root, prefix = _root_of(file, name)
    found: dict[str, str] = {}
    # Importing a module of a package runs the `__init__.py` of each folder on its way.
    above = [folder / "__init__.py" for folder in file.parents if prefix and folder.is_relative_to(root)]
    todo = [file, *(init for init in above if init.is_file())]
    while todo:
        path = todo.pop()
        label = f"{prefix or name}/{path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name}"
        if label in found:
            continue
        data = path.read_bytes()
        found[label] = hashlib.sha256(data).hexdigest()
        if path.suffix == ".py":
            todo.extend(_imports(data, path, root, prefix))
    return found


def _imports(data: bytes, path: Path, root: Path, prefix: str) -> list[Path]:
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError):
        return []
    found: list[Path] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found += _locate(alias.name, root, prefix)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                folder = path.parent
                for _ in range(node.level - 1):
                    folder = folder.parent
                if folder.is_relative_to(root):
                    found += _files(folder, base.split(".") if base else [])
                    for alias in node.names:
                        found += _files(folder, [*(base.split(".") if base else []), alias.name])
            else:
                found += _locate(base, root, prefix)
                for alias in node.names:
                    found += _locate(f"{base}.{alias.name}", root, prefix)
    return found


def _locate(name: str, root: Path, prefix: str) -> list[Path]:
    if prefix and (name == prefix or name.startswith(prefix + ".")):
        name = name[len(prefix) :].lstrip(".")
        return _files(root, name.split(".") if name else [])
    return [] if prefix else _files(root, name.split("."))


def _files(folder: Path, parts: list[str]) -> list[Path]:
    found: list[Path] = []
    for part in parts:
        if not part.isidentifier():
            break
        module, package = folder / f"{part}.py", folder / part / "__init__.py"
        if package.is_file():
            found.append(package)
        elif module.is_file():
            found.append(module)
        elif not (folder / part).is_dir():
            break
        folder = folder / part
    return found
