"""What a gate says: a finding for each number that was held against another, and the verdict over all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..comparing.on_demand import Columns, OnDemand
from ..comparing.pairing import protocol_text
from ..store.cell import Cell, MetricPart
from ..store.record import decimals_of, place_text, words_of
from ..text.errors import one_line
from ..text.wording import counted

OK, REGRESSION, INCOMPARABLE, UNCOUNTED = "ok", "regression", "not comparable", "not counted"
UNDECIDED = "undecided"
"""Of a speed: the machine was too busy, or another one, to say whether a call became slower than its limit."""
STATUSES = (OK, REGRESSION, UNDECIDED, INCOMPARABLE, UNCOUNTED)
RATIO = "×"
"""The unit of a speed."""


class GateFinding(NamedTuple):
    """What came of one metric of one `cell`, of its speed, or (metric empty) of the whole cell.

    `method` is its label, `setting` that of a cost. `change` is current − baseline (speed: their ratio); `worst` the
    largest loss of one item, `worst_item`: in the unit of the metric. `seconds` is what the whole cell took in CURRENT;
    None where there is none.
    """

    status: str
    cell: Cell
    method: str
    metric: str
    reasons: tuple[str, ...] = ()
    items: int = 0
    baseline: float | None = None
    current: float | None = None
    change: float | None = None
    worst: float | None = None
    worst_item: str = ""
    seconds: float | None = None
    setting: str = ""

    @property
    def dataset(self) -> str:
        """The dataset, or `cost at` and the setting."""
        return f"cost at {self.setting}" if self.setting else place_text(self.cell)

    @property
    def regime(self) -> str:
        """The regime, as it is shown."""
        return self.cell.regime.display

    @property
    def protocol(self) -> str:
        """The protocol with its version; a cost has none."""
        return protocol_text(self.cell) if self.cell.kind == "score" else ""

    @property
    def seed(self) -> int | None:
        """The seed; a cost has none."""
        return self.cell.seed if self.cell.kind == "score" else None

    @property
    def unit(self) -> str:
        """The unit of the numbers, × of a speed."""
        if self.setting:
            return RATIO if self.measured else ""
        part = self._part
        return part.unit if part else ""

    @property
    def higher(self) -> bool:
        """Whether more is better."""
        part = self._part
        return part.higher if part else True

    @property
    def decimals(self) -> int:
        """How many decimals a board prints."""
        part = self._part
        return decimals_of(self.metric, part) if part else 4

    @property
    def item(self) -> str:
        """What the track calls an item."""
        return one_line(words_of(self.cell)["item"], 60)

    @property
    def _part(self) -> MetricPart | None:
        return self.cell.metrics.get(self.metric) if self.measured else None

    @property
    def measured(self) -> bool:
        """Whether a number stands beside a number."""
        return self.change is not None

    @property
    def share(self) -> float:
        """The loss of the item that lost most, or the change where there are no items, over what was there; 0 of a
        finding without numbers."""
        if not self.measured:
            return 0.0
        if self.unit == RATIO:
            return abs((self.change or 1.0) - 1.0)
        loss = self.worst if self.worst is not None else abs(self.change or 0.0)
        return loss / (abs(self.baseline or 0.0) or 1.0)

    @property
    def place(self) -> str:
        """Method and where, in words."""
        parts = [self.method, self.dataset, self.regime, self.protocol]
        if self.seed is not None:
            parts.append(f"seed {self.seed}")
        return " · ".join(part for part in parts if part)

    @property
    def reason(self) -> str:
        """Why, in one line."""
        return "; ".join(self.reasons)


@dataclass(frozen=True)
class FindingColumns(Columns):
    """What findings are counted and sorted by, (N,) each: `status` is a place in `STATUSES`, `change` 0 where nothing
    was measured, `share` how much was lost; `speed` says which are measured speeds."""

    status: npt.NDArray[np.uint8]
    measured: npt.NDArray[np.bool_]
    speed: npt.NDArray[np.bool_]
    change: npt.NDArray[np.float64]
    share: npt.NDArray[np.float64]


class Findings(OnDemand[GateFinding, FindingColumns]):
    """Findings in their order."""

    @classmethod
    def of(cls, findings: Iterable[GateFinding]) -> Findings:
        """Findings that are there."""
        objects = [*findings]
        return cls(columns_of(objects), objects.__getitem__, np.arange(len(objects)))

    def having(self, status: str) -> Findings:
        """Those of one status."""
        return self.where(self.columns.status == STATUSES.index(status))


def columns_of(findings: Sequence[GateFinding]) -> FindingColumns:
    """The columns of findings that are there."""
    status = np.array([STATUSES.index(f.status) for f in findings], np.uint8)
    measured = np.array([f.measured for f in findings], np.bool_)
    speed = np.array([f.unit == RATIO for f in findings], np.bool_)
    change = np.array([f.change if f.change is not None else 0.0 for f in findings], np.float64)
    return FindingColumns(status, measured, speed, change, np.array([f.share for f in findings], np.float64))


def joined(parts: Sequence[Findings]) -> Findings:
    """Findings one after the other."""
    ends = np.cumsum([len(part) for part in parts])

    def make(place: int) -> GateFinding:
        part = int(np.searchsorted(ends, place, "right"))
        return parts[part][place - int(ends[part]) + len(parts[part])]

    return Findings(FindingColumns.joined([part.columns for part in parts]), make, np.arange(ends[-1]))


@dataclass(frozen=True)
class Verdict:
    """All findings; what differs in the environments; cells of CURRENT that the baseline does not hold.

    `trusted` is false where a cell of either side was edited by hand: then nothing passes. `asked` is when a run asked
    for a cell of CURRENT last, UTC in ISO 8601; empty where no record says so. `strict_speed`: a speed that is
    undecided does not pass. `strict`: nor does what is `unguarded` or not comparable.
    """

    findings: Findings
    environments: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = ()
    new: tuple[str, ...] = ()
    trusted: bool = True
    asked: str = ""
    strict_speed: bool = False
    strict: bool = False

    def having(self, status: str) -> Findings:
        """The findings of one status."""
        return self.findings.having(status)

    @property
    def compared(self) -> int:
        """How many numbers were compared."""
        return int(self.findings.columns.measured.sum())

    @property
    def unguarded(self) -> bool:
        """Whether a cell of the baseline is itself not `ok`: what becomes of it is not judged."""
        return any(_is_unguarded(one) for one in self.having(UNCOUNTED))

    def is_red(self, one: GateFinding) -> bool:
        """Whether a finding is a failure of the check."""
        return (
            one.status == REGRESSION
            or (self.strict_speed and one.status == UNDECIDED)
            or (self.strict and (one.status == INCOMPARABLE or _is_unguarded(one)))
        )

    @property
    def exit_code(self) -> int:
        """0 no regression, 1 regression, 3 nothing comparable, or not everything to be trusted."""
        if self.having(REGRESSION) or (self.strict_speed and self.having(UNDECIDED)):
            return 1
        if self.compared and self.strict and (self.having(INCOMPARABLE) or self.unguarded):
            return 1
        return 0 if self.compared and self.trusted else 3

    @property
    def summary(self) -> str:
        """The one line to remember."""
        regressions = len(self.having(REGRESSION))
        counts = [f"{self.compared:,} compared", counted(regressions, "regression")]
        for status in (UNDECIDED, INCOMPARABLE, UNCOUNTED):
            if count := len(self.having(status)):
                counts.append(f"{count} {status}")
        unsure = "NOTHING COMPARABLE" if self.trusted or not self.compared else "EDITED BY HAND"
        parts = (
            ("NOT ALL COMPARABLE", self.having(INCOMPARABLE)),
            ("NOT ALL GUARDED", self.unguarded),
            ("SPEED UNDECIDED", self.having(UNDECIDED)),
        )
        part = next((name for name, some in parts if some), "")
        passed = f"{part}, no regression in the rest" if part else "no regression"
        word = {0: passed, 1: "REGRESSION" if regressions else part, 3: unsure}[self.exit_code]
        return f"{word}: {', '.join(counts)}"


def _is_unguarded(one: GateFinding) -> bool:
    return one.status == UNCOUNTED and one.cell.outcome != "ok"


def finding(status: str, cell: Cell, label: str, metric: str, *reasons: str) -> GateFinding:
    """A finding without a number on a metric of a cell (empty: on the whole cell)."""
    return GateFinding(status, cell, label, metric, tuple(one_line(reason) for reason in reasons))
