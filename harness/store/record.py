"""The documented schema of a stored cell. Everything after the store reads `Record`s and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict, TypeVar

import numpy as np
import numpy.typing as npt

from ..text.errors import one_line
from ..text.wording import by_number
from .old_schemas import OLD_WORDS, old_decimals, old_metric, old_role

T = TypeVar("T")
SCHEMA = 2
"""Of cells, stores and exports. 1: before tracks; read for ever, see `old_schemas.py`."""
REFERENCE = 2
"""Of the operation that latencies are relative to. 1: a convolution of torch, as costs have it that name none."""
OUTCOMES = ("ok", "skipped", "failed", "oom", "timeout", "crashed", "invalid", "undefined", "blocked", "diverged")
NOT_OK = ("failed", "oom", "timeout", "crashed", "invalid", "undefined", "blocked")
Outcome = Literal["ok", "skipped", "failed", "oom", "timeout", "crashed", "invalid", "undefined", "blocked", "diverged"]
Role = Literal["", "baseline", "sanity", "optimum"]
Kind = Literal["score", "cost", "train"]
WAITED = 1.1
"""Beyond so much `busy` times of two costs are less alike than their processor times are."""
NAMED = ("method", "dataset")
"""Parts of a cell that may be shown under a name of their own."""


class MethodPart(TypedDict):
    """`method` of a cell. `sources` maps each file of the fingerprint to its SHA-256.

    `written` is never stored: the display form, where a report has a name in its place.
    """

    name: str
    spec: str
    display: str
    versions: dict[str, int]
    flags: dict[str, Any]
    cite: str
    sources: dict[str, str]
    source_sha256: str
    written: NotRequired[str]


class DatasetPart(TypedDict):
    """`dataset` of a cell; `fingerprint` covers the `items` chosen, in order. Schema 1 calls them `pictures`.

    `total`: how many there are to choose from. `groups` are the ids of each group that the dataset declares, `same`
    the ids of items with equal truths, `overlaps` pairs of ids that were seen to show the same thing in part; absent
    where there are none. `channels`: how many its pictures have, each number once; absent where items are no pictures,
    and in cells of before. `written` is never stored: the display form, where a report has a name in its place.
    """

    name: str
    spec: str
    display: str
    versions: dict[str, int]
    fingerprint: str
    items: NotRequired[int]
    pictures: NotRequired[int]
    total: NotRequired[int]
    groups: NotRequired[dict[str, list[str]]]
    same: NotRequired[list[list[str]]]
    overlaps: NotRequired[list[list[str]]]
    channels: NotRequired[list[int]]
    written: NotRequired[str]


class NamedPart(TypedDict):
    """`regime` or `protocol` of a cell, with the versions of every entry named."""

    name: str
    spec: str
    display: str
    versions: dict[str, int]


class MetricPart(TypedDict):
    """A metric: its version, whether higher is better, its unit, the decimals that are printed, its place on a board.

    `gate`: what a check lets pass where no rule speaks. `made_with`, where another package computes it: which, and
    the SHA-256 of its weights.
    """

    version: int
    higher: bool
    unit: str
    decimals: NotRequired[int]
    order: NotRequired[int]
    gate: NotRequired[dict[str, float]]
    made_with: NotRequired[str]


class SetPart(TypedDict):
    """A metric of the whole set of pictures: FID and its kin, against a reference set. Lower is better.

    `value` is null where there is none, and `note` says why. `error` is a standard error, `interval` a 95 % one;
    either is null where the metric has none. `n` counts pictures (patches, where it is of patches), `d` is the
    dimension of `features`, whose network file has the hash `features_sha256`. `reference` is `clean`, or name
    and hash of a file. `floor` is what the clean pictures themselves score: two halves of them, or all against a
    reference file, or what `note` says. `flags`: `small-n` (below 2,048), `refused` (fewer than the features).
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
    the processor packages took in one call; `weight_bytes` is what the parameters take, or what a method says that they
    do. `latency_rel` is over the reference operation, whose version is
    `reference` of the inputs, and whose times are `reference_ms` and `reference_cpu_ms`. `busy` is how many times
    longer that took than on idle processors; in older cells the ratio of those two tells.
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
    busy: NotRequired[float]
    first_ms: NotRequired[float | None]
    energy_j: NotRequired[float | None]
    weight_bytes: NotRequired[int | None]
    reasons: dict[str, str]


class Rescored(TypedDict):
    """Of a cell whose pictures another cell had kept: its key (`source`), and the environment that scored them.

    `seconds` of the rows, `setup_s`, `notes` and `environment` are those of the other cell: of the restoring.
    """

    source: str
    environment: dict[str, Any]


class CurvePoint(TypedDict):
    """One validation, after `step` steps and `seconds` of training: the mean `loss` since the last one, the `score`."""

    step: int
    seconds: float
    loss: float | None
    score: float | None


class TrainingCost(TypedDict):
    """What training took. `seconds` and `cpu_seconds` are of the steps alone, without validation.

    Bytes are of parameters, of gradients, of the optimiser's state, and of what one step saves for its backward pass;
    `macs` are of one step, forward and backward. A null has its reason in `reasons`.
    """

    seconds: float
    cpu_seconds: float
    items_per_second: float
    peak_memory_bytes: int | None
    parameter_bytes: int
    gradient_bytes: int
    optimizer_bytes: int
    saved_bytes: int
    macs: int | None
    reasons: dict[str, str]


class Training(TypedDict):
    """How a training went: steps done and why it stopped, the validation curve, its cost, the checkpoint's SHA-256.

    `given` and `wanted` are the shapes of one item of a batch, `validation` the ids that were kept for it, `metric`
    what they were scored by. `figures` are what the parts of the recipe found, by name; `figure_costs` those that are a
    cost, with what it is called. `imported`: the checkpoint was trained elsewhere.
    """

    recipe: str
    given: list[int]
    wanted: list[int]
    validation: list[str]
    metric: str
    higher: bool
    steps: int
    of: int
    stopped: str
    score: float | None
    curve: list[CurvePoint]
    cost: TrainingCost
    figures: NotRequired[dict[str, float]]
    figure_costs: NotRequired[dict[str, str]]
    weights_sha256: NotRequired[str]
    imported: NotRequired[bool]


class Variant(TypedDict):
    """One variant of a tuned method: its values of what is varied, as text, and the key of its training.

    `outcome` and validation `score` are those of the training, once it has ended; null where it has no score.
    """

    values: list[str]
    key: str
    outcome: NotRequired[Outcome]
    score: NotRequired[float | None]


class Tuning(TypedDict):
    """The declared grid of a tuned method, in order: `chosen` is the place of the variant that it uses.

    `vary` are the paths of the parameters that differ, `edge` those whose chosen value is the least or largest of
    several numbers. `chosen` is absent where no variant has a score.
    """

    method: str
    vary: list[str]
    variants: list[Variant]
    chosen: NotRequired[int]
    edge: NotRequired[list[str]]


class Inputs(TypedDict, total=False):
    """What the key of a cell is made of. Schema 1 has `pictures` for `data`.

    `fingerprint` is the version of the hashes of source files, absent where they are of bytes and of methods alone.
    Each of the `sources` maps files to their hashes: those of the method, the dataset, the regime, the protocol, the
    metrics, and of a track that is not of noisebench.
    """

    kind: Kind
    fingerprint: int
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
    metrics: dict[str, int | str]
    sets: dict[str, Any]
    seed: int
    size: list[int]
    repeats: int
    device: str
    threads: int
    reference: int
    training: int
    trained: list[str]


class Request(TypedDict):
    """What plans just this cell again, on the machine that it was planned on: in no export.

    `folders` are those of the method, by the names that its source files have: its opened files lie below them.
    """

    track: str
    methods: list[str]
    datasets: list[str]
    regimes: list[str]
    protocol: str
    metrics: list[str]
    seeds: list[int]
    limit: int | None
    cost: dict[str, Any] | None
    rank_by: str
    suite: str
    plugins: list[str]
    cwd: str
    device: str
    threads: int
    keep: str
    folders: NotRequired[dict[str, str]]


class Cell(TypedDict):
    """`cell.json`. `kind` is `score` (rows) or `cost` (no dataset, protocol or metrics of interest; `cost` set).

    `sets` (absent where none was asked for) are the metrics of the whole set, by name: in no row and no ranking.
    `words` are what the track calls its things; `needs` names the package or file that a skipped cell waits for.
    `opened` (absent where there are none) maps the files that the method opened in its own folders to their SHA-256.
    `training` is of a cell of kind `train`, whose dataset and regime are those trained on; `trained` maps the recipe of
    each checkpoint that a cell uses to the key of the cell that trained it; `tuned` has the grid of each tuned method
    that it uses.
    """

    schema: int
    key: str
    kind: Kind
    track: str
    words: NotRequired[dict[str, str]]
    needs: NotRequired[str]
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
    inputs: Inputs
    request: Request
    rescored: NotRequired[Rescored]
    sets: NotRequired[dict[str, SetPart]]
    opened: NotRequired[dict[str, str]]
    training: NotRequired[Training]
    trained: NotRequired[dict[str, str]]
    tuned: NotRequired[list[Tuning]]


@dataclass(frozen=True)
class Panel:
    """One item to look at in the report: PNG or WAV bytes by what they show, such as `clean`, `noisy`, `restored`."""

    item: str
    parts: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Mistake:
    """An item that was got wrong: the truth, what was said, and how likely that was held to be, None where nobody says.

    `picture` is a PNG of what was given, of the first of a cell alone.
    """

    item: str
    truth: str
    said: str
    likely: float | None = None
    picture: bytes | None = None


@dataclass(frozen=True)
class Plugins:
    """The plug-ins of a cell, as the export of a bundle carries them.

    `loaded` are those that register something, `files` the text of these and of what they import: by their place below
    the folder of plug-ins.
    """

    loaded: tuple[str, ...]
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Record:
    """A stored cell: `cell.json`, its rows by column, and the crops of one picture where kept.

    Columns: `item`, `input_sha256`, `output_sha256`, `note` (text), `seconds` and each metric (float64; NaN
    where the score is not defined, with the reason in `note`; inf is kept). `seal` is what store or export say that all
    this hashes to, empty where it was written before there were seals. `whole` is what the reader of a store found by
    hashing its files; None where the record itself is to be hashed, as those of exports are. `keyed`: it was found to
    be what its key was made from. `asked` is when a run asked for it last, UTC in ISO 8601; empty where that is not
    known. `names` are those that its `method` and `dataset` are shown under, where they have one: like `asked`, outside
    of the cell and its seal. `plugins` has the export of a bundle alone. `mistakes` are the items that were got wrong,
    None where that is not known.
    """

    cell: Cell
    items: list[str] = field(default_factory=list)
    input_sha256: list[str] = field(default_factory=list)
    output_sha256: Sequence[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    scores: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    panel: Panel | None = None
    seal: str = ""
    whole: bool | None = None
    asked: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    plugins: Plugins | None = None
    mistakes: tuple[Mistake, ...] | None = None
    keyed: bool = False

    def __repr__(self) -> str:
        return f"Record({one_line(cell_text(self.cell))} · seed {self.cell['seed']}: {self.cell['outcome']})"


def in_order(things: Sequence[T], cells: Sequence[Cell]) -> list[T]:
    """What belongs to each of `cells`, as a person reads them: by dataset, regime, method, protocol and seed; what
    belongs to costs comes last."""
    if not cells:
        return []
    # Many cells have few names: each is compared with the others once, not in every cell. The first column counts most.
    columns = [
        _places([(cell["kind"] != "score", cell["track"]) for cell in cells]),
        *(_places([cell[part]["display"] for cell in cells], by_number) for part in _PARTS),  # type: ignore[literal-required]
        _places([cell["seed"] for cell in cells]),
        _places([cell["key"] for cell in cells]),
    ]
    return [things[place] for place in np.lexsort(columns[::-1]).tolist()]


_PARTS = ("dataset", "regime", "method", "protocol")


def _places(values: Sequence[Any], order: Callable[[Any], Any] | None = None) -> npt.NDArray[np.int32]:
    """The place of each value among the distinct ones."""
    place = {value: number for number, value in enumerate(sorted(set(values), key=order))}
    return np.fromiter(map(place.__getitem__, values), np.int32, len(values))


def item_count(cell: Cell) -> int:
    """How many items were chosen of the dataset."""
    data = cell["dataset"]
    return data["items"] if "items" in data else data.get("pictures", 0)


def dataset_text(cell: Cell) -> str:
    """The dataset as a heading says it: `photos`, or `photos (first 6 of 12)`."""
    data, chosen = cell["dataset"], item_count(cell)
    total = data.get("total", chosen)
    return data["display"] if total == chosen else f"{data['display']} (first {chosen} of {total})"


def cost_size(cell: Cell) -> Sequence[int]:
    """The size of the input of a cost; empty where it is not known."""
    # From the inputs of the key first: a cell that did not come to an end holds no cost.
    cost = cell["cost"]
    return (cell.get("inputs") or {}).get("size") or (cost["size"] if cost else ())


def place_text(cell: Cell) -> str:
    """What a cell is on: its dataset, or of a cost that and its size, `cost at 32×32`."""
    if cell["kind"] != "cost":
        return cell["dataset"]["display"]
    size = "×".join(map(str, cost_size(cell)))
    return f"cost at {size}" if size else "cost"


def cell_text(cell: Cell) -> str:
    """What a cell is of: `nlm · photos · gaussian(sigma=25)`."""
    return " · ".join(filter(None, (cell["method"]["display"], place_text(cell), cell["regime"]["display"])))


def used_trainings(cell: Cell) -> list[str]:
    """The keys of the trainings whose networks a cell uses: of what is tuned that of the variant chosen alone."""
    tunings = cell.get("tuned", [])
    variants = {variant["key"] for tuning in tunings for variant in tuning["variants"]}
    chosen = [tuning["variants"][tuning["chosen"]]["key"] for tuning in tunings if "chosen" in tuning]
    plain = [key for key in cell.get("trained", {}).values() if key not in variants]
    return list(dict.fromkeys([*plain, *chosen]))


def role_of(method: MethodPart) -> Role:
    """What a method is on a board."""
    flags = method["flags"] or {}
    if "role" in flags:
        role: Role = flags["role"]
        return role
    return old_role(method["name"], flags)


def decimals_of(name: str, part: MetricPart) -> int:
    """How many decimals of a metric are printed."""
    return part["decimals"] if "decimals" in part else old_decimals(name, part["unit"])


def order_of(name: str, part: MetricPart) -> int:
    """Where a metric stands on a board."""
    return part["order"] if "order" in part else old_metric(name).order


def gate_of(name: str, part: MetricPart) -> Mapping[str, float]:
    """What a check lets pass of a metric where no rule speaks."""
    return part["gate"] if "gate" in part else old_metric(name).gate


def words_of(cell: Cell) -> Mapping[str, str]:
    """What the things of a cell are called."""
    return cell.get("words") or OLD_WORDS
