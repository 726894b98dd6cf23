"""The documented schema of a stored cell. Everything after the store reads `Record`s and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict

import numpy as np
import numpy.typing as npt

SCHEMA = 1
OUTCOMES = ("ok", "skipped", "failed", "oom", "timeout", "crashed", "invalid")
Outcome = Literal["ok", "skipped", "failed", "oom", "timeout", "crashed", "invalid"]


class MethodPart(TypedDict):
    """`method` of a cell. `sources` maps each file of the fingerprint to its SHA-256."""

    name: str
    spec: str
    display: str
    versions: dict[str, int]
    flags: dict[str, Any]
    cite: str
    sources: dict[str, str]
    source_sha256: str


class DatasetPart(TypedDict):
    """`dataset` of a cell; `fingerprint` covers the pictures chosen, in order."""

    name: str
    spec: str
    display: str
    fingerprint: str
    pictures: int


class NamedPart(TypedDict):
    """`regime` or `protocol` of a cell, with the versions of every entry named."""

    name: str
    spec: str
    display: str
    versions: dict[str, int]


class MetricPart(TypedDict):
    """A metric: its version, whether higher is better, and its unit.

    `made_with`, where another package computes it: which, and the SHA-256 of its weights.
    """

    version: int
    higher: bool
    unit: str
    made_with: NotRequired[str]


class SetPart(TypedDict):
    """A metric of the whole set of pictures: FID and its kin, against a reference set. Lower is better.

    `value` is null where there is none, and `note` says why. `error` is a standard error, `interval` a 95 % one;
    either is null where the metric has none. `n` counts pictures (patches, where it is of patches), `d` is the
    dimension of `features`, whose network file has the hash `features_sha256`. `reference` is `clean`, or name
    and hash of a file. `floor` is what the clean pictures themselves score: two halves of them, or all against a
    reference file. `flags`: `small-n` (below 2,048), `refused` (fewer than the features).
    """

    version: int
    higher: bool
    unit: str
    features: str
    features_sha256: str
    resize: str
    reference: str
    value: float | None
    error: float | None
    interval: list[float] | None
    n: int
    d: int
    floor: float | None
    flags: list[str]
    note: str


class Cost(TypedDict):
    """What one call costs. A null has its reason in `reasons`; never 0 for unknown.

    `first_ms` is the first call after setup in a fresh process, `latency_ms` the steady state; `energy_j` is what
    the processor packages took in one call. `reference_cpu_ms` is to `reference_ms` as `latency_cpu_ms` to the p50:
    how much longer the reference takes than it works tells how busy the machine was.
    """

    size: list[int]
    device: str
    threads: int
    repeats: int
    setup_s: float | None
    latency_ms: dict[str, float] | None
    latency_cpu_ms: float | None
    latency_rel: float | None
    reference_ms: float | None
    peak_memory_bytes: int | None
    params: int | None
    macs: int | None
    reference_cpu_ms: NotRequired[float | None]
    first_ms: NotRequired[float | None]
    energy_j: NotRequired[float | None]
    reasons: dict[str, str]


class Rescored(TypedDict):
    """Of a cell whose pictures another cell had kept: its key (`source`), and the environment that scored them.

    `seconds` of the rows, `setup_s`, `notes` and `environment` are those of the other cell: of the restoring.
    """

    source: str
    environment: dict[str, Any]


class Cell(TypedDict):
    """`cell.json`. `kind` is `score` (rows) or `cost` (no dataset, protocol or metrics of interest; `cost` set).

    `sets` (absent where none was asked for) are the metrics of the whole set, by name: in no row and no ranking.
    """

    schema: int
    key: str
    kind: Literal["score", "cost"]
    track: str
    method: MethodPart
    dataset: DatasetPart
    regime: NamedPart
    protocol: NamedPart
    metrics: dict[str, MetricPart]
    seed: int
    outcome: Outcome
    reason: str
    traceback: str
    notes: list[str]
    suite: dict[str, str]
    setup_s: float | None
    seconds: float | None
    cost: Cost | None
    environment: dict[str, Any]
    inputs: dict[str, Any]
    request: dict[str, Any]
    rescored: NotRequired[Rescored]
    sets: NotRequired[dict[str, SetPart]]


@dataclass(frozen=True)
class Panel:
    """Crops of one picture as PNG bytes, for the report."""

    item: str
    clean: bytes
    noisy: bytes
    restored: bytes


@dataclass(frozen=True)
class Record:
    """A stored cell: `cell.json`, its rows by column, and the crops of one picture where kept.

    Columns: `item`, `input_sha256`, `output_sha256`, `note` (text), `seconds` and each metric (float64; NaN
    where the score is not defined, with the reason in `note`; inf is kept). `seal` is what an export says that
    all this hashes to; a store has none.
    """

    cell: Cell
    items: list[str] = field(default_factory=list)
    input_sha256: list[str] = field(default_factory=list)
    output_sha256: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    scores: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    panel: Panel | None = None
    seal: str = ""
