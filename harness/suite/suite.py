"""Suite file → `Suite`: YAML read strictly, each mistake named with file and line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from ..spec.parsing import parse
from ..text.errors import UsageError, nearest, one_line
from .reading import compose, mapping, mistake, plain_text, scalar, sequence, shown_name

SUITES = Path(__file__).parents[1] / "suites"
KEEP = ("all", "sample", "none")
TIMEOUT = 3600.0
_MOST_MEMORY = 1 << 60
_LARGEST = 2**63 - 1
"""A larger number could be stored, but not read back."""
_MOST_THREADS = 4096


@dataclass(frozen=True)
class Limits:
    """Hard limits of one cell: seconds, bytes (None: no limit), and its threads."""

    timeout: float = TIMEOUT
    memory: int | None = None
    threads: int = 1


@dataclass(frozen=True)
class CostPlan:
    """Which costs to measure: sizes of an input, such as (H, W) of a picture, and calls per size. No sizes: none."""

    sizes: tuple[tuple[int, ...], ...] = ()
    repeats: int = 10


@dataclass(frozen=True)
class Suite:
    """What to run: methods × datasets × regimes × seeds, under one protocol.

    `protocol`, `metrics` and `rank_by` are empty where nothing is said: then they are those of the track. `names` are
    those that methods and datasets are shown under, kind → spec → name: no cell depends on them. `plugins` are paths;
    in a file they are said from its folder.
    """

    suite: str = "run"
    track: str = "restore"
    methods: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    regimes: tuple[str, ...] = ()
    protocol: str = ""
    metrics: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0,)
    rank_by: str = ""
    limit: int | None = None
    limits: Limits = field(default_factory=Limits)
    cost: CostPlan = field(default_factory=CostPlan)
    keep: str = "none"
    plugins: tuple[str, ...] = ()
    device: str = "cpu"
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def named_suites() -> dict[str, Path]:
    """The suites inside the package, by name."""
    return {p.stem: p for p in sorted(SUITES.glob("*.yaml"))}


def find_suite(name: str) -> Path:
    """A suite file by path, or one of the package by name. Raises `UsageError`."""
    path = Path(name)
    if path.is_file() and path.suffix == ".py":
        raise UsageError(
            f"{one_line(name)} is Python and no suite: a plug-in has a --plugin of its own before each file"
        )
    if path.is_file():
        return path
    known = named_suites()
    if name in known:
        return known[name]
    raise UsageError(f"no suite {one_line(name)!r}: give a YAML file, or one of {', '.join(known)}")


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


def _choice(*choices: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return str(value)

    return check


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "suite": plain_text, "track": plain_text, "protocol": plain_text, "rank_by": plain_text,
    "keep": _choice(*KEEP), "limit": count, "device": plain_text,
}  # fmt: skip
_LISTS: dict[str, Callable[[Any], Any]] = {
    "methods": plain_text, "datasets": plain_text, "regimes": plain_text, "metrics": plain_text, "seeds": whole,
    "plugins": plain_text,
}  # fmt: skip
_MAY_BE_NAMED = ("methods", "datasets")
_NAMED: dict[str, Callable[[Any], Any]] = {"name": shown_name, "spec": plain_text}
_MAPS: dict[str, tuple[type, dict[str, Callable[[Any], Any]], tuple[str, ...]]] = {
    "limits": (Limits, {"timeout": seconds, "memory": size_bytes, "threads": _threads}, ()),
    "cost": (CostPlan, {"sizes": input_size, "repeats": count}, ("sizes",)),
}


def _without_names(node: yaml.Node, file: Path, key: str) -> tuple[yaml.Node, dict[str, str]]:
    """A list of specs whose `{name: …, spec: …}` are plain specs again, and spec → name. Raises `UsageError`."""
    names: dict[str, str] = {}
    if not isinstance(node, yaml.SequenceNode):
        return node, names
    plain: list[yaml.Node] = []
    for child in node.value:
        if not isinstance(child, yaml.MappingNode):
            plain.append(child)
            continue
        inner = mapping(child, file)
        for part, value in inner.items():
            if part not in _NAMED:
                raise mistake(value, file, f"unknown key {one_line(part)!r} in {key}: {nearest(part, _NAMED)}")
        for part in _NAMED:
            if part not in inner:
                raise mistake(child, file, f"{part} is missing: write {{name: …, spec: …}}")
        name, spec = (scalar(inner[part], file, f"{key}.{part}", check) for part, check in _NAMED.items())
        try:
            parse(spec)
        except UsageError as error:
            raise mistake(inner["spec"], file, str(error)) from None
        if name in names.values():
            raise mistake(inner["name"], file, f"the name {one_line(name)!r} is given twice")
        names[spec] = name
        plain.append(inner["spec"])
    return yaml.SequenceNode(node.tag, plain, node.start_mark, node.end_mark), names


def read_suite(path: str | Path) -> Suite:
    """Read a suite file. Raises `UsageError` with file and line for anything that is not as documented."""
    file = Path(path)
    return suite_from(mapping(compose(file, "suite"), file), file)


def suite_from(fields: Mapping[str, yaml.Node], file: Path) -> Suite:
    """A `Suite` from the top-level nodes of its file."""
    known = {*_SCALARS, *_LISTS, *_MAPS}
    values: dict[str, Any] = {}
    for key, node in fields.items():
        if key == "study":  # what is drawn of the results: read by `noisebench study` alone
            continue
        if key not in known:
            raise mistake(node, file, f"unknown key {one_line(key)!r}: {nearest(key, known)}")
        if key in _SCALARS:
            values[key] = scalar(node, file, key, _SCALARS[key])
        elif key in _MAY_BE_NAMED:
            node, names = _without_names(node, file, key)
            values[key] = sequence(node, file, key, _LISTS[key])
            if names:
                values["names"] = {**values.get("names", {}), key.removesuffix("s"): names}
        elif key in _LISTS:
            values[key] = sequence(node, file, key, _LISTS[key])
        else:
            kind, checks, lists = _MAPS[key]
            inner: dict[str, Any] = {}
            for name, child in mapping(node, file).items():
                if name not in checks:
                    raise mistake(child, file, f"unknown key {one_line(name)!r} in {key}: {nearest(name, checks)}")
                read = sequence if name in lists else scalar
                inner[name] = read(child, file, f"{key}.{name}", checks[name])
            values[key] = kind(**inner)
    for key in ("methods", "datasets", "regimes"):
        if not values.get(key):
            raise UsageError(f"{one_line(file)}: {key} is missing: list at least one")
    for key in ("seeds", "metrics"):
        if key in values and not values[key]:
            raise mistake(fields[key], file, f"{key} is empty: list at least one, or leave it out")
    values["plugins"] = tuple(str(file.parent / plugin) for plugin in values.get("plugins", ()))
    suite = replace(Suite(suite=file.stem), **values)
    if suite.rank_by and suite.metrics and suite.rank_by not in suite.metrics:
        raise UsageError(f"{one_line(file)}: rank_by {suite.rank_by!r} is not among the metrics")
    return suite
