"""A stored cell as typed objects: what `cell.json` holds, read and checked by msgspec, and written to the same bytes.

A field with a default is absent from the file where it has that value; a cell of before may lack it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypedDict, TypeVar, get_args

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ..text.errors import one_line
from ..text.json_values import parsed

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
    longer that took than on idle processors; in older cells the ratio of those two tells.
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


class Training(Struct, frozen=True, omit_defaults=True, kw_only=True):
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


class Variant(Struct, frozen=True, omit_defaults=True, kw_only=True):
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
    variants: list[Variant]
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
    training: Training | None = None
    harness: str = ""


# ------------------------------------------------------------------------------------------ what is open by nature


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


class _Flags(TypedDict, total=False):
    """What is read of the flags of a method."""

    role: Role
    trained_on: list[str] | None


class _Environment(TypedDict, total=False):
    """What is read of an environment."""

    packages: dict[str, str] | None


def known(value: T | UnsetType) -> T | None:
    """A value that may be absent: None where it is."""
    return None if value is UNSET else value


# ------------------------------------------------------------------------------------------ writing


def plain_values(value: Any) -> Any:
    """A typed object as JSON has it: `default` of `json.dumps`, which so writes cells as it writes mappings."""
    return msgspec.to_builtins(value, enc_hook=_plain_number)


def sorted_values(value: Any) -> Any:
    """The same with names in the order that they have in a file."""
    return msgspec.to_builtins(value, enc_hook=_plain_number, order="sorted")


def _plain_number(value: Any) -> float:
    """A number of numpy."""
    if isinstance(value, float):
        return float(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def written_fields(value: Struct) -> dict[str, Any]:
    """The fields of an object that are written, each as it is."""
    omits, own = value.__struct_config__.omit_defaults, {}
    for field in msgspec.structs.fields(value):
        one = getattr(value, field.name)
        default = field.default if field.default is not msgspec.NODEFAULT else None
        empty = field.default_factory is not msgspec.NODEFAULT and not one
        if one is not UNSET and not (omits and not field.required and (empty or one == default)):
            own[field.name] = one
    return own


# ------------------------------------------------------------------------------------------ reading

DEEPEST = 32
"""Levels of nesting that a value of any kind may have."""
_DECIMALS = 20
_OPEN = ("flags", "environment", "inputs", "request")
"""Fields that may hold anything, of which some names are read."""
_WORDS = {"item", "items", "given", "output", "truth", "level"}


def decoded_cell(data: bytes) -> Cell:
    """A cell of JSON whose types are as documented. Raises ValueError with where it is not, and why."""
    try:
        return _DECODER.decode(data)
    except (msgspec.MsgspecError, RecursionError):
        # What msgspec does not read may be JSON as Python has it, such as NaN; and the message is made of its values.
        return checked(parsed(data), Cell)


def checked_cell(value: Any) -> Cell:
    """The cell that a value of a JSON document is. Raises ValueError with where it is not as documented, and why."""
    if isinstance(value, dict):
        for name in ("schema", *_REQUIRED):
            if name not in value:
                raise ValueError(f"{name} is missing")
        refuse_deep(value)
    cell = checked(value, Cell)
    if why := _why_not_finite(cell, "") or why_not_sound(cell):
        raise ValueError(why)
    return cell


def is_known(value: Any, written: Any) -> bool:
    """Whether all that was `written` of an object, and of those in it, is in the object that was read of it."""
    if isinstance(value, Struct):
        return written.keys() <= set(value.__struct_fields__) and all(
            is_known(getattr(value, name), one) for name, one in written.items() if name not in _OPEN
        )
    if isinstance(value, dict):
        return all(is_known(one, written[name]) for name, one in value.items())
    return not isinstance(value, list) or all(map(is_known, value, written))


def why_not_sound(cell: Cell) -> str | None:
    """Why a cell whose types are as documented is none: what is wrong between its fields, and in open ones."""
    for value, kind in ((cell.method.flags, _Flags), (cell.environment, _Environment)):
        if why := why_not(value, kind):
            return why
    if why := why_not(cell.inputs, Inputs):
        return f"inputs.{why}"
    if cell.words and (lacking := sorted(_WORDS - cell.words.keys())):
        return f"words.{lacking[0]} is missing"
    ratio = None if cell.cost is None else cell.cost.latency_rel
    if ratio is not None and ratio <= 0:
        return "cost.latency_rel: a ratio above 0"
    for name, part in cell.metrics.items():
        if not 0 <= (part.decimals or 0) <= _DECIMALS:
            return f"metrics.{one_line(name, 40)}.decimals: from 0 to {_DECIMALS}, not {one_line(part.decimals, 40)}"
        if any(limit < 0 for limit in (part.gate or {}).values()):
            return f"metrics.{one_line(name, 40)}.gate: a limit from 0"
    if cell.kind == "score" and cell.dataset.items is None and cell.dataset.pictures is None:
        return "dataset.items is missing"
    if cell.kind == "cost" and cell.outcome == "ok" and cell.cost is None:
        return "cost is missing"
    for tuning in cell.tuned:
        if not 0 <= (tuning.chosen or 0) < len(tuning.variants):
            return "tuned: chosen is none of its variants"
        if any(len(variant.values) != len(tuning.vary) for variant in tuning.variants):
            return "tuned: a variant has not one value for each parameter"
    if cell.kind == "train" and cell.outcome == "ok" and cell.training is None:
        return "training is missing"
    return None


def checked(value: Any, kind: type[T]) -> T:
    """The typed object that a value of a JSON document is. Raises ValueError with where it is none, and why."""
    try:
        return msgspec.convert(value, kind)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except msgspec.ValidationError as error:
        raise ValueError(_in_words(str(error), value, kind)) from None


def refuse_deep(fields: Mapping[str, Any]) -> None:
    """Raise ValueError for a field that is nested deeper than a file of cells may be."""
    for name, one in fields.items():
        if _is_deep(one, DEEPEST):
            raise ValueError(f"{one_line(name, 40)}: nested more than {DEEPEST} deep")


def why_not(value: Any, kind: Any) -> str | None:
    """Why a value of a JSON document is not of a type."""
    try:
        checked(value, kind)
    except ValueError as error:
        return str(error)
    return None


def _why_not_finite(value: Any, place: str) -> str | None:
    """Where a number is infinite or none, in fields that are not open by nature."""
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{place}: a finite number, not {value}"
    if isinstance(value, Struct):
        inside: Iterable[tuple[str, Any]] = (
            (f"{place}{place and '.'}{name}", getattr(value, name))
            for name in value.__struct_fields__
            if name not in _OPEN
        )
    elif isinstance(value, dict):
        inside = ((f"{place}.{one_line(name, 40)}", one) for name, one in value.items())
    elif isinstance(value, list):
        inside = ((f"{place}[{number}]", one) for number, one in enumerate(value))
    else:
        return None
    return next((why for where, one in inside if (why := _why_not_finite(one, where))), None)


def _is_deep(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    return not levels or any(_is_deep(v, levels - 1) for v in (value.values() if isinstance(value, dict) else value))


_DECODER = msgspec.json.Decoder(Cell)
_REQUIRED = [field.name for field in msgspec.structs.fields(Cell) if field.required]
_MESSAGE = re.compile(r"(.*?)(?: - at `(?:key` in `)?\$(.*)`)?", re.DOTALL)
_STEP = re.compile(r"\.(\w+)|\[(\d+|\.\.\.)\]")
_EXPECTED = {
    "str": "text", "bool": "true or false", "null": "null", "int": "a whole number", "int | float": "a number",
    "float": "a number", "array": "a list", "object": "names with values",
}  # fmt: skip
_CHOICES: dict[str, Sequence[str]] = {"outcome": OUTCOMES, "kind": get_args(Kind), "role": get_args(Role)}


def _in_words(message: str, document: Any, kind: Any) -> str:
    """What msgspec says of a document, in our words: `method.flags: names with values, not 7`."""
    found = _MESSAGE.fullmatch(message)
    what, path = (found[1], found[2] or "") if found else (message, "")
    steps, value = _steps(path, document, kind)
    place = ""
    for step in steps:
        place += f"[{step}]" if isinstance(step, int) else f"{place and '.'}{one_line(step, 40)}"
    if missing := re.fullmatch(r"Object missing required field `(\w+)`", what):
        return f"{place}{place and '.'}{missing[1]} is missing"
    return f"{place}{place and ': '}{_due(what, value, str(steps[-1]) if steps else '')}"


def _due(what: str, value: Any, name: str) -> str:
    """What was due in the place of a value."""
    shown = one_line(repr(value)[:60] if isinstance(value, str | int | float | None) else type(value).__name__, 60)
    if name in _CHOICES:
        return f"{shown} is none of {', '.join(_CHOICES[name])}"
    if what.startswith("Expected `int` "):
        return "a whole number below 2**63"
    expected = re.fullmatch(r"Expected `(.+)`, got `.*`", what)
    due = expected and (_EXPECTED.get(expected[1].removesuffix(" | null")) or _EXPECTED.get(expected[1].split(" ")[0]))
    return f"{due}, not {shown}" if due else one_line(what, 80)


def _steps(path: str, document: Any, kind: Any) -> tuple[list[str | int], Any]:
    """The names and places that lead to a value, and it; msgspec does not say which name of a mapping it means."""
    steps: list[str | int] = []
    value = document
    for name, place in _STEP.findall(path):
        step = name or (int(place) if place != "..." else _wrong_name(steps, value, document, kind))
        steps.append(step)
        value = value[step]
    return steps, value


def _wrong_name(steps: Sequence[str | int], names: Mapping[str, Any], document: Any, kind: Any) -> str:
    """The first of several names whose value is not as documented: the document is read with each of them alone."""
    for name, value in names.items():
        try:
            msgspec.convert(_with(document, steps, {name: value}), kind)
        except (msgspec.ValidationError, RecursionError):
            return name
    return next(iter(names))


def _with(document: Any, steps: Sequence[str | int], value: Any) -> Any:
    """The document with another value at a place."""
    if not steps:
        return value
    copy = document.copy()
    copy[steps[0]] = _with(document[steps[0]], steps[1:], value)
    return copy
