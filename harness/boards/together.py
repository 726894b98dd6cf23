"""Several boards of one track and protocol together: methods on the boards that they share, and who is left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..statistics.exact_scores import compared, means
from ..statistics.friedman import Friedman, friedman
from ..statistics.paired_tests import Floats, without_rounding
from .board import Board
from .rows import Column, Row
from .units import joined

MOST = 3
"""Comparisons of one group of boards at most."""
_MOST_SETS = 200

READING = (
    "Boards stand together where two methods or more share them; who is not on all of them is left out, by name, and "
    "whoever of these is ahead of the first on the boards that both are on is named again."
)

Places = Mapping[int, Row]
"""Number of a board → the row of one contender there."""


@dataclass(frozen=True)
class LeftOut:
    """A method that is not in a comparison, and the boards of it where it is not, with what came of it there.

    `better_than_first`: whether it is better than the first of the comparison, on the boards that both are on.
    """

    label: str
    missing: tuple[str, ...]
    better_than_first: bool


@dataclass(frozen=True)
class Overall:
    """Boards that share `labels`. A unit's score is its mean over those of the `boards` that show it.

    `exact` are the scores of an item on a board that are left out because one of these methods is exact there, `scores`
    how many there are of each method.
    `families` are the contenders of several variants, with these; `of` counts all boards of the group. `firsts` says on
    how many boards each is first or tied for it: `undecided` ones, which tell no two methods apart, are not counted.
    """

    title: str
    boards: tuple[str, ...]
    of: int
    metric: str
    unit: str
    labels: tuple[str, ...]
    means: tuple[float, ...]
    firsts: tuple[int, ...]
    undecided: tuple[str, ...]
    friedman: Friedman | None
    left_out: tuple[LeftOut, ...]
    families: tuple[tuple[str, tuple[str, ...]], ...]
    exact: int = 0
    scores: int = 0


def overall(boards: Sequence[Board]) -> list[Overall]:
    """For each track, protocol, set of seeds and metric with several boards: what their methods share."""
    alike: dict[tuple[Any, ...], list[Board]] = defaultdict(list)
    for board in boards:
        if board.rank_by is not None and board.ranked:
            alike[board.track, board.protocol, board.seeds, board.rank_by.label].append(board)
    return [one for _, group in sorted(alike.items()) if len(group) > 1 for one in _overall(group)]


def _overall(group: Sequence[Board]) -> list[Overall]:
    """The largest comparisons, each of which has a method that those before it lack; at most `MOST`."""
    column = group[0].rank_by
    assert column is not None
    entrants = contenders([board.ranked for board in group])
    candidates = []
    for places in shared_boards({label: frozenset(rows_of_entrant) for label, rows_of_entrant in entrants.items()}):
        members = [label for label, rows_of_entrant in entrants.items() if rows_of_entrant.keys() >= places]
        one = _joint_comparison(group, sorted(places), members, entrants, column)
        if one is not None:
            candidates.append((one, set(members)))
    # An order whose first place does not hold is for want of a better one.
    candidates.sort(key=lambda pair: any(absent.better_than_first for absent in pair[0].left_out))
    overall: list[Overall] = []
    seen: set[str] = set()
    for one, names in candidates:
        if len(overall) < MOST and names - seen:
            seen |= names
            overall.append(one)
    return overall


def contenders(boards: Sequence[Sequence[Row]]) -> dict[str, Places]:
    """Label → its rows, of all that are on some board, of which the rows that count are given.

    Methods of one declared family are one contender where no board has two of them. Another source is another one.
    """
    ranked = [(place, row) for place, rows in enumerate(boards) for row in rows]
    families = {row.family for _, row in ranked if row.family}
    times = Counter((place, row.family) for place, row in ranked)
    apart = {family for (_, family), count in times.items() if count > 1}
    grouped: dict[tuple[str, ...], dict[int, Row]] = defaultdict(dict)
    for place, row in ranked:
        whole = row.family in families - apart
        grouped[(row.family,) if whole else (row.label, row.spec, row.source_sha256)][place] = row
    for key, rows_of_entrant in list(grouped.items()):
        first = next(iter(rows_of_entrant.values()))
        # One method of a family that has a name of its own goes by that.
        if (
            key == (first.family,)
            and first.written
            and {row.label for row in rows_of_entrant.values()} == {first.label}
        ):
            grouped[first.label, first.spec, first.source_sha256] = grouped.pop(key)
    shown = Counter(key[0] for key in grouped)
    return {
        key[0] if shown[key[0]] == 1 else f"{key[0]} [{key[-1][:8]}]": rows_of_entrant
        for key, rows_of_entrant in grouped.items()
    }


def shared_boards(sets: Mapping[str, frozenset[int]]) -> list[frozenset[int]]:
    """Sets of two boards or more that two methods or more share; those with most methods × boards first."""
    closed: set[frozenset[int]] = set()
    for places_of in sorted(set(sets.values()), key=lambda s: (-len(s), sorted(s))):
        closed |= {places_of, *(places_of & other for other in closed)}
        if len(closed) > _MOST_SETS:
            break
    members = {places: sum(places_of >= places for places_of in sets.values()) for places in closed}
    usable = [places for places in closed if len(places) > 1 and members[places] > 1]
    return sorted(usable, key=lambda places: (-len(places) * members[places], -len(places), sorted(places)))


def _joint_comparison(
    group: Sequence[Board],
    places: Sequence[int],
    members: Sequence[str],
    entrants: Mapping[str, Places],
    column: Column,
) -> Overall | None:
    """The comparison of `members` on the boards at `places`; None where one has no score."""
    first, label, sign = group[0], column.label, 1.0 if column.higher else -1.0
    chosen = [group[place] for place in places]
    rows = {name: [entrants[name][place] for place in places] for name in members}
    by_item = np.stack(
        [np.concatenate([row.scores[label].by_item for row in rows_of_entrant]) for rows_of_entrant in rows.values()]
    )
    kept = compared(by_item, column.higher)
    scores = without_rounding(_averaged(chosen, by_item, kept))
    if not kept.any() or np.isnan(scores).any():
        return None
    averages = means(scores, column.higher)
    order = sorted(range(len(members)), key=lambda i: (-sign * averages[i], members[i]))
    best = entrants[members[order[0]]]
    left_out = tuple(
        LeftOut(name, _missing(name, rows_of_entrant, group, places), _lead(rows_of_entrant, best, label, sign) > 0)
        for name, rows_of_entrant in entrants.items()
        if name not in rows
    )
    return Overall(
        f"{_how_many(chosen, group)}, {first.protocol}, {first.seeds_text}",
        tuple(board.title for board in chosen),
        len(group),
        label,
        column.unit,
        tuple(members[i] for i in order),
        tuple(float(averages[i]) for i in order),
        tuple(sum(_is_first(row, board) for row, board in zip(rows[members[i]], chosen, strict=True)) for i in order),
        tuple(board.title for board in chosen if board.undecided),
        friedman(sign * scores[order]),
        left_out,
        tuple((name, tuple(sorted(used))) for name in members if (used := {r.label for r in rows[name]}) != {name}),
        int((~kept).sum()),
        len(kept),
    )


def _is_first(row: Row, board: Board) -> bool:
    return row.ranks is not None and row.ranks[0] == 1 and not board.undecided


def _how_many(chosen: Sequence[Board], group: Sequence[Board]) -> str:
    """`9 boards`, or `3 of 9 boards (set12)`."""
    if len(chosen) == len(group):
        return f"{len(group)} boards"
    return f"{len(chosen)} of {len(group)} boards ({', '.join(dict.fromkeys(board.chosen for board in chosen))})"


def _averaged(boards: Sequence[Board], scores: Floats, kept: npt.NDArray[np.bool_]) -> Floats:
    """(M, blocks) from scores (M, n) of the items of all boards, of those that are `kept` (n,).

    What is one unit on a board, or one item on two, is a block.
    """
    tokens = [
        {("item", board.dataset, item), ("given", sha), ("unit", number, unit)}
        for number, board in enumerate(boards)
        for item, sha, unit in zip(board.items, board.given, board.units.of, strict=True)
    ]
    block = np.array(joined(tokens), dtype=np.intp)
    total, count = np.zeros((len(scores), block.max(initial=-1) + 1)), np.zeros(block.max(initial=-1) + 1)
    start = 0
    for board in boards:
        positions = np.arange(start, start + len(board.items))
        start += len(board.items)
        positions = positions[kept[positions]]
        sums, times = np.zeros_like(total), np.bincount(block[positions], minlength=len(count))
        with np.errstate(invalid="ignore"):
            for method, line in enumerate(scores):
                np.add.at(sums[method], block[positions], line[positions])
            total += sums / np.maximum(times, 1)
        count += times > 0
    averages: Floats = total[:, count > 0] / count[count > 0]
    return averages


def _lead(one: Places, other: Places, label: str, sign: float) -> float:
    """By how much the mean of `one` is ahead of the other's, over the boards that both are on; NaN where on none.

    A board on which either is exact throughout is none of them, unless it is exact on all.
    """
    both = sorted(one.keys() & other.keys())
    sides = np.array(
        [[rows_of_entrant[place].scores[label].mean for place in both] for rows_of_entrant in (one, other)]
    )
    with np.errstate(invalid="ignore"):
        mine, theirs = means(sides, sign > 0)
        return float(sign * (mine - theirs))


def _missing(name: str, rows_of_entrant: Places, group: Sequence[Board], places: Sequence[int]) -> tuple[str, ...]:
    missing = []
    for place in places:
        if place not in rows_of_entrant:
            board = group[place]
            labels = {row.label for row in rows_of_entrant.values()} | {name}
            outcome = next((f.outcome for f in board.failures if f.label in labels), "")
            why = outcome or next(("not ranked" for row in board.rows if row.label in labels and row.unranked), "")
            missing.append(f"{board.title} ({why})" if why else board.title)
    return tuple(missing)
