"""Which costs can be compared, and how: by their reference operation, and by how busy the machine was."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..store.cell import Cost, known
from ..store.record import WAITED, Record
from ..store.results import Results

BUSY = 1.5
"""A reference that takes this much longer than it works had to wait for the processor: the machine was busy."""


def reference_of(record: Record) -> int:
    """The version of the reference operation that a cost is relative to; 1 where its inputs name none."""
    return int(record.cell.inputs.get("reference", 1))


def why_apart(a: Record, b: Record) -> str:
    """Why the relative latencies of two costs cannot be compared; empty where they can."""
    one, other = reference_of(a), reference_of(b)
    return (
        "" if one == other else f"timed by other reference operations (versions {one} and {other}): measure both again"
    )


def processors_apart(records: Iterable[Record]) -> str:
    """The processors that costs were timed on, where they are several; empty where it is one, as far as is known."""
    names = {str(record.cell.environment.get("cpu") or "") for record in records} - {""}
    return " and ".join(sorted(names)) if len(names) > 1 else ""


def processors_note(records: Iterable[Record]) -> str:
    """What must be known of costs that are shown side by side; empty where one processor timed them."""
    names = processors_apart(records)
    return f"costs timed on different processors ({names}): × ref compares less well across these" if names else ""


def by_references(a: Cost | None, b: Cost | None) -> dict[str, float]:
    """What a ratio of relative latencies, that of `b` over that of `a`, is to be multiplied by to be relative to each
    reference operation that both were timed beside; empty where that is the convolution alone.

    On one processor these are 1. On two they tell by how much the ratio may be wrong.
    """
    one, other = (compute_over(cost) if cost is not None else {} for cost in (a, b))
    factors = {name: other[name] / one[name] for name in one if name in other}
    return factors if len(factors) > 1 else {}


def compute_over(cost: Cost) -> dict[str, float]:
    """The time of the convolution over that of each reference operation beside it, itself included."""
    times = {name: value for name, ms in (known(cost.references_ms) or {}).items() if (value := _positive(ms))}
    return {name: times["compute"] / value for name, value in times.items()} if "compute" in times else {}


def of_newest_reference(records: Iterable[Record]) -> Results:
    """Costs without those that were measured again beside a newer reference operation."""
    costs = Results.of(records)
    best: dict[tuple[Any, ...], int] = {}
    for record in costs:
        best[_setting(record)] = max(reference_of(record), best.get(_setting(record), 0))
    return costs.take([n for n, record in enumerate(costs) if reference_of(record) == best[_setting(record)]])


def _setting(record: Record) -> tuple[Any, ...]:
    cell, inputs, cost = record.cell, record.cell.inputs, record.cell.cost
    names = ("size", "device", "threads")
    measured = [str(inputs.get(name, getattr(cost, name) if cost else None)) for name in names]
    return cell.track, cell.method.spec, cell.method.source_sha256, cell.regime.spec, *measured


@dataclass(frozen=True)
class Pace:
    """CPU time of a call over that of the reference, and the same of the clock; how many times longer each of the two
    takes than it works."""

    cpu: float
    latency: float
    reference: float
    call: float

    @property
    def waited(self) -> bool:
        """Whether the machine was too busy for times of the clock to say what a call takes."""
        return self.reference > WAITED

    @property
    def most(self) -> float:
        """What the call takes at most on an idle machine, relative to the reference: as if it had waited for itself
        alone."""
        return self.latency * self.reference if self.waited else self.latency

    @property
    def least(self) -> float:
        """What it takes at least: its work."""
        return self.cpu if self.waited else self.latency


def busy(cost: Cost) -> float | None:
    """How many times longer the reference took than on idle processors; None where the cost does not tell."""
    if (factor := _positive(cost.busy)) is not None:
        return factor
    took, worked = _positive(cost.reference_ms), _positive(cost.reference_cpu_ms)
    return took / worked if took is not None and worked is not None else None


def is_busy(cost: Cost) -> bool:
    """Whether the cost says that the machine did other work meanwhile, so that times are too long."""
    return (_positive(cost.busy) or 0.0) > BUSY


def pace(cost: Cost | None) -> Pace | None:
    """The pace of a cost on the processor; None for another device, and where a time is missing."""
    if cost is None or cost.device != "cpu" or not cost.latency_ms:
        return None
    cpu, reference_cpu = _positive(cost.latency_cpu_ms), _positive(cost.reference_cpu_ms)
    p50, reference, factor = _positive(cost.latency_ms["p50"]), _positive(cost.reference_ms), busy(cost)
    if cpu is None or reference_cpu is None or p50 is None or reference is None or factor is None:
        return None
    return Pace(cpu / reference_cpu, p50 / reference, factor, p50 / cpu)


def judged_by_cpu(*paces: Pace | None) -> bool:
    """Whether costs are to be compared by CPU time: where one had to wait for a processor now and then.

    A call that waits far more than the reference waits for something else than the processor, and there latency counts.
    """
    known = [p for p in paces if p is not None]
    bound = all(p.call <= (2.0 if p.reference > BUSY else 1.5) * max(1.0, p.reference) for p in known)
    return len(known) == len(paces) and bound and any(p.waited for p in known)


def _positive(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value > 0 and math.isfinite(value) else None
