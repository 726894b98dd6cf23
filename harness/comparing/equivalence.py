"""Whether variants of a method give what the plain one gives: their scores, their kept outputs and their costs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..cost.pace import is_busy
from ..spec.parsing import parse
from ..store.cell import Cost, known
from ..store.record import Record
from ..text.errors import UsageError

Array = npt.NDArray[np.float32]
Outputs = Callable[[Record, int], Array]
"""The kept output of a row of a cell, (H, W, C)."""


@dataclass(frozen=True)
class Worst:
    """The most that something changes, and on what: item, dataset and regime."""

    value: float
    at: str


@dataclass(frozen=True)
class Seams:
    """Mean squared step between neighbours across the seams of tiles, over that elsewhere: of the variant, of the plain
    method at the same places, and of their difference, None where that has no step elsewhere."""

    variant: float
    plain: float
    difference: float | None


@dataclass(frozen=True)
class VariantDifference:
    """How a variant of a method differs from it. Where `pictures` is 0, `reason` says why there is nothing to compare.

    `change` is the mean difference of the score, `worst` the greatest loss of it, `pixel` the greatest difference of a
    value on [0, 1]. `time`, `memory` and `size` are ratios to the plain method: of the time of a picture, of the memory
    of a call, and of the bytes of its parameters, `weight_bytes`. None is what is not known.
    """

    name: str
    spec: str
    outcome: str
    reason: str = ""
    pictures: int = 0
    change: float | None = None
    worst: Worst | None = None
    pixel: Worst | None = None
    seams: Seams | None = None
    time: float | None = None
    memory: float | None = None
    weight_bytes: int | None = None
    size: float | None = None
    busy: bool = False


def compare_variant(
    name: str, plain: Sequence[Record], variant: Sequence[Record], metric: str, outputs: Outputs
) -> VariantDifference:
    """Compare the cells of a variant, scores and cost, with those of the plain method."""
    spec, (cost, plain_cost) = variant[0].cell.method.spec, map(_cost, (variant, plain))
    pairs = [(a, b) for a, b in _pairs(plain, variant) if b.cell.outcome == "ok"]
    others = [record.cell for record in variant if record.cell.outcome != "ok"]
    reason = "; ".join(dict.fromkeys(cell.reason for cell in others))
    outcome = next((cell.outcome for cell in others if cell.outcome != "skipped"), "skipped" if others else "ok")
    display = variant[0].cell.method.display
    if not pairs:
        return VariantDifference(name, display, outcome, reason)
    changes = [(change, at) for a, b in pairs for change, at in _score_changes(a, b, metric)]
    pixels, steps = _pixel_changes(pairs, spec, outputs)
    parameters = dict(parse(spec).args) if parse(spec).name == "variant" else {}
    latencies = [one.latency_rel if one else None for one in (cost, plain_cost)]
    latency = _ratio(*latencies)
    weights = [known(one.weight_bytes) if one else None for one in (cost, plain_cost)]
    peaks = [one.peak_memory_bytes if one else None for one in (cost, plain_cost)]
    return VariantDifference(
        name,
        display,
        outcome,
        reason,
        pictures=len(pixels),
        change=float(np.mean([change for change, _ in changes])) if changes else None,
        worst=Worst(*min(changes)) if changes else None,
        pixel=Worst(*max(pixels)),
        seams=_seams(steps),
        time=None if latency is None else latency / int(str(parameters.get("batch", 1))),
        memory=None if str(parameters.get("device")) == "cuda" else _ratio(*peaks),
        weight_bytes=weights[0],
        size=_ratio(*weights),
        busy=any(one is not None and is_busy(one) for one in (cost, plain_cost)),
    )


def _cost(records: Sequence[Record]) -> Cost | None:
    return next((r.cell.cost for r in records if r.cell.kind == "cost" and r.cell.outcome == "ok"), None)


def _ratio(value: float | None, plain: float | None) -> float | None:
    return value / plain if value is not None and plain else None


def _pairs(plain: Sequence[Record], variant: Sequence[Record]) -> list[tuple[Record, Record]]:
    """The score cells of both on the same items, regime and seed. Raises `UsageError` for a plain one that failed."""

    def by_place(records: Sequence[Record]) -> Mapping[tuple[str, str, int], Record]:
        return {(r.cell.dataset.fingerprint, r.cell.regime.spec, r.cell.seed): r for r in records if not _is_cost(r)}

    mine, theirs = by_place(plain), by_place(variant)
    bad = [record.cell for record in mine.values() if record.cell.outcome != "ok"]
    if bad:
        raise UsageError(f"{bad[0].method.display} itself is {bad[0].outcome}, so nothing compares: {bad[0].reason}")
    return [(mine[place], theirs[place]) for place in mine if place in theirs]


def _is_cost(record: Record) -> bool:
    return record.cell.kind != "score"


def _at(record: Record, place: int) -> str:
    return f"{record.items[place]}, {record.cell.dataset.display}, {record.cell.regime.display}"


def _score_changes(a: Record, b: Record, metric: str) -> list[tuple[float, str]]:
    """The gain of each item, positive where `b` is better, and which item it is; equal scores gain 0, infinite too."""
    sign = 1 if a.cell.metrics[metric].higher else -1
    scores = zip(a.scores[metric].tolist(), b.scores[metric].tolist(), strict=True)
    gains = [0.0 if one == other else sign * (other - one) for one, other in scores]
    return [(gain, _at(b, place)) for place, gain in enumerate(gains) if np.isfinite(gain)]


def _pixel_changes(
    pairs: Sequence[tuple[Record, Record]], spec: str, outputs: Outputs
) -> tuple[list[tuple[float, str]], npt.NDArray[np.float64]]:
    """The largest difference of each item and which it is; sums of squared steps: see `_steps`."""
    largest: list[tuple[float, str]] = []
    steps = np.zeros((3, 2, 2))
    for a, b in pairs:
        tile = _tile(spec, b.cell.regime.spec)
        for place in range(len(a.items)):
            one, other = outputs(a, place), outputs(b, place)
            difference = other.astype(np.float64) - one
            largest.append((float(np.abs(difference).max()), _at(b, place)))
            if tile and max(one.shape[:2]) > tile:
                steps += np.stack([_steps(picture, tile) for picture in (other, one, difference)])
    return largest, steps


def _tile(spec: str, regime: str) -> int:
    """The side of the tiles of a variant, in pixels of what it gives; 0 where it has none."""
    variant = parse(spec)
    if variant.name != "tiled":
        return 0
    scale = re.search(r"\bscale=(\d+)", regime)
    return int(str(dict(variant.args)["size"])) * (int(scale[1]) if scale else 1)


def _steps(picture: npt.NDArray[Any], tile: int) -> npt.NDArray[np.float64]:
    """((sum of squared steps across seams, their number), (the same elsewhere))."""
    sums = np.zeros((2, 2))
    for axis in (0, 1):
        squares = np.square(np.diff(picture.astype(np.float64), axis=axis)).mean(axis=(1 - axis, 2))
        across = np.arange(1, len(squares) + 1) % tile == 0
        for row, chosen in enumerate((across, ~across)):
            sums[row] += squares[chosen].sum(), chosen.sum()
    return sums


def _seams(steps: npt.NDArray[np.float64]) -> Seams | None:
    if not steps[..., 1].all():
        return None
    means = steps[..., 0] / steps[..., 1]
    variant, plain, difference = (float(across / other) if other else None for across, other in means)
    return None if variant is None or plain is None else Seams(variant, plain, difference)
