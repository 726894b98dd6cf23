"""What stands behind the order of a board: item-by-item wins, Friedman's test, and how stable the order is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from ..components.tracks import known_track
from ..statistics.exact_scores import means
from ..statistics.friedman import Friedman, friedman
from ..statistics.mcnemar import is_binary, mcnemar_of_all
from ..statistics.paired_tests import ALPHA, MIN_ITEMS, Floats, without_rounding, worst_tail
from ..statistics.ranking import Pairs
from ..text.wording import counted
from .board import Board
from .ordering import told_apart
from .rows import Row
from .units import Units

Counts = npt.NDArray[np.unsignedinteger[Any]]
"""Of the smallest type that holds them: a board of many methods has one for each pair."""

READING = (
    "Wins, ties and losses count items.",
    "The order and the rank ranges of a board rest on one test, the paired one of the mean. Friedman's test (corrected "
    "for ties; F: the form of Iman and Davenport) and Nemenyi's critical difference of mean ranks (5 %) ask another "
    "question, how often a method is ahead and not by how much, and decide nothing here; they are given from "
    f"{MIN_ITEMS} items on.",
    "Kendall's tau-b holds the order under another choice of metric, protocol or aggregation against the order of "
    "the board: 1 is the same order, −1 the reverse. Worst 5 %: the score that one item in twenty falls short of.",
)


@dataclass(frozen=True)
class Choice:
    """One way to put methods in order. `ranks` follow the methods of the board; `tau` is against the board."""

    metric: str
    protocol: str
    aggregation: str
    ranks: tuple[float, ...]
    tau: float

    @property
    def label(self) -> str:
        """The choice in words."""
        return f"{self.metric}, {self.aggregation}, {self.protocol}"


@dataclass(frozen=True)
class Evidence:
    """For the ranked methods of a board, in its order.

    `wins` (M, M): items on which the method of the row is better than that of the column. `apart`: which pairs the
    paired test of the mean of `metric` tells apart, as on the board. `choices[0]` is the board's own; the others need a
    value for each of these methods. `mcnemar` (M, M) is the p of McNemar's exact test of each pair, all at once, where
    every score is 0 or 1, else None; it decides nothing.
    """

    title: str
    metric: str
    labels: tuple[str, ...]
    wins: Counts
    apart: Pairs
    items: int
    friedman: Friedman | None
    choices: tuple[Choice, ...]
    mcnemar: Floats | None = None

    def disagreement(self) -> str:
        """Where Friedman's or Nemenyi's test contradicts the order of the board: what, and why; else nothing."""
        test = self.friedman
        if test is None:
            return ""
        pairs = np.triu_indices(len(self.labels), 1)
        mean, rank = int(self.apart[pairs].sum()), int(test.apart[pairs].sum())
        disagreements = []
        if (differs := int((self.apart != test.apart)[pairs].sum())) > 0:
            disagreements.append(
                f"Of {counted(len(pairs[0]), 'pair')} of methods the paired test of the mean tells {mean} apart and "
                f"Nemenyi's test of mean ranks {rank}; they disagree on {differs}"
            )
        if (test.p <= ALPHA) != bool(mean):
            disagreements.append(
                f"Friedman's test finds {'a' if test.p <= ALPHA else 'no'} difference among the methods, and the "
                f"paired test of the mean {'tells some' if mean else 'tells no two of them'} apart"
            )
        if not disagreements:
            return ""
        reading = "Ranks say how often a method is ahead, the mean by how much: the board goes by it."
        return f"{'. '.join(disagreements)}. {reading}"

    def counts(self, i: int, j: int) -> tuple[int, int, int]:
        """Items on which method `i` is better than, equal to, and worse than method `j`."""
        better, worse = int(self.wins[i, j]), int(self.wins[j, i])
        return better, self.items - better - worse, worse


def wins(scores: Floats) -> Counts:
    """(M, M) from paired `scores` (M, n), higher is better: how often the row beats the column."""
    n = scores.shape[1]
    result: Counts = np.empty((len(scores), len(scores)), np.min_scalar_type(n))
    if n < len(scores):
        result[:] = 0
        for of_item in scores.T:
            result += of_item[:, None] > of_item
        return result
    for of_row, line in zip(scores, result, strict=True):
        line[:] = np.count_nonzero(of_row > scores, axis=1)
    return result


def kendall(a: Floats, b: Floats) -> float:
    """Kendall's tau-b of two rankings (M,); NaN where one of them ties everything (Kendall 1945)."""
    one, other = (np.sign(ranks[:, None] - ranks).ravel() for ranks in (a, b))
    scale = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / scale if scale else float("nan")


AGGREGATIONS: dict[str, Callable[[Floats, bool], Floats]] = {
    "mean": means,
    "median": lambda values, higher: np.asarray(np.median(values, axis=1)),
    "worst 5 %": worst_tail,
}


@runtime_checkable
class PoolsItems(Protocol):
    """A track of which some metrics are also pooled over all items in a way of their own."""

    def aggregations(self) -> Mapping[str, tuple[str, Callable[[Floats], Floats]]]:
        """By name of a metric: what the way is called, and (M,) from scores (M, n), better in the same direction."""


def _own_aggregations(board: Board) -> Mapping[str, tuple[str, Callable[[Floats], Floats]]]:
    track = known_track(board.track)
    return track.aggregations() if isinstance(track, PoolsItems) else {}


def evidence_of(board: Board, others: Sequence[Board] = ()) -> Evidence | None:
    """What can be said of one board; `others` are the same items and regime under other protocols."""
    column, rows = board.rank_by, board.ranked
    if column is None or len(rows) < 2:
        return None
    sign = 1.0 if column.higher else -1.0
    if any(len(row.scores[column.label].values) != board.units.count for row in rows) or not board.items:
        return None
    scores = sign * _values(rows, column.label)
    choices: list[Choice] = []
    pooled = _own_aggregations(board)
    main_order = None
    for where in (board, *others):
        by_label = {(row.label, row.spec): row for row in where.rows}
        matching = [by_label.get((row.label, row.spec)) for row in rows]
        present = [row for row in matching if row is not None]
        if len(present) < len(rows):
            continue
        for metric in where.columns:
            if metric.label not in present[0].scores or (where is not board and metric.label != column.label):
                continue
            if any(len(row.scores[metric.label].values) != where.units.count for row in present):
                continue
            values = _values(present, metric.label)
            if not values.size or np.isnan(values).any():
                continue
            rules = {n: rule for n, rule in AGGREGATIONS.items() if rule is not worst_tail or not is_binary(values)}
            orders = {name: rule(values, metric.higher) for name, rule in rules.items()}
            if metric.name in pooled:
                name, pool = pooled[metric.name]
                orders[name] = _pooled(present, metric.label, pool, where.units)
            for name, total in orders.items():
                order = _ranks(total if metric.higher else -total)
                main_order = (
                    order if main_order is None and where is board and metric.label == column.label else main_order
                )
                choices.append(Choice(metric.label, where.protocol, name, tuple(order.tolist()), float("nan")))
    if main_order is None:
        return None
    won = wins(scores)
    judged = [_judged(choice, main_order) for choice in choices]
    judged.sort(key=lambda c: (c.protocol != board.protocol, c.metric != column.label))
    return Evidence(
        board.title,
        column.label,
        tuple(row.label for row in rows),
        won,
        told_apart(rows),
        scores.shape[1],
        friedman(scores),
        tuple(judged),
        mcnemar_of_all(won) if is_binary(sign * scores) else None,
    )


def _judged(choice: Choice, order: Floats) -> Choice:
    ranks = np.array(choice.ranks)
    return Choice(choice.metric, choice.protocol, choice.aggregation, choice.ranks, kendall(order, ranks))


def _values(rows: Sequence[Row], label: str) -> Floats:
    return without_rounding(np.stack([row.scores[label].values for row in rows]))


def _pooled(rows: Sequence[Row], label: str, pool: Callable[[Floats], Floats], units: Units) -> Floats:
    """(M,) of stored scores that are pooled over the seeds and items of each unit, and then over units."""
    of = np.array(units.of)
    pooled = []
    for row in rows:
        scores = row.scores[label].by_seed
        assert scores is not None
        items = scores[0] if len(scores) == 1 else pool(scores.T)
        pooled.append([pool(items[None, of == u])[0] for u in range(units.count)] if units.merged else items)
    return pool(np.array(pooled))


def _ranks(total: Floats) -> Floats:
    """Ranks of (M,), 1 the highest; equal values share their mean rank."""
    total = without_rounding(total[:, None])[:, 0]
    above = (total[None] > total[:, None]).sum(axis=1)
    same = (total[None] == total[:, None]).sum(axis=1)
    ranks: Floats = 1.0 + above + (same - 1) / 2.0
    return ranks


def evidence(boards: Sequence[Board]) -> list[Evidence | None]:
    """One for each board, in order; boards that differ in nothing but the protocol inform each other."""
    same: dict[Any, list[Board]] = defaultdict(list)
    for board in boards:
        same[_but_protocol(board)].append(board)
    return [
        evidence_of(board, [other for other in same[_but_protocol(board)] if other is not board]) for board in boards
    ]


def _but_protocol(board: Board) -> tuple[Any, ...]:
    return board.track, board.dataset, board.fingerprint, board.regime, board.regime_spec, board.seeds, board.inputs
