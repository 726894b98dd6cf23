from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from ....components.decorators import metric
from ....imaging.pixels import Float
from ....text.errors import NotDefined
from ..pairs import Pair
from ._undefined import too_small

_PERIODS = 8
"""Periods of the stride in a block, which are as many bins of its spectrum from one of the frequencies to the next."""
_NEAR, _FAR = 2, 3
"""Bins from a frequency of the stride at which the power around it is taken: what its window blurs is nearer."""


@metric("checkerboard", higher=False, unit="dB")
def checkerboard(pair: Pair, *, stride: Annotated[int, Ge(2), Le(64)] = 2) -> float:
    """Power of the restored picture at the frequencies of a stride over that around them: high with a checkerboard.

    What a network does to each pixel of a grid apart, as pixel shuffle, strided and transposed convolutions do, it may
    leave as a pattern of period `stride`: power at whole multiples of 1/stride cycles a pixel, in blocks of 8 periods
    that lie half over each other, each less its mean in a Hann window. 0 where it is as around, as of white noise;
    photographs have −5 to 2. Not of the error, in which detail that is lost would hide the pattern. Not defined where a
    side is shorter than a block, or nothing is there.
    """
    side = _PERIODS * stride
    if min(pair.x.shape[:2]) < side:
        return too_small(pair.x.shape, "checkerboard", side)
    power = np.zeros((side, side))
    for channel in range(pair.x.shape[2]):
        power += _spectrum(pair.x[:, :, channel].astype(np.float64), side)
    at, around = _weights(stride)
    on_grid, beside_grid = float((power * at).sum()), float((power * around).sum())
    # What is left of roundings is no power.
    if min(on_grid, beside_grid) <= 1e-18 * side**4 * pair.peak**2:
        return NotDefined("checkerboard needs a picture that is not flat")
    return float(10 * np.log10(on_grid / beside_grid))


def _spectrum(plane: Float, side: int) -> Float:
    """The power of all blocks of a channel (H, W), (side, side)."""
    taps = np.hanning(side + 1)[:-1]
    window = np.outer(taps, taps)
    blocks = np.lib.stride_tricks.sliding_window_view(plane, (side, side))[:: side // 2, :: side // 2]
    power = np.zeros((side, side))
    for row in blocks:
        part = (row - row.mean(axis=(1, 2), keepdims=True)) * window
        power += np.square(np.abs(np.fft.fft2(part))).sum(axis=0)
    return power


def _weights(stride: int) -> tuple[Float, Float]:
    """1 at each frequency of the stride but 0; and what makes of the bins around each its mean."""
    side = _PERIODS * stride
    at, around = np.zeros((side, side)), np.zeros((side, side))
    offsets = range(-_FAR, _FAR + 1)
    ring = [(i, j) for i in offsets for j in offsets if max(abs(i), abs(j)) >= _NEAR]
    for a in range(stride):
        for b in range(stride):
            if a or b:
                at[_PERIODS * a, _PERIODS * b] = 1
                for i, j in ring:
                    around[(_PERIODS * a + i) % side, (_PERIODS * b + j) % side] += 1 / len(ring)
    return at, around
