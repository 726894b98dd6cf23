"""The verdicts that come with the package: what `make published` judged, and the code that stood behind each."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import lzma
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path

import msgspec
from msgspec import structs

from ..components.fingerprint import VERSION as FINGERPRINT
from ..components.fingerprint import source_of
from ..components.registry import bind
from ..components.tracks import get_track
from ..planning.recipe import VERSION as TRAINING
from ..planning.recipe import recipe_of, recipes_in
from ..store.cell import REFERENCE
from ..text.errors import UsageError
from .budgets import AtBudget
from .effects import Effect
from .expression import parsed
from .figures import CellOf
from .numbers import Claim, ClaimRow, reason_text

PUBLISHED = Path(__file__).with_name("published.json.xz")
_UNJUDGED = ("name", "systems", "size", "group", "paper", "url", "where", "says", "table", "row", "role")
"""What a claim says of itself that no verdict hangs on."""
_DIGITS = 16
"""Hexadecimal digits that are kept of a hash."""
_TRACK = "track "
"""Begins the name of the version of a track."""
_TRACKS = f"{__name__.partition('.')[0]}.tracks"


class CodeVersion(msgspec.Struct, frozen=True, array_like=True):
    """A source file or a version: its fingerprint, and the hash of its bytes; same bytes have the same fingerprint."""

    name: str
    value: str
    data: str = ""


class JudgedClaim(msgspec.Struct, frozen=True, omit_defaults=True):
    """A claim as it was judged: an effect with its interval. `steps` are those of its longest training.

    `budgets` are what an effect at several budgets is at each, empty where one is not finite; `trend` says it in words.
    `judged` is the hash of what it says, `code` the place of the code behind it.
    """

    name: str
    verdict: str
    reason: str = ""
    comparison: str = ""
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    seeds: tuple[int, ...] = ()
    steps: int | None = None
    judged: str = ""
    code: int = 0
    stale: bool = False
    budgets: tuple[AtBudget, ...] = ()
    trend: str = ""

    @property
    def verdict_text(self) -> str:
        """The verdict, and whether it is of cells that would have other keys today."""
        return self.verdict + (" (stale)" if self.stale else "")


class Published(msgspec.Struct, frozen=True):
    """The verdicts of a package. The code behind one claim or several is a set of places in `code`.

    `differences` has a list for each: the place of an earlier set, or -1 for the empty one, and what one of both has
    and the other has not.
    """

    code: list[CodeVersion]
    differences: list[list[int]]
    claims: list[JudgedClaim]

    @property
    def sets(self) -> list[frozenset[int]]:
        """The places of the code behind one claim or several."""
        sets: list[frozenset[int]] = []
        for near, *apart in self.differences:
            sets.append((sets[near] if near >= 0 else frozenset()) ^ frozenset(apart))
        return sets


def judged_claim(claim: Claim | Effect, row: ClaimRow) -> JudgedClaim:
    """A claim with the row that it was judged by."""
    return JudgedClaim(
        name=claim.name,
        verdict=row["verdict"],
        reason=reason_text(row),
        comparison=row.get("comparison", ""),
        effect=_rounded(row.get("effect")),
        low=_rounded(row.get("low")),
        high=_rounded(row.get("high")),
        seeds=tuple(row.get("seeds", ())),
        steps=_steps(claim),
        judged=_hash_of(claim),
        stale=row.get("stale", False),
        budgets=_at_budgets(row.get("budgets", ())),
        trend=row.get("trend", ""),
    )


def _rounded(value: float | None) -> float | None:
    """A value with six digits; None where it is not finite."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def _at_budgets(rows: Sequence[Mapping[str, float]]) -> tuple[AtBudget, ...]:
    if not all(math.isfinite(value) for row in rows for value in row.values()):
        return ()
    ends = [[float(f"{row[end]:.6g}") for end in ("effect", "low", "high")] for row in rows]
    return tuple(AtBudget(int(row["budget"]), *of) for row, of in zip(rows, ends, strict=True))


def published_claims(claims: Iterable[Claim | Effect], file: Path = PUBLISHED) -> dict[str, JudgedClaim]:
    """The verdicts on claims by name, of those that are as they were when they were judged; nothing is imported.

    One is stale where code behind it has changed since.
    """
    published = read_published(file)
    changed = {place for place, code in enumerate(published.code) if _has_changed(code)}
    stale = [not changed.isdisjoint(places) for places in published.sets]
    by_name = {one.name: one for one in published.claims}
    same = [by_name[c.name] for c in claims if c.name in by_name and by_name[c.name].judged == _hash_of(c)]
    return {one.name: structs.replace(one, stale=one.stale or stale[one.code]) for one in same}


def read_published(file: Path = PUBLISHED) -> Published:
    """The content of a file of verdicts."""
    return msgspec.json.decode(lzma.decompress(file.read_bytes()), type=Published)


def published_bytes(judged: Iterable[JudgedClaim], behind: Mapping[str, Mapping[str, str]]) -> bytes:
    """The file of verdicts, JSON in xz; `behind` is the code of each by name, as `stale.code_behind` has it."""
    values = {name: value for code in behind.values() for name, value in code.items()}
    places = {name: place for place, name in enumerate(sorted(values))}
    sets: dict[tuple[int, ...], int] = {(): 0}
    claims = []
    for one in judged:
        of_it = tuple(sorted(places[name] for name in behind.get(one.name, ())))
        claims.append(structs.replace(one, code=sets.setdefault(of_it, len(sets))))
    content = Published([_code(name, values[name]) for name in places], _differences(sets), claims)
    return lzma.compress(msgspec.json.encode(content), preset=9)


def _differences(sets: Iterable[Iterable[int]]) -> list[list[int]]:
    """Each set by what it and the most similar one before it do not share."""
    before: list[frozenset[int]] = []
    written = []
    for one in map(frozenset, sets):
        near = min(range(len(before)), key=lambda place: len(before[place] ^ one), default=-1)
        written.append([near, *sorted(one ^ (before[near] if near >= 0 else frozenset()))])
        before.append(one)
    return written


def _code(name: str, value: str) -> CodeVersion:
    file = _file_of(name)
    return CodeVersion(name, value[:_DIGITS], "" if file is None else _hash_of_bytes(file))


def _has_changed(code: CodeVersion) -> bool:
    """Whether a source file or a version is another one now. A track is imported only where its file has changed."""
    try:
        file = _file_of(code.name)
        if file is not None and code.data == _hash_of_bytes(file):
            return False
        return _value_now(code.name, file) != code.value
    except OSError:
        return True


def _value_now(name: str, file: Path | None) -> str:
    """The version or the fingerprint of what has that name, as keys have it."""
    track = name.removeprefix(_TRACK)
    if track != name:
        return f"{track}@{get_track(track).version}"
    if file is None:
        return str({"fingerprint": FINGERPRINT, "training": TRAINING, "reference": REFERENCE}[name])
    package, _, below = name.partition("/")
    return source_of(file.resolve(), package, below.count("/")).sha256[:_DIGITS]


def _file_of(name: str) -> Path | None:
    """The file that a name is of; None of other versions. Raises OSError where there is no such folder."""
    track = name.removeprefix(_TRACK)
    if track != name:
        return _folder_of(_TRACKS) / track / "track.py"
    package, _, below = name.partition("/")
    return _folder_of(package) / below if below else None


@cache
def _folder_of(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(package)
    return Path(next(iter(spec.submodule_search_locations)))


def _hash_of_bytes(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:_DIGITS]


def _hash_of(claim: Claim | Effect) -> str:
    """A short hash of what is judged of a claim."""
    judged = {field.name: getattr(claim, field.name) for field in fields(claim) if field.name not in _UNJUDGED}
    return hashlib.sha256(repr(judged).encode()).hexdigest()[:_DIGITS]


def _steps(claim: Claim | Effect) -> int | None:
    """The steps of the longest training behind what a claim states; None where nothing is trained."""
    cells: list[Claim | CellOf]
    if isinstance(claim, Claim):
        cells = [claim]
    else:
        names = {
            node.id for node in ast.walk(parsed(claim.holds, claim.cells, spread=True)) if isinstance(node, ast.Name)
        }
        cells = [cell.at(seed) for name, cell in claim.cells.items() if name in names for seed in claim.seeds]
    try:
        methods = [bind(method, "method", track) for method, track in {(cell.method, cell.track) for cell in cells}]
        steps = [recipe_of(one.kwargs).steps for method in methods for one in recipes_in(method)]
    except UsageError:
        return None
    return max(steps, default=None)
