"""Claims at several budgets: cells whose trainings are so many times as long."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ..components.longer_trainings import longer
from ..spec.figures import reached_of
from ..spec.parsing import parse, show
from ..suite.reading import InvalidValue
from ..text.errors import UsageError
from .figures import SEED, CellOf

T = TypeVar("T")

_SEED_WORD = "__the_seed__"


@dataclass(frozen=True)
class AtBudget:
    """The effect at a budget, and its 95 % interval."""

    budget: int
    effect: float
    low: float
    high: float


def cells_at(cells: Mapping[str, CellOf], budgets: Sequence[int]) -> tuple[dict[str, CellOf], dict[str, CellOf]]:
    """The cells at the largest budget by their names, and those that train at the smaller ones, as `name@budget`.

    Every training that a method names has `steps` times the budget, and so a whole schedule of its own. Raises
    `InvalidValue` where a training does not write its steps, or a spec cannot be read.
    """
    trained = {name for name, cell in cells.items() if _longer(name, cell, 1)[1]}
    smaller = {}
    for budget in budgets[:-1]:
        for name in (name for name in cells if name in trained):
            cell = _longer(name, cells[name], budget)[0]
            reached = reached_of(cell.training)
            if reached is not None and reached[1] in trained:
                cell = replace(cell, training=cell.training.replace(f"({reached[1]})", f"({reached[1]}@{budget})"))
            smaller[f"{name}@{budget}"] = cell
    return {name: _longer(name, cell, budgets[-1])[0] for name, cell in cells.items()}, smaller


def at_budget(of: Mapping[str, T], budget: int, smaller: Collection[str]) -> dict[str, T]:
    """What names stand for at a budget; `smaller` are those that have a cell of their own below the largest."""
    keys = {name: f"{name}@{budget}" for name in of if "@" not in name}
    at = {name: key if key in smaller else name for name, key in keys.items()}
    return {name: of[key] for name, key in at.items() if key in of}


def _longer(name: str, cell: CellOf, budget: int) -> tuple[CellOf, bool]:
    """The cell with trainings that are as many times as long, and whether it has any."""
    try:
        spec = parse(cell.method.replace(f"${SEED}", _SEED_WORD))
        scaled, trains = longer(spec, cell.track, budget)
    except UsageError as error:
        raise InvalidValue(str(error), name, "method") from None
    return (replace(cell, method=show(scaled).replace(_SEED_WORD, f"${SEED}")) if trains else cell), trains
