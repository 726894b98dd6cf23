"""Boards as tables: what each column shows, and a table as Markdown, CSV or LaTeX."""

from __future__ import annotations

import csv
import io
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..boards.board import Board
from ..boards.failures import Failure
from ..boards.rows import Column, Row, Score
from ..store.cell import Cost
from ..text.errors import one_line
from ..text.notation import Notation
from ..text.wording import counted
from .escape import markdown
from .latex_table import USUAL, LatexCell, Tabular, Width, fit, key_lines, no_option


@dataclass(frozen=True)
class TextTable:
    """A table of plain text: `numeric` marks right-aligned columns, `strong` rows that may be best.

    `labels` has the method of each row, where the table is of methods under other names; `methods` those of the last
    columns, where their heads are places.
    """

    header: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: tuple[bool, ...] = ()
    labels: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()


def rank_text(ranks: tuple[int, int] | None) -> str:
    """The rank range, `2` where it is one rank, `–` where there is none."""
    if ranks is None:
        return "–"
    low, high = ranks
    return str(low) if low == high else f"{low}–{high}"


def metric_title(column: Column) -> str:
    """Name, unit, and a sign for what is best."""
    return f"{column.label}{unit_text(column)} {column.arrow}".rstrip()


def unit_text(column: Column) -> str:
    """The unit in brackets after a space, nothing where there is none."""
    return f" ({column.unit})" if column.unit else ""


def difference_text(
    difference: float | None, interval: tuple[float, float] | None, notation: Notation, best: str = "best"
) -> str:
    """A difference to the best with its interval; of the `best` itself what it is called."""
    if difference is None:
        return "–"
    if interval is None:
        return best if difference == 0 else notation.text(difference)
    low, high = ends_text(interval, notation)
    return f"{notation.text(difference)} [{low}, {high}]"


def ends_text(interval: tuple[float, float], notation: Notation, more: int = 0) -> tuple[str, ...]:
    """Both ends of an interval with `more` decimals; one that leaves 0 out has the digit that shows it."""
    places = notation.decimals + more
    nearest = min(map(abs, interval))
    hidden = math.prod(interval) > 0 and nearest <= 0.5 * 10**-places and not notation.scientific
    return tuple(
        notation.text_of_digits(v, 1) if hidden and abs(v) == nearest else notation.text(v, more) for v in interval
    )


def optimum_title(column: Column) -> str:
    """What `below_optimum` is called, with the unit of the column that it is given in."""
    return f"below the optimum{unit_text(column)}"


def memory_text(cost: Cost | None) -> str:
    """Peak memory in MiB."""
    peak = cost.peak_memory_bytes if cost else None
    if peak is None:
        return "–"
    return "<0.1" if 0 < peak < 2**20 / 20 else f"{peak / 2**20:.1f}"


def count_text(value: int | None) -> str:
    """A count with its usual suffix: 1.2 k, 3.4 M, 5.6 G."""
    if value is None:
        return "–"
    for size, suffix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.2f}{suffix}"
    return str(value)


def latency_text(cost: Cost | None, key: str = "p50") -> str:
    """A latency quantile in ms, 3 digits."""
    return digits_text((cost.latency_ms or {}).get(key) if cost else None)


def relative_text(cost: Cost | None) -> str:
    """Latency relative to the reference operation."""
    value = cost.latency_rel if cost else None
    return "–" if value is None else f"{value:.3g}"


def board_table(board: Board, most: int | None = None) -> TextTable:
    """The main table of a board, or its first `most` rows; columns that would be empty are left out."""
    rows = board.rows[:most]
    columns: list[tuple[str, bool, Callable[[Row], str]]] = [
        ("rank", True, lambda row: rank_text(row.ranks)),
        ("method", False, lambda row: row.label),
    ]
    for column in board.shown_columns:
        columns.append((metric_title(column), True, _metric(column)))
    if (ranking := board.rank_by) is not None:
        notation = ranking.notation
        best = "first" if board.undecided else "best"
        if any(row.difference is not None for row in rows):
            title = f"Δ {ranking.label} to {best} [95 %]"
            columns.append((title, True, lambda row: difference_text(row.difference, row.interval, notation, best)))
        if any(row.tail is not None for row in rows):
            columns.append((f"worst 5 % {ranking.label}", True, lambda row: notation.text(row.tail)))
    if (optimum := board.optimum_column) is not None:
        columns.append((optimum_title(optimum), True, lambda row: optimum.notation.text(row.below_optimum)))
    if board.cost_setting:
        columns += [
            ("p50 ms", True, lambda row: latency_text(row.cost)),
            ("× ref", True, lambda row: relative_text(row.cost)),
            ("peak MiB", True, lambda row: memory_text(row.cost)),
            ("params", True, lambda row: count_text(row.cost.params if row.cost else None)),
        ]
    if any(flags_text(row) for row in rows):
        columns.append(("flags", False, flags_text))
    # A row with a wide range below one that is worse than the best does not lead.
    beaten = next((place for place, row in enumerate(board.rows) if row.ranks is not None and row.ranks[0] > 1), 0)
    return TextTable(
        tuple(title for title, _, _ in columns),
        tuple(numeric for _, numeric, _ in columns),
        tuple(tuple(show(row) for _, _, show in columns) for row in rows),
        tuple(row.ranks is not None and place < beaten for place, row in enumerate(rows)),
    )


def more_rows(board: Board, most: int | None) -> list[str]:
    """That a board has more rows than its first `most`, and where they are."""
    more = 0 if most is None else len(board.rows) - most
    return [f"… and {counted(more, 'more row')}: leaderboard.csv has all"] if more > 0 else []


def _metric(column: Column) -> Callable[[Row], str]:
    return lambda row: score_text(row.scores[column.label], column.notation)


def score_text(score: Score, notation: Notation) -> str:
    """The mean, and beside it how many items it leaves out because the method is exact on them."""
    count = f" ({score.identical} identical)" if score.identical and math.isfinite(score.mean) else ""
    return notation.text(score.mean) + count


def flags_text(row: Row) -> str:
    """The flags of a row, `sanity` among them for whatever is no contender."""
    return ", ".join((*row.flags, *(("sanity",) if row.role else ())))


def failure_table(failures: Sequence[Failure], items: str) -> TextTable:
    """Cells that have no place on a board; `items` is what their items are called."""
    return TextTable(
        ("method", "where", "seed", "outcome", items, "reason", "last line of the traceback"),
        (False, False, True, False, True, False, False),
        tuple(
            (f.label, f.where, "" if f.seed is None else str(f.seed), f.outcome, f.items, f.reason, f.last_line)
            for f in failures
        ),
    )


def digits_text(value: float | None) -> str:
    """A duration as tables print it: three digits, none after the point from 1,000 on."""
    return "–" if value is None else f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def facts(board: Board) -> str:
    """One line under the heading of a board."""
    parts = [f"protocol {board.protocol}", board.seeds_text, board.units.text(board.words)]
    parts += filter(None, [board.trainings_text])
    if board.rank_by:
        parts.append(f"ranked by {board.rank_by.label} ({'higher' if board.rank_by.higher else 'lower'} is better)")
    if board.cost_setting:
        parts.append(f"cost at {board.cost_setting}")
    parts += filter(None, [board.learned_behind])
    return " · ".join(parts)


def remarks(board: Board) -> list[str]:
    """What must be known to read the board, warnings apart; the same remark on many methods is made once."""
    methods: dict[str, list[str]] = defaultdict(list)
    shown = board.shown_columns
    absent = [
        f"no column {column.label}: {'; '.join(sorted({row.scores[column.label].note for row in board.rows}))}"
        for column in board.columns
        if column not in shown and board.rows
    ]
    for row in board.rows:
        for column in shown:
            note = row.scores[column.label].note
            if note and note != "not scored":
                methods[f"{column.label} {note}"].append(row.label)
        if row.unranked and row.unranked not in methods:
            methods[f"not ranked, {row.unranked}"].append(row.label)
        for note in row.notes:
            methods[note].append(row.label)
    return [*filter(None, [board.detectable_text]), *absent, *board.notes, *note_lines(methods)]


def note_lines(methods: Mapping[str, Sequence[str]]) -> list[str]:
    """`a, b: note`, at most six names a note, and long ones cut short: the note must have room."""
    listed = []
    for note in sorted(methods):
        names = [one_line(name, 120) for name in methods[note]]
        more = f" and {len(names) - 6} more" if len(names) > 6 else ""
        listed.append(f"{', '.join(names[:6])}{more}: {note}")
    return listed


def versions_text(board: Board) -> str:
    """Versions of everything that took part, `name a or b` where cells differ."""
    return " · ".join(f"{name} {' or '.join(values)}" for name, values in board.environment.items())


def board_hashes(board: Board) -> list[tuple[str, str]]:
    """Name and SHA-256 of the items that a board rests on, and of what its methods were given."""
    given = f"{board.words['given']} of {board.title}, {board.seeds_text}"
    return [(f"dataset {board.chosen}", board.fingerprint), (given, board.inputs)]


def sources(boards: Sequence[Board]) -> list[tuple[str, str]]:
    """The methods of all boards, by the SHA-256 of their source."""
    names: dict[str, dict[str, None]] = defaultdict(dict)
    for board in boards:
        for row in board.rows:
            names[row.source_sha256][row.label] = None
    return [(", ".join(labels), sha) for sha, labels in names.items()]


# ---------------------------------------------------------------------------------------------- Markdown


def to_markdown(table: TextTable) -> list[str]:
    """A pipe table, a line each."""
    return pipe_table(
        [markdown(title) for title in table.header],
        table.numeric,
        [[markdown(cell) for cell in row] for row in table.rows],
    )


def pipe_table(header: Sequence[str], numeric: Sequence[bool], rows: Sequence[Sequence[str]]) -> list[str]:
    """The same of cells that are Markdown already; `numeric` columns are aligned right. Widths count characters."""
    columns = [[cell.strip() for cell in column] for column in zip(*rows, strict=True)] or [[] for _ in header]
    widths = [max([len(title) + 2, *map(len, column)]) for title, column in zip(header, columns, strict=True)]
    right = [rows and side for side in numeric]
    padded = [
        [text.rjust(width) if side else text.ljust(width) for text in (title, *column)]
        for title, column, width, side in zip(header, columns, widths, right, strict=True)
    ]
    head, *lines = (f"| {' | '.join(cells)} |" for cells in zip(*padded, strict=True))
    ends = [(":", "-") if not side else ("-", ":") for side in right] if rows else [("-", "-") for _ in header]
    rule = "|".join(f"{first}{'-' * width}{last}" for (first, last), width in zip(ends, widths, strict=True))
    return [head, f"|{rule}|", *lines]


# --------------------------------------------------------------------------------------------------- CSV


def csv_text(head: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A file of CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()


# ------------------------------------------------------------------------------------------------- LaTeX


def to_latex(table: TextTable, width: Width = USUAL) -> list[str]:
    """A booktabs tabular, or several, no wider than it may be; what may be best is bold."""
    return fit(_tabular(table), width).lines


def _tabular(table: TextTable) -> Tabular:
    """The cells of a table; its first text names the rows, and what stands before that stays beside it."""
    rows = [
        # Rank and first metric are enough: a bold row shouts.
        tuple(
            LatexCell.of(cell, at < len(table.strong) and table.strong[at] and k in (0, 2), whole=table.numeric[k])
            for k, cell in enumerate(row)
        )
        for at, row in enumerate(table.rows)
    ]
    before = min(table.numeric.index(False) + 1 if False in table.numeric else 1, 2)
    aligned = "".join("r" if numeric else "l" for numeric in table.numeric)
    return Tabular(aligned, tuple(map(LatexCell.of, table.header)), tuple(rows), before)


def latex_float(caption: str, table: TextTable, *, label: str = "", below: str = "", width: Width = USUAL) -> list[str]:
    """A table as a float of LaTeX, behind an empty line; its `caption` and what stands `below` it are LaTeX already.

    Below that stands what each key of a name that is too long stands for.
    """
    fitted = fit(_tabular(table), width)
    named = [rf"\label{{{label}}}"] if label else []
    rest = [below] if below else []
    rest += [r"\par\footnotesize\raggedright " + latex_lines(key_lines(fitted.key, width))] if fitted.key else []
    head = ["", rf"\begin{{{width.environment}}}", r"\centering", rf"\caption{{{caption}}}", *named]
    return [*head, *fitted.lines, *rest, rf"\end{{{width.environment}}}"]


def latex_lines(lines: Sequence[str]) -> str:
    """A paragraph of lines that are LaTeX already."""
    return r"\\ ".join(map(no_option, lines))
