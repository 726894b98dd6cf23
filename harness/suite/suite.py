"""Suite file → `Suite`: YAML read strictly, each mistake named with file and line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from ..spec.parsing import parse
from ..text.errors import UsageError, one_line
from .reading import (
    UNWRITTEN,
    Check,
    Distinct,
    FileModel,
    InvalidValue,
    Text,
    YamlPart,
    plain_text,
    read_yaml,
    shown_name,
)

SUITES = Path(__file__).parents[1] / "suites"
EXAMPLES = "see `noisebench list suites` for examples"
KEEP = ("all", "sample", "none")
TIMEOUT = 3600.0
_MOST_MEMORY = 1 << 60
_LARGEST = 2**63 - 1
"""A larger number could be stored, but not read back."""
_MOST_THREADS = 4096


def seconds(text: Any) -> float:
    """`600`, `90s`, `10m` or `2h` → seconds, above 0. Raises ValueError."""
    if isinstance(text, bool):
        raise ValueError("a time")
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|h)?\s*", str(text))
    value = float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2] or "s"] if match else 0.0
    if value <= 0:
        raise ValueError("a time above 0, such as 600, 10m or 2h")
    return value


def size_bytes(text: Any, unit: int = 1 << 30) -> int:
    """`8GiB`, `512MiB`, or a plain number of GiB → bytes. Raises ValueError."""
    match = None if isinstance(text, bool) else re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]i?B)?\s*", str(text))
    scale = {"K": 10, "M": 20, "G": 30, "T": 40}
    value = float(match[1]) * ((1 << scale[match[2][0]]) if match[2] else unit) if match else 0.0
    if not 1 <= value <= _MOST_MEMORY:
        raise ValueError("an amount of memory, such as 8GiB or 512MiB, of at most 2**60 bytes")
    return int(value)


def input_size(text: Any) -> tuple[int, ...]:
    """`256x256` → (256, 256), `1000` → (1000,). Raises ValueError."""
    if isinstance(text, bool) or not re.fullmatch(r"[1-9]\d{0,8}(x[1-9]\d{0,4}){0,3}", str(text)):
        raise ValueError("a size such as 256x256 (height x width), or 256x256x3 in colour")
    return tuple(map(int, str(text).split("x")))


def whole(text: Any) -> int:
    """A whole number from 0, of 64 bits at most. Raises ValueError."""
    return _whole_from(0, text)


def count(text: Any) -> int:
    """A whole number from 1, of 64 bits at most. Raises ValueError."""
    return _whole_from(1, text)


def _whole_from(least: int, text: Any) -> int:
    if isinstance(text, bool) or not isinstance(text, int) or text < least:
        raise ValueError(f"a whole number from {least}")
    if text > _LARGEST:
        raise ValueError(f"a whole number from {least} to {_LARGEST}")
    return text


def _threads(text: Any) -> int:
    if (value := count(text)) > _MOST_THREADS:
        raise ValueError(f"a whole number from 1 to {_MOST_THREADS}")
    return value


def _keep(value: Any) -> str:
    if value not in KEEP:
        raise ValueError(f"one of {', '.join(KEEP)}")
    return str(value)


def _one_spec(text: Any) -> str:
    try:
        parse(spec := plain_text(text))
    except UsageError as error:
        raise InvalidValue(str(error)) from None
    return spec


Whole = Annotated[int, Check(whole)]
Count = Annotated[int, Check(count)]


@dataclass(frozen=True)
class Limits(FileModel):
    """Hard limits of one cell: seconds, bytes (None: no limit), and its threads."""

    timeout: Annotated[float, Check(seconds)] = TIMEOUT
    memory: Annotated[int | None, Check(size_bytes)] = None
    threads: Annotated[int, Check(_threads)] = 1


@dataclass(frozen=True)
class CostPlan(FileModel):
    """Which costs to measure: sizes of an input, such as (H, W) of a picture, and calls per size. No sizes: none."""

    sizes: Distinct[Annotated[tuple[int, ...], Check(input_size)]] = ()
    repeats: Count = 10


@dataclass(frozen=True)
class Suite(FileModel):
    """What to run: methods × datasets × regimes × seeds, under one protocol.

    Empty `protocol`, `metrics` and `rank_by` are those of the track. `names` map kind → spec → name, for display: no
    cell depends on them. `plugins` are paths, in a file from its folder. `places` map a spec to its file and line.
    """

    suite: Text = "run"
    track: Text = "restore"
    methods: Distinct[Text] = ()
    datasets: Distinct[Text] = ()
    regimes: Distinct[Text] = ()
    protocol: Text = ""
    metrics: Distinct[Text] = ()
    seeds: Distinct[Whole] = (0,)
    rank_by: Text = ""
    limit: Annotated[int | None, Check(count)] = None
    limits: Limits = field(default_factory=Limits)
    cost: CostPlan = field(default_factory=CostPlan)
    keep: Annotated[str, Check(_keep)] = "none"
    plugins: Distinct[Text] = ()
    device: Text = "cpu"
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict, metadata=UNWRITTEN)
    places: Mapping[str, str] = field(default_factory=dict, metadata=UNWRITTEN, compare=False, repr=False)

    def check(self) -> None:
        """Raise `InvalidValue` where a file names nothing to run, or a metric to rank by that is not scored."""
        for key in ("methods", "datasets", "regimes"):
            if not getattr(self, key):
                raise InvalidValue(f"{key} is missing: list at least one", key)
        if self.rank_by and self.metrics and self.rank_by not in self.metrics:
            raise InvalidValue(f"rank_by {one_line(self.rank_by)!r} is not among the metrics", "rank_by")


@dataclass(frozen=True)
class _NamedSpec(FileModel):
    """A method or a dataset with the name that it is shown under."""

    name: Annotated[str, Check(shown_name)] = ""
    spec: Annotated[str, Check(_one_spec)] = ""

    def check(self) -> None:
        for part in ("name", "spec"):
            if not getattr(self, part):
                raise InvalidValue(f"{part} is missing: write {{name: …, spec: …}}")


def read_suite(path: str | Path) -> Suite:
    """Read a suite file. Raises `UsageError` with file and line for anything that is not as documented."""
    return suite_from(read_yaml(path, "suite", EXAMPLES))


def suite_from(file: YamlPart) -> Suite:
    """The suite of a file; `study` and its `budgets` are read in `study.py`. Raises `UsageError` with file and line."""
    of_study = ("study", "budgets") if "study" in file.mapping else ()
    if "budgets" in file.mapping and not of_study:
        raise file.mistake("budgets needs study: say what is plotted, such as study: [{x: trained.steps}]", "budgets")
    values = {key: value for key, value in file.mapping.items() if key not in of_study}
    for key in ("seeds", "metrics"):
        if values.get(key) == ():
            raise file.mistake(f"{key} is empty: list at least one, or leave it out", key)
    names: dict[str, dict[str, str]] = {}
    for key in ("methods", "datasets"):
        if isinstance(values.get(key), tuple):
            values[key], given_names = _without_names(file.items(key, name=key))
            names |= {key.removesuffix("s"): given_names} if given_names else {}
    suite = replace(file, value=values).read(Suite)
    plugins = tuple(str(file.file.parent / plugin) for plugin in suite.plugins)
    places = {
        spec: part.place
        for key in ("methods", "datasets", "regimes", "metrics")
        for spec, part in zip(getattr(suite, key), file.items(key), strict=True)
    }
    name = values.get("suite", file.file.stem)
    return replace(suite, suite=name, plugins=plugins, names=names, places=places)


def _without_names(listed: Iterable[YamlPart]) -> tuple[tuple[Any, ...], dict[str, str]]:
    """A list of specs in which each `{name: …, spec: …}` is a plain spec again, and spec → name."""
    specs: list[Any] = []
    names: dict[str, str] = {}
    for part in listed:
        if not isinstance(part.value, dict):
            specs.append(part.value)
            continue
        named = part.read(_NamedSpec)
        if named.name in names.values():
            raise part.mistake(f"the name {one_line(named.name)!r} is given twice", "name")
        names[named.spec] = named.name
        specs.append(named.spec)
    return tuple(specs), names


def named_suites() -> dict[str, Path]:
    """The suites inside the package, by name."""
    return {p.stem: p for p in sorted(SUITES.glob("*.yaml"))}


def find_suite(name: str) -> Path:
    """A suite file by path, or one of the package by name. Raises `UsageError`."""
    path = Path(name)
    if path.is_file() and path.suffix == ".py":
        raise UsageError(f"{one_line(name)} is a Python file, not a suite: put --plugin before each plug-in")
    if path.is_file():
        return path
    known = named_suites()
    if name in known:
        return known[name]
    raise UsageError(f"no suite {one_line(name)!r}: give a YAML file, or one of {', '.join(known)}")
