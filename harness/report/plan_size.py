"""How many units and seeds a board needs to tell a difference, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..boards.board import Board
from ..boards.resolution import Resolution, amount, count_text
from ..statistics.paired_tests import MIN_ITEMS
from ..text.errors import one_line
from ..text.wording import counted


def plan_lines(board: Board, resolution: Resolution | None, difference: float | None) -> list[str]:
    """What a board cannot tell apart, and what would tell `difference`: a title and a line each."""
    units = board.units.number(board.units.count, board.words)
    seeds = counted(len(board.seeds), "seed")
    return [one_line(board.title), *(f"  {line}" for line in _lines(board, resolution, difference, units, seeds))]


def _lines(
    board: Board, resolution: Resolution | None, difference: float | None, units: str, seeds: str
) -> Iterator[str]:
    if resolution is None:
        yield _why_none(board, units)
        return
    column, middle = resolution.column, resolution.typical
    smallest = [amount(float(value), column) for value in resolution.smallest]
    several = len(smallest) > 2
    of_pairs = f"; {smallest[0]} for {_pair(resolution, 0)}, {smallest[-1]} for {_pair(resolution, -1)}"
    yield (
        f"{units} and {seeds} cannot tell methods apart whose {column.label} differs by less than {smallest[middle]}"
        f"{' (half of the pairs' + of_pairs + ')' if several else ''}"
    )
    if difference is None:
        return
    wanted = amount(difference, column)
    needed = [resolution.units_for(pair, difference) for pair in (0, middle, len(smallest) - 1)]
    counts = [count_text(one) for one in needed]
    of_counts = f" for half of the pairs ({counts[0]} to {counts[2]})" if several else ""
    if needed[1] <= resolution.units:
        least = f" for half of the pairs ({counts[0]} to {counts[2]} are needed)" if several else ""
        yield f"{wanted}: {units} are enough{least}"
        return
    yield f"{wanted}: about {counts[1]} {board.units.words(board.words)} would tell it{of_counts}, with {seeds}"
    if resolution.seed_variances is None:
        yield "what more seeds would tell is not known from one: run a second one, --seed 0 1"
        return
    more = resolution.seeds_for(middle, difference)
    yield (
        f"no number of seeds would tell it with {units}: they differ by more than the noise does"
        if more is None
        else f"or about {count_text(more)} seeds with {units}"
    )


def _pair(resolution: Resolution, pair: int) -> str:
    first, second = resolution.places[pair]
    return f"{one_line(resolution.labels[first], 60)} and {one_line(resolution.labels[second], 60)}"


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


def plan_values(board: Board, resolution: Resolution | None, difference: float | None) -> dict[str, Any]:
    """The same as values, with each pair."""
    head = {
        "board": board.title, "protocol": board.protocol, "units": board.units.count, "seeds": list(board.seeds),
        "power": 0.8, "difference": difference,
    }  # fmt: skip
    if resolution is None:
        return {**head, "why": _why_none(board, board.units.number(board.units.count, board.words)), "pairs": []}
    pairs = []
    for pair, smallest in enumerate(resolution.smallest):
        first, second = resolution.places[pair]
        one: dict[str, Any] = {
            "methods": [resolution.labels[first], resolution.labels[second]],
            "difference": float(resolution.differences[pair]), "smallest": float(smallest),
        }  # fmt: skip
        if difference is not None:
            one |= {
                "units_needed": resolution.units_for(pair, difference),
                "seeds_needed": resolution.seeds_for(pair, difference),
            }
        pairs.append(one)
    return {**head, "metric": resolution.column.label, "comparisons": resolution.comparisons, "pairs": pairs}
