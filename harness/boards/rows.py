"""One method on a board: its scores, flags and hashes, from its records. Pure."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from ..statistics.exact_scores import is_exact
from ..statistics.paired_tests import Floats
from ..store.cell import Cost, MetricPart, Role
from ..store.record import (
    Mistake,
    Panel,
    Record,
    arrow_of,
    decimals_of,
    explains,
    goal_of,
    order_of,
    role_of,
    used_trainings,
    words_of,
)
from ..store.results import Results
from ..text.errors import one_line
from ..text.notation import Notation
from ..text.wording import by_number, counted
from .grouping import Alignment
from .units import Units

FLAGS = {"blind": "blind", "zero_shot": "zero-shot", "self_ensemble": "self-ensemble", "tiled": "tiled",
         "oracle": "oracle"}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A metric that asks for `decimals`. `label` has the version only where two versions meet.

    On a board `chosen` is how its numbers are written. `goal` is what is best, as `goal_of` has it; empty where that is
    `higher`, or not.
    """

    name: str
    version: int
    higher: bool
    unit: str
    label: str
    decimals: int
    goal: str = ""
    chosen: Notation | None = field(default=None, compare=False)

    @property
    def notation(self) -> Notation:
        """How its numbers are written, and all that are derived from them."""
        return self.chosen or Notation(self.decimals)

    @property
    def arrow(self) -> str:
        """A sign for what is best."""
        return arrow_of(self.goal or ("higher" if self.higher else "lower"))


class Score(Struct, frozen=True):
    """Mean over units of the mean over seeds: inf where an item is inf, NaN where one has no value.

    `values` (units,) are what is averaged and tested, `by_item` (n,) what is shown of each item, `by_seed` (seeds, n)
    what was stored, None where it was not scored. `identical` counts the items that are exact, with every seed; on a
    board the mean is over the units that no method has exact. `left_out` counts the scores that are in no mean because
    a method is exact there with one seed and not with another.
    """

    mean: float
    note: str
    values: Floats
    by_item: Floats
    by_seed: Floats | None = None
    identical: int = 0
    left_out: int = 0


class Row(Struct, frozen=True):
    """One method on a board. `ranks` is None where `unranked` says why.

    `apart` are the labels of the rows that the paired test tells it apart from; `difference` is that of its mean to
    the best finite one, `interval` holds with those of all other pairs at once and is None where there is none.
    `to_others` (M, 3) is the same to each of the M ranked rows, in the order of the board: mean difference and the two
    ends of its interval, NaN where there is none; None where very many boards were made at once.
    `role` is what the method is there for, `family` the one contender that it is a variant of, where it says so.
    `unchanged`: it is the baseline, and what it gives is what it is given, bit by bit.
    `tail` is the score that one item in twenty falls short of, in the metric of the ranking. `below_optimum` is in the
    unit of the `optimum_column` of the board. `written` is what the label stands for where that is a name.
    `mistakes` are the items that it got wrong with the first seed, None where that is not known. `trainings` are the
    keys of the trainings whose networks it uses, for each seed.
    """

    label: str
    name: str
    spec: str
    versions: Mapping[str, int]
    source_sha256: str
    cite: str
    flags: tuple[str, ...]
    trained_on: tuple[str, ...]
    role: Role
    family: str
    oracle: bool
    scores: Mapping[str, Score]
    inputs: str
    keys: tuple[str, ...]
    notes: tuple[str, ...]
    panel: Panel | None
    unranked: str = ""
    unchanged: bool = False
    ranks: tuple[int, int] | None = None
    apart: Set[str] = frozenset()
    difference: float | None = None
    interval: tuple[float, float] | None = None
    to_others: Floats | None = None
    tail: float | None = None
    below_optimum: float | None = None
    below_baseline: bool = False
    cost: Cost | None = None
    written: str = ""
    mistakes: tuple[Mistake, ...] | None = None
    explains: bool = False
    trainings: tuple[tuple[str, ...], ...] = ()

    @property
    def trained_anew(self) -> bool:
        """Whether it has a training for each of several seeds."""
        return len(self.trainings) > 1 and len(set(self.trainings)) > 1


def columns_of(results: Results) -> list[Column]:
    """Every metric met, in the order that the metrics themselves ask for."""
    parts: dict[tuple[str, int], MetricPart] = {}
    # What a newer cell says of a metric goes before what is assumed of an older one.
    for record in sorted(results, key=lambda r: -r.cell.schema):
        for name, part in record.cell.metrics.items():
            parts.setdefault((name, part.version), part)
    count = Counter(name for name, _ in parts)
    ordered = sorted(parts, key=lambda key: (order_of(key[0], parts[key]), by_number(key[0]), -key[1]))
    track = results[0].cell.track if results else ""
    columns = []
    for name, version in ordered:
        part = parts[name, version]
        label, goal = name if count[name] == 1 else f"{name}@{version}", goal_of(track, name, part)
        aim = (goal == "higher", "") if goal in ("higher", "lower") else (part.higher, goal)
        columns.append(Column(name, version, aim[0], part.unit, label, decimals_of(name, part), aim[1]))
    return columns


def board_row(of_method: Sequence[Record], label: str, scores: Mapping[str, Score], align: Alignment) -> Row:
    """The row of one method from its records, one a seed, and what they score; not ranked yet."""
    cell = of_method[0].cell
    method, flags = cell.method, cell.method.flags
    shown = [text for flag, text in FLAGS.items() if flags.get(flag)]
    trained_on = tuple(one_line(name, 80) for name in flags.get("trained_on") or ())
    # Those within it count too, such as the set that `rgb(of=cbsd68)` changes the pictures of.
    if {cell.dataset.name, *cell.dataset.versions} & set(flags.get("trained_on") or ()):
        shown.append("contaminated")
    panels = [r.panel for r in of_method if r.panel is not None]
    return Row(
        label=label,
        name=method.name,
        spec=method.spec,
        versions=dict(sorted(method.versions.items())),
        source_sha256=method.source_sha256,
        cite=method.cite,
        flags=tuple(shown),
        trained_on=trained_on,
        role=role_of(method),
        family=one_line(flags.get("family") or "", 80),
        oracle=_is_oracle(of_method),
        scores=scores,
        inputs=align.digest(of_method),
        keys=tuple(r.cell.key for r in of_method),
        notes=tuple(sorted({one_line(note) for r in of_method for note in r.cell.notes if note})),
        panel=panels[0] if panels else None,
        written=method.written,
        unchanged=role_of(method) == "baseline" and all(r.output_sha256 == r.input_sha256 for r in of_method),
        mistakes=of_method[0].mistakes,
        explains=explains(cell),
        trainings=tuple(tuple(used_trainings(r.cell)) for r in of_method),
    )


def scores_of(
    methods: Sequence[Sequence[Record]], columns: Sequence[Column], align: Alignment, units: Units
) -> list[dict[str, Score]]:
    """By label of its column each score of each of the methods, which are given by their records, one a seed."""
    by_method: list[dict[str, Score]] = [{} for _ in methods]
    for column in columns:
        plain = [
            i
            for i, of_method in enumerate(methods)
            if align.items and len(of_method) == 1 and _is_scored(of_method[0], column)
        ]
        if plain:
            items = align.values([methods[i][0] for i in plain], column.name)
            with np.errstate(invalid="ignore"):
                values = units.average(items)
                means: list[float] = values.mean(axis=1).tolist()
            for place in np.flatnonzero(np.isfinite(items).all(axis=1)).tolist():
                by_item = items[place]
                own_values = by_item if values is items else values[place]
                by_method[plain[place]][column.label] = Score(means[place], "", own_values, by_item, by_item[None])
        rest = [i for i, scores in enumerate(by_method) if column.label not in scores]
        raw = {i: align.values(methods[i], column.name) for i in rest if _all_scored(methods[i], column)}
        taken = _in_no_mean([raw[i] for i in raw if not _is_oracle(methods[i])], column, len(align.items))
        for i in rest:
            by_method[i][column.label] = (
                _score(methods[i], column, raw[i], units, taken) if i in raw else _not_scored(units, len(align.items))
            )
    return by_method


def _in_no_mean(scores: Sequence[Floats], column: Column, n: int) -> npt.NDArray[np.bool_]:
    """Which of the scores (seeds, n) are in no mean: those where a method is exact, and is not with every seed.

    `scores` are those of all methods but oracles, which take none from the others. An item of which no seed would be
    left keeps them all, and so is exact.
    """
    taken = np.zeros((max(map(len, scores), default=1), n), dtype=np.bool_)
    for of_method in scores:
        taken |= _exact_in_part(of_method, column)
    return _leaving_some(taken)


def _leaving_some(taken: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    return taken & ~taken.all(axis=0)


def _exact_in_part(raw: Floats, column: Column) -> npt.NDArray[np.bool_]:
    """Which scores (seeds, items) are exact, of the items that are not so with every seed."""
    exact = is_exact(raw, column.higher)
    return exact & ~exact.all(axis=0)


def _is_oracle(of_method: Sequence[Record]) -> bool:
    return bool(of_method[0].cell.method.flags.get("oracle"))


def _not_scored(units: Units, n: int) -> Score:
    return Score(float("nan"), "not scored", np.full(units.count, np.nan), np.full(n, np.nan))


def _all_scored(of_method: Sequence[Record], column: Column) -> bool:
    return all(_is_scored(record, column) for record in of_method)


def _is_scored(record: Record, column: Column) -> bool:
    part = record.cell.metrics.get(column.name)
    return part is not None and part.version == column.version and column.name in record.scores


def _score(
    of_method: Sequence[Record], column: Column, raw: Floats, units: Units, taken: npt.NDArray[np.bool_]
) -> Score:
    n = raw.shape[1]
    if _is_oracle(of_method):
        taken = _leaving_some(taken | _exact_in_part(raw, column))
    # What is not defined stays: it is never averaged away.
    not_defined, kept = taken & ~np.isnan(raw), (~taken).sum(axis=0)
    with np.errstate(invalid="ignore"):
        items = np.where(not_defined, 0.0, raw).sum(axis=0) / kept
        values = units.average(items)
        mean = float(values.mean())
    undefined = int(np.isnan(items).sum())
    if undefined:
        words = words_of(of_method[0].cell)
        where = f"not defined on {undefined} of {counted(n, words['item'], words['items'])}"
        return Score(float("nan"), f"{where}: {_reasons_undefined(of_method, column.name)}", values, items, raw)
    if np.isinf(items).any():
        count = int(np.isinf(items).sum())
        kind = "identical" if (mean > 0) == column.higher else "infinite"
        return Score(mean, f"{count} of {n} {kind}", values, items, raw, left_out=int(not_defined.sum()))
    return Score(mean, "", values, items, raw, left_out=int(not_defined.sum()))


def _reasons_undefined(of_method: Sequence[Record], metric: str) -> str:
    reasons = []
    for record in of_method:
        bad = np.flatnonzero(np.isnan(record.scores[metric]))
        notes = [record.notes[i] for i in bad if i < len(record.notes) and record.notes[i]]
        reasons += [one_line(_of_metric(note, metric, record.scores), 120) for note in notes]
    common = Counter(reasons)
    usual = sorted(common, key=lambda reason: (-common[reason], reason))[:2]
    return "; ".join(usual) or "no reason is stored"


def _of_metric(note: str, metric: str, metrics: Iterable[str]) -> str:
    """What a note says of one metric, where it says of each in turn why there is none, as `psnr: …; ssim: …`."""
    others = tuple(f"{name}: " for name in metrics if name != metric)
    after = itertools.dropwhile(lambda part: not part.startswith(f"{metric}: "), note.split("; "))
    before_others = list(itertools.takewhile(lambda part: not part.startswith(others), after))
    return "; ".join(before_others) or note
