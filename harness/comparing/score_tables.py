"""Scores of many pairs of cells as tables, so that what is computed of each is computed of all at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from ..statistics.paired_tests import Floats

_SCORES_AT_ONCE = 1 << 18
"""Scores of a side in one table: more of them take memory, and are no faster."""


def score_tables(
    kinds: Mapping[int, tuple[int, bool]], sides: Callable[[int], tuple[Floats, Floats]]
) -> Iterator[tuple[Sequence[int], Floats, Floats, bool]]:
    """Some pairs at a time that have equally many scores and one direction: their places, both sides (P, n), whether
    more is better.

    `kinds` has the number of scores of a pair and that direction by its place, `sides` gives its scores, (n,) each.
    """
    alike: dict[tuple[int, bool], list[int]] = defaultdict(list)
    for place, kind in kinds.items():
        alike[kind].append(place)
    for (items, higher), places in alike.items():
        rows = max(1, _SCORES_AT_ONCE // max(1, items))
        for start in range(0, len(places), rows):
            chunk = places[start : start + rows]
            a, b = (np.stack(side) for side in zip(*map(sides, chunk), strict=True))
            yield chunk, a, b, higher
