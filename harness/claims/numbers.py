"""Claims: numbers that papers print, as data; which cells they need, and the verdict on what we get."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Annotated, Any, Literal, Required, TypedDict, TypeVar

from annotated_types import MinLen

from ..components.tracks import DEFAULT
from ..suite.reading import Check, FileModel, InvalidValue, YamlPart, read_yaml
from ..suite.suite import Whole
from ..text.errors import UsageError, nearest, one_line
from .figures import CellResult

CLAIMS = Path(__file__).parent
EFFECTS = ("effect", "property")
"""Kinds whose claims are expressions over cells."""
_DUE = "paper, url, kind and claims are due"
SLACK = 0.01
CLOSE = 0.05

Verdict = Literal[
    "reproduced", "close", "differs", "undecided", "undertrained", "setting cannot show it", "not available"
]
Size = Literal["quick", "full"]


def _matching(pattern: str, due: str) -> Check:
    """An annotation: text of printable characters that the pattern matches."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or not value.isprintable() or not re.fullmatch(pattern, value):
            raise ValueError(due)
        return value

    return Check(check)


@dataclass(frozen=True, kw_only=True)
class ClaimFileRow(FileModel):
    """What a row of a claim file has, of every kind. `size`: `quick` takes minutes, `full` hours."""

    name: Annotated[str, _matching("[a-z0-9_]+", "a name of a-z, digits and _")]
    systems: tuple[Whole, ...] = ()
    size: Size = "quick"


@dataclass(frozen=True, kw_only=True)
class ClaimFile(FileModel):
    """A claim file of any kind: where its rows come from, and the rows.

    `let` gives names to texts; `$name` stands for one in the cells, and in what `let` says below it.
    """

    paper: str
    url: Annotated[str, _matching("https://[^\\s<>\"']+", "an address that begins with https://")]
    kind: str
    track: str = DEFAULT
    let: Mapping[str, str] = field(default_factory=dict)
    claims: Annotated[tuple[ClaimFileRow, ...], MinLen(1)]

    def check(self) -> None:
        """Raise `InvalidValue` for a name that two rows have."""
        names = [row.name for row in self.claims]
        for place, name in enumerate(names):
            if name in names[:place]:
                raise InvalidValue(f"{name} is given twice", "claims", place)


@dataclass(frozen=True, kw_only=True)
class NumberRow(ClaimFileRow):
    """A number as printed, where it stands, and the cell that stands for it."""

    table: str
    row: str
    method: str
    dataset: str
    regime: str
    protocol: str
    metric: str
    value: Annotated[str, _matching(r"-?\d+\.\d+", "a number as printed, in quotes, such as '30.43'")]


@dataclass(frozen=True, kw_only=True)
class _NumberFile(ClaimFile):
    kind: Literal["number"]
    claims: Annotated[tuple[NumberRow, ...], MinLen(1)]


@dataclass(frozen=True, kw_only=True)
class PublishedClaim(ClaimFileRow):
    """A claim of any kind with its source; `group` is its file."""

    group: str
    kind: str
    paper: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Claim(PublishedClaim, NumberRow):
    """A printed number, its source, and the cell that stands for it."""

    track: str = DEFAULT

    @property
    def decimals(self) -> int:
        """How many decimals are printed."""
        return len(self.value.partition(".")[2])


def read_claim_file(path: Path) -> YamlPart:
    """What a claim file holds, its kind and rows unchecked. Raises `UsageError` naming the file."""
    file = read_yaml(path, "claims", _DUE)
    if not isinstance(file.value, dict):
        raise file.mistake(f"the file is not a table: {_DUE}")
    return file


def is_of_effects(file: YamlPart) -> bool:
    """Whether the rows of a claim file are expressions over cells, not numbers."""
    return file.mapping.get("kind") in EFFECTS


def named_texts(file: YamlPart, let: Mapping[str, str], kept: Sequence[str] = ()) -> dict[str, str]:
    """What the names of `let` stand for, each with those above it in place. Raises `UsageError` naming the line.

    The names `kept` stand for themselves, `$name`, and are none that a file may give.
    """
    texts = {name: f"${name}" for name in kept}
    for name, text in let.items():
        if not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
            raise file.mistake(f"let: {one_line(name)!r} is no name: a-z, digits and _", "let", name)
        if name in kept:
            raise file.mistake(f"let: ${name} has a meaning of its own: choose another name", "let", name)
        texts[name] = in_place(file, f"let.{name}", text, texts, "let", name)
    return texts


def in_place(file: YamlPart, where: str, text: str, names: Mapping[str, str], *at: str | int) -> str:
    """A text with what each `$name` stands for. Raises `UsageError` naming the line, the place and an unknown name."""
    try:
        return Template(text).substitute(names)
    except KeyError as error:
        unknown = str(error.args[0])
        raise file.mistake(f"{where}: ${one_line(unknown)} is not in `let`: {nearest(unknown, names)}", *at) from None
    except ValueError:
        raise file.mistake(f"{where}: a $ that begins no name: write $$ for one", *at) from None


_CELL = ("method", "dataset", "regime", "protocol", "metric")


def claims_of(file: YamlPart) -> list[Claim]:
    """The claims that a file holds. Raises `UsageError` naming the file and the line."""
    content = file.read(_NumberFile)
    names = named_texts(file, content.let)
    claims: list[Claim] = []
    for place, row in enumerate(content.claims):
        parts = {
            part: in_place(file, f"{row.name}: {part}", getattr(row, part), names, "claims", place, part)
            for part in _CELL
        }
        claims.append(
            Claim(
                group=file.file.stem, kind=content.kind, paper=content.paper, url=content.url, track=content.track,
                **vars(row) | parts,
            )
        )  # fmt: skip
    return claims


C = TypeVar("C", bound=PublishedClaim)


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
            way_out = f"give a file of your own as --claims {one_line(name)}" if of_file else nearest(name, known)
            raise UsageError(f"unknown claim {one_line(name)!r}: {way_out}")
    matching = [
        c
        for c in claims
        if (not names or c.name in names or c.group in names)
        and (kind is None or c.kind == kind)
        and (system is None or system in c.systems)
        and (size is None or c.size == size)
    ]
    if not matching:
        of = f" of system {system}" if system is not None else ""
        described = " ".join(filter(None, (size, kind))) or "known"
        raise UsageError(f"no {described} claim{of} matches: `noisebench reproduce --list` names all")
    return matching


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


class BudgetPart(TypedDict, total=False):
    """Of an effect at several budgets what it is at each, and its trend in words."""

    budgets: list[dict[str, Any]]
    trend: str


class VerdictPart(BudgetPart, total=False):
    """A verdict and its reason. Of an effect also the comparison that decides it: `effect`, left minus right, between
    `low` and `high` with 95 %, a two-sided `p` of no effect on the claimed side, and how many more seeds would decide.
    """

    verdict: Required[Verdict]
    reason: Required[str]
    comparison: str
    effect: float
    low: float
    high: float
    p: float
    more_seeds: int | None


class ClaimRow(VerdictPart, total=False):
    """A claim beside what we get: a row of `reproduce`, of its JSON and of the table of verdicts.

    `claimed` is the number as printed, or the expression that must hold; `values` are the figures by name on each seed.
    `uneven` says what its arms do not have alike on purpose, and why.
    `seconds` are those of all cells behind it, their trainings included. `edges` say where the best value of what is
    tuned is the least or the largest of those tried. `rows` are scores of items by seed. `stale`, of stored results
    alone: a cell would have another key today.
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
    role: str
    uneven: dict[str, str]
    notes: list[str]
    rows: Mapping[str, Any]
    sequential: bool
    edges: list[str]
    key: str | None
    keys: list[str]
    outcome: str | None
    stale: bool


def verdict_text(row: ClaimRow) -> str:
    """A verdict, and whether it is of cells that would have other keys today."""
    return row["verdict"] + (" (stale)" if row.get("stale") else "")


def interval_text(row: ClaimRow) -> str:
    """The comparison that decides an effect, as `a - b = 0.3 [0.1, 0.5]`; empty where nothing has an interval."""
    if "effect" not in row or not row["low"] <= row["high"]:
        return ""
    effect, low, high = (f"{row[end]:.4g}" for end in ("effect", "low", "high"))
    return f"{row['comparison']} = {effect}" + (f" [{low}, {high}]" if row["low"] < row["high"] else "")


def uneven_text(row: ClaimRow) -> str:
    """What the arms of an effect do not have alike, and why; empty where the field is level."""
    return "; ".join(f"uneven {term}: {why}" for term, why in row.get("uneven", {}).items())


def reason_text(row: ClaimRow) -> str:
    """Why the verdict is what it is, and what is uneven."""
    return "; ".join(filter(None, (row["reason"], uneven_text(row))))


def verdict_row(claim: Claim, result: CellResult, ours: float | None, reason: str) -> ClaimRow:
    """A row of the report. `ours` None means that there is no value, for `reason`."""
    if ours is not None and not math.isfinite(ours):
        ours, reason = None, "the mean is not a finite number"
    verdict: Verdict = "not available" if ours is None else judge(claim.value, ours)
    cell = result.cell
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
        "seconds": None if cell is None else sum(result.seconds.values()),
        "verdict": verdict,
        "reason": reason,
        "key": None if cell is None else cell.key,
        "outcome": result.outcome if cell is None else cell.outcome,
    }
