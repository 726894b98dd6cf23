"""Families of boards that differ in one number of the regime: what a plot of quality against level shows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..spec.parsing import Spec
from ..spec.paths import readable_spec, without
from ..suite.study import Axis
from .board import Board
from .chart import Chart
from .curves import level_chart


@dataclass(frozen=True)
class Family:
    """Boards by the level of `parameter`, the one number in which their regimes differ; `regime` is without it."""

    parameter: str
    regime: str
    boards: tuple[tuple[float, Board], ...]


def level_families(boards: Sequence[Board]) -> list[Family]:
    """Families with at least two levels of one parameter, those with most methods first."""
    by_family: dict[tuple[Any, ...], dict[float, Board]] = defaultdict(dict)
    for board in boards:
        spec = readable_spec(board.regime_spec)
        if spec is None or board.rank_by is None or not board.ranked:
            continue
        for parameter, value in _levels(spec).items():
            key = (
                board.track, board.dataset, board.fingerprint, board.protocol, board.seeds, board.rank_by.label,
                str(without(spec, parameter)), parameter, str(without(_shown(board), parameter)),
            )  # fmt: skip
            by_family[key][value] = board
    families = [
        Family(key[-2], key[-1], tuple(sorted(levels.items(), key=lambda item: item[0])))
        for key, levels in sorted(by_family.items(), key=lambda item: repr(item[0]))
        if len(levels) >= 2
    ]
    return sorted(families, key=lambda f: -max(len(board.rows) for _, board in f.boards))


def family_chart(family: Family) -> Chart:
    """The mean of the metric of the ranking at each level, a line a method."""
    column = family.boards[0][1].rank_by
    assert column is not None
    return level_chart(family.boards, Axis(family.parameter), column)


def _levels(spec: Spec) -> dict[str, float]:
    """Every number of the spec by `name.parameter`; one that stands twice is no single level."""
    numbers = list(_numbers(spec))
    times = Counter(name for name, _ in numbers)
    return {name: value for name, value in numbers if times[name] == 1}


def _numbers(spec: Spec) -> Iterator[tuple[str, float]]:
    for part in (spec, *spec.then):
        for key, value in part.args:
            if isinstance(value, Spec):
                yield from _numbers(value)
            elif isinstance(value, int | float) and not isinstance(value, bool):
                yield f"{part.name}.{key}", float(value)


def _shown(board: Board) -> Spec:
    return readable_spec(board.regime) or Spec("regime", ())
