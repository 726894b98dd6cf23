"""What a regime makes of the measurements of a matrix, and which of them it corrupts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...components.calls import degraded
from ...components.keyed_noise import keyed_generator, noise_key
from ...components.registry import Bound
from ...track.info import Info
from ...track.posed_case import Case
from .items import Measured, Measurements
from .operators import part_of


@dataclass(frozen=True)
class PosedMatrix(Case):
    """A case that knows which measurements gross noise has hit, (m,): the scorer's alone, so that it is not pickled."""

    corrupted: Any = None

    def __reduce__(self) -> tuple[type[Case], tuple[Any, ...]]:
        return Case, (self.given, self.info, self.input_sha256, self.wanted, self.note)


def pose_matrix(regime: Bound, item: Measured, seed: int, draw: int = 0) -> Case:
    """The measurements with their noise, keyed by what is measured, regime, seed and draw.

    A measurement that a regime makes NaN is not given.
    """
    key = noise_key(regime, seed, values_sha256(item), draw)
    rng = keyed_generator(key)
    y, values = item.y, dict[str, Any]()
    corrupted = np.zeros(len(y), bool) if item.disturbance is None else item.disturbance != 0
    for part in regime.parts:
        noisy, new = degraded(part, y, rng, drops=True)
        if part.entry.meta["gross"]:
            corrupted = corrupted | (noisy != y)
        # Of two noises in a row neither level is the level of both.
        values |= {n: None if n in values else v for n, v in new.items()}
        y = noisy
    values |= {"shape": item.truth.shape, "rank": item.rank}
    operator, measured = item.operator, np.flatnonzero(~np.isnan(y))
    if len(measured) < len(y):
        operator, y, corrupted = part_of(operator, measured), y[measured], corrupted[measured]
    given = Measurements(operator, np.ascontiguousarray(y, dtype=np.float64), item.psd)
    sha = hashlib.sha256(f"{operator.identity} {item.psd} ".encode() + given.y.astype("<f8").tobytes())
    return PosedMatrix(given, Info(values, key), sha.hexdigest(), item.truth.shape, corrupted=corrupted)


def values_sha256(item: Measured) -> str:
    """The hash of the true values, and of what is measured of them."""
    sha = hashlib.sha256(item.operator.identity.encode())
    for array in (item.truth, item.disturbance):
        if array is not None:
            sha.update(f"{array.shape}".encode() + array.astype("<f8").tobytes())
    return sha.hexdigest()
