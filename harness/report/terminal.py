"""Boards as a terminal shows them: tables in its width, what must be known below them, no markup."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count

from msgspec import structs

from ..boards.board import Board
from ..boards.build import boards as boards_of
from ..boards.failures import Failure
from ..boards.set_metrics import BoardSets
from ..store.results import Results
from ..text.errors import one_line
from ..text.terminal import TextColumn, fitted, listed, wrapped
from ..text.wording import counted
from .cost_table import cost_table
from .data import ReportData
from .names import shown
from .set_metrics import explain_board_sets, set_table
from .short_names import short_names
from .tables import (
    TextTable,
    board_table,
    facts,
    latency_text,
    metric_title,
    rank_text,
    remarks,
    score_text,
)

_LINES = 60
"""As many lines of boards are shown, and one board at least."""
_ROWS = 40
_LETTERS = 400
"""Of a remark; `leaderboard.md` has the rest of it."""
_REASONS = 10
_RANKED = 10
_BOARDS = 12
_NAME = 24
"""To how many places a name may be cut."""
_READING = (
    "rank: 1 + methods significantly better to n − methods significantly worse; Δ: with its 95 % interval, which "
    "leaves 0 out where a method is told apart from the best"
)


def report_lines(data: ReportData, width: int, written: str) -> list[str]:
    """The boards of a report, then what failed; `written` says where all of it is."""
    lines: list[str] = []
    for place, (board, sets) in enumerate(zip(data.boards, data.sets, strict=True)):
        block = _board(board, sets, width)
        if lines and len(lines) + len(block) > _LINES:
            more = counted(len(data.boards) - place, "more board")
            lines += [*wrapped(f"… and {more}: {written} has all", width, "  "), ""]
            break
        lines += [*block, ""]
    lines += [*_failures(data.failures, width, written)]
    if not data.boards and len(data.costs):
        lines += ["cost", *_table(cost_table(data.costs), width), ""]
    if any(row.ranks for board in data.boards[:1] for row in board.rows):
        lines += wrapped(_READING, width, "  ")
    return lines


def _board(board: Board, sets: BoardSets | None, width: int) -> list[str]:
    lines = [*wrapped(board.title, width, "  "), *listed(facts(board).split(" · "), width)]
    lines += wrapped(board.undecided, width) if board.undecided else []
    short, shared = _with_short_names(board)
    lines += _table(board_table(short, _ROWS), width) if board.rows else ["no method has a result here"]
    if len(board.rows) > _ROWS:
        lines += [f"… and {counted(len(board.rows) - _ROWS, 'more row')}: leaderboard.csv has all"]
    lines += wrapped(shared, width, "  ", "- ") if shared else []
    for text in board.warnings:
        lines += wrapped(one_line(f"warning: {text}", _LETTERS), width, "  ")
    for text in remarks(board):
        lines += wrapped(one_line(text, _LETTERS), width, "  ", "- ")
    if sets is not None and board.columns:
        names = ", ".join(column.label for column in sets.columns)
        lines += wrapped(f"set metrics, in leaderboard.md: {names}", width, "  ", "- ")
    elif sets is not None:
        lines += _table(set_table(sets), width)
        lines += [line for text in explain_board_sets(board, sets) for line in wrapped(text, width, "  ", "- ")]
    return lines


def _with_short_names(board: Board) -> tuple[Board, str]:
    """The board without the arguments that long names have alike, and what these are; empty without any."""
    names, shared = short_names([row.label for row in board.rows])
    rows = tuple(structs.replace(row, label=names[row.label]) for row in board.rows)
    return replace(board, rows=rows), f"long names have in common: {shared}" if shared else ""


def _failures(failures: Sequence[Failure], width: int, written: str) -> list[str]:
    """A line for all cells of one outcome and reason."""
    alike: dict[tuple[str, str], list[Failure]] = defaultdict(list)
    for failure in failures:
        alike[failure.outcome, failure.reason or failure.last_line].append(failure)
    lines = ["failures and skips"] if failures else []
    for (outcome, reason), those in list(alike.items())[:_REASONS]:
        more = f" and {counted(len(those) - 1, 'more cell')}" if len(those) > 1 else ""
        text = ": ".join(filter(None, [f"{outcome} {those[0].label} · {those[0].where}{more}", reason]))
        lines += wrapped(text, width, "  ", "- ")
    if len(alike) > _REASONS:
        lines += [f"… and {counted(len(alike) - _REASONS, 'more reason')}: {written} has all"]
    return [*lines, ""] if lines else []


_STAYS = ("rank", "method", "set metric ↓", "value", "setting")
_FIRST = ("note", "worst 5 %", "peak MiB", "params", "×", "MACs", "weights", "J a call",
          "busy", "min ms", "p90 ms", "first ms", "setup s", "flags", "Δ", "below", "floor", "N", "seed",
          "p50 ms")  # fmt: skip
"""Columns that go where there is no room, in this order; then metrics but the first, the last of them first."""
_CUT = {"method": _NAME, "note": 16, "flags": 12}


def _table(table: TextTable, width: int) -> list[str]:
    """A table without the columns that there is no room for."""
    return fitted(list(_columns(table.header, table.numeric)), table.rows, width)


def _columns(header: Sequence[str], numeric: Sequence[bool]) -> Iterator[TextColumn]:
    metrics = count(0)
    for title, right in zip(header, numeric, strict=True):
        known = next((place for place, start in enumerate(_FIRST) if f"{title} ".startswith(f"{start} ")), None)
        if title in _STAYS:
            drop = 0
        elif known is not None:
            drop = 1_000 - known
        else:
            drop = next(metrics)
        yield TextColumn(title, right, drop, _CUT.get(title, 0), title == "method")


def ranking_lines(results: Results, width: int) -> list[str]:
    """The ranking of each board in a few lines: method, score, rank, and ms where a cost was measured.

    Raises `UsageError` where two methods or datasets have one name.
    """
    ranked = [board for board in boards_of(shown(results)) if board.rows]
    lines: list[str] = []
    for board in ranked[:_BOARDS]:
        column = board.rank_by or next(iter(board.columns), None)
        short, shared = _with_short_names(board)
        rows = [
            [
                rank_text(row.ranks),
                row.label,
                "" if column is None else score_text(row.scores[column.label], column.notation),
                latency_text(row.cost) if board.cost_setting else "",
            ]
            for row in short.rows[:_RANKED]
        ]
        columns = [
            TextColumn("rank", right=True),
            TextColumn("method", least=_NAME, middle=True),
            TextColumn("" if column is None else metric_title(column), right=True),
            TextColumn("p50 ms", right=True, drop=1),
        ]
        lines += ["", *wrapped(board.title, width, "  "), *fitted(columns, rows, width)]
        if len(board.rows) > _RANKED:
            lines += [f"… and {counted(len(board.rows) - _RANKED, 'more method')}"]
        lines += wrapped(shared, width, "  ") if shared else []
    if len(ranked) > _BOARDS:
        lines += ["", f"… and {counted(len(ranked) - _BOARDS, 'more board')}"]
    return [*lines, ""] if lines else []
