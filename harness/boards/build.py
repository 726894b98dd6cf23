"""From records to boards: who stands where, failures, warnings and notes. Pure."""

from __future__ import annotations

import math
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ..statistics.blas_threads import one_blas_thread
from ..store.cell import Cell
from ..store.cell_json import written_fields
from ..store.record import Record, dataset_text, words_of
from ..store.results import Results
from ..store.versions import latest_sources, newest, older
from ..text.errors import one_line
from ..text.wording import by_number
from ..track.words import Words
from .board import Board, environment_of, names_text
from .copies import refuse_copies
from .failures import Failure, failure_of
from .grouping import Alignment, Group, GroupKey, MethodKey, groups, keys_of, labels
from .identical import average_compared
from .notations import noted
from .ordering import hold_against_references, rank, refuse_other_inputs
from .row_costs import cost_records, with_costs
from .rows import Column, Row, board_row, columns_of, scores_of
from .signature import signature, track_prefix, versioned
from .units import Units, overlap_remark

MAX_PAIRS = 100_000
"""Of boards with more pairs of methods in all, no row holds its differences to all others, which are in no report."""
_AT_ONCE = 8
_LAST = 1_000_000


def boards(records: Iterable[Record], *, all_versions: bool = False) -> list[Board]:
    """Every board that the records hold, in sorted order; the order of the records does not matter.

    Of a method that was edited the newest version is shown, and how many are not, or `all_versions`.
    """
    results = Results.of(records)
    hidden: dict[GroupKey, set[tuple[str, str]]] = defaultdict(set)
    if not all_versions:
        shown = newest(results)
        other_versions = older(results, shown).where(kind="score")
        for name, place, method in zip(other_versions.column("method"), *keys_of(other_versions), strict=True):
            hidden[place].add((name, str(method)))
        results = shown
    measured = Results.of(sorted(cost_records(results), key=lambda record: record.cell.key))
    costs = measured.grouped(measured.column("method_spec"))
    grouped = groups(results)
    pairs = sum(math.comb(len(group.methods), 2) for group in grouped) <= MAX_PAIRS

    def board(group: Group) -> Board:
        list(group.results)  # reads its records at once: one alone is read with others of the store
        whole = _board(group, costs, sorted(hidden.get(group.key, ())), pairs)
        group.results.let_go()
        return whole

    # Most of a large board is arithmetic outside of the interpreter's lock.
    with one_blas_thread(), ThreadPoolExecutor(min(_AT_ONCE, os.cpu_count() or 1)) as pool:
        ranked = list(pool.map(board, grouped))
    return ranked if all_versions else _with_mixed_versions(ranked, results)


def _with_mixed_versions(ranked: Sequence[Board], results: Results) -> list[Board]:
    """Boards that say which of their methods are of another source than on other boards, where a run asked for them
    later."""
    latest = latest_sources(results)

    def warned(board: Board) -> Board:
        others = [
            f"{row.label} is of another source here ({row.source_sha256[:8]}) than on other boards ({sha[:8]}): run it "
            "again before boards are compared"
            for row in board.rows
            if (sha := latest.get((board.track, row.spec), row.source_sha256)) != row.source_sha256
        ]
        return replace(board, warnings=(*board.warnings, *others)) if others else board

    return list(map(warned, ranked))


@dataclass(frozen=True)
class _Subject:
    """What the methods of a board have in common.

    `head` is the cell that names it, `fullest` the one that says most of its dataset: one of an older version says
    less. `rank_notes` say what must be known of the choice of `rank_by`.
    """

    results: Results
    head: Cell
    fullest: Cell
    align: Alignment
    units: Units
    columns: Sequence[Column]
    words: Mapping[str, str]
    rank_by: Column | None
    rank_notes: Sequence[str]

    @property
    def unit_words(self) -> str:
        """What its tests count."""
        return self.units.words(self.words)


def _subject_of(methods: Mapping[MethodKey, Sequence[Record]]) -> _Subject:
    results = Results.of(record for of_method in methods.values() for record in of_method)
    head = min(results, key=lambda r: r.cell.key).cell
    datasets = {id(record.cell.dataset): record.cell.dataset for record in results}
    field_counts = {number: len(written_fields(dataset)) for number, dataset in datasets.items()}
    fullest = min(results, key=lambda r: (-field_counts[id(r.cell.dataset)], r.cell.key)).cell
    align = Alignment(results)
    columns = columns_of(results)
    words = {name: one_line(word, 60) for name, word in {**vars(Words()), **words_of(head)}.items()}
    rank_by, rank_notes = _rank_metric(results, columns)
    return _Subject(results, head, fullest, align, align.units(results), columns, words, rank_by, rank_notes)


def _board(group: Group, costs: Mapping[str, Results], hidden: Sequence[tuple[str, str]], pairs: bool) -> Board:
    """The board of a group. `hidden` are the older versions of methods, by name, that it does not show."""
    methods = {key: tuple(of_method) for key, of_method in group.methods.items()}
    subject = _subject_of(methods)
    head, fullest, rank_by = subject.head, subject.fullest, subject.rank_by
    names = labels(methods)
    failed = {key: _failures_of(of_method, names[key], subject) for key, of_method in methods.items()}
    whole = [key for key, failures in failed.items() if not failures]
    of_methods = [methods[key] for key in whole]
    scores = scores_of(of_methods, subject.columns, subject.align, subject.units)
    rows = [
        board_row(of_method, names[key], of_row, subject.align)
        for key, of_method, of_row in zip(whole, of_methods, scores, strict=True)
    ]
    ranking = _ranking(rows, of_methods, subject, _identity(group, rank_by), pairs)
    rows, setting, cost_note = with_costs(ranking.rows, costs, fullest.dataset.channels or ())
    written = noted(subject.columns, rows, rank_by)
    environment = environment_of(subject.results)
    version = ",".join(environment.get("noisebench", ("unknown",)))
    makers = {column.label: _made_with(subject.results, column) for column in subject.columns}
    return Board(
        track=head.track,
        words=subject.words,
        dataset=head.dataset.display,
        dataset_spec=head.dataset.spec,
        dataset_written=fullest.dataset.written,
        dataset_name=head.dataset.name,
        chosen=dataset_text(fullest),
        fingerprint=head.dataset.fingerprint,
        regime=head.regime.display,
        regime_spec=head.regime.spec,
        protocol=versioned(head.protocol),
        seeds=group.seeds,
        items=subject.align.items,
        units=subject.units,
        given=subject.align.inputs(of_methods[0][0]) if of_methods else (),
        columns=tuple(written.values()),
        rank_by=rank_by and written[rank_by.label],
        rows=tuple(rows),
        failures=tuple(_sorted_failures(failed.values())),
        warnings=tuple(ranking.warnings),
        notes=tuple(filter(None, (*_notes(subject, hidden, ranking, makers), cost_note))),
        signatures={
            c.label: signature(head, c.name, c.version, group.seeds, version, makers[c.label]) for c in subject.columns
        },
        inputs=ranking.inputs,
        environment=environment,
        cost_setting=setting,
        optimum_column=ranking.optimum_column and written[ranking.optimum_column.label],
        identity="|".join(
            (
                group.key[2],
                head.dataset.fingerprint,
                head.regime.spec,
                versioned(head.protocol),
                str(group.seeds),
            )
        ),
        place=_place_in_suite(subject.results),
    )


def _identity(group: Group, rank_by: Column | None) -> str:
    """What keys the resamples of the metric that ranks."""
    track, *rest = group.key
    return f"{track_prefix(track)}{tuple(rest)!r}|{group.seeds!r}|{rank_by.label if rank_by else ''}"


def _failures_of(of_method: Sequence[Record], label: str, subject: _Subject) -> list[Failure]:
    """The results of a method that keep it from the board: those that are not ok, and those that are not whole."""
    where = f"{dataset_text(subject.fullest)} · {subject.head.regime.display}"
    failures = []
    for record in of_method:
        if record.cell.outcome != "ok":
            failures.append(failure_of(record, label, where))
        elif (why := _why_incomplete(record, subject.align)) is not None:
            failure = failure_of(record, label, where)
            failures.append(replace(failure, outcome="incomplete", reason=one_line(why)))
    return failures


def _sorted_failures(by_method: Iterable[Sequence[Failure]]) -> list[Failure]:
    failures = [failure for of_method in by_method for failure in of_method]
    return sorted(failures, key=lambda f: (by_number(f.label), f.seed or 0, f.key))


@dataclass(frozen=True)
class _Ranking:
    """Rows in the order of the board, with what must be known of them; `inputs` is the hash of what the ranked ones
    were given, `optimum_column` what their distance to a known optimum is measured by."""

    rows: list[Row]
    warnings: list[str]
    notes: list[str]
    inputs: str
    optimum_column: Column | None


def _ranking(
    rows: list[Row], of_methods: Sequence[Sequence[Record]], subject: _Subject, identity: str, pairs: bool
) -> _Ranking:
    """Rows with their results, ranked by what keys the resamples with `identity`."""
    columns, words = subject.columns, subject.words
    rows, unlike = refuse_other_inputs(rows, words)
    inputs = next((row.inputs for row in rows if not row.unranked), rows[0].inputs if rows else "")
    rows, copies = refuse_copies(rows, of_methods, columns, subject.head.track, words)
    rows, averaged = average_compared(rows, columns, subject.unit_words)
    rows, remarks = rank(rows, subject.rank_by, identity, subject.units, subject.unit_words, pairs=pairs)
    rows, below, optimum_column = hold_against_references(rows, subject.rank_by, columns, words)
    return _Ranking(rows, [*unlike, *copies, *below], [*averaged, *remarks], inputs, optimum_column)


def _notes(
    subject: _Subject, hidden: Sequence[tuple[str, str]], ranking: _Ranking, makers: Mapping[str, str]
) -> list[str]:
    """What must be known of a board, some of it empty; `makers` has what computed each column."""
    dataset = subject.fullest.dataset
    return [
        *subject.rank_notes,
        _hidden_text(hidden),
        subject.units.remark(subject.words) if subject.units.merged else "",
        overlap_remark(subject.fullest),
        *ranking.notes,
        *(f"{label} is made with {one_line(by)}" for label, by in makers.items() if by),
        names_text([(dataset.display, dataset.written), *((row.label, row.written) for row in ranking.rows)]),
    ]


def _hidden_text(hidden: Sequence[tuple[str, str]]) -> str:
    """How many older versions of which methods a board does not show; empty for none."""
    if not hidden:
        return ""
    times = sorted(Counter(name for name, _ in hidden).items(), key=lambda pair: by_number(pair[0]))
    older_ones = ", ".join(f"{name} ({n})" for name, n in times)
    return f"older versions that are not shown (report --all-versions shows them): {one_line(older_ones)}"


def _made_with(records: Results, column: Column) -> str:
    """Packages and weights that made a column, each once; empty for none."""
    parts = [record.cell.metrics.get(column.name) for record in records]
    return " or ".join(
        sorted({part.made_with for part in parts if part and part.version == column.version and part.made_with})
    )


def _why_incomplete(record: Record, align: Alignment) -> str | None:
    why = align.why_not_whole(record)
    if why is None and tuple(sorted(record.items)) != align.items:
        return f"its {words_of(record.cell)['items']} have other names than those of the other methods"
    return why


def _rank_metric(results: Results, columns: Sequence[Column]) -> tuple[Column | None, list[str]]:
    if not columns:
        return None, ["no score is stored: nothing is ranked"]
    # A suite that was made before its track was asked, or for costs alone, may name none.
    asked = Counter(name for record in results if (name := record.cell.suite.get("rank_by")))
    if not asked:
        return columns[0], []
    wanted = min(asked, key=lambda name: (-asked[name], name))
    notes = []
    if len(asked) > 1:
        notes.append(f"suites disagree on rank_by ({', '.join(sorted(asked))}): ranked by {wanted}")
    match = next((c for c in columns if c.name == wanted), None)
    if match is None:
        match = columns[0]
        notes.append(f"{one_line(wanted)} was not scored: ranked by {match.label}")
    if match.goal:
        best = "neither more nor less" if match.goal == "none" else match.goal
        return None, [*notes, f"nothing is ranked by {match.label}, of which {best} is best: name another rank_by"]
    return match, notes


def _place_in_suite(records: Results) -> int:
    """Where the suite of the cells names their dataset; behind all where it is not said."""
    cells = [record.cell for record in records]
    lists = {(cell.suite.get("datasets", ""), cell.dataset.display.partition("(")[0]) for cell in cells}
    return min((names.split().index(name) for names, name in lists if name in names.split()), default=_LAST)
