"""Where components come from before they are imported: the files of packages, and entry points."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any


@lru_cache(maxsize=1)
def installed_entry_points() -> Any:
    """Those of all installed packages, each of which has a file to read."""
    from importlib.metadata import entry_points

    return entry_points()


@lru_cache(maxsize=128)
def modules_in(package: str, leaf: str) -> frozenset[str]:
    """The modules of a package by file name, private ones apart; with `leaf`, its folders that hold such a module."""
    if not package or (spec := _find_spec(package)) is None:
        return frozenset()
    places = [Path(place) for place in spec.submodule_search_locations or ()]
    if leaf:
        return frozenset(file.parent.name for place in places for file in place.glob(f"*/{leaf}.py"))
    return frozenset(file.stem for place in places for file in place.glob("*.py") if not file.stem.startswith("_"))


def first_line_of(module: str, name: str) -> str:
    """The first line of the docstring of what a module registers under a name by a decorator; empty of all else."""
    file = getattr(_find_spec(module), "origin", None)
    for node in ast.parse(Path(file).read_text(encoding="utf-8")).body if file else ():
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and name in _first_arguments(node.decorator_list):
            return (ast.get_docstring(node) or "").partition("\n")[0]
    return ""


def _first_arguments(calls: Iterable[ast.expr]) -> set[object]:
    first = (call.args[0] for call in calls if isinstance(call, ast.Call) and call.args)
    return {argument.value for argument in first if isinstance(argument, ast.Constant)}


def _find_spec(package: str) -> Any:
    try:
        return importlib.util.find_spec(package)
    except ModuleNotFoundError:  # a track without components of that kind
        return None
