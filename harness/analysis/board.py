"""From records to boards: means, intervals, rank ranges, failures and warnings. Pure; knows no pixels."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import UsageError, one_line
from ..spec import parse
from ..store.record import Cell, Cost, NamedPart, Panel, Record
from .gather import Alignment, Group, MethodKey, digest, groups, labels
from .statistics import (
    ALPHA,
    LEVEL,
    MIN_PICTURES,
    RESAMPLES,
    bootstrap_interval,
    paired_difference,
    rank_ranges,
)

Floats = npt.NDArray[np.float64]

MAX_PAIRED = 60
"""Pairs grow with the square of the methods: only this many, the best by mean, are tested pairwise."""
OTHER_INPUTS = "saw other inputs"
FLAGS = {"blind": "blind", "zero_shot": "zero-shot", "self_ensemble": "self-ensemble", "tiled": "tiled",
         "oracle": "oracle"}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A metric of a board. `label` carries the version only where two versions meet."""

    name: str
    version: int
    higher: bool
    unit: str
    label: str


@dataclass(frozen=True)
class Score:
    """Mean over pictures of the mean over seeds: inf where a picture is inf, NaN where one has no value."""

    mean: float
    note: str
    values: Floats


@dataclass(frozen=True)
class Row:
    """One method on a board. `ranks` is None where `unranked` says why, or beyond the methods tested."""

    label: str
    name: str
    spec: str
    versions: Mapping[str, int]
    source_sha256: str
    cite: str
    flags: tuple[str, ...]
    baseline: bool
    oracle: bool
    scores: Mapping[str, Score]
    inputs: str
    keys: tuple[str, ...]
    notes: tuple[str, ...]
    panel: Panel | None
    unranked: str = ""
    ranks: tuple[int, int] | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None
    below_optimum: float | None = None
    below_noisy: bool = False
    cost: Cost | None = None


@dataclass(frozen=True)
class Failure:
    """A cell without a place on the board: which, what came of it, and why."""

    label: str
    where: str
    seed: int | None
    outcome: str
    reason: str
    last_line: str
    pictures: str
    key: str


@dataclass(frozen=True)
class Board:
    """All methods of one dataset, regime, protocol and set of seeds; ranked `rows` first, best on top."""

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
    has_optimum: bool

    @property
    def title(self) -> str:
        """Dataset and regime, as a heading."""
        return f"{self.dataset} · {self.regime}"

    @property
    def seeds_text(self) -> str:
        """`seed 0` or `seeds 0,1`."""
        return f"seed{'s' if len(self.seeds) > 1 else ''} {','.join(map(str, self.seeds))}"

    @property
    def ranked(self) -> tuple[Row, ...]:
        """The rows that take part in the ranking."""
        return tuple(row for row in self.rows if not row.unranked)


def boards(records: Sequence[Record]) -> list[Board]:
    """Every board that the records hold, in sorted order; the order of the records does not matter."""
    costs: dict[str, list[Record]] = defaultdict(list)
    for record in sorted(records, key=lambda r: r.cell["key"]):
        if record.cell["kind"] == "cost" and record.cell["outcome"] == "ok" and record.cell["cost"]:
            costs[record.cell["method"]["spec"]].append(record)
    return [_board(group, costs) for group in groups(records)]


def signature(cell: Cell, metric: str, version: int, seeds: Sequence[int], noisebench: str) -> str:
    """One line that pins a score down: metric, protocol, regime, dataset, seeds and noisebench version.

    A `%`, `|` or line break inside a field is percent-encoded, so that the line splits at `|`.
    """
    data = cell["dataset"]
    fields = [
        metric if version == 1 else f"{metric}@{version}",
        _versioned(cell["protocol"]),
        _versioned(cell["regime"]),
        f"{data['name']}:{data['fingerprint'][:12]}",
        f"seed{'s' if len(seeds) > 1 else ''} {','.join(map(str, seeds))}",
        f"noisebench {noisebench}",
    ]
    return "|".join(_field(field) for field in fields)


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


def failure_of(record: Record, label: str, where: str) -> Failure:
    """A cell that is not ok, as the board lists it."""
    cell = record.cell
    lines = [line for line in cell["traceback"].splitlines() if line.strip()]
    scored = cell["kind"] == "score"
    return Failure(
        label=label,
        where=where,
        seed=cell["seed"] if scored else None,
        outcome=cell["outcome"],
        reason=one_line(cell["reason"]),
        last_line=one_line(lines[-1]) if lines else "",
        pictures=f"{len(record.items)} of {cell['dataset']['pictures']}" if scored else "",
        key=cell["key"],
    )


def failed_costs(records: Iterable[Record]) -> list[Failure]:
    """The cost cells that did not come to an end, sorted."""
    lost = [r for r in records if r.cell["kind"] == "cost" and r.cell["outcome"] != "ok"]
    lost.sort(key=lambda r: (r.cell["method"]["display"], r.cell["key"]))
    return [failure_of(r, r.cell["method"]["display"], "cost") for r in lost]


def cost_records(records: Iterable[Record]) -> list[Record]:
    """The measured cost cells, sorted by method and setting."""
    found = [r for r in records if r.cell["kind"] == "cost" and r.cell["outcome"] == "ok" and r.cell["cost"]]
    return sorted(found, key=lambda r: (r.cell["method"]["display"], cost_setting(r.cell["cost"]), r.cell["key"]))


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
    columns = _columns(everything)
    where = f"{head['dataset']['display']} · {head['regime']['display']}"
    rows: list[Row] = []
    failures: list[Failure] = []
    for key, own in group.methods.items():
        lost = [failure_of(r, names[key], where) for r in own if r.cell["outcome"] != "ok"]
        for record in own:
            lacks = align.lacks(record) if record.cell["outcome"] == "ok" else ""
            if not lacks and record.cell["outcome"] == "ok" and tuple(sorted(record.items)) != align.items:
                lacks = "its pictures have other names than those of the other methods"
            if lacks:
                lost.append(replace(failure_of(record, names[key], where), outcome="incomplete", reason=lacks))
        failures += lost
        if not lost:
            rows.append(_row(key, own, names[key], columns, align))
    failures.sort(key=lambda f: (f.label, f.seed or 0, f.key))
    rank_by, notes = _rank_metric(everything, columns)
    rows, warnings = _refuse_other_inputs(rows)
    reference = next((row.inputs for row in rows if not row.unranked), rows[0].inputs if rows else "")
    identity = f"{group.key!r}|{group.seeds!r}|{rank_by.label if rank_by else ''}"
    rows, more = _rank(rows, rank_by, identity, len(align.items))
    notes += more
    rows, warned = _against_sanity(rows, rank_by)
    rows, setting = _with_cost(rows, costs)
    environment = environment_of(everything)
    version = ",".join(environment.get("noisebench", ("unknown",)))
    return Board(
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
        has_optimum=any(row.below_optimum is not None for row in rows),
    )


def _columns(records: Sequence[Record]) -> list[Column]:
    found: dict[tuple[str, int], tuple[bool, str]] = {}
    for record in records:
        for name, part in record.cell["metrics"].items():
            found.setdefault((name, part["version"]), (part["higher"], part["unit"]))
    count = Counter(name for name, _ in found)
    columns = [
        Column(name, version, *found[name, version], name if count[name] == 1 else f"{name}@{version}")
        for name, version in sorted(found)
    ]
    usual = {"psnr": 0, "ssim": 1}
    return sorted(columns, key=lambda c: (usual.get(c.name, 2), c.name, -c.version))


def _rank_metric(records: Sequence[Record], columns: Sequence[Column]) -> tuple[Column | None, list[str]]:
    if not columns:
        return None, ["no score is stored: nothing is ranked"]
    asked = Counter(record.cell["suite"].get("rank_by") or "psnr" for record in records)
    wanted = min(asked, key=lambda name: (-asked[name], name))
    notes = []
    if len(asked) > 1:
        notes.append(f"suites disagree on rank_by ({', '.join(sorted(asked))}): ranked by {wanted}")
    match = next((c for c in columns if c.name == wanted), None)
    if match is None:
        match = columns[0]
        notes.append(f"{one_line(wanted)} was not scored: ranked by {match.label}")
    return match, notes


def _row(key: MethodKey, own: Sequence[Record], label: str, columns: Sequence[Column], align: Alignment) -> Row:
    cell = own[0].cell
    method, flags = cell["method"], cell["method"]["flags"]
    shown = [text for flag, text in FLAGS.items() if flags.get(flag)]
    if cell["dataset"]["name"] in tuple(flags.get("trained_on") or ()):
        shown.append("contaminated")
    scores = {c.label: _score(own, c, align) for c in columns}
    panels = [r.panel for r in own if r.panel is not None]
    return Row(
        label=label,
        name=method["name"],
        spec=method["spec"],
        versions=dict(sorted(method["versions"].items())),
        source_sha256=method["source_sha256"],
        cite=method["cite"],
        flags=tuple(shown),
        baseline=bool(flags.get("baseline")),
        oracle=bool(flags.get("oracle")),
        scores=scores,
        inputs=digest(f"{r.cell['seed']} {sha}" for r in own for sha in align.inputs(r)),
        keys=tuple(r.cell["key"] for r in own),
        notes=tuple(sorted({one_line(note) for r in own for note in r.cell["notes"]})),
        panel=panels[0] if panels else None,
    )


def _score(own: Sequence[Record], column: Column, align: Alignment) -> Score:
    n = len(align.items)
    held = [r.cell["metrics"].get(column.name) for r in own]
    if any(part is None or part["version"] != column.version for part in held) or any(
        column.name not in r.scores for r in own
    ):
        return Score(float("nan"), "not scored", np.full(n, np.nan))
    raw = align.values(own, column.name)
    with np.errstate(invalid="ignore"):
        values = raw.mean(axis=0)
        mean = float(values.mean())
    undefined = np.isnan(values)
    if undefined.any():
        return Score(float("nan"), _why_undefined(own, column.name, int(undefined.sum()), n), values)
    if np.isinf(values).any():
        rest = values[np.isfinite(values)]
        count = n - len(rest)
        tail = f"; mean of the other {len(rest)}: {rest.mean():.4f}" if len(rest) else ""
        return Score(mean, f"{count} of {n} identical{tail}", values)
    return Score(mean, "", values)


def _why_undefined(own: Sequence[Record], metric: str, count: int, n: int) -> str:
    reasons = []
    for record in own:
        bad = np.flatnonzero(np.isnan(record.scores[metric]))
        reasons += [one_line(record.notes[i], 120) for i in bad if i < len(record.notes) and record.notes[i]]
    common = Counter(reasons)
    told = sorted(common, key=lambda reason: (-common[reason], reason))[:2]
    return f"not defined on {count} of {n} pictures: {'; '.join(told) or 'no reason is stored'}"


def _refuse_other_inputs(rows: list[Row]) -> tuple[list[Row], list[str]]:
    """Only methods that saw the same noisy pictures are compared: those of the most common inputs."""
    count = Counter(row.inputs for row in rows)
    if len(count) < 2:
        return rows, []
    reference = min(count, key=lambda d: (-count[d], min(r.label for r in rows if r.inputs == d)))
    others = sorted(row.label for row in rows if row.inputs != reference)
    kept = [r if r.inputs == reference else replace(r, unranked=OTHER_INPUTS) for r in rows]
    listed = ", ".join(others[:8]) + (f" and {len(others) - 8} more" if len(others) > 8 else "")
    return kept, [
        f"not compared, because the noisy pictures differ (input_sha256) from those of the other "
        f"{count[reference]}: {listed}"
    ]


def _rank(rows: list[Row], column: Column | None, identity: str, n: int) -> tuple[list[Row], list[str]]:
    if column is None:
        return sorted(rows, key=lambda r: r.label), []
    sign = 1.0 if column.higher else -1.0
    judged = []
    for row in rows:
        why = row.unranked
        if not why and row.oracle:
            why = "oracle: sees what no method may see"
        if not why and np.isnan(row.scores[column.label].mean):
            why = f"{column.label} {row.scores[column.label].note}"
        judged.append(replace(row, unranked=why))

    def place(row: Row) -> tuple[bool, float, str]:
        mean = row.scores[column.label].mean
        return bool(row.unranked), float("inf") if np.isnan(mean) else -sign * mean, row.label

    judged.sort(key=place)
    ranked = [row for row in judged if not row.unranked]
    if not ranked:
        return judged, ["no method is ranked"]
    values = np.stack([row.scores[column.label].values for row in ranked])
    tested = min(len(ranked), MAX_PAIRED)
    ranking = rank_ranges(sign * values[:tested])
    differences = paired_difference(values, values[0])
    intervals = bootstrap_interval(differences, identity)
    done = []
    for i, row in enumerate(ranked):
        finite = bool(np.isfinite(differences[i]).all())
        done.append(
            replace(
                row,
                ranks=ranking.ranges[i] if i < tested else None,
                difference=float(differences[i].mean()) if finite else None,
                interval=(float(intervals[i, 0]), float(intervals[i, 1])) if finite and i else None,
            )
        )
    return done + judged[len(ranked) :], _how_ranked(len(ranked), tested, ranking.pairs, ranking.smallest_p, n)


def _how_ranked(ranked: int, tested: int, pairs: int, smallest: float, n: int) -> list[str]:
    notes = []
    if ranked > tested:
        notes.append(
            f"{ranked} methods: only the {tested} best by mean are tested pairwise; "
            f"their rank ranges are among these {tested}, the others have none"
        )
    if pairs and n < MIN_PICTURES:
        notes.append(f"{n} pictures: with fewer than {MIN_PICTURES} no difference can be significant")
    elif pairs and smallest > ALPHA:
        notes.append(
            f"{n} pictures are too few for {pairs} pairs: the smallest p that Holm's correction leaves is "
            f"{smallest:.2g}, so hardly any difference can be significant"
        )
    return notes


def _against_sanity(rows: list[Row], column: Column | None) -> tuple[list[Row], list[str]]:
    """Mark methods below the noisy input, and say how far each is below a known optimum."""
    if column is None:
        return rows, []
    sign = 1.0 if column.higher else -1.0
    fair = [row for row in rows if row.unranked != OTHER_INPUTS]
    inputs = next((row for row in fair if row.name == "identity"), None)
    optimum = next((row for row in fair if row.name == "bayes_optimum"), None)
    ruler = next((label for label in ("psnr", column.label) if optimum and label in optimum.scores), None)
    result, warnings = [], []
    for row in rows:
        if row.unranked != OTHER_INPUTS:
            if inputs is not None and row is not inputs:
                gap = sign * (row.scores[column.label].mean - inputs.scores[column.label].mean)
                if gap < 0:
                    warnings.append(f"{row.label} is below the noisy input by {-gap:.4g} {column.unit}".rstrip())
                    row = replace(row, below_noisy=True)
            if optimum is not None and ruler is not None and row.name != "bayes_optimum":
                below = optimum.scores[ruler].mean - row.scores[ruler].mean
                row = replace(row, below_optimum=below if np.isfinite(below) else None)
        result.append(row)
    return result, warnings


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
    return [replace(r, cost=f.get(setting)) for r, f in zip(rows, own, strict=True)], setting


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


HOW = (
    f"Scores are means over pictures. In brackets: {LEVEL:.0%} paired-bootstrap interval of the difference "
    f"to the best ({RESAMPLES:,} resamples, keyed by the board). Rank range: 1 + methods significantly "
    f"better to n − methods significantly worse (Wilcoxon signed-rank over pictures, Holm-corrected over all "
    f"pairs, {ALPHA:.0%}); methods whose ranges overlap may be tied. n/d: not defined. "
    f"inf: identical pictures."
)
