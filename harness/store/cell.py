"""The types of a stored cell: what `cell.json` holds. `cell_json.py` reads, checks and writes them.

A field with a default is absent from the file where it has that value; a cell of before may lack it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict, TypeVar, get_args

from msgspec import UNSET, Meta, Struct, UnsetType

T = TypeVar("T")
SCHEMA = 2
"""Of cells, stores and exports. 1: before tracks; read for ever, see `old_schemas.py`."""
REFERENCE = 2
"""Of the operation that latencies are relative to. 1: a convolution of torch, as costs have it that name none."""
Outcome = Literal["ok", "skipped", "failed", "oom", "timeout", "crashed", "invalid", "undefined", "blocked", "diverged"]
Role = Literal["", "baseline", "sanity", "optimum"]
Kind = Literal["score", "cost", "train"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
NOT_OK = ("failed", "oom", "timeout", "crashed", "invalid", "undefined", "blocked")
Whole = Annotated[int, Meta(ge=1 - 2**63, le=2**63 - 1)]
"""A whole number that every tool can hold."""
Number = Whole | float
"""A number: one that was written as `1` stays whole, so that a cell is written to the bytes it was read from."""


class NamedPart(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`regime` or `protocol` of a cell, with the versions of every entry named."""

    name: str
    spec: str
    display: str
    versions: dict[str, Whole]


class MethodPart(NamedPart, frozen=True, omit_defaults=True, kw_only=True):
    """`method` of a cell. `sources` maps each file of the fingerprint to its SHA-256.

    `written` is never stored: the display form, where a report has a name in its place.
    """

    flags: dict[str, Any]
    cite: str
    sources: dict[str, str]
    source_sha256: str
    written: str = ""


class DatasetPart(NamedPart, frozen=True, omit_defaults=True, kw_only=True):
    """`dataset` of a cell; `fingerprint` covers the `items` chosen, in order. Schema 1 calls them `pictures`.

    `total`: how many there are to choose from. `groups` are the ids of each group that the dataset declares, `same`
    the ids of items with equal truths, `overlaps` pairs of ids that were seen to show the same thing in part; absent
    where there are none. `channels`: how many its pictures have, each number once; absent where items are no pictures,
    and in cells of before. `written` is never stored: the display form, where a report has a name in its place.
    """

    fingerprint: str
    items: Whole | None = None
    pictures: Whole | None = None
    total: Whole | None = None
    groups: dict[str, list[str]] = {}
    same: list[list[str]] = []
    overlaps: list[list[str]] = []
    channels: list[Whole] | None = None
    written: str = ""


class MetricPart(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A metric: its version, whether higher is better, its unit, the decimals that are printed, its place on a board.

    `gate`: what a check lets pass where no rule speaks. `made_with`, where another package computes it: which, and
    the SHA-256 of its weights. `goal`, where neither side is better: the number that is best, or `none`.
    """

    version: Whole
    higher: bool
    unit: str
    decimals: Whole | None = None
    order: Whole | None = None
    gate: dict[str, Number] | None = None
    made_with: str = ""
    goal: str = ""


class SetPart(Struct, frozen=True, kw_only=True):
    """A metric of the whole set of pictures: FID and its kin, against a reference set. Lower is better.

    `value` is null where there is none, and `note` says why. `error` is a standard error, `interval` a 95 % one;
    either is null where the metric has none. `n` counts pictures (patches, where it is of patches), `d` is the
    dimension of `features`, whose network file has the hash `features_sha256`. `reference` is `clean`, or name
    and hash of a file. `floor` is what the clean pictures themselves score: two halves of them, or all against a
    reference file, or what `note` says. `flags`: `small-n` (below 2,048), `refused` (fewer than the features).
    """

    version: Whole
    higher: bool
    unit: str
    features: str
    features_sha256: str
    resize: str
    reference: str
    value: Number | None
    error: Number | None
    interval: list[Number] | None
    n: Whole
    d: Whole
    floor: Number | None
    flags: list[str]
    note: str


class Cost(Struct, frozen=True, kw_only=True):
    """What one call costs. A null has its reason in `reasons`; never 0 for unknown.

    `first_ms` is the first call after setup in a fresh process, `latency_ms` the steady state; `energy_j` is what
    the processor packages took in one call; `weight_bytes` is what the parameters take, or what a method says that they
    do. `latency_rel` is over the reference operation, whose version is
    `reference` of the inputs, and whose times are `reference_ms` and `reference_cpu_ms`. `busy` is how many times
    longer that took than on idle processors; in older cells the ratio of those two tells. `references_ms` is what that
    operation (`compute`) takes beside those that are bound by something else; absent in older cells.
    """

    size: list[Whole]
    device: str
    threads: Whole
    repeats: Whole
    setup_s: Number | None
    latency_ms: dict[str, Number] | None
    latency_cpu_ms: Number | None
    latency_rel: Number | None
    reference_ms: Number | None
    peak_memory_bytes: Whole | None
    params: Whole | None
    macs: Whole | None
    reasons: dict[str, str]
    reference_cpu_ms: Number | UnsetType | None = UNSET
    busy: Number | UnsetType = UNSET
    first_ms: Number | UnsetType | None = UNSET
    energy_j: Number | UnsetType | None = UNSET
    weight_bytes: Whole | UnsetType | None = UNSET
    references_ms: dict[str, Number] | UnsetType = UNSET


class Rescored(Struct, frozen=True, kw_only=True):
    """Of a cell whose pictures another cell had kept: its key (`source`), and the environment that scored them.

    `seconds` of the rows, `setup_s`, `notes` and `environment` are those of the other cell: of the restoring.
    """

    source: str
    environment: dict[str, Any]


class CurvePoint(Struct, frozen=True, kw_only=True):
    """One validation, after `step` steps and `seconds` of training: the mean `loss` since the last one, the `score`."""

    step: Whole
    seconds: Number
    loss: Number | None
    score: Number | None


class TrainingCost(Struct, frozen=True, kw_only=True):
    """What training took. `seconds` and `cpu_seconds` are of the steps alone, without validation.

    Bytes are of parameters, of gradients, of the optimiser's state, and of what one step saves for its backward pass;
    `macs` are of one step, forward and backward. A null has its reason in `reasons`.
    """

    seconds: Number
    cpu_seconds: Number
    items_per_second: Number
    peak_memory_bytes: Whole | None
    parameter_bytes: Whole
    gradient_bytes: Whole
    optimizer_bytes: Whole
    saved_bytes: Whole
    macs: Whole | None
    reasons: dict[str, str]


class TrainingHistory(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How a training went: steps done and why it stopped, the validation curve, its cost, the checkpoint's SHA-256.

    `given` and `wanted` are the shapes of one item of a batch, `validation` the ids that were kept for it, `metric`
    what they were scored by. `figures` are what the parts of the recipe found, by name; `figure_costs` those that are a
    cost, with what it is called. `imported`: the checkpoint was trained elsewhere.
    """

    recipe: str
    given: list[Whole]
    wanted: list[Whole]
    validation: list[str]
    metric: str
    higher: bool
    steps: Whole
    of: Whole
    stopped: str
    score: Number | None
    curve: list[CurvePoint]
    cost: TrainingCost
    figures: dict[str, Number] | None = None
    figure_costs: dict[str, str] = {}
    weights_sha256: str = ""
    imported: bool | None = None


class TunedVariant(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One variant of a tuned method: its values of what is varied, as text, and the key of its training.

    `outcome` and validation `score` are those of the training, once it has ended; null where it has no score.
    """

    values: list[str]
    key: str
    outcome: Outcome | None = None
    score: Number | UnsetType | None = UNSET


class Tuning(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The declared grid of a tuned method, in order: `chosen` is the place of the variant that it uses.

    `vary` are the paths of the parameters that differ, `edge` those whose chosen value is the least or largest of
    several numbers. `chosen` and `edge` are absent where no variant has a score.
    """

    method: str
    vary: list[str]
    variants: list[TunedVariant]
    chosen: Whole | None = None
    edge: list[str] | None = None


class Request(Struct, frozen=True, kw_only=True):
    """What plans just this cell again, on the machine that it was planned on: in no export.

    `folders` are those of the method, by the names that its source files have: its opened files lie below them.
    Requests of cells of before have fewer fields.
    """

    track: str | UnsetType = UNSET
    methods: list[str] | UnsetType = UNSET
    datasets: list[str] | UnsetType = UNSET
    regimes: list[str] | UnsetType = UNSET
    protocol: str | UnsetType = UNSET
    metrics: list[str] | UnsetType = UNSET
    seeds: list[Whole] | UnsetType = UNSET
    limit: Whole | UnsetType | None = UNSET
    cost: dict[str, Any] | UnsetType | None = UNSET
    rank_by: str | UnsetType = UNSET
    suite: str | UnsetType = UNSET
    plugins: list[str] | UnsetType = UNSET
    cwd: str | UnsetType = UNSET
    device: str | UnsetType = UNSET
    threads: Whole | UnsetType = UNSET
    keep: str | UnsetType = UNSET
    folders: dict[str, str] | UnsetType = UNSET


class CellIdentity(Struct, omit_defaults=True, kw_only=True):
    """What a cell is of, before and after it is run; `kind` is `score` (rows), `cost` or `train`.

    `words` are what the track calls its things. `sets` (absent where none was asked for) are the metrics of the whole
    set, by name: in no row and no ranking. `inputs` are what the key is made of: see `Inputs`; exports of before have
    none, and no export has a `request`. `trained` maps the recipe of each checkpoint that a cell uses to the key of the
    cell that trained it; `tuned` has the grid of each tuned method that it uses. `after` names cells that had to be ok
    first; an `alone` cell had the machine to itself.
    """

    key: str
    kind: Kind
    track: str
    method: MethodPart
    dataset: DatasetPart
    regime: NamedPart
    protocol: NamedPart
    metrics: dict[str, MetricPart]
    seed: Whole
    suite: dict[str, str]
    words: dict[str, str] = {}
    inputs: dict[str, Any] = {}
    request: Request | None = None
    sets: dict[str, SetPart] = {}
    trained: dict[str, str] = {}
    tuned: list[Tuning] = []
    after: list[str] | None = None
    alone: bool | None = None


class Cell(CellIdentity, omit_defaults=True, kw_only=True):
    """`cell.json`. A cost has no dataset, protocol or metrics of interest; its `cost` is set.

    `needs` names the package or file that a skipped cell waits for. `opened` (absent where there are none) maps the
    files that the method opened in its own folders to their SHA-256. `training` is of a cell of kind `train`, whose
    dataset and regime are those trained on. `harness` is the hash of the noisebench that made the cell (absent in
    cells of before): no part of the key.
    """

    schema: Whole
    outcome: Outcome
    reason: str
    traceback: str
    notes: list[str]
    setup_s: Number | None
    seconds: Number | None
    cost: Cost | None
    environment: dict[str, Any]
    needs: str = ""
    rescored: Rescored | None = None
    opened: dict[str, str] = {}
    training: TrainingHistory | None = None
    harness: str = ""


class Inputs(TypedDict, total=False):
    """What is known of `inputs`. They may have more, and are stored as they are. Schema 1 has `pictures` for `data`.

    `fingerprint` is the version of the hashes of source files, absent where they are of bytes and of methods alone.
    Each of the `sources` maps files to their hashes: those of the method, the dataset, the regime, the protocol, the
    metrics, and of a track that is not of noisebench.
    """

    kind: Kind
    fingerprint: Whole
    track: str
    track_sources: dict[str, str]
    method: dict[str, Any]
    sources: dict[str, str]
    dataset_sources: dict[str, str]
    regime_sources: dict[str, str]
    protocol_sources: dict[str, str]
    metric_sources: dict[str, str]
    weights: dict[str, str]
    data: str
    pictures: str
    regime: dict[str, Any]
    regime_data: list[str]
    fitted_data: list[str]
    judged_data: list[str]
    protocol: dict[str, Any]
    metrics: dict[str, Whole | str]
    sets: dict[str, Any]
    seed: Whole
    size: list[Whole]
    repeats: Whole
    device: str
    threads: Whole
    reference: Whole
    training: Whole
    trained: list[str]


def known(value: T | UnsetType) -> T | None:
    """A value that may be absent: None where it is."""
    return None if value is UNSET else value
