"""Claims judged on what stores and exports hold: nothing is run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..store.record import Cell, item_count
from .effects import CellOf, Effect, effect_row
from .numbers import Claim, ClaimRow, verdict_row

Held = dict[tuple[str | int, ...], tuple[Cell, dict[str, float]]]
"""Track, method, dataset, regime, protocol (canonical) and seed → the cell, and the mean of each metric."""

ABSENT = "not among these results"


def judged(claims: Sequence[Claim | Effect], results: Sequence[Path]) -> list[ClaimRow]:
    """A row for each claim, as `reproduce` gives it; what was not run is `not available`. Raises `UsageError`."""
    held = stored_means(results) if claims else {}
    return [_number(c, held) if isinstance(c, Claim) else _effect(c, held) for c in claims]


def stored_means(results: Sequence[Path]) -> Held:
    """Every scored cell of the results given, a later one instead of an earlier. Raises `UsageError`."""
    import numpy as np

    from ..store.cells import read_records
    from ..store.versions import newest

    held: Held = {}
    for path in results:
        for record in newest(read_records(path)):
            cell = record.cell
            if cell["kind"] == "score" and cell["outcome"] == "ok":
                parts = (cell["method"], cell["dataset"], cell["regime"], cell["protocol"])
                means = {metric: float(np.mean(values)) for metric, values in record.scores.items()}
                held[(cell["track"], *(str(part["spec"]) for part in parts), cell["seed"])] = (cell, means)
    return held


def _number(claim: Claim, held: Held) -> ClaimRow:
    cell, means = _found(claim, 0, held)
    value = means.get(claim.metric)
    return verdict_row(claim, cell, value, ABSENT if value is None else "")


def _effect(effect: Effect, held: Held) -> ClaimRow:
    values, seconds = [], 0.0
    for seed in effect.seeds:
        found = {name: (cell, *_found(cell, seed, held)) for name, cell in effect.cells.items()}
        if any(of.metric not in means for of, _, means in found.values()):
            return effect_row(effect, [], None, ABSENT)
        values.append({name: means[of.metric] for name, (of, _, means) in found.items()})
        seconds += sum(float((cell["seconds"] if cell else None) or 0.0) for _, cell, _ in found.values())
    return effect_row(effect, values, seconds, "")


def _found(of: Claim | CellOf, seed: int, held: Held) -> tuple[Cell | None, dict[str, float]]:
    """The cell and its means over all items of its dataset; None and nothing where it was not run."""
    from ..components import open_dataset
    from ..registry import bind
    from ..track import get_track

    usual = get_track(of.track).defaults.protocol
    dataset = bind(of.dataset, "dataset", of.track)
    others = (bind(of.regime, "regime", of.track), bind(of.protocol or usual, "protocol", of.track))
    specs = [bound.canonical for bound in (bind(of.method, "method", of.track), dataset, *others)]
    cell, means = held.get((of.track, *specs, seed), (None, {}))
    if cell is None or item_count(cell) != len(open_dataset(dataset).ids):
        return None, {}
    return cell, means
