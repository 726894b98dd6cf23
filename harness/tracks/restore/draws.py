"""The error of a method split over draws of the noise: what it always gets wrong, and what the noise makes it do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...components.registry import Bound, bind
from ...store.cells import cell_dir
from ...store.outputs import Kept, LostOutput
from ...store.record import Record
from ...store.results import Results
from ...text.errors import UsageError, one_line
from ...text.wording import by_number, counted
from ...track.outputs import ArrayFiles
from .pairs import prepare

_GREY = 255.0**2


@dataclass(frozen=True)
class Split:
    """Mean squared error of one method on each picture, in grey levels² (of 255), as bias² + variance.

    Exactly: `mse` = `bias` + `variance`, for each picture. Both parts are unbiased estimates from `draws` draws, so
    `bias` may come out slightly below 0 where there is none.
    """

    where: str
    method: str
    draws: int
    items: tuple[str, ...]
    mse: npt.NDArray[np.float64]
    bias: npt.NDArray[np.float64]
    variance: npt.NDArray[np.float64]


def splits(store: Path, records: Iterable[Record]) -> tuple[list[Split], list[str]]:
    """A `Split` of each method that has several seeds, and why another one has none.

    From the `mse` of the rows and the kept restored pictures, which are read one by one and verified; the clean ones
    are not needed. Raises `UsageError` for a kept picture that is lost.
    """
    scores = Results.of(records).where(kind="score")
    data, regimes, protocols, methods, prints = map(
        scores.column, ("dataset", "regime", "protocol", "method", "fingerprint")
    )
    places = [f"{of} · {regime}, {protocol}" for of, regime, protocol in zip(data, regimes, protocols, strict=True)]
    groups = scores.grouped(zip(places, methods, prints, strict=True))
    per_method, missing = [], []
    for (place, method, _), group in sorted(groups.items(), key=lambda pair: tuple(map(by_number, pair[0]))):
        why = _why_not_split(group)
        if why is not None:
            missing.append(f"{method}, {place}: {why}")
            continue
        protocol = bind(group[0].cell.protocol.display, "protocol")
        kept = [Kept(cell_dir(store, r.cell.key), r, ArrayFiles()) for r in group]
        mse = _GREY * np.mean([r.scores["mse"] for r in group], axis=0)
        items = group[0].items
        variance = _GREY * np.array([variance_of(kept, protocol, i) for i in range(len(items))])
        per_method.append(Split(place, method, len(group), tuple(items), mse, mse - variance, variance))
    return per_method, missing


def variance_of(kept: Sequence[Kept], protocol: Bound, index: int) -> float:
    """The unbiased variance of a restored picture over draws under a protocol, mean over pixels, on [0, 1]²."""
    mean: Any = 0.0
    deviation = 0.0
    for n, one in enumerate(kept, 1):
        record = one.record
        try:
            restored, _ = one.read(index, record.items[index], record.input_sha256[index])
        except LostOutput as error:
            key = record.cell.key[:12]
            raise UsageError(f"cell {key}: {one_line(error)}: run it again with --retry always --keep all") from None
        pair = prepare(restored, restored, protocol)
        picture = pair.x / pair.peak
        gap = picture - mean
        mean = mean + gap / n
        # Welford's update: one picture in memory, whatever the number of draws.
        deviation += float(np.vdot(gap, picture - mean)) / picture.size
    return deviation / (len(kept) - 1)


def _why_not_split(group: Results) -> str | None:
    failed = [r.cell.outcome for r in group if r.cell.outcome != "ok"]
    if failed:
        return f"{len(failed)} of {counted(len(group), 'seed')} {'is' if len(failed) == 1 else 'are'} {failed[0]}"
    if len(group) < 2:
        return "one seed only"
    if bind(group[0].cell.protocol.display, "protocol").entry.meta["own_range"]:
        return "the protocol has another data range for each picture"
    if any("mse" not in r.scores for r in group):
        return "no mse among the metrics"
    if any(not math.isfinite(v) for r in group for v in r.scores["mse"]):
        return "mse is not defined on every picture"
    if set(group[0].input_sha256) & set(group[1].input_sha256):
        return "the noise does not change with the seed"
    return None
