"""Which items of a board to show first: those that tell its methods apart, and the worst cases of the best ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...boards.board import Board
from ...statistics.paired_tests import Floats

BEST = 3
"""Of so many methods the worst cases are shown before other items."""


@dataclass(frozen=True)
class Worth:
    """How far apart methods are on an item, over how far they usually are; the rows whose worst case it is."""

    item: str
    tells: float = 1.0
    worst_of: tuple[int, ...] = ()


def order_items(board: Board, items: Sequence[str]) -> list[Worth]:
    """Some `items` of a board: the most telling one, the worst cases of the `BEST` methods, the others as they tell.

    Contenders are judged, by the metric of the ranking; all ranked rows where there is one contender at most. A board
    without a ranking leaves the items in their order.
    """
    column = board.rank_by
    ranked = [i for i, row in enumerate(board.rows) if not row.unranked]
    contenders = [i for i in ranked if not board.rows[i].role]
    judged = contenders if len(contenders) > 1 else ranked
    places = {item: place for place, item in enumerate(board.items)}
    on_board = [item for item in items if item in places]
    if column is None or not judged or not on_board:
        return [Worth(item) for item in items]
    values = np.stack([board.rows[i].scores[column.label].by_item for i in judged])
    tells = relative_spread(values)
    worst: dict[str, list[int]] = defaultdict(list)
    kept = [places[item] for item in on_board]
    for row, worst_places in zip(judged, worst_cases(values, column.higher, kept, BEST), strict=False):
        for place in worst_places:
            worst[board.items[place]].append(row)
    known = [
        Worth(item, float(f"{tells[places[item]]:.3g}") if item in places else 0.0, tuple(worst.get(item, ())))
        for item in items
    ]
    most, *others = sorted(known, key=lambda one: -one.tells)
    return [most, *sorted(others, key=lambda one: (min(one.worst_of, default=len(board.rows)), -one.tells))]


def relative_spread(values: Floats) -> Floats:
    """The spread of scores (M, n) between methods on each item, (n,), over the median spread; infinite ones apart."""
    finite = np.isfinite(values)
    count = np.maximum(finite.sum(axis=0), 1)
    mean = np.where(finite, values, 0.0).sum(axis=0) / count
    rest = np.where(finite, values - mean, 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        spread = np.nan_to_num(np.sqrt((rest**2).sum(axis=0) / count), posinf=0.0)
        typical = float(np.median(spread)) or float(spread.mean())
        return np.nan_to_num(spread / typical, posinf=0.0) if typical else np.ones(values.shape[1])


def worst_cases(values: Floats, higher: bool, items: Sequence[int], methods: int) -> list[tuple[int, int]]:
    """Of the first `methods` of scores (M, n): the item of the worst score, that of the largest gap to the best."""
    good = np.where(np.isnan(values), -np.inf, values if higher else -values)[:, list(items)]
    with np.errstate(invalid="ignore"):
        gaps = np.where(good == good.max(axis=0), 0.0, good.max(axis=0) - good)
    return [
        (items[int(scores.argmin())], items[int(gap.argmax())])
        for scores, gap in zip(good[:methods], gaps[:methods], strict=True)
    ]
