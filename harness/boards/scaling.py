"""How latency grows with the input: the exponent of a power law fitted to costs at several sizes."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..components.tracks import known_track
from ..statistics.power_law import slope
from ..store.record import Record


@dataclass(frozen=True)
class Growth:
    """latency ∝ numbers of an input ** exponent, by least squares of logarithms over `sizes`, such as (H, W).

    `error` is the standard error of the exponent, None for two sizes; `worst` is the largest deviation of a
    latency from the line, as a share of it. Latencies are those relative to the reference operation, so that a
    machine that slows down between two sizes does not bend the line.
    """

    keys: tuple[str, ...]
    method: str
    sizes: tuple[tuple[int, ...], ...]
    exponent: float
    error: float | None
    worst: float

    @property
    def text(self) -> str:
        """The exponent with the fit behind it."""
        error = "" if self.error is None else f" ± {self.error:.2f}"
        return f"{self.exponent:.2f}{error} ({len(self.sizes)} sizes, off by ≤ {100 * self.worst:.0f} %)"


def growths(records: Iterable[Record]) -> list[Growth]:
    """A fit for every method, regime, device and number of threads that was measured at two sizes or more.

    Of pictures those of as many channels are one fit.
    """
    grouped: dict[tuple[Any, ...], dict[tuple[int, ...], Record]] = defaultdict(dict)
    for record in records:
        cell, cost = record.cell, record.cell.cost
        if cost is not None and _relative(record) > 0:
            setting = (cell.method.spec, cell.method.source_sha256, cell.regime.spec)
            channels = channels_of(cost.size, cell.track)
            grouped[(*setting, channels, cost.device, cost.threads)][tuple(cost.size)] = record
    return [fit(by_size) for _, by_size in sorted(grouped.items()) if len({math.prod(s) for s in by_size}) > 1]


def fit(by_size: dict[tuple[int, ...], Record]) -> Growth:
    """The fit through the costs of one method, at two sizes of different product at least."""
    sizes = tuple(sorted(by_size, key=math.prod))
    x = np.log([math.prod(size) for size in sizes])
    y = np.log([_relative(by_size[size]) for size in sizes])
    spread = float(np.sum((x - x.mean()) ** 2))
    exponent = slope(x.tolist(), y.tolist())
    residuals = y - y.mean() - exponent * (x - x.mean())
    error = math.sqrt(float(residuals @ residuals) / (len(sizes) - 2) / spread) if len(sizes) > 2 else None
    worst = float(np.max(np.abs(np.expm1(residuals))))
    first = by_size[sizes[0]].cell
    return Growth(tuple(by_size[s].cell.key for s in sizes), first.method.display, sizes, exponent, error, worst)


def channels_of(size: Sequence[int], track: str) -> int:
    """How many channels a size names at its end; 1 where it names none, or is of a track that is not here."""
    known = known_track(track)
    named = size[len(known.defaults.size) :] if known is not None and known.defaults.channels else ()
    return named[0] if named else 1


def _relative(record: Record) -> float:
    cost = record.cell.cost
    return (cost.latency_rel if cost else None) or math.nan
