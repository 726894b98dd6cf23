"""What a gate says: a finding for each number that was held against another, and the verdict over all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..comparing.pairing import protocol_text
from ..errors import one_line
from ..store.record import Cell, place_text, words_of
from ..wording import counted

OK, REGRESSION, INCOMPARABLE, UNCOUNTED = "ok", "regression", "not comparable", "not counted"


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one metric of one cell, of its speed, or (metric empty) of the whole cell.

    `change` is current − baseline (speed: their ratio); `worst` the largest loss of one item, `worst_item`. All are
    in the unit of the metric, of which a board prints `decimals`, and `higher` or lower is better. `item` is what the
    track calls one. `seconds` is what the whole cell took in CURRENT; None where there is none.
    """

    status: str
    method: str
    dataset: str
    regime: str
    protocol: str
    seed: int | None
    metric: str
    reasons: tuple[str, ...] = ()
    unit: str = ""
    higher: bool = True
    decimals: int = 4
    items: int = 0
    baseline: float | None = None
    current: float | None = None
    change: float | None = None
    worst: float | None = None
    worst_item: str = ""
    item: str = "item"
    seconds: float | None = None

    @property
    def measured(self) -> bool:
        """Whether a number stands beside a number."""
        return self.change is not None

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
class Verdict:
    """All findings; what differs in the environments; cells of CURRENT that the baseline does not hold.

    `trusted` is false where a cell of either side was edited by hand: then nothing passes. `asked` is when a run asked
    for a cell of CURRENT last, UTC in ISO 8601; empty where no record says so.
    """

    findings: tuple[Finding, ...]
    environments: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = ()
    new: tuple[str, ...] = ()
    trusted: bool = True
    asked: str = ""

    def having(self, status: str) -> tuple[Finding, ...]:
        """The findings of one status."""
        return tuple(f for f in self.findings if f.status == status)

    @property
    def compared(self) -> int:
        """How many numbers were compared."""
        return sum(f.measured for f in self.findings)

    @property
    def exit_code(self) -> int:
        """0 no regression, 1 regression, 3 nothing comparable, or not everything to be trusted."""
        if self.having(REGRESSION):
            return 1
        return 0 if self.compared and self.trusted else 3

    @property
    def summary(self) -> str:
        """The one line to remember."""
        lost = len(self.having(REGRESSION))
        said = [f"{self.compared:,} compared", counted(lost, "regression")]
        for status in (INCOMPARABLE, UNCOUNTED):
            if self.having(status):
                said.append(f"{len(self.having(status))} {status}")
        unsure = "NOTHING COMPARABLE" if self.trusted or not self.compared else "EDITED BY HAND"
        part = "NOT ALL COMPARABLE, no regression in the rest"
        passed = part if self.having(INCOMPARABLE) else "no regression"
        word = {0: passed, 1: "REGRESSION", 3: unsure}[self.exit_code]
        return f"{word}: {', '.join(said)}"


def finding(status: str, cell: Cell, label: str, metric: str, *reasons: str, **measured: Any) -> Finding:
    """A finding on a metric of a cell (empty: on the whole cell), with the fields that were `measured`."""
    score = cell["kind"] == "score"
    return Finding(
        status,
        label,
        place_text(cell),
        cell["regime"]["display"],
        protocol_text(cell) if score else "",
        cell["seed"] if score else None,
        metric,
        tuple(one_line(reason) for reason in reasons),
        item=one_line(words_of(cell)["item"], 60),
        **measured,
    )
