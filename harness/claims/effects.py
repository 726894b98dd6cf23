"""Effects and properties: what papers say happens, as an expression over named figures of cells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..spec.figures import reached_of
from ..suite.suite import input_size
from ..text.errors import UsageError, nearest, one_line
from .expression import SPREAD, holds, parsed
from .figures import COSTS, SEED, CellOf
from .numbers import (
    CLAIMS,
    EFFECTS,
    Claim,
    ClaimFile,
    ClaimRow,
    FileRow,
    Size,
    Verdict,
    checked,
    content_of,
    in_place,
    named_texts,
    read_claims,
)

Kind = Literal["effect", "property"]
Over = Literal["each", "mean"]


class _Cell(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    method: str
    dataset: str = ""
    regime: str = ""
    protocol: str = ""
    metric: str = ""
    training: str = ""
    cost: str = ""
    size: str = ""

    @model_validator(mode="after")
    def _is_of_one_figure(self) -> _Cell:
        if sum(map(bool, (self.metric, self.training, self.cost))) != 1:
            raise ValueError("a cell has one of metric, training and cost")
        if self.metric and not (self.dataset and self.regime):
            raise ValueError("a cell with a metric has a dataset and a regime")
        if self.cost and self.dataset:
            raise ValueError("a cost is of no dataset: `size` says how large the input is")
        if self.size and not self.cost:
            raise ValueError("size goes with cost")
        return self


class _Row(FileRow):
    where: str
    says: str
    kind: Kind | None = None
    cells: dict[str, _Cell] = Field(min_length=1)
    holds: str
    over: Over = "each"
    seeds: list[int] = Field(min_length=1)


class _File(ClaimFile[_Row]):
    kind: Kind


@dataclass(frozen=True)
class Effect:
    """An effect or a property: `holds` is an expression over the names of `cells`, true where it is so.

    It is judged on each of `seeds`, or on the means `over` them, of all and of all but one.
    """

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
    kind: Kind = "effect"
    over: Over = "each"
    size: Size = "quick"


def read_effects(path: Path) -> list[Effect]:
    """The effects and properties of one file. Raises `UsageError` naming the file and the field."""
    file = checked(path, _File)
    names = named_texts(path, file.let, (SEED,))
    found: list[Effect] = []
    for row in file.claims:
        cells: dict[str, CellOf] = {}
        for name, cell in row.cells.items():
            texts = {
                part: in_place(path, f"{row.name}: {name}.{part}", text, names)
                for part, text in cell.model_dump().items()
            }
            cells[name] = CellOf(**texts, track=file.track)
        try:
            _check_figures(cells)
        except ValueError as error:
            raise UsageError(f"claims {one_line(path)}: {row.name}: cells: {one_line(error)}") from None
        wrong = [seed for seed in row.seeds if seed < 0 or row.seeds.count(seed) > 1]
        if wrong:
            said = "is negative" if wrong[0] < 0 else "is given twice"
            raise UsageError(f"claims {one_line(path)}: {row.name}: seeds: {wrong[0]} {said}")
        try:
            parsed(row.holds, row.cells, row.over == "mean" and len(row.seeds) > 1)
        except ValueError as error:
            raise UsageError(f"claims {one_line(path)}: {row.name}: holds: {one_line(error)}") from None
        found.append(
            Effect(
                row.name, path.stem, file.paper, file.url, row.where, row.says, cells, row.holds,
                tuple(row.seeds), tuple(row.systems), row.kind or file.kind, row.over, row.size,
            )
        )  # fmt: skip
    return found


def _check_figures(cells: Mapping[str, CellOf]) -> None:
    """Raise ValueError for a cost that there is not, a size that is none, and a score that is no number and no name."""
    before: list[str] = []
    for name, cell in cells.items():
        if not name.isidentifier():
            raise ValueError(f"{name!r} is no name")
        if cell.cost and cell.cost not in COSTS:
            raise ValueError(f"{name}.cost: {cell.cost!r}: {nearest(cell.cost, COSTS)}")
        if cell.size:
            try:
                input_size(cell.size)
            except ValueError as error:
                raise ValueError(f"{name}.size: {error}") from None
        reached = reached_of(cell.training)
        if reached is not None and reached[1] not in before and not _is_number(reached[1]):
            raise ValueError(f"{name}.training: {reached[1]!r} is neither a number nor a cell above it")
        before.append(name)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def read_file(path: Path) -> list[Claim | Effect]:
    """The claims of one file, of whichever kind. Raises `UsageError` naming the file and the field."""
    return [*read_effects(path)] if content_of(path).get("kind") in EFFECTS else [*read_claims(path)]


def all_effects(folder: Path = CLAIMS) -> list[Effect]:
    """Every effect and property of the package, in the order of files and rows. Raises `UsageError`."""
    files = [path for path in sorted(folder.glob("*.yaml")) if content_of(path).get("kind") in EFFECTS]
    return [effect for path in files for effect in read_effects(path)]


@dataclass(frozen=True)
class Judged:
    """What the cells behind an effect gave: of each seed, name → value; fewer than the seeds where one is missing.

    `seconds` are those of its cells and their trainings, each once; `keys` name them. `notes` are what is to be said of
    a value, such as that a training diverged; `edges`, where the best value of what is tuned is the least or the
    largest of those tried, None where that is not known. `reason` and `outcome` say why a value is missing.
    """

    values: Sequence[Mapping[str, float]] = ()
    seconds: float | None = None
    keys: Sequence[str] = ()
    notes: Sequence[str] = ()
    edges: Sequence[str] | None = None
    reason: str = ""
    outcome: str | None = None


def effect_row(effect: Effect, judged: Judged) -> ClaimRow:
    """A row of the report: not available where a value is missing."""
    verdict: Verdict = "not available"
    reason = judged.reason
    if len(judged.values) == len(effect.seeds):
        broken = _broken(effect, judged.values)
        verdict = "differs" if broken else "reproduced"
        reason = "; ".join([broken, *judged.notes]) if broken else _but_not_on(effect, judged.values)
    row: ClaimRow = {
        "name": effect.name,
        "kind": effect.kind,
        "paper": effect.paper,
        "url": effect.url,
        "table": effect.where,
        "row": effect.says,
        "cells": {name: cell.said for name, cell in effect.cells.items()},
        "claimed": effect.holds,
        "over": effect.over,
        "seeds": list(effect.seeds),
        "values": [dict(v) for v in judged.values],
        "ours": None,
        "difference": None,
        "seconds": judged.seconds,
        "verdict": verdict,
        "reason": reason,
        "keys": list(judged.keys),
        "outcome": judged.outcome,
    }
    if judged.edges is not None:
        row["edges"] = list(judged.edges)
    return row


def _broken(effect: Effect, values: Sequence[Mapping[str, float]]) -> str:
    """Where it does not hold, in words; empty where it does."""
    if effect.over == "mean":
        # One seed on which a score was never reached would decide a mean by itself.
        endless = [name for name in effect.cells if 0 < sum(math.isinf(of[name]) for of in values) < len(values)]
        if endless:
            return f"no mean of {', '.join(endless)}: infinite on a seed"
        if not _holds_of_means(effect, values):
            return "does not hold of the means over seeds"
        needed = _seeds_that_decide(effect, values)
        return f"holds of the means over seeds, but not without seed {', nor without '.join(needed)}" if needed else ""
    broken = _broken_on(effect, values)
    return f"does not hold on seed {', '.join(map(str, broken))}" if broken else ""


def mean_of(values: Iterable[float]) -> float:
    """Their mean; NaN where there is none: infinities of both signs, or a sum that is too large."""
    try:
        return fmean(values)
    except (OverflowError, ValueError):
        return math.nan


def _holds_of_means(effect: Effect, values: Sequence[Mapping[str, float]]) -> bool:
    return holds(effect.holds, {name: mean_of(of[name] for of in values) for name in effect.cells}, values)


def _seeds_that_decide(effect: Effect, values: Sequence[Mapping[str, float]]) -> list[str]:
    """The seeds without any one of which it does not hold of the means of the others: one alone carries no claim.

    Where an expression has a spread of its own, that judges it.
    """
    if len(values) < 3 or f"{SPREAD}(" in effect.holds:
        return []
    places = range(len(values))
    return [str(effect.seeds[i]) for i in places if not _holds_of_means(effect, [values[j] for j in places if j != i])]


def _but_not_on(effect: Effect, values: Sequence[Mapping[str, float]]) -> str:
    """On which seeds what holds of the means does not hold by itself, in words; empty where on none."""
    if effect.over != "mean" or f"{SPREAD}(" in effect.holds:
        return ""
    broken = _broken_on(effect, values)
    return f"of the means over seeds, not on seed {', '.join(map(str, broken))}" if broken else ""


def _broken_on(effect: Effect, values: Sequence[Mapping[str, float]]) -> list[int]:
    return [seed for seed, of in zip(effect.seeds, values, strict=True) if not holds(effect.holds, of)]
