"""Numbers of several sources in one table: which compare, which contradict each other, and what could explain that."""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..spec.paths import parameter, readable_spec
from ..text.errors import UsageError, one_line
from .effects import all_claims
from .numbers import Claim
from .published import published_claims
from .table_files import read_rows

PUBLISHED_TABLES = Path(__file__).with_name("published_tables.csv")
"""Rows of public tables, as they are printed there; `published_tables_sources.csv` has where."""
_VALUE = re.compile(r"-?[0-9]{1,6}(\.[0-9]{1,9})?")
_CONSTANT = 0.15
"""How much differences may spread, as a share of their mean, to be one shift."""


@dataclass(frozen=True)
class PublishedValue:
    """A row of the table: its line, and its fields as they stand there."""

    line: int
    method: str
    set: str
    level: str
    value: str
    source: str
    metric: str

    @property
    def place(self) -> tuple[str, str, str]:
        """What must be equal for two values to be compared, written alike."""
        return _plain(self.set), _plain(self.level), _plain(self.metric)

    @property
    def slack(self) -> float:
        """Half of its last decimal."""
        return 0.5 * 10.0 ** -len(self.value.partition(".")[2])


@dataclass(frozen=True)
class ConventionShift:
    """What makes a score another one, by how much in dB or in parts of SSIM, as `noisebench explain` shows it."""

    name: str
    metric: str
    least: float
    most: float
    of_colour: bool = False


_GREY = {"set12", "bsd68"}
"""Sets of grey pictures, which have no luma beside them."""
CONVENTIONS = (
    ConventionShift("8-bit rounding of the output, or none", "psnr", 0.002, 0.08),
    ConventionShift("another draw of the same noise", "psnr", 0.002, 0.1),
    ConventionShift("the border cut by the scale, or not", "psnr", 0.002, 0.3),
    ConventionShift("an average over flips and turns (self-ensemble)", "psnr", 0.02, 0.3),
    ConventionShift("a validation set against the test set of one name (SIDD)", "psnr", 0.1, 0.8),
    ConventionShift("noise clipped and stored with 8 bits, or not", "psnr", 0.02, 1.5),
    ConventionShift("PSNR of the mean MSE, or the mean of PSNRs", "psnr", 0.05, 1.5),
    ConventionShift("luma of 16–235 scored as if of 0–255", "psnr", 1.25, 1.4),
    ConventionShift("luma (Y) against RGB", "psnr", 0.8, 3.5, of_colour=True),
    ConventionShift("8-bit rounding of the output, or none", "ssim", 0.0002, 0.003),
    ConventionShift("a uniform window of 7×7 against a Gaussian of 11×11", "ssim", 0.0005, 0.012),
    ConventionShift("borders averaged too, or not", "ssim", 0.0005, 0.01),
    ConventionShift("luma (Y) against RGB", "ssim", 0.003, 0.04, of_colour=True),
    ConventionShift("pictures shrunk to about 256 pixels first", "ssim", 0.005, 0.1),
)


@dataclass(frozen=True)
class Contradiction:
    """What two sources say differently of a place: by method the second less the first, and what could explain it."""

    sources: tuple[str, str]
    differences: Mapping[str, float]
    text: str
    could_be: tuple[str, ...]


@dataclass(frozen=True)
class PlaceVerdict:
    """A place of the table. Sources of one of the `classes` agree on the methods that they share, so that all of their
    rows compare; of others nobody can say."""

    rows: Sequence[PublishedValue]
    classes: Sequence[tuple[str, ...]]
    contradictions: Sequence[Contradiction]


def read_table(file: Path) -> list[PublishedValue]:
    """The numbers of a table in a file. Raises `UsageError`."""
    return [_value(one_line(file), row.line, row.fields) for row in read_rows(file)]


def citations() -> dict[str, str]:
    """Where each source of the published tables is from."""
    text = PUBLISHED_TABLES.with_name("published_tables_sources.csv").read_text(encoding="utf-8")
    return {row["source"]: f"{row['cite']}, {row['url']}" for row in csv.DictReader(io.StringIO(text, newline=""))}


def _value(where: str, line: int, fields: Mapping[str, str]) -> PublishedValue:
    texts = {name: fields.get(name, "") for name in ("method", "set", "level", "value", "source", "metric")}
    for name in ("method", "set", "source"):
        if not texts[name]:
            raise UsageError(f"{where}, line {line}: {name} is empty")
    if not _VALUE.fullmatch(texts["value"]):
        raise UsageError(f"{where}, line {line}: value must be a number as printed, not {texts['value'][:40]!r}")
    return PublishedValue(line=line, **{**texts, "metric": texts["metric"] or "psnr"})


def _plain(text: str) -> str:
    """A name without what people write differently."""
    return re.sub(r"[\W_]", "", text.casefold().replace("×", "x")).removeprefix("sigma").removeprefix("σ")


def judge_table(rows: Sequence[PublishedValue]) -> list[PlaceVerdict]:
    """A verdict for each place, in the order of the table."""
    places: dict[tuple[str, str, str], list[PublishedValue]] = {}
    for row in rows:
        places.setdefault(row.place, []).append(row)
    return [_verdict(of_place) for of_place in places.values()]


def _verdict(rows: Sequence[PublishedValue]) -> PlaceVerdict:
    by_source: dict[str, dict[str, PublishedValue]] = {}
    contradictions = []
    for row in rows:
        known = by_source.setdefault(row.source, {}).setdefault(_plain(row.method), row)
        if _differ(known, row):
            contradictions.append(_against(row.source, row.source, [(known, row)]))
    classes = {source: {source} for source in by_source}
    for one, two in itertools.combinations(by_source, 2):
        shared = [(by_source[one][name], by_source[two][name]) for name in by_source[one] if name in by_source[two]]
        if any(itertools.starmap(_differ, shared)):
            contradictions.append(_against(one, two, shared))
        elif shared:
            joined = classes[one] | classes[two]
            classes |= dict.fromkeys(joined, joined)
    distinct = {tuple(sorted(members, key=list(by_source).index)): None for members in classes.values()}
    return PlaceVerdict(rows, list(distinct), contradictions)


def _differ(one: PublishedValue, two: PublishedValue) -> bool:
    """Whether two values differ by more than their rounding."""
    return abs(float(two.value) - float(one.value)) > one.slack + two.slack + 1e-9


def _against(one: str, two: str, shared: Sequence[tuple[PublishedValue, PublishedValue]]) -> Contradiction:
    differences = {a.method: float(b.value) - float(a.value) for a, b in shared}
    apart = [differences[a.method] for a, b in shared if _differ(a, b)]
    mean, spread = math.fsum(apart) / len(apart), max(apart) - min(apart)
    slack = sum(side.slack for side in shared[0])
    fitting = tuple(c.name for c in CONVENTIONS if _fits(c, shared[0][0], abs(mean)))
    if len(apart) < len(shared):
        text = f"{len(apart)} of {len(shared)} methods differ: these were trained or run anew, or are other versions"
        return Contradiction((one, two), differences, text, ())
    if len(apart) == 1:
        text = "one method is shared: a convention and another run cannot be told apart"
    elif spread <= max(_CONSTANT * abs(mean), 2 * slack):
        shown = "both" if len(apart) == 2 else f"all {len(apart)}"
        text = f"{shown} methods differ by {mean:+.3g} alike: a convention, or the noise"
    else:
        text = f"differences from {min(apart):+.3g} to {max(apart):+.3g}: no convention alone"
        fitting = ()
    return Contradiction((one, two), differences, text, fitting)


def _fits(convention: ConventionShift, row: PublishedValue, shift: float) -> bool:
    """Whether a convention can shift scores at the place of a row so far."""
    of_set, _, metric = row.place
    right_set = not convention.of_colour or of_set not in _GREY
    return right_set and convention.metric == metric and convention.least <= shift <= convention.most


def known_here(rows: Iterable[PublishedValue]) -> dict[PublishedValue, str]:
    """What noisebench knows of a row: the claim of the same cell, what it says, and its verdict."""
    claims = [claim for claim in all_claims() if isinstance(claim, Claim)]
    cells = [(claim, _cell(claim)) for claim in claims]
    judged = published_claims(claims)
    result = {}
    for row in rows:
        alike = [claim for claim, cell in cells if cell is not None and _is_of(row, cell)]
        if not alike:
            continue
        claim = min(alike, key=lambda one: abs(float(one.value) - float(row.value)))
        verdict = judged[claim.name].verdict_text if claim.name in judged else "not judged"
        same = abs(float(claim.value) - float(row.value)) <= row.slack + 0.5 * 10.0**-claim.decimals + 1e-9
        other = "" if same else f", which has {claim.value}"
        result[row] = f"{claim.name}{other}: {verdict} ({claim.protocol}, {claim.regime})"
    return result


def _cell(claim: Claim) -> tuple[str, str, str, str] | None:
    """Method, set, level and metric of a claim, written alike."""
    method, regime = readable_spec(claim.method), readable_spec(claim.regime)
    level = None if regime is None else parameter(regime, "*.sigma")
    if method is None or level is None:
        return None
    return _plain(method.name), _plain(claim.dataset), f"{level:g}", _plain(claim.metric)


def _is_of(row: PublishedValue, cell: tuple[str, str, str, str]) -> bool:
    method, *place = cell
    return _plain(row.method).startswith(method) and list(row.place) == place
