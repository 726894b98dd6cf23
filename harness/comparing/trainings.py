"""Rows of several trainings: what two sides score with each seed, and the test of that, which is the one of boards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ..statistics.crossed_ranking import TrainingScores, with_trainings
from ..statistics.paired_tests import Floats, MeanDifferences
from ..store.record import Record, used_trainings
from .pairing import protocol_text

Used = tuple[str, ...]


class Matched(NamedTuple):
    """What a difference is made of, before any number: a metric of a pair of cells, and its scores on either side.

    Where networks were trained for each of several `seeds`, `by_seed` has the scores (seeds, n) and `scores` are their
    means; `a` and `b` are the cells of the first seed. `used` are the keys of the trainings of either side, by seed.
    """

    a: Record
    b: Record
    labels: tuple[str, str]
    metric: str
    items: tuple[str, ...]
    scores: tuple[Floats, Floats]
    note: str
    seeds: tuple[int, ...]
    used: tuple[tuple[Used, ...], tuple[Used, ...]]
    by_seed: tuple[Floats, Floats] | None = None

    @property
    def trained(self) -> bool:
        """Whether either side uses a trained network."""
        return any(keys for side in self.used for keys in side)


def used_by(a: Record, b: Record) -> tuple[tuple[Used, ...], tuple[Used, ...]]:
    """The keys of the trainings of two cells."""
    return (tuple(used_trainings(a.cell)),), (tuple(used_trainings(b.cell)),)


def merge_trainings(matched: Iterable[tuple[int, Matched]]) -> list[tuple[int, Matched]]:
    """The same, where rows that differ in their seed alone are one if their networks were trained for each seed; each
    with its place, which is that of the first."""
    rows: dict[object, list[Matched]] = defaultdict(list)
    places: dict[object, int] = {}
    for place, one in matched:
        key = _place(one) if one.trained else place
        rows[key].append(one)
        places.setdefault(key, place)
    return [
        (places[key], merged)
        for key, of_row in rows.items()
        for merged in (_merged(of_row) if len(of_row) > 1 else of_row)
    ]


def _place(one: Matched) -> object:
    cell = one.a.cell
    data = cell.dataset.display, cell.dataset.fingerprint
    return one.labels, cell.track, data, cell.regime.spec, protocol_text(cell), one.metric, one.items


def _merged(rows: Sequence[Matched]) -> Sequence[Matched]:
    ordered = sorted(rows, key=lambda one: one.seeds)
    seeds = tuple(seed for one in ordered for seed in one.seeds)
    used_a, used_b = (tuple(keys for one in ordered for keys in one.used[side]) for side in (0, 1))
    if len(set(seeds)) < len(seeds) or len(set(used_a)) == len(set(used_b)) == 1:
        return rows
    a, b = (np.stack([one.scores[side] for one in ordered]) for side in (0, 1))
    note = "; ".join(dict.fromkeys(one.note for one in ordered if one.note))
    first = ordered[0]
    return [
        first._replace(
            scores=(a.mean(axis=0), b.mean(axis=0)), note=note, seeds=seeds, used=(used_a, used_b), by_seed=(a, b)
        )
    ]


def over_trainings(by_items: MeanDifferences, row: Matched, rows: int) -> MeanDifferences:
    """The difference of a row over items, over items and trainings; it is one of so many `rows` of trainings."""
    assert row.by_seed is not None
    scores = np.stack(row.by_seed)
    finite = np.isfinite(scores).all(axis=(0, 1))
    scores = scores[:, :, finite] if finite.any() else np.full_like(scores, np.nan)
    anew = np.array([len(set(side)) > 1 for side in row.used])
    keys = [{key for used in side for key in used} for side in row.used]
    shared = np.full((2, 2), not keys[0].isdisjoint(keys[1]))
    return with_trainings(by_items, np.array([0]), np.array([1]), TrainingScores(scores, anew, shared), rows - 1)
