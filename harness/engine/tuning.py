"""What became of the grid of a tuned method: the outcome and the validation score of each variant, and the best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import UNSET, structs

from ..planning.tuning_grid import at_edge, best
from ..store.cell import TunedVariant, Tuning
from ..store.cells import genuine_cell


def decided(tunings: Sequence[Tuning], store: Path) -> list[Tuning]:
    """The same grids with what a store has of their variants, and the place of the best of each."""
    return [_decided(tuning, store) for tuning in tunings]


def _decided(tuning: Tuning, store: Path) -> Tuning:
    variants: list[TunedVariant] = []
    higher = False
    for one in tuning.variants:
        cell = genuine_cell(store, one.key)
        training = None if cell is None else cell.training
        if cell is None:
            variants.append(one)
            continue
        higher |= training is not None and training.higher
        score = None if training is None else training.score
        variants.append(structs.replace(one, outcome=cell.outcome, score=score))
    place = best([None if one.score is UNSET else one.score for one in variants], higher)
    if place is None:
        return structs.replace(tuning, variants=variants)
    edge = at_edge(tuning.vary, [one.values for one in variants], place)
    return structs.replace(tuning, variants=variants, chosen=place, edge=edge)


def tuning_notes(tuning: Tuning) -> list[str]:
    """What is noted of a grid: which variant is used, of what, and whether it lies at an edge; nothing without one."""
    if tuning.chosen is None:
        return []
    values = [one.values for one in tuning.variants]
    chosen = " and ".join(map(_named, tuning.vary, values[tuning.chosen]))
    tried = " and ".join(
        _named(name, ", ".join(dict.fromkeys(column)))
        for name, column in zip(tuning.vary, zip(*values, strict=True), strict=True)
    )
    edge = f"; the best {' and '.join(tuning.edge)} is at an edge, so try further values" if tuning.edge else ""
    return [f"tuned by validation to {chosen}, of {tried}{edge}"]


def _named(name: str, value: str) -> str:
    return f"{name}={value}"
