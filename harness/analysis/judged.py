"""Claims judged on what stores and exports hold: nothing is run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .claims import Claim, verdict_row
from .effects import CellOf, Effect, effect_row

Held = dict[tuple[str | int, ...], tuple[dict[str, Any], dict[str, float]]]
"""Method, dataset, regime, protocol (canonical) and seed → the cell, and the mean of each metric."""

ABSENT = "not among these results"


def judged(claims: Sequence[Claim | Effect], results: Sequence[Path]) -> list[dict[str, Any]]:
    """A row for each claim, as `reproduce` gives it; what was not run is `not available`. Raises `UsageError`."""
    held = stored_means(results) if claims else {}
    return [_number(c, held) if isinstance(c, Claim) else _effect(c, held) for c in claims]


def stored_means(results: Sequence[Path]) -> Held:
    """Every scored cell of the results given, a later one instead of an earlier. Raises `UsageError`."""
    import numpy as np

    from ..store.cells import read_records

    held: Held = {}
    for path in results:
        for record in read_records(path):
            cell = record.cell
            if cell["kind"] == "score" and cell["outcome"] == "ok":
                parts = (cell["method"], cell["dataset"], cell["regime"], cell["protocol"])
                means = {metric: float(np.mean(values)) for metric, values in record.scores.items()}
                held[(*(str(part["spec"]) for part in parts), cell["seed"])] = (dict(cell), means)
    return held


def _number(claim: Claim, held: Held) -> dict[str, Any]:
    cell, means = _found(claim, 0, held)
    value = means.get(claim.metric)
    return verdict_row(claim, cell, value, ABSENT if value is None else "")


def _effect(effect: Effect, held: Held) -> dict[str, Any]:
    values, seconds = [], 0.0
    for seed in effect.seeds:
        found = {name: (cell, *_found(cell, seed, held)) for name, cell in effect.cells.items()}
        if any(of.metric not in means for of, _, means in found.values()):
            return effect_row(effect, [], None, ABSENT)
        values.append({name: means[of.metric] for name, (of, _, means) in found.items()})
        seconds += sum(float((cell or {}).get("seconds") or 0.0) for _, cell, _ in found.values())
    return effect_row(effect, values, seconds, "")


def _found(of: Claim | CellOf, seed: int, held: Held) -> tuple[dict[str, Any] | None, dict[str, float]]:
    """The cell and its means over all pictures of its dataset; None and nothing where it was not run."""
    from ..registry import DATASETS, METHODS, PROTOCOLS, REGIMES, bind
    from ..tracks.restore import open_dataset

    dataset = bind(of.dataset, DATASETS)
    others = (bind(of.regime, REGIMES), bind(of.protocol, PROTOCOLS))
    specs = (bind(of.method, METHODS).canonical, dataset.canonical, *(bound.canonical for bound in others))
    cell, means = held.get((*specs, seed), (None, {}))
    if cell is None or cell["dataset"]["pictures"] != len(open_dataset(dataset).ids):
        return None, {}
    return cell, means
