"""One method on a board: its scores, flags and hashes, from its records. Pure; knows no pixels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import one_line
from ..store.record import Cost, Panel, Record
from .gather import Alignment, MethodKey
from .trust import broken_seal

Floats = npt.NDArray[np.float64]

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
    """One method on a board. `ranks` is None where `unranked` says why, or beyond the methods tested.

    `tail` is the score that one picture in twenty falls short of, in the metric of the ranking.
    """

    label: str
    name: str
    spec: str
    versions: Mapping[str, int]
    source_sha256: str
    cite: str
    flags: tuple[str, ...]
    trained_on: tuple[str, ...]
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
    tail: float | None = None
    below_optimum: float | None = None
    below_noisy: bool = False
    cost: Cost | None = None


def columns_of(records: Sequence[Record]) -> list[Column]:
    """Every metric met, PSNR and SSIM first."""
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


def row_of(key: MethodKey, own: Sequence[Record], label: str, columns: Sequence[Column], align: Alignment) -> Row:
    """The row of one method from its records, one a seed; not ranked yet."""
    cell = own[0].cell
    method, flags = cell["method"], cell["method"]["flags"]
    shown = [text for flag, text in FLAGS.items() if flags.get(flag)]
    trained_on = tuple(one_line(name, 80) for name in flags.get("trained_on") or ())
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
        trained_on=trained_on,
        baseline=bool(flags.get("baseline")),
        oracle=bool(flags.get("oracle")),
        scores=scores,
        inputs=align.digest(own),
        keys=tuple(r.cell["key"] for r in own),
        notes=tuple(sorted({one_line(note) for r in own for note in (*r.cell["notes"], broken_seal(r)) if note})),
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
