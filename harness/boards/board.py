"""From records to boards: means, intervals, rank ranges, failures and warnings. Pure."""

from __future__ import annotations

import math
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property

from ..components.tracks import DEFAULT
from ..statistics.blas_threads import one_blas_thread
from ..statistics.paired_tests import ALPHA, MIN_ITEMS
from ..store.cell import Cell
from ..store.cell_json import written_fields
from ..store.record import Record, dataset_text, words_of
from ..store.results import Results
from ..store.versions import latest_sources, newest, older
from ..text.errors import one_line
from ..text.wording import by_number
from ..track.protocols import Words
from .copies import COPIED, refuse_copies
from .failures import Failure, failure_of
from .grouping import Alignment, Group, GroupKey, MethodKey, groups, keys_of, labels
from .identical import average_compared
from .learned import learned_behind
from .notations import noted
from .ordering import OTHER_INPUTS, hold_against_references, rank, refuse_other_inputs
from .resolution import Resolution, resolution_of, resolution_text
from .row_costs import cost_records, with_costs
from .rows import Column, Row, board_row, columns_of, scores_of
from .signature import joined, versioned
from .undecided import undecided
from .units import Units, overlap_remark

_AT_ONCE = 8
_LAST = 1_000_000
FEW_ITEMS = 30
"""With fewer, resampling does not see the tail of strongly skewed differences."""
MAX_PAIRS = 100_000
"""Of boards with more pairs of methods in all, no row holds its differences to all others, which are in no report."""


@dataclass(frozen=True)
class Board:
    """All methods of one track, dataset, regime, protocol and set of seeds; ranked `rows` first, best on top.

    `words` are what the track calls its things, by the fields of `Words`. `units` are what tests count, `given` the
    hash of what was given of each item, with the first seed. `chosen` is the dataset as a heading says it, with the
    share that was chosen of it; `identity` is what keys the resamples of a metric that is not `rank_by`, to be followed
    by its label. `optimum_column` is what a row's `below_optimum` is measured by; None where no known
    optimum is on the board. `place` is that of the dataset in its suite, where cells say it: the order of a table.
    """

    track: str
    words: Mapping[str, str]
    dataset: str
    dataset_spec: str
    dataset_written: str
    dataset_name: str
    chosen: str
    fingerprint: str
    regime: str
    regime_spec: str
    protocol: str
    seeds: tuple[int, ...]
    items: tuple[str, ...]
    units: Units
    given: tuple[str, ...]
    columns: tuple[Column, ...]
    rank_by: Column | None
    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    signatures: Mapping[str, str]
    inputs: str
    environment: Mapping[str, tuple[str, ...]]
    cost_setting: str
    optimum_column: Column | None
    identity: str
    place: int = 0

    def __repr__(self) -> str:
        return f"{type(self).__name__}({one_line(self.title)}: {len(self.rows)} rows)"

    @property
    def title(self) -> str:
        """Dataset and regime, as a heading."""
        return f"{self.chosen} · {self.regime}"

    @property
    def setting(self) -> str:
        """What its scores were made under, for the title of a chart."""
        return f"{self.title}, {self.protocol}, {self.seeds_text}"

    @property
    def seeds_text(self) -> str:
        """`seed 0` or `seeds 0,1`."""
        return f"seed{'s' if len(self.seeds) > 1 else ''} {','.join(map(str, self.seeds))}"

    @property
    def trainings_text(self) -> str:
        """What its tests say of trainings, for its head: that they are of other ones too, or not; empty without any."""
        if any(row.trained_anew for row in self.rows):
            return f"tested over {self.units.words(self.words)} and {len(self.seeds)} trainings of each network"
        trained = any(keys for row in self.rows for keys in row.trainings)
        return "speaks of these weights: one training of each network" if trained else ""

    @property
    def shown_columns(self) -> tuple[Column, ...]:
        """Those that a table shows: what is defined for no method has no column, unless it ranks."""
        return tuple(c for c in self.columns if c == self.rank_by or any(_has_value(row, c) for row in self.rows))

    @property
    def has_optimum(self) -> bool:
        """Whether a known optimum is there to be held against."""
        return self.optimum_column is not None

    @property
    def ranked(self) -> tuple[Row, ...]:
        """The rows that take part in the ranking."""
        return tuple(row for row in self.rows if not row.unranked)

    @cached_property
    def undecided(self) -> str:
        """That no two methods are told apart, and how many units would; empty where some are."""
        return undecided(self.rows, self.rank_by, self.units, self.words)

    @cached_property
    def resolution(self) -> Resolution | None:
        """The differences that its test finds with a chance of 80 %; None where it cannot be said."""
        return resolution_of(self.rows, self.rank_by, self.units)

    @property
    def resolution_text(self) -> str:
        """The same in a line; empty where it cannot be said."""
        return resolution_text(self.resolution) if self.resolution else ""

    @property
    def learned_behind(self) -> str:
        """That no learned method is ahead of the best other, for its head; empty where one is."""
        return learned_behind(self.track, self.rows) if self.rank_by else ""


def boards(records: Iterable[Record], *, all_versions: bool = False) -> list[Board]:
    """Every board that the records hold, in sorted order; the order of the records does not matter.

    Of a method that was edited the newest version is shown, and how many are not, or `all_versions`.
    """
    results = Results.of(records)
    hidden: dict[GroupKey, set[tuple[str, str]]] = defaultdict(set)
    if not all_versions:
        kept = newest(results)
        other_versions = older(results, kept).where(kind="score")
        for name, place, method in zip(other_versions.column("method"), *keys_of(other_versions), strict=True):
            hidden[place].add((name, str(method)))
        results = kept
    measured = Results.of(sorted(cost_records(results), key=lambda record: record.cell.key))
    costs = measured.grouped(measured.column("method_spec"))
    grouped = groups(results)
    pairs = sum(math.comb(len(group.methods), 2) for group in grouped) <= MAX_PAIRS

    def board(group: Group) -> Board:
        return _board(group, costs, sorted(hidden.get(group.key, ())), pairs)

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


def signature(cell: Cell, metric: str, version: int, seeds: Sequence[int], noisebench: str, made_with: str = "") -> str:
    """One line that pins a score down: metric, protocol, regime, dataset, seeds and noisebench version.

    The track stands before the metric, as `functions/rmse`, where it is not `restore`; behind one that another package
    computes, of `made_with`, stands which: `lpips[pyiqa 0.1.14]`. A `%`, `|` or line break inside a field is
    percent-encoded, so that the line splits at `|`.
    """
    data = cell.dataset
    fields = [
        track_prefix(cell.track)
        + (metric if version == 1 else f"{metric}@{version}")
        + (f"[{made_with.partition(',')[0]}]" if made_with else ""),
        versioned(cell.protocol),
        versioned(cell.regime),
        f"{data.name}:{data.fingerprint[:12]}",
        f"seed{'s' if len(seeds) > 1 else ''} {','.join(map(str, seeds))}",
        f"noisebench {noisebench}",
    ]
    return joined(fields)


def _made_with(records: Results, column: Column) -> list[str]:
    """Packages and weights that made a column, each once."""
    parts = [record.cell.metrics.get(column.name) for record in records]
    return sorted({part.made_with for part in parts if part and part.version == column.version and part.made_with})


def track_prefix(track: str) -> str:
    """`functions/`; nothing for the track that is meant where none is named."""
    return "" if track == DEFAULT else f"{track}/"


def _board(group: Group, costs: Mapping[str, Results], hidden: Sequence[tuple[str, str]], pairs: bool) -> Board:
    everything = Results.of(record for of_method in group.methods.values() for record in of_method)
    head = min(everything, key=lambda r: r.cell.key).cell
    align = Alignment(everything)
    names = labels(group.methods)
    columns = columns_of(everything)
    # A cell of an older version says less of its dataset.
    datasets = {id(record.cell.dataset): record.cell.dataset for record in everything}
    field_counts = {number: len(written_fields(dataset)) for number, dataset in datasets.items()}
    known = min(everything, key=lambda r: (-field_counts[id(r.cell.dataset)], r.cell.key)).cell
    where = f"{dataset_text(known)} · {head.regime.display}"
    units = align.units(everything)
    given: tuple[str, ...] = ()
    failures: list[Failure] = []
    whole: list[MethodKey] = []
    for key, of_method in group.methods.items():
        failed = [failure_of(r, names[key], where) for r in of_method if r.cell.outcome != "ok"]
        for record in of_method:
            why = _why_incomplete(record, align) if record.cell.outcome == "ok" else None
            if why is not None:
                failed.append(
                    replace(failure_of(record, names[key], where), outcome="incomplete", reason=one_line(why))
                )
        failures += failed
        if not failed:
            given = given or tuple(align.inputs(of_method[0]))
            whole.append(key)
    scores = scores_of([group.methods[key] for key in whole], columns, align, units)
    rows = [
        board_row(key, group.methods[key], names[key], of_method, align)
        for key, of_method in zip(whole, scores, strict=True)
    ]
    failures.sort(key=lambda f: (by_number(f.label), f.seed or 0, f.key))
    rank_by, notes = _rank_metric(everything, columns)
    words = {name: one_line(word, 60) for name, word in {**vars(Words()), **words_of(head)}.items()}
    rows, warnings = refuse_other_inputs(rows, words)
    reference = next((row.inputs for row in rows if not row.unranked), rows[0].inputs if rows else "")
    rows, copied = refuse_copies(rows, [group.methods[key] for key in whole], columns, head.track, words)
    warnings += copied
    track, *rest = group.key
    identity = f"{track_prefix(track)}{tuple(rest)!r}|{group.seeds!r}|{rank_by.label if rank_by else ''}"
    rows, averaged = average_compared(rows, columns, units.words(words))
    rows, more = rank(rows, rank_by, identity, units, units.words(words), pairs=pairs)
    if hidden:
        times = sorted(Counter(name for name, _ in hidden).items(), key=lambda pair: by_number(pair[0]))
        older_ones = ", ".join(f"{name} ({n})" for name, n in times)
        notes.append(f"older versions that are not shown (report --all-versions shows them): {one_line(older_ones)}")
    notes += [*([units.remark(words)] if units.merged else []), *filter(None, [overlap_remark(known)])]
    makers = {column.label: " or ".join(_made_with(everything, column)) for column in columns}
    notes += averaged + more + [f"{label} is made with {one_line(by)}" for label, by in makers.items() if by]
    if named := names_text([(known.dataset.display, known.dataset.written), *map(_named, rows)]):
        notes.append(named)
    rows, warned, optimum_column = hold_against_references(rows, rank_by, columns, words)
    rows, setting, timed = with_costs(rows, costs, known.dataset.channels or ())
    notes += filter(None, [timed])
    written = noted(columns, rows, rank_by)
    environment = environment_of(everything)
    version = ",".join(environment.get("noisebench", ("unknown",)))
    return Board(
        track=head.track,
        words=words,
        dataset=head.dataset.display,
        dataset_spec=head.dataset.spec,
        dataset_written=known.dataset.written,
        dataset_name=head.dataset.name,
        chosen=dataset_text(known),
        fingerprint=head.dataset.fingerprint,
        regime=head.regime.display,
        regime_spec=head.regime.spec,
        protocol=versioned(head.protocol),
        seeds=group.seeds,
        items=align.items,
        units=units,
        given=given,
        columns=tuple(written.values()),
        rank_by=rank_by and written[rank_by.label],
        rows=tuple(rows),
        failures=tuple(failures),
        warnings=tuple(warnings + warned),
        notes=tuple(notes),
        signatures={
            c.label: signature(head, c.name, c.version, group.seeds, version, makers[c.label]) for c in columns
        },
        inputs=reference,
        environment=environment,
        cost_setting=setting,
        optimum_column=optimum_column and written[optimum_column.label],
        identity="|".join(
            (
                group.key[2],
                head.dataset.fingerprint,
                head.regime.spec,
                versioned(head.protocol),
                str(group.seeds),
            )
        ),
        place=_place_in_suite(everything),
    )


def _has_value(row: Row, column: Column) -> bool:
    return not math.isnan(row.scores[column.label].mean)


def _named(row: Row) -> tuple[str, str]:
    return row.label, row.written


def names_text(named: Iterable[tuple[str, str]]) -> str:
    """What each name stands for, of pairs of name and spec; empty where no spec is said."""
    texts = {name: written for name, written in named if written}
    return f"names: {'; '.join(f'{name} is {written}' for name, written in texts.items())}" if texts else ""


def placed_by(board: Board, column: Column) -> tuple[list[Row], list[str]]:
    """The rows of a board ranked by one of its columns, and what must be known of that ranking."""
    if board.rank_by is not None and column.label == board.rank_by.label:
        return list(board.rows), []
    bare = [
        replace(row, unranked=row.unranked if _takes_no_rank(row) else "", ranks=None, apart=frozenset(),
                interval=None, to_others=None, difference=None)
        for row in board.rows
    ]  # fmt: skip
    return rank(bare, column, f"{board.identity}|{column.label}", board.units, board.units.words(board.words))


def _takes_no_rank(row: Row) -> bool:
    """Whether no metric ranks a row."""
    return row.unranked == OTHER_INPUTS or COPIED in row.flags


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


def environment_of(results: Results) -> dict[str, tuple[str, ...]]:
    """Every version met, by name. Only what is listed here is shown: never a host or user name."""
    values: dict[str, set[str]] = defaultdict(set)
    for environment in results.distinct("cell.environment"):
        for key in ("noisebench", "python", "platform", "cpu"):
            if environment.get(key):
                values[key].add(one_line(environment[key]))
        for name, version in dict(environment.get("packages") or {}).items():
            values[one_line(name)].add(one_line(version))
    return {key: tuple(sorted(values[key])) for key in sorted(values)}


def _place_in_suite(records: Results) -> int:
    """Where the suite of the cells names their dataset; behind all where it is not said."""
    cells = [record.cell for record in records]
    lists = {(cell.suite.get("datasets", ""), cell.dataset.display.partition("(")[0]) for cell in cells}
    return min((names.split().index(name) for names, name in lists if name in names.split()), default=_LAST)


def reading_text(words: Mapping[str, str]) -> str:
    """How the numbers of a board are made, in the words of its track."""
    items = words["items"]
    return (
        f"Scores are means over {items}. Rank range: 1 + methods significantly better to n − methods significantly "
        f"worse; overlapping ranges may be tied. In brackets: the interval of the mean difference to the best. Both "
        f"are of the mean, over all pairs of methods at once (bootstrap-t over {items}, keyed; {ALPHA:.0%}), and over "
        f"trainings too where a method was trained for each seed (Student's t, Holm): an interval leaves 0 out where "
        f"the ranges part a method from the best. Below {MIN_ITEMS} {items} there are none; below {FEW_ITEMS}, where a "
        f"few {items} decide, up to 15 of 100 boards tell equal methods apart. n/d: not defined. inf: exact on all "
        f"{items}; identical: {items} on which a method is exact, which "
        f"count in no mean."
    )
