"""What the source files of a method read that is in no key: environment variables, and files outside its folders."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

_LONGEST = 300
"""Characters of a text that may name a file."""


def unwatched(sources: Iterable[str], folders: Mapping[str, str]) -> list[str]:
    """In words what source files, named from their folders, read by a name that stands in them and is not watched."""
    roots = tuple(f"{os.path.realpath(folder)}{os.sep}" for folder in folders.values())
    lines: dict[str, None] = {}
    for name in sources:
        label, _, below = name.partition("/")
        if label not in folders or not below.endswith(".py"):
            continue
        for kind, text in _read_in(Path(folders[label], below)):
            outside = kind == "file" and os.path.isfile(path := os.path.expanduser(text))
            if kind != "file" or (outside and not os.path.realpath(path).startswith(roots)):
                lines[f"{kind} {text}, which {below} names"] = None
    return list(lines)


def _read_in(file: Path) -> tuple[tuple[str, str], ...]:
    try:
        status = file.stat()
    except OSError:
        return ()
    return _read_once(file, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=1024)
def _read_once(file: Path, _time: int, _size: int) -> tuple[tuple[str, str], ...]:
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return ()
    return tuple(one for node in ast.walk(tree) for one in _read_by(node))


def _read_by(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The environment variable that a node reads, and the path that a text may be."""
    if isinstance(node, ast.Subscript) and _is_environment(node.value):
        yield from _variable(node.slice)
    elif isinstance(node, ast.Call) and node.args:
        of = node.func
        asks = isinstance(of, ast.Attribute) and of.attr in ("get", "pop", "setdefault") and _is_environment(of.value)
        if asks or _name(of) == "getenv":
            yield from _variable(node.args[0])
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        text = node.value
        if text.startswith(("/", "~/")) and text.isprintable() and len(text) < _LONGEST:
            yield "file", text


def _variable(node: ast.expr) -> Iterator[tuple[str, str]]:
    named = isinstance(node, ast.Constant) and isinstance(node.value, str)
    yield "environment variable", str(getattr(node, "value", "")) if named else "of a computed name"


def _is_environment(node: ast.expr) -> bool:
    return _name(node) == "environ"


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
