"""From boards to the table of a paper: which methods, levels and metrics, their means and marks, what is missing."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...boards.board import Board, placed_by
from ...boards.curves import in_order
from ...boards.ordering import OTHER_INPUTS
from ...boards.rows import Column, Row
from ...boards.together import Places, contenders
from ...spec.paths import is_meant
from ...text.errors import UsageError, nearest, one_line
from ..page.data import MAX_CELLS
from .captions import caption, remarks
from .costs import cost_remark, costs_of, refuse_costs
from .headings import level_titles
from .marks import Mark, marks
from .table import Level, Line, Mean, PaperTable, TableOptions

ACROSS = 6
"""More levels than this do not fit across a page: they run down, where there are fewer methods."""
USUAL = 2
"""How many metrics a cell has where none are chosen."""
Ranks = tuple[int, int] | None
_ROLES = ("baseline", "sanity", "optimum", "oracle")
_MOST_DIGITS = 12


def paper_tables(boards: Sequence[Board], options: TableOptions) -> list[PaperTable]:
    """A table for each track, protocol and set of seeds, in the order of the boards.

    Raises `UsageError` for a metric, a method or a cost that is on no board, and for digits that do not fit.
    """
    scored = [board for board in boards if board.columns and board.rows]
    _refuse_unknown(scored, options)
    alike: dict[tuple[Any, ...], list[Board]] = defaultdict(list)
    for board in scored:
        if not options.metrics or any(_column(board, name) for name in options.metrics):
            alike[board.track, board.protocol, board.seeds].append(board)
    tables = []
    for group in alike.values():
        names = _metrics(group, options)
        given = options.metrics or names
        digits = dict(zip(given, options.digits * (len(given) if len(options.digits) == 1 else 1), strict=False))
        for columns, same_version in _by_version(group, names):
            if table := _table(same_version, columns, digits, options):
                tables.append(table)
    return tables


def _refuse_unknown(boards: Sequence[Board], options: TableOptions) -> None:
    known = {name for board in boards for c in board.columns for name in (c.name, c.label)}
    for name in options.metrics:
        if name not in known:
            raise UsageError(f"--table-metrics {one_line(name)!r}: no board has it: {nearest(name, known)}")
    if len(set(options.metrics)) < len(options.metrics):
        raise UsageError("--table-metrics: a metric is named twice")
    labels = {text for board in boards for row in board.rows for text in (row.label, row.written, row.family) if text}
    for name in options.methods:
        if not any(_is_named(row, name) for board in boards for row in board.rows):
            raise UsageError(f"--table-methods {one_line(name)!r}: no board has it: {nearest(name, labels)}")
    if any(not 0 <= n <= _MOST_DIGITS for n in options.digits):
        raise UsageError(f"--table-digits: give whole numbers from 0 to {_MOST_DIGITS}")
    if len(options.digits) not in (0, 1, len(options.metrics) or USUAL):
        wanted = len(options.metrics) or USUAL
        raise UsageError(
            f"--table-digits: {len(options.digits)} numbers for {wanted} metrics: give one, or one for each"
        )
    refuse_costs(boards, options.costs)


def _column(board: Board, name: str) -> Column | None:
    """The column of a metric, its newest version where it has two."""
    matching = [c for c in board.columns if name in (c.label, c.name)]
    return max(matching, key=lambda c: (c.label == name, c.version), default=None)


def _metrics(group: Sequence[Board], options: TableOptions) -> list[str]:
    """The metrics of a cell: those chosen, or the one that ranks and the next."""
    if options.metrics:
        return [name for name in options.metrics if any(_column(board, name) for board in group)]
    ranking = [board.rank_by.name for board in group if board.rank_by is not None]
    return list(dict.fromkeys([*ranking[:1], *(c.name for board in group for c in board.columns)]))[:USUAL]


def _by_version(group: Sequence[Board], names: Sequence[str]) -> Iterator[tuple[dict[str, Column], list[Board]]]:
    """The boards that have the metrics in the same versions, and a column of each: two versions share no table."""
    columns = [{name: c for name in names if (c := _column(board, name)) is not None} for board in group]
    versions = {name: {of_board[name].version for of_board in columns if name in of_board} for name in names}
    by_version: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for place, of_board in enumerate(columns):
        key = tuple(of_board[name].version if name in of_board and len(versions[name]) > 1 else 0 for name in names)
        by_version[key].append(place)
    for places in by_version.values():
        heads: dict[str, Column] = {}
        for place in places:
            heads = {**columns[place], **heads}
        yield {name: heads[name] for name in names if name in heads}, [group[place] for place in places]


def _table(
    group: Sequence[Board], columns: Mapping[str, Column], digits: Mapping[str, int], options: TableOptions
) -> PaperTable | None:
    """One table, None where none of its methods is one of those chosen."""
    in_suite = sorted(group, key=lambda board: board.place)
    datasets = list(dict.fromkeys((board.chosen, board.fingerprint) for board in in_suite))
    group = sorted(group, key=lambda board: (datasets.index((board.chosen, board.fingerprint)), in_order(board)))
    twice = {name for name, count in Counter(name for name, _ in datasets).items() if count > 1}
    levels = [
        Level(board, title, board.chosen + (f" [{board.fingerprint[:8]}]" if board.chosen in twice else ""))
        for board, title in zip(group, level_titles(group), strict=True)
    ]
    every = sum(len(board.rows) for board in group) <= MAX_CELLS
    ranked = [{name: _ranked(board, name, every) for name in columns} for board in group]
    entrants = _chosen(_with_own_labels(contenders([board.rows for board in group])), options)
    if not entrants:
        return None
    marked = []
    for place, by_metric in enumerate(ranked):
        among = {places[place].label for places in entrants.values() if place in places}
        marked.append({name: marks(rows, among) for name, rows in by_metric.items()})
    ranks = [{name: {row.label: row.ranks for row in rows} for name, rows in of.items()} for of in ranked]
    of_levels = [
        [(name, _column(board, name), ranks[at][name], marked[at][name]) for name in columns]
        for at, board in enumerate(group)
    ]
    lines = []
    for label, places in entrants.items():
        cells = tuple(
            tuple(_mean(board, places, places.get(at), *of_metric) for of_metric in of_level)
            for at, (board, of_level) in enumerate(zip(group, of_levels, strict=True))
        )
        specs = tuple(dict.fromkeys(row.spec for row in places.values()))
        costs, setting = costs_of(places, options.costs) if options.costs else ((), "")
        lines.append(Line(label, specs, _role(places) in _ROLES, cells, costs, setting))
    lines = _in_order(lines, entrants, columns, options)
    down = options.rows or ("levels" if len(levels) > ACROSS and len(lines) < len(levels) else "methods")
    lines, footnotes = _with_letters(lines, down)
    return PaperTable(
        columns=tuple(columns.values()),
        digits=tuple(digits.get(name, column.decimals) for name, column in columns.items()),
        levels=tuple(levels),
        lines=tuple(lines),
        down=down,
        caption=caption(levels, list(columns.values())),
        remarks=(
            *remarks(levels, {line.label: entrants[line.label] for line in lines}, options),
            *cost_remark(lines),
            *([] if every else ["Only the metric that ranks is tested: the table has too many numbers to test all."]),
        ),
        signatures=tuple(
            board.signatures[column.label]
            for board in group
            for name in columns
            if (column := _column(board, name)) is not None
        ),
        footnotes=footnotes,
        costs=options.costs,
    )


def _ranked(board: Board, name: str, every: bool) -> list[Row]:
    """The rows of a board as one of its metrics orders them; none where it lacks it, or only one is to be tested."""
    column = _column(board, name)
    return placed_by(board, column)[0] if column is not None and (every or column == board.rank_by) else []


def _role(places: Places) -> str:
    first = next(iter(places.values()))
    return "oracle" if first.oracle else first.role


def _with_own_labels(entrants: Mapping[str, Places]) -> dict[str, Places]:
    """A family of which there is one method only is called as that is."""
    labelled: dict[str, Places] = {}
    for label, places in entrants.items():
        first = next(iter(places.values()))
        alone = label == first.family and len({row.label for row in places.values()}) == 1
        labelled[first.label if alone and first.label not in entrants else label] = places
    return labelled


def _is_named(row: Row, name: str) -> bool:
    """Whether a text that an author gives is a method, by its label, its family or its spec."""
    return name in (row.label, row.family) or is_meant(name, row.spec, row.written or row.label)


def _chosen(entrants: Mapping[str, Places], options: TableOptions) -> dict[str, Places]:
    """The methods that an author named, in their order; all where none is named."""
    if not options.methods:
        return dict(entrants)
    chosen: dict[str, Places] = {}
    for name in options.methods:
        chosen |= {
            label: places
            for label, places in entrants.items()
            if name == label or any(_is_named(row, name) for row in places.values())
        }
    return chosen


def _in_order(
    lines: Sequence[Line], entrants: Mapping[str, Places], columns: Mapping[str, Column], options: TableOptions
) -> list[Line]:
    """What is there to be beaten first; the others as they were named, or best first, by their mean place."""
    apart = sorted((line for line in lines if line.apart), key=lambda line: _ROLES.index(_role(entrants[line.label])))
    others = [line for line in lines if not line.apart]
    if not options.methods:
        sign = -1.0 if next(iter(columns.values())).higher else 1.0
        places: dict[str, list[int]] = defaultdict(list)
        for at in range(len(lines[0].cells)):
            means = {line.label: value for line in others if (value := line.cells[at][0].value) is not None}
            for place, label in enumerate(sorted(means, key=lambda label: (sign * means[label], label))):
                places[label].append(place)

        def mean_place(line: Line) -> tuple[float, str]:
            of_label = places[line.label]
            return math.fsum(of_label) / len(of_label) if of_label else math.inf, line.label

        others.sort(key=mean_place)
    return [*apart, *others]


def _mean(
    board: Board,
    places: Places,
    row: Row | None,
    name: str,
    column: Column | None,
    ranks: Mapping[str, Ranks],
    marked: Mapping[str, Mark],
) -> Mean:
    """What stands in a cell for one metric: of the rows of a method, that of the board."""
    if row is None:
        return Mean(None, note=_why_missing(board, places))
    if column is None:
        return Mean(None, note=f"{name} was not scored")
    if row.unranked == OTHER_INPUTS:
        return Mean(None, note=f"was given another {board.words['given']}")
    score = row.scores[column.label]
    if math.isnan(score.mean):
        return Mean(None, note=f"{name} {score.note}" if score.note != "not scored" else f"{name} was not scored")
    note = f"{score.note}: in no mean" if score.identical and math.isfinite(score.mean) else ""
    return Mean(score.mean, marked.get(row.label, ""), note, ranks.get(row.label), score.identical)


def _why_missing(board: Board, places: Places) -> str:
    """Why a method that has other levels lacks this one."""
    known = {(row.label, row.spec) for row in places.values()}
    failure = next((f for f in board.failures if (f.label, f.spec) in known), None)
    if failure is None:
        return "not run"
    return f"{failure.outcome}: {failure.reason or failure.last_line}".removesuffix(": ")


def _with_letters(lines: Sequence[Line], down: str) -> tuple[list[Line], dict[str, str]]:
    """The lines with a letter in the place of each note, and the notes by their letters, in the order of reading."""
    by_line = [(line.costs, *line.cells) for line in lines]
    by_cost = list(zip(*(line.costs for line in lines), strict=True))
    by_level = [by_cost, *zip(*(line.cells for line in lines), strict=True)]
    notes = dict.fromkeys(
        mean.note
        for cells in (by_line if down == "methods" else by_level)
        for cell in cells
        for mean in cell
        if mean.note
    )
    letters = {note: _letter(place) for place, note in enumerate(notes)}

    def lettered(cell: tuple[Mean, ...]) -> tuple[Mean, ...]:
        return tuple(replace(mean, letter=letters[mean.note]) if mean.note else mean for mean in cell)

    lettered_lines = [
        replace(line, cells=tuple(map(lettered, line.cells)), costs=lettered(line.costs)) for line in lines
    ]
    return lettered_lines, {letter: note for note, letter in letters.items()}


def _letter(number: int) -> str:
    """a … z, aa, ab, …"""
    return (_letter(number // 26 - 1) if number >= 26 else "") + chr(ord("a") + number % 26)
