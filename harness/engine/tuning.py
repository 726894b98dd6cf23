"""What became of the grid of a tuned method: the outcome and the validation score of each variant, and the best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..planning.tuning_grid import at_edge, best
from ..store.cells import genuine_cell
from ..store.record import Tuning, Variant


def decided(tunings: Sequence[Tuning], store: Path) -> list[Tuning]:
    """The same grids with what a store has of their variants, and the place of the best of each."""
    return [_decided(tuning, store) for tuning in tunings]


def _decided(tuning: Tuning, store: Path) -> Tuning:
    variants: list[Variant] = []
    higher = False
    for one in tuning["variants"]:
        cell = genuine_cell(store, one["key"])
        training = None if cell is None else cell.get("training")
        if cell is None:
            variants.append(one)
            continue
        higher |= training is not None and training["higher"]
        variants.append({**one, "outcome": cell["outcome"], "score": None if training is None else training["score"]})
    made: Tuning = {**tuning, "variants": variants}
    place = best([one.get("score") for one in variants], higher)
    if place is None:
        return made
    return {**made, "chosen": place, "edge": at_edge(tuning["vary"], [one["values"] for one in variants], place)}


def told_of(tuning: Tuning) -> list[str]:
    """What is noted of a grid: which variant is used, of what, and whether it lies at an edge; nothing without one."""
    if "chosen" not in tuning:
        return []
    values = [one["values"] for one in tuning["variants"]]
    chosen = " and ".join(map(_named, tuning["vary"], values[tuning["chosen"]]))
    tried = " and ".join(
        _named(name, ", ".join(dict.fromkeys(column)))
        for name, column in zip(tuning["vary"], zip(*values, strict=True), strict=True)
    )
    edge = f"; the best {' and '.join(tuning['edge'])} is at an edge, so try further values" if tuning["edge"] else ""
    return [f"tuned by validation to {chosen}, of {tried}{edge}"]


def _named(name: str, value: str) -> str:
    return f"{name}={value}"
