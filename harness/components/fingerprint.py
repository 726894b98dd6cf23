"""The fingerprint of a source file: the hash of its code, and what the file imports or names of its own folder."""

from __future__ import annotations

import ast
import builtins
import hashlib
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

VERSION = 2
"""Version of the scheme: raised when the same code gets another fingerprint. Older keys name none: bytes counted."""
_HARNESS = __name__.partition(".")[0]
COMPONENT_PACKAGES = tuple(f"{_HARNESS}.{name}" for name in ("methods", "datasets", "recipes"))
"""The packages of components in noisebench: they count as no harness, so imports from them are followed."""
_MESSAGES = frozenset({
    "UsageError", "Skip", "Invalid", "NotDefined",
    *(name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, Exception)),
}) - {"StopIteration", "StopAsyncIteration"}  # fmt: skip
"""Exceptions whose arguments are text for people. Code may read those of others."""

_SHOWN = ("cite", "goal", "speech")
"""What a decorator declares for readers of a board alone, or for which columns it has: no number hangs on it."""


@dataclass(frozen=True)
class Import:
    """An import: `names` out of `module`, which is `level` - 1 folders up, or absolute where `level` is 0."""

    level: int
    module: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A source file: the hash of its code, its imports, and the Python files that its texts name."""

    sha256: str
    imports: tuple[Import, ...] = ()
    files: tuple[str, ...] = ()


def source_of(path: Path, package: str, depth: int) -> Source:
    """A source file, read again where it has changed. It lies `depth` folders below the root of `package`.

    Of a Python file the hash is the same after an edit of comments, layout, docstrings, `cite=`, `goal=`, `speech=`, or
    the text of an error, and where another file of noisebench, outside of `package`, gives what it imports. Of another
    file, and of Python that cannot be parsed, it is that of the bytes. Raises `OSError`.
    """
    status = path.stat()
    return _source_of(path, package, depth, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=8192)
def _source_of(path: Path, package: str, depth: int, _time: int, _size: int) -> Source:
    data = path.read_bytes()
    return source_in(data, package, depth) if path.suffix == ".py" else Source(hashlib.sha256(data).hexdigest())


def source_in(data: bytes, package: str, depth: int) -> Source:
    """A source file of Python, as `source_of`, by its bytes."""
    reader = _CodeReader(package, depth)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes such as "\d": whoever runs the file sees them
            code = reader.text(ast.parse(data).body)
    except (SyntaxError, ValueError, RecursionError):
        return Source(hashlib.sha256(data).hexdigest())
    sha256 = hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()
    return Source(sha256, tuple(reader.imports), tuple(reader.files))


class _CodeReader:
    """Reads a syntax tree once: its code as text, the same from every version of Python, its imports, and the names of
    Python files in its texts."""

    def __init__(self, package: str, depth: int) -> None:
        self.imports: list[Import] = []
        self.files: dict[str, None] = {}
        self._package, self._depth = package, depth

    def text(self, node: Any) -> str:
        """The code without what changes no number; empty fields, and those of one Python version only, are left out."""
        kind = type(node)
        if kind is list:
            return " ".join(filter(None, map(self.text, node)))
        if kind is str and node.endswith(".py") and node.isprintable() and len(node) < _LONGEST:
            self.files[node] = None
        if not isinstance(node, ast.AST):
            return repr(node)
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):  # a docstring
            return ""
        if isinstance(node, ast.Call):
            self._note_call(node)
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and _name_of(node.exc.func) in _MESSAGES:
            node.exc.args = []
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for call in (one for one in node.decorator_list if isinstance(one, ast.Call)):
                call.keywords = [keyword for keyword in call.keywords if keyword.arg not in _SHOWN]
        elif isinstance(node, ast.Import):
            self.imports += [Import(0, alias.name) for alias in node.names]
            for alias in node.names:
                alias.name = _HARNESS if self._is_harness(0, alias.name) else alias.name
        elif isinstance(node, ast.ImportFrom):
            self.imports.append(Import(node.level, node.module or "", tuple(alias.name for alias in node.names)))
            if self._is_harness(node.level, node.module or ""):
                node.level, node.module = 0, _HARNESS
        fields = [
            f"{name}={self.text(value)}"
            for name in node._fields
            if name not in _SILENT and (value := getattr(node, name, None)) is not None and value != []
        ]
        return f"{kind.__name__}({' '.join(fields)})"

    def _note_call(self, node: ast.Call) -> None:
        if _name_of(node.func) in ("import_module", "__import__") and node.args:
            name = getattr(node.args[0], "value", None)
            if isinstance(name, str):
                module = name.lstrip(".")
                self.imports.append(Import(len(name) - len(module), module))

    def _is_harness(self, level: int, module: str) -> bool:
        """Whether an import is of noisebench, outside of the file's own package."""
        if level:
            return level - 1 > self._depth
        packages = filter(None, (self._package, *COMPONENT_PACKAGES))
        is_component = any(f"{module}.".startswith(f"{package}.") for package in packages)
        return module.partition(".")[0] == _HARNESS and not is_component


_LONGEST = 200
"""Characters of a text that may name a file."""
_SILENT = ("kind", "type_comment", "ctx")
"""Fields that do not change what the code does."""


def _name_of(node: ast.expr | None) -> str:
    """The last part of a name such as `UsageError` or `nb.UsageError`, empty for anything else."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
