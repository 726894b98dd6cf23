"""Effects and properties: what papers say happens, as an expression over named figures of cells."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import MinLen

from ..spec.figures import reached_of
from ..suite.reading import Check, InvalidValue, YamlPart, yes_or_no
from ..suite.suite import input_size
from ..text.errors import UsageError, nearest, one_line
from .budgets import cells_at
from .expression import parsed
from .figures import COSTS, SEED, CellOf
from .level import TERMS, uneven_terms
from .numbers import (
    CLAIMS,
    Claim,
    ClaimFile,
    ClaimFileRow,
    PublishedClaim,
    claims_of,
    in_place,
    is_of_effects,
    named_texts,
    read_claim_file,
)

Kind = Literal["effect", "property"]
Over = Literal["each", "mean"]
Role = Literal["headline", "ablation", "extension"]


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("a whole number from 0")
    return value


@dataclass(frozen=True, kw_only=True)
class EffectRow(ClaimFileRow):
    """A row of a file: `holds` is an expression over the names of `cells`, true where it is so.

    An effect is judged by the interval of its differences over `seeds`, a property on each of them, or on the means
    `over` them. `role`: what the abstract claims is a `headline`, what is ours (another task, data or rival) an
    `extension`. Where `precondition`, an expression of the means, does not hold, the setting cannot show it; `asks`
    says it in words. Where a cell is worse than that named by `baseline`, with the same metric on the same data, it is
    undertrained. `uneven` says, by terms of `level`, what the arms do not have alike on purpose, and why.
    `widened`: its grids were made wider once, so that a value at an edge of one counts. With `budgets` every training
    is run with its steps times each of them; the verdict is that of the largest.
    """

    where: str
    says: str
    kind: Kind | None = None
    cells: Annotated[Mapping[str, CellOf], MinLen(1)]
    holds: str
    over: Over = "each"
    role: Role = "ablation"
    precondition: str = ""
    asks: str = ""
    baseline: str = ""
    uneven: Mapping[str, str] = field(default_factory=dict)
    widened: Annotated[bool, Check(yes_or_no)] = False
    budgets: tuple[Annotated[int, Check(_integer)], ...] = ()
    seeds: Annotated[tuple[Annotated[int, Check(_integer)], ...], MinLen(1)]

    def check(self) -> None:
        """Raise `InvalidValue` for a seed that is none, or is given twice."""
        for place, seed in enumerate(self.seeds):
            if seed < 0 or seed in self.seeds[:place]:
                why = "is negative" if seed < 0 else "is given twice"
                raise InvalidValue(f"{self.name}: seeds: {seed} {why}", "seeds", place)
        for place, budget in enumerate(self.budgets):
            if budget <= (self.budgets[place - 1] if place else 0) or len(self.budgets) == 1:
                due = "two numbers or more, from 1, each larger than the one before"
                raise InvalidValue(f"{self.name}: budgets: {budget}: {due}", "budgets", place)
        for term in self.uneven:
            if term not in TERMS:
                raise InvalidValue(f"{self.name}: uneven: {one_line(term)!r}: {nearest(term, TERMS)}", "uneven", term)
        if self.baseline and not (self.baseline in self.cells and self.cells[self.baseline].metric):
            due = nearest(self.baseline, [name for name, cell in self.cells.items() if cell.metric])
            raise InvalidValue(
                f"{self.name}: baseline: {self.baseline!r} is none of its cells with a metric: {due}", "baseline"
            )


@dataclass(frozen=True, kw_only=True)
class _EffectFile(ClaimFile):
    kind: Kind
    claims: Annotated[tuple[EffectRow, ...], MinLen(1)]


@dataclass(frozen=True, kw_only=True)
class Effect(EffectRow, PublishedClaim):
    """An effect or a property. `sequential`: seeds are added to it until they decide.

    Where it has budgets `cells` are those of the largest, and `smaller` those of the others, as `name@budget`.
    """

    kind: Kind = "effect"
    sequential: bool = False
    smaller: Mapping[str, CellOf] = field(default_factory=dict)

    @property
    def all_cells(self) -> dict[str, CellOf]:
        """Its cells at every budget."""
        return {**self.cells, **self.smaller}


def effects_of(file: YamlPart) -> list[Effect]:
    """The effects and properties that a file holds. Raises `UsageError` naming the file and the line."""
    content = file.read(_EffectFile)
    names = named_texts(file, content.let, (SEED,))
    effects: list[Effect] = []
    for place, row in enumerate(content.claims):
        at = ("claims", place)
        cells: dict[str, CellOf] = {}
        for name, cell in row.cells.items():
            texts = {
                part: in_place(file, f"{row.name}: {name}.{part}", text, names, *at, "cells", name, part)
                for part, text in vars(cell).items()
            }
            cells[name] = CellOf(**texts | {"track": content.track})
        smaller: Mapping[str, CellOf] = {}
        try:
            _check_figures(cells)
            if row.budgets:
                cells, smaller = cells_at(cells, row.budgets)
        except InvalidValue as error:
            raise file.mistake(f"{row.name}: cells: {one_line(error)}", *at, "cells", *error.at) from None
        for part, text in (("holds", row.holds), ("precondition", row.precondition)):
            try:
                if text or part == "holds":
                    parsed(text, row.cells, part == "holds" and row.over == "mean" and len(row.seeds) > 1)
            except ValueError as error:
                raise file.mistake(f"{row.name}: {part}: {one_line(error)}", *at, part) from None
        fields = vars(row) | {"cells": cells, "smaller": smaller, "kind": row.kind or content.kind}
        effects.append(Effect(group=file.file.stem, paper=content.paper, url=content.url, **fields))
    return effects


def _refuse_uneven(file: YamlPart, place: int, effect: Effect) -> None:
    """Raise `UsageError` naming the line where arms of an effect differ in what it does not say they do."""
    cells = {name: cell.at(effect.seeds[0]) for name, cell in effect.cells.items()}
    for term, arms in uneven_terms(parsed(effect.holds, cells, spread=True), cells).items():
        if term not in effect.uneven:
            remedy = f"make it alike, or say why in `uneven: {{{term}: …}}`"
            raise file.mistake(f"{effect.name}: uneven {term}: {arms}: {remedy}", "claims", place, "cells")


def _check_figures(cells: Mapping[str, CellOf]) -> None:
    """Raise `InvalidValue` for an unknown cost, a size that is none, and a score that is neither number nor name."""
    before: list[str] = []
    for name, cell in cells.items():
        if not name.isidentifier():
            raise InvalidValue(f"{name!r} is no name", name)
        if cell.cost and cell.cost not in COSTS:
            raise InvalidValue(f"{name}.cost: {cell.cost!r}: {nearest(cell.cost, COSTS)}", name, "cost")
        if cell.size:
            try:
                input_size(cell.size)
            except ValueError as error:
                raise InvalidValue(f"{name}.size: {error}", name, "size") from None
        reached = reached_of(cell.training)
        if reached is not None and reached[1] not in before and not _is_number(reached[1]):
            why = f"{name}.training: {reached[1]!r} is neither a number nor a cell above it"
            raise InvalidValue(why, name, "training")
        before.append(name)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def read_file(path: Path) -> list[Claim | Effect]:
    """The claims of one file, of whichever kind. Raises `UsageError` naming the file and the field.

    The field must be level in what a claim does not call uneven; of the claims of the package a test says so.
    """
    file = read_claim_file(path)
    if not is_of_effects(file):
        return [*claims_of(file)]
    effects = effects_of(file)
    for place, effect in enumerate(effects):
        if effect.kind == "effect":
            _refuse_uneven(file, place, effect)
    return [*effects]


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
