"""How many units and seeds a board needs to tell a difference, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..boards.board import Board
from ..boards.detectable_difference import DetectableDifferences, amount, count_text
from ..statistics.paired_tests import MIN_ITEMS
from ..text.errors import one_line
from ..text.wording import counted

Labels = tuple[str, str]
"""The labels of two methods of a board."""


def plan_lines(
    board: Board, detectable: DetectableDifferences | None, pair: Labels | None, difference: float | None
) -> list[str]:
    """What a board cannot tell apart, and what would tell `difference`: a title and a line each.

    With a `pair` it is about these two alone, and without a `difference` about the one that they have there.
    """
    units = board.units.number(board.units.count, board.words)
    seeds = counted(len(board.seeds), "seed")
    if detectable is None:
        lines = [_why_none(board, units)]
    elif pair is not None:
        lines = [*_pair_lines(board, detectable, pair, difference, units)]
    else:
        lines = [*_lines(board, detectable, difference, units, seeds)]
    return [one_line(board.title), *(f"  {line}" for line in lines)]


def _lines(
    board: Board, detectable: DetectableDifferences, difference: float | None, units: str, seeds: str
) -> Iterator[str]:
    column, middle = detectable.column, detectable.typical
    smallest = [amount(float(value), column) for value in detectable.smallest]
    several = len(smallest) > 2
    of_pairs = f"; {smallest[0]} for {_pair(detectable, 0)}, {smallest[-1]} for {_pair(detectable, -1)}"
    yield (
        f"{units} and {seeds} find a difference in {column.label} of {smallest[middle]} or more in 80 of 100 repeats"
        f"{' (half of the pairs' + of_pairs + ')' if several else ''}"
    )
    if difference is None:
        return
    wanted = amount(difference, column)
    needed = [detectable.units_for(pair, difference) for pair in (0, middle, len(smallest) - 1)]
    counts = [count_text(one) for one in needed]
    of_counts = f" for half of the pairs ({counts[0]} to {counts[2]})" if several else ""
    if needed[1] <= detectable.units:
        least = f" for half of the pairs ({counts[0]} to {counts[2]} are needed)" if several else ""
        yield f"{wanted}: {units} are enough{least}"
        return
    yield f"{wanted}: about {counts[1]} {board.units.words(board.words)} would tell it{of_counts}, with {seeds}"
    if detectable.seed_variances is None:
        yield "what more seeds would tell is not known from one: run a second one, --seed 0 1"
        return
    more = detectable.seeds_for(middle, difference)
    yield (
        f"no number of seeds would tell it with {units}: they differ by more than the noise does"
        if more is None
        else f"or about {count_text(more)} seeds with {units}"
    )


def _pair_lines(
    board: Board, detectable: DetectableDifferences, pair: Labels, difference: float | None, units: str
) -> Iterator[str]:
    place, column = detectable.place_of(*pair), detectable.column
    if place is None:
        yield "nothing to plan: both must be ranked, neither a sanity row, exact, or trained anew for each seed"
        return
    seen = abs(float(detectable.differences[place]))
    yield (
        f"{_pair(detectable, place)} differ by {amount(seen, column)} in {column.label}; {units} find "
        f"{amount(float(detectable.smallest[place]), column)} or more in 80 of 100 repeats"
    )
    wanted = difference or seen
    if wanted:
        needed = count_text(detectable.units_for(place, wanted))
        yield f"{amount(wanted, column)}: about {needed} {board.units.words(board.words)} find it as often"


def _pair(detectable: DetectableDifferences, pair: int) -> str:
    first, second = detectable.places[pair]
    return f"{one_line(detectable.labels[first], 60)} and {one_line(detectable.labels[second], 60)}"


def _why_none(board: Board, units: str) -> str:
    """Why nothing can be planned from a board."""
    ranked = [row for row in board.ranked if board.rank_by is not None]
    if len(ranked) < 2:
        return "nothing to plan: fewer than two methods are ranked"
    if board.units.count < MIN_ITEMS:
        return f"{units}: the test needs {MIN_ITEMS} to tell anything apart, and a plan as many"
    if any(row.trained_anew for row in ranked):
        return "its networks were trained anew for each seed: more trainings tell most, five far more than three"
    return "nothing to plan: methods are exact on too many items"


def plan_values(
    board: Board, detectable: DetectableDifferences | None, pair: Labels | None, difference: float | None
) -> dict[str, Any]:
    """The same as values, with each pair, or with the one that is asked about."""
    head = {
        "board": board.title, "protocol": board.protocol, "units": board.units.count, "seeds": list(board.seeds),
        "power": 0.8, "difference": difference,
    }  # fmt: skip
    if detectable is None:
        return {**head, "why": _why_none(board, board.units.number(board.units.count, board.words)), "pairs": []}
    pairs = []
    places = range(len(detectable.smallest)) if pair is None else [detectable.place_of(*pair)]
    for place in places:
        if place is None:
            continue
        first, second = detectable.places[place]
        seen = float(detectable.differences[place])
        one: dict[str, Any] = {
            "methods": [detectable.labels[first], detectable.labels[second]],
            "difference": seen, "smallest": float(detectable.smallest[place]),
        }  # fmt: skip
        if wanted := difference or (abs(seen) if pair else None):
            one |= {
                "units_needed": detectable.units_for(place, wanted),
                "seeds_needed": detectable.seeds_for(place, wanted),
            }
        pairs.append(one)
    return {**head, "metric": detectable.column.label, "comparisons": detectable.comparisons, "pairs": pairs}
