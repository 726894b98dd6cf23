"""Claims: numbers that papers print, as data; which cells they need, and the verdict on what we get."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Generic, Literal, Protocol, Required, TypedDict, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..components.tracks import DEFAULT
from ..text.errors import UsageError, nearest, one_line

CLAIMS = Path(__file__).parent
EFFECTS = ("effect", "property")
"""Kinds whose claims are expressions over cells."""
SLACK = 0.01
CLOSE = 0.05

Verdict = Literal["reproduced", "close", "differs", "not available"]


Size = Literal["quick", "full"]


class FileRow(BaseModel):
    """What a row of a claim file has, of every kind. `size`: `quick` takes minutes, `full` hours."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    name: str = Field(pattern=r"^[a-z0-9_]+$")
    systems: list[int] = []
    size: Size = "quick"


R = TypeVar("R", bound=FileRow)


class ClaimFile(BaseModel, Generic[R]):
    """A claim file of any kind: where its rows come from, and the rows.

    `let` gives names to texts; `$name` stands for one in the cells, and in what `let` says below it.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    paper: str
    url: str = Field(pattern=r"^https://[^\s\p{C}<>\"']+$")
    kind: str
    track: str = DEFAULT
    let: dict[str, str] = {}
    claims: list[R] = Field(min_length=1)


F = TypeVar("F", bound=ClaimFile[Any])


class _Row(FileRow):
    table: str
    row: str
    method: str
    dataset: str
    regime: str
    protocol: str
    metric: str
    value: str = Field(pattern=r"^-?\d+\.\d+$")


class _File(ClaimFile[_Row]):
    kind: Literal["number"]


@dataclass(frozen=True)
class Claim:
    """A printed number and the cell that stands for it. `value` is the text as printed; `group` its file."""

    name: str
    group: str
    kind: str
    paper: str
    url: str
    table: str
    row: str
    method: str
    dataset: str
    regime: str
    protocol: str
    metric: str
    value: str
    systems: tuple[int, ...] = ()
    track: str = DEFAULT
    size: Size = "quick"

    @property
    def decimals(self) -> int:
        """How many decimals are printed."""
        return len(self.value.partition(".")[2])


def content_of(path: Path) -> dict[str, Any]:
    """What a claim file holds, unchecked. Raises `UsageError` naming the file."""
    import yaml

    from ..suite.reading import plain

    try:
        content = plain(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"claims {one_line(path)} cannot be read: {one_line(error, 200)}") from None
    if not isinstance(content, dict):
        raise UsageError(f"claims {one_line(path)}: the file is not a table with paper, url, kind and claims")
    return content


def checked(path: Path, schema: type[F]) -> F:
    """The content of a claim file, each name once. Raises `UsageError` naming the file and the field."""
    try:
        file = schema.model_validate(content_of(path))
    except ValidationError as error:
        first = error.errors()[0]
        place, said = ".".join(map(str, first["loc"])) or "the file", first["msg"]
        if first["loc"][-1:] == ("[key]",):
            said = "a name must be a text: quote it, for YAML reads on, off, yes and no as true and false"
        raise UsageError(f"claims {one_line(path)}: {one_line(place)}: {one_line(said)}") from None
    names = [row.name for row in file.claims]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"claims {one_line(path)}: {name} is given twice")
    return file


def named_texts(path: Path, let: Mapping[str, str], kept: Sequence[str] = ()) -> dict[str, str]:
    """What the names of `let` stand for, each with those above it in place. Raises `UsageError` naming the file.

    The names `kept` stand for themselves, `$name`, and are none that a file may give.
    """
    found = {name: f"${name}" for name in kept}
    for name, text in let.items():
        if not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
            raise UsageError(f"claims {one_line(path)}: let: {one_line(name)!r} is no name: a-z, digits and _")
        if name in kept:
            raise UsageError(f"claims {one_line(path)}: let: ${name} has a meaning of its own: choose another name")
        found[name] = in_place(path, f"let.{name}", text, found)
    return found


def in_place(path: Path, where: str, text: str, names: Mapping[str, str]) -> str:
    """A text with what each `$name` stands for. Raises `UsageError` naming the file, the place and an unknown name."""
    try:
        return Template(text).substitute(names)
    except KeyError as error:
        unknown = str(error.args[0])
        raise UsageError(
            f"claims {one_line(path)}: {where}: ${one_line(unknown)} is not in `let`: {nearest(unknown, names)}"
        ) from None
    except ValueError:
        raise UsageError(f"claims {one_line(path)}: {where}: a $ that begins no name: write $$ for one") from None


_CELL = ("method", "dataset", "regime", "protocol", "metric")


def read_claims(path: Path) -> list[Claim]:
    """The claims of one file. Raises `UsageError` naming the file and the field."""
    file = checked(path, _File)
    names = named_texts(path, file.let)
    found: list[Claim] = []
    for row in file.claims:
        texts = {part: in_place(path, f"{row.name}: {part}", getattr(row, part), names) for part in _CELL}
        fields = {**row.model_dump(), **texts, "systems": tuple(row.systems)}
        found.append(Claim(group=path.stem, kind=file.kind, paper=file.paper, url=file.url, track=file.track, **fields))
    return found


def all_claims(folder: Path = CLAIMS) -> list[Claim]:
    """Every number claim of the package, in the order of files and rows. Raises `UsageError`."""
    files = [path for path in sorted(folder.glob("*.yaml")) if content_of(path).get("kind") not in EFFECTS]
    found = [claim for path in files for claim in read_claims(path)]
    names = [c.name for c in found]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"claim {name} is in two files of {one_line(folder)}: rename one")
    return found


class _Chosen(Protocol):
    """What a claim of either kind has."""

    @property
    def name(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def systems(self) -> tuple[int, ...]: ...
    @property
    def size(self) -> Size: ...


C = TypeVar("C", bound=_Chosen)


def chosen(
    claims: Sequence[C],
    names: Iterable[str],
    kind: str | None = None,
    system: int | None = None,
    size: str | None = None,
) -> list[C]:
    """The claims named (by their own name or their file's), of a kind, of a system, of a size. Raises `UsageError`."""
    names = list(names)
    known = {c.name for c in claims} | {c.group for c in claims}
    for name in names:
        if name not in known:
            of_file = name.endswith((".yaml", ".yml"))
            way_out = "a file of your own is given by --claims" if of_file else nearest(name, known)
            raise UsageError(f"unknown claim {one_line(name)!r}: {way_out}")
    found = [
        c
        for c in claims
        if (not names or c.name in names or c.group in names)
        and (kind is None or c.kind == kind)
        and (system is None or system in c.systems)
        and (size is None or c.size == size)
    ]
    if not found:
        of = f" of system {system}" if system is not None else ""
        what = " ".join(filter(None, (size, kind))) or "known"
        raise UsageError(f"no {what} claim{of} among them: `noisebench reproduce --list` names all")
    return found


def judge(claimed: str, ours: float) -> Verdict:
    """`reproduced` within half of the last printed decimal + 0.01, `close` within 0.05, else `differs`."""
    if not re.fullmatch(r"-?\d+(\.\d+)?", claimed):
        raise ValueError(f"not a printed number: {claimed!r}")
    off = abs(ours - float(claimed))
    half = 0.5 * 10.0 ** -len(claimed.partition(".")[2])
    # Decimal fractions are not exact in binary: what lies on the edge is inside.
    if off <= half + SLACK + 1e-9:
        return "reproduced"
    return "close" if off <= CLOSE + 1e-9 else "differs"


class ClaimRow(TypedDict, total=False):
    """A claim beside what we get: a row of `reproduce`, of its JSON and of the table of verdicts.

    `claimed` is the number as printed, or the expression that must hold; `values` are the figures by name on each seed.
    `seconds` are those of all cells behind it, their trainings included. `edges` say where the best value of what is
    tuned is the least or the largest of those tried. `stale`, of stored results alone: a cell would have another key
    today.
    """

    name: Required[str]
    kind: Required[str]
    track: str
    paper: Required[str]
    url: Required[str]
    table: Required[str]
    row: Required[str]
    method: str
    dataset: str
    regime: str
    protocol: str
    metric: str
    claimed: Required[str]
    decimals: int
    cells: dict[str, dict[str, str]]
    over: str
    seeds: list[int]
    values: list[dict[str, float]]
    ours: Required[float | None]
    difference: Required[float | None]
    seconds: Required[float | None]
    verdict: Required[Verdict]
    reason: Required[str]
    edges: list[str]
    key: str | None
    keys: list[str]
    outcome: str | None
    stale: bool


def told_verdict(row: ClaimRow) -> str:
    """A verdict, and whether it is of cells that would have other keys today."""
    return row["verdict"] + (" (stale)" if row.get("stale") else "")


class Ran(TypedDict):
    """What became of the cell behind a number; `seconds` are also those of its trainings."""

    key: str
    outcome: str | None
    seconds: float | None


def verdict_row(claim: Claim, cell: Ran | None, ours: float | None, reason: str) -> ClaimRow:
    """A row of the report. `ours` None means that there is no value, for `reason`."""
    if ours is not None and not math.isfinite(ours):
        ours, reason = None, "the mean is not a finite number"
    verdict: Verdict = "not available" if ours is None else judge(claim.value, ours)
    return {
        "name": claim.name,
        "kind": "number",
        "track": claim.track,
        "paper": claim.paper,
        "url": claim.url,
        "table": claim.table,
        "row": claim.row,
        "method": claim.method,
        "dataset": claim.dataset,
        "regime": claim.regime,
        "protocol": claim.protocol,
        "metric": claim.metric,
        "claimed": claim.value,
        "decimals": claim.decimals,
        "ours": ours,
        "difference": None if ours is None else ours - float(claim.value),
        "seconds": None if cell is None else cell["seconds"],
        "verdict": verdict,
        "reason": reason,
        "key": None if cell is None else cell["key"],
        "outcome": None if cell is None else cell["outcome"],
    }
