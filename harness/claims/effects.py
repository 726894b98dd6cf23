"""Effects: what papers say happens, as an expression over the means of cells that must hold on every seed."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..errors import UsageError, one_line
from ..track import DEFAULT
from .numbers import CLAIMS, Claim, ClaimFile, ClaimRow, FileRow, Verdict, checked, content_of, read_claims

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow, ast.USub: operator.neg, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Eq: operator.eq,
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., float]] = {"abs": abs, "min": min, "max": max, "log10": math.log10}


class _Cell(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    method: str
    dataset: str
    regime: str
    protocol: str = ""
    metric: str


class _Row(FileRow):
    where: str
    says: str
    cells: dict[str, _Cell] = Field(min_length=1)
    holds: str
    seeds: list[int] = Field(min_length=1)


class _File(ClaimFile[_Row]):
    kind: Literal["effect"]


@dataclass(frozen=True)
class CellOf:
    """The cell behind a name of an effect, and the metric whose mean over the items the name stands for.

    `protocol` is empty where it is that of the track.
    """

    method: str
    dataset: str
    regime: str
    protocol: str
    metric: str
    track: str = DEFAULT


@dataclass(frozen=True)
class Effect:
    """An effect: `holds` is an expression over the names of `cells`, true on each of `seeds` where it is so."""

    name: str
    group: str
    paper: str
    url: str
    where: str
    says: str
    cells: Mapping[str, CellOf]
    holds: str
    seeds: tuple[int, ...]
    systems: tuple[int, ...] = ()
    kind: str = "effect"


def read_effects(path: Path) -> list[Effect]:
    """The effects of one file. Raises `UsageError` naming the file and the field."""
    file = checked(path, _File)
    found: list[Effect] = []
    for row in file.claims:
        try:
            parsed(row.holds, row.cells)
        except ValueError as error:
            raise UsageError(f"claims {one_line(path)}: {row.name}: holds: {one_line(error)}") from None
        cells = {name: CellOf(**cell.model_dump(), track=file.track) for name, cell in row.cells.items()}
        found.append(
            Effect(
                row.name, path.stem, file.paper, file.url, row.where, row.says, cells, row.holds,
                tuple(row.seeds), tuple(row.systems),
            )
        )  # fmt: skip
    return found


def read_file(path: Path) -> list[Claim | Effect]:
    """The claims of one file, of whichever kind. Raises `UsageError` naming the file and the field."""
    return [*read_effects(path)] if content_of(path).get("kind") == "effect" else [*read_claims(path)]


def all_effects(folder: Path = CLAIMS) -> list[Effect]:
    """Every effect of the package, in the order of files and rows. Raises `UsageError`."""
    files = [path for path in sorted(folder.glob("*.yaml")) if content_of(path).get("kind") == "effect"]
    return [effect for path in files for effect in read_effects(path)]


def parsed(text: str, names: Sequence[str] | Mapping[str, Any]) -> ast.expr:
    """An expression of numbers, `names`, + - * / **, comparisons, and, or, abs, min, max, log10; else `ValueError`."""
    if len(text) > 500:
        raise ValueError("is longer than 500 characters")
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"{text!r} is not an expression") from None
    if not isinstance(tree, ast.Compare | ast.BoolOp):
        raise ValueError(f"{text!r} compares nothing")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in names and node.id not in _FUNCTIONS:
            raise ValueError(f"{node.id!r} is none of its cells")
        if isinstance(node, ast.Constant) and type(node.value) not in (int, float):
            raise ValueError(f"{node.value!r} is no number")
        if isinstance(node, ast.Call) and not (
            isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS and not node.keywords
        ):
            raise ValueError("only abs, min, max and log10 can be called")
        if not isinstance(node, _ALLOWED):
            raise ValueError(f"{type(node).__name__} has no place in it")
    return tree


_ALLOWED = (
    ast.Compare, ast.BoolOp, ast.And, ast.Or, ast.BinOp, ast.UnaryOp, ast.Call, ast.Name, ast.Load, ast.Constant,
    *_OPERATORS,
)  # fmt: skip


def holds(text: str, values: Mapping[str, float]) -> bool:
    """Whether the expression is true of `values`; one that cannot be computed does not hold."""
    try:
        return bool(_value(parsed(text, values), values))
    except (ArithmeticError, TypeError, ValueError):
        return False


def _value(node: ast.expr, values: Mapping[str, float]) -> Any:
    if isinstance(node, ast.Constant):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.UnaryOp):
        return _OPERATORS[type(node.op)](_value(node.operand, values))
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](_value(node.left, values), _value(node.right, values))
    if isinstance(node, ast.BoolOp):
        every = all if isinstance(node.op, ast.And) else any
        return every([_value(part, values) for part in node.values])
    if isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        return _FUNCTIONS[node.func.id](*(_value(part, values) for part in node.args))
    assert isinstance(node, ast.Compare)
    sides = [_value(side, values) for side in (node.left, *node.comparators)]
    return all(_OPERATORS[type(op)](a, b) for op, a, b in zip(node.ops, sides[:-1], sides[1:], strict=True))


def effect_row(effect: Effect, values: Sequence[Mapping[str, float]], seconds: float | None, reason: str) -> ClaimRow:
    """A row of the report. `values`: of each seed, name → mean; fewer than the seeds: not available, for `reason`."""
    verdict: Verdict = "not available"
    if len(values) == len(effect.seeds):
        broken = [s for s, v in zip(effect.seeds, values, strict=True) if not holds(effect.holds, v)]
        verdict = "differs" if broken else "reproduced"
        reason = f"does not hold on seed {', '.join(map(str, broken))}" if broken else ""
    return {
        "name": effect.name,
        "kind": "effect",
        "paper": effect.paper,
        "url": effect.url,
        "table": effect.where,
        "row": effect.says,
        "cells": {name: vars(cell) for name, cell in effect.cells.items()},
        "claimed": effect.holds,
        "seeds": list(effect.seeds),
        "values": [dict(v) for v in values],
        "ours": None,
        "difference": None,
        "seconds": seconds,
        "verdict": verdict,
        "reason": reason,
    }
