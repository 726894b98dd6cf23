"""Effects and properties: what papers say happens, as an expression over named figures of cells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, Literal

from annotated_types import MinLen

from ..spec.figures import reached_of
from ..suite.reading import Check, Mistake, YamlPart
from ..suite.suite import input_size
from ..text.errors import UsageError, nearest, one_line
from .expression import SPREAD, holds, parsed
from .figures import COSTS, SEED, CellOf
from .numbers import (
    CLAIMS,
    Claim,
    ClaimFile,
    ClaimRow,
    FileRow,
    PublishedClaim,
    Verdict,
    claims_of,
    in_place,
    is_of_effects,
    named_texts,
    read_claim_file,
)

Kind = Literal["effect", "property"]
Over = Literal["each", "mean"]


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("a whole number from 0")
    return value


@dataclass(frozen=True, kw_only=True)
class EffectRow(FileRow):
    """A row of a file: `holds` is an expression over the names of `cells`, true where it is so.

    It is judged on each of `seeds`, or on the means `over` them, of all and of all but one.
    """

    where: str
    says: str
    kind: Kind | None = None
    cells: Annotated[Mapping[str, CellOf], MinLen(1)]
    holds: str
    over: Over = "each"
    seeds: Annotated[tuple[Annotated[int, Check(_integer)], ...], MinLen(1)]

    def check(self) -> None:
        """Raise `Mistake` for a seed that is none, or is given twice."""
        for place, seed in enumerate(self.seeds):
            if seed < 0 or seed in self.seeds[:place]:
                why = "is negative" if seed < 0 else "is given twice"
                raise Mistake(f"{self.name}: seeds: {seed} {why}", "seeds", place)


@dataclass(frozen=True, kw_only=True)
class _EffectFile(ClaimFile):
    kind: Kind
    claims: Annotated[tuple[EffectRow, ...], MinLen(1)]


@dataclass(frozen=True, kw_only=True)
class Effect(EffectRow, PublishedClaim):
    """An effect or a property."""

    kind: Kind = "effect"


def effects_of(file: YamlPart) -> list[Effect]:
    """The effects and properties that a file holds. Raises `UsageError` naming the file and the line."""
    content = file.read(_EffectFile)
    names = named_texts(file, content.let, (SEED,))
    found: list[Effect] = []
    for place, row in enumerate(content.claims):
        at = ("claims", place)
        cells: dict[str, CellOf] = {}
        for name, cell in row.cells.items():
            texts = {
                part: in_place(file, f"{row.name}: {name}.{part}", text, names, *at, "cells", name, part)
                for part, text in vars(cell).items()
            }
            cells[name] = CellOf(**texts | {"track": content.track})
        try:
            _check_figures(cells)
        except Mistake as error:
            raise file.mistake(f"{row.name}: cells: {one_line(error)}", *at, "cells", *error.at) from None
        try:
            parsed(row.holds, row.cells, row.over == "mean" and len(row.seeds) > 1)
        except ValueError as error:
            raise file.mistake(f"{row.name}: holds: {one_line(error)}", *at, "holds") from None
        own = vars(row) | {"cells": cells, "kind": row.kind or content.kind}
        found.append(Effect(group=file.file.stem, paper=content.paper, url=content.url, **own))
    return found


def _check_figures(cells: Mapping[str, CellOf]) -> None:
    """Raise `Mistake` for a cost that there is not, a size that is none, and a score that is no number and no name."""
    before: list[str] = []
    for name, cell in cells.items():
        if not name.isidentifier():
            raise Mistake(f"{name!r} is no name", name)
        if cell.cost and cell.cost not in COSTS:
            raise Mistake(f"{name}.cost: {cell.cost!r}: {nearest(cell.cost, COSTS)}", name, "cost")
        if cell.size:
            try:
                input_size(cell.size)
            except ValueError as error:
                raise Mistake(f"{name}.size: {error}", name, "size") from None
        reached = reached_of(cell.training)
        if reached is not None and reached[1] not in before and not _is_number(reached[1]):
            why = f"{name}.training: {reached[1]!r} is neither a number nor a cell above it"
            raise Mistake(why, name, "training")
        before.append(name)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def read_file(path: Path) -> list[Claim | Effect]:
    """The claims of one file, of whichever kind. Raises `UsageError` naming the file and the field."""
    file = read_claim_file(path)
    return [*effects_of(file)] if is_of_effects(file) else [*claims_of(file)]


def all_claims() -> list[Claim | Effect]:
    """Every claim of the package: numbers, then effects and properties, in the order of files and rows.

    Raises `UsageError`.
    """
    numbers: list[Claim] = []
    effects: list[Effect] = []
    for path in sorted(CLAIMS.glob("*.yaml")):
        file = read_claim_file(path)
        if is_of_effects(file):
            effects += effects_of(file)
        else:
            numbers += claims_of(file)
    names = [claim.name for claim in numbers]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"claim {name} is in two files of {one_line(CLAIMS)}: rename one")
    return [*numbers, *effects]


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
