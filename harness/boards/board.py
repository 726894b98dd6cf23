"""From records to boards: means, intervals, rank ranges, failures and warnings. Pure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..cost.pace import is_busy, newest, reference_of
from ..errors import UsageError, one_line
from ..spec import parse
from ..statistics.paired_tests import LEVEL, RESAMPLES
from ..statistics.ranking import ALPHA
from ..store.record import Cell, Cost, NamedPart, Record, words_of
from ..track import DEFAULT, Words
from .failures import Failure, failure_of
from .grouping import Alignment, Group, groups, labels
from .ordering import hold_against_references, rank, refuse_other_inputs
from .rows import Column, Row, board_row, columns_of


@dataclass(frozen=True)
class Board:
    """All methods of one track, dataset, regime, protocol and set of seeds; ranked `rows` first, best on top.

    `words` are what the track calls its things, by the fields of `Words`. `optimum_column` is what a row's
    `below_optimum` is measured by; None where no known optimum is on the board.
    """

    track: str
    words: Mapping[str, str]
    dataset: str
    dataset_name: str
    fingerprint: str
    regime: str
    regime_spec: str
    regime_name: str
    protocol: str
    seeds: tuple[int, ...]
    items: tuple[str, ...]
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

    @property
    def title(self) -> str:
        """Dataset and regime, as a heading."""
        return f"{self.dataset} · {self.regime}"

    @property
    def seeds_text(self) -> str:
        """`seed 0` or `seeds 0,1`."""
        return f"seed{'s' if len(self.seeds) > 1 else ''} {','.join(map(str, self.seeds))}"

    @property
    def has_optimum(self) -> bool:
        """Whether a known optimum is there to be held against."""
        return self.optimum_column is not None

    @property
    def ranked(self) -> tuple[Row, ...]:
        """The rows that take part in the ranking."""
        return tuple(row for row in self.rows if not row.unranked)


def boards(records: Sequence[Record]) -> list[Board]:
    """Every board that the records hold, in sorted order; the order of the records does not matter."""
    costs: dict[str, list[Record]] = defaultdict(list)
    for record in sorted(cost_records(records), key=lambda r: r.cell["key"]):
        costs[record.cell["method"]["spec"]].append(record)
    return [_board(group, costs) for group in groups(records)]


def signature(cell: Cell, metric: str, version: int, seeds: Sequence[int], noisebench: str) -> str:
    """One line that pins a score down: metric, protocol, regime, dataset, seeds and noisebench version.

    The track stands before the metric, as `functions/rmse`, where it is not `restore`. A `%`, `|` or line
    break inside a field is percent-encoded, so that the line splits at `|`.
    """
    data = cell["dataset"]
    fields = [
        track_prefix(cell["track"]) + (metric if version == 1 else f"{metric}@{version}"),
        _versioned(cell["protocol"]),
        _versioned(cell["regime"]),
        f"{data['name']}:{data['fingerprint'][:12]}",
        f"seed{'s' if len(seeds) > 1 else ''} {','.join(map(str, seeds))}",
        f"noisebench {noisebench}",
    ]
    return "|".join(_field(field) for field in fields)


def track_prefix(track: str) -> str:
    """`functions/`; nothing for the track that is meant where none is named."""
    return "" if track == DEFAULT else f"{track}/"


def _field(text: str) -> str:
    return one_line(text.replace("%", "%25").replace("|", "%7C").replace("\n", "%0A").replace("\r", "%0D"), 10_000)


def _versioned(part: NamedPart) -> str:
    """Display form @ version; the parts of a sum `a + b` have one version each, in their order: `@1+2`."""
    versions = part["versions"]
    try:
        spec = parse(part["spec"])
        names = [p.name for p in (spec, *spec.then)]
    except UsageError:
        names = []
    if not all(name in versions for name in names) or not names:
        names = sorted(versions)
    return f"{part['display']}@{'+'.join(str(versions[name]) for name in names)}"


def cost_records(records: Iterable[Record]) -> list[Record]:
    """The measured cost cells, sorted by method and size; relative latencies are all of the newest reference met."""
    found = newest(r for r in records if r.cell["kind"] == "cost" and r.cell["outcome"] == "ok" and r.cell["cost"])
    last = max(map(reference_of, found), default=1)
    found = [r if reference_of(r) == last else _without_relative(r) for r in found]

    def place(record: Record) -> tuple[str, int, str, str]:
        cost = record.cell["cost"]
        numbers = math.prod(cost["size"]) if cost else 0
        return record.cell["method"]["display"], numbers, cost_setting(cost), record.cell["key"]

    return sorted(found, key=place)


def _without_relative(record: Record) -> Record:
    cost = record.cell["cost"]
    if cost is None:
        return record
    why = "timed beside an older reference operation than others here: run it again"
    changed: Cost = {**cost, "latency_rel": None, "reasons": {**cost["reasons"], "latency_rel": why}}
    return replace(record, cell={**record.cell, "cost": changed})


def cost_setting(cost: Cost | None) -> str:
    """Input size, device and threads of a cost, in words."""
    if cost is None:
        return ""
    threads = f"{cost['threads']} thread{'' if cost['threads'] == 1 else 's'}"
    return f"{'×'.join(map(str, cost['size']))}, {cost['device']}, {threads}"


def _board(group: Group, costs: Mapping[str, list[Record]]) -> Board:
    everything = [record for own in group.methods.values() for record in own]
    head = min(everything, key=lambda r: r.cell["key"]).cell
    align = Alignment(everything)
    names = labels(group.methods)
    columns = columns_of(everything)
    where = f"{head['dataset']['display']} · {head['regime']['display']}"
    rows: list[Row] = []
    failures: list[Failure] = []
    for key, own in group.methods.items():
        lost = [failure_of(r, names[key], where) for r in own if r.cell["outcome"] != "ok"]
        for record in own:
            why = _why_incomplete(record, align) if record.cell["outcome"] == "ok" else None
            if why is not None:
                lost.append(replace(failure_of(record, names[key], where), outcome="incomplete", reason=one_line(why)))
        failures += lost
        if not lost:
            rows.append(board_row(key, own, names[key], columns, align))
    failures.sort(key=lambda f: (f.label, f.seed or 0, f.key))
    rank_by, notes = _rank_metric(everything, columns)
    words = {name: one_line(word, 60) for name, word in {**vars(Words()), **words_of(head)}.items()}
    rows, warnings = refuse_other_inputs(rows, words)
    reference = next((row.inputs for row in rows if not row.unranked), rows[0].inputs if rows else "")
    track, *rest = group.key
    identity = f"{track_prefix(track)}{tuple(rest)!r}|{group.seeds!r}|{rank_by.label if rank_by else ''}"
    rows, more = rank(rows, rank_by, identity, len(align.items), words["items"])
    notes += more
    rows, warned, optimum_column = hold_against_references(rows, rank_by, columns, words)
    rows, setting = _with_cost(rows, costs)
    environment = environment_of(everything)
    version = ",".join(environment.get("noisebench", ("unknown",)))
    return Board(
        track=head["track"],
        words=words,
        dataset=head["dataset"]["display"],
        dataset_name=head["dataset"]["name"],
        fingerprint=head["dataset"]["fingerprint"],
        regime=head["regime"]["display"],
        regime_spec=head["regime"]["spec"],
        regime_name=head["regime"]["name"],
        protocol=_versioned(head["protocol"]),
        seeds=group.seeds,
        items=align.items,
        columns=tuple(columns),
        rank_by=rank_by,
        rows=tuple(rows),
        failures=tuple(failures),
        warnings=tuple(warnings + warned),
        notes=tuple(notes),
        signatures={c.label: signature(head, c.name, c.version, group.seeds, version) for c in columns},
        inputs=reference,
        environment=environment,
        cost_setting=setting,
        optimum_column=optimum_column,
    )


def _why_incomplete(record: Record, align: Alignment) -> str | None:
    why = align.why_not_whole(record)
    if why is None and tuple(sorted(record.items)) != align.items:
        return f"its {words_of(record.cell)['items']} have other names than those of the other methods"
    return why


def _rank_metric(records: Sequence[Record], columns: Sequence[Column]) -> tuple[Column | None, list[str]]:
    if not columns:
        return None, ["no score is stored: nothing is ranked"]
    # A suite that was made before its track was asked, or for costs alone, may name none.
    asked = Counter(name for record in records if (name := record.cell["suite"].get("rank_by")))
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
    return match, notes


def _with_cost(rows: list[Row], costs: Mapping[str, list[Record]]) -> tuple[list[Row], str]:
    """Give each row its cost, all of the one setting that most rows have."""
    own: list[dict[str, Cost]] = []
    for row in rows:
        found: dict[str, Cost] = {}
        for record in costs.get(row.spec, ()):
            cost = record.cell["cost"]
            if cost is not None and record.cell["method"]["source_sha256"] == row.source_sha256:
                found.setdefault(cost_setting(cost), cost)
        own.append(found)
    count = Counter(setting for found in own for setting in found)
    if not count:
        return rows, ""
    setting = min(count, key=lambda s: (-count[s], s))
    return [_costing(r, f.get(setting)) for r, f in zip(rows, own, strict=True)], setting


def _costing(row: Row, cost: Cost | None) -> Row:
    if cost is None or not is_busy(cost):
        return replace(row, cost=cost)
    note = "busy: the machine did other work while the cost was measured, and its ms are too long"
    return replace(row, cost=cost, flags=(*row.flags, "busy"), notes=(*row.notes, note))


def environment_of(records: Iterable[Record]) -> dict[str, tuple[str, ...]]:
    """Every version met, by name. Only what is listed here is shown: never a host or user name."""
    found: dict[str, set[str]] = defaultdict(set)
    seen: set[int] = set()
    for record in records:
        environment: Mapping[str, Any] = record.cell["environment"]
        if id(environment) in seen:
            continue
        seen.add(id(environment))
        for key in ("noisebench", "python", "platform", "cpu"):
            if environment.get(key):
                found[key].add(one_line(environment[key]))
        for name, version in dict(environment.get("packages") or {}).items():
            found[one_line(name)].add(one_line(version))
    return {key: tuple(sorted(found[key])) for key in sorted(found)}


def how(words: Mapping[str, str]) -> str:
    """How the numbers of a board are made, in the words of its track."""
    items = words["items"]
    return (
        f"Scores are means over {items}. Rank range: 1 + methods significantly better to n − methods significantly "
        f"worse (Wilcoxon signed-rank over {items}, Holm-corrected over all pairs, {ALPHA:.0%}); overlapping ranges "
        f"may be tied. In brackets: {LEVEL:.0%} paired-bootstrap interval of the difference to the best "
        f"({RESAMPLES:,} resamples, keyed), for one pair: not corrected for many. n/d: not defined. "
        f"inf: identical {items}."
    )
