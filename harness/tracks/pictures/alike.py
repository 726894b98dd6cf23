"""Which pictures are no independent evidence: equal ones, and those that show parts of one another.

Seen are crops of one picture and frames that overlap: the same things at the same scale and upright, wherever they
lie, saved anew or with a little noise. Not seen are pictures that are turned, mirrored or resized, and those that have
hardly a corner or are smaller than 48 pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...imaging.pixels import Array, pixel_sha256, to_unit

AGREEING = 5
"""So many corners of two pictures must lie equally far apart; pictures of different things have 3 at most by chance."""
_REACH = 12
_MARGIN = _REACH + 4
LEAST = 3 * _MARGIN
"""The shorter side of a picture that can have corners, at least."""
_CORNER = 2e-5
_BITS, _BAND = 64, 16
_MOST_WRONG = 6
_NEIGHBOURS = 32
_points = np.random.Generator(np.random.Philox(key=7)).integers(-_REACH, _REACH + 1, size=(2, 2, _BITS))


@dataclass(frozen=True)
class Sketch:
    """The hash of a picture, and of each corner in it where it lies (K, 2) and what is around it, 64 bits (K,)."""

    sha256: str
    at: npt.NDArray[np.int64]
    codes: npt.NDArray[np.uint64]


def sketch(picture: Array) -> Sketch:
    """What is compared of a picture. A corner depends on the 33 × 33 pixels around it alone.

    A bit is whether one of two points is brighter (Calonder et al., BRIEF, ECCV 2010); corners are the smaller
    eigenvalue of Shi and Tomasi (CVPR 1994).
    """
    import cv2

    grey = _grey(picture)
    at: npt.NDArray[np.int64] = np.empty((0, 2), np.int64)
    if min(grey.shape) >= LEAST:
        soft = cv2.GaussianBlur(grey, (0, 0), 2.0)
        strength = cv2.cornerMinEigenVal(soft, 9, ksize=3)
        peak: Any = (strength == cv2.dilate(strength, np.ones((17, 17), np.uint8))) & (strength > _CORNER)
        inner = peak[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
        at = np.argwhere(inner) + _MARGIN
    if not len(at):
        return Sketch(pixel_sha256(picture), at, np.empty(0, np.uint64))
    one, other = (soft[at[:, :1] + y, at[:, 1:] + x] for y, x in _points)
    codes = np.packbits(one > other, axis=1).view(np.uint64)[:, 0]
    return Sketch(pixel_sha256(picture), at, codes)


def _grey(picture: Array) -> npt.NDArray[np.float32]:
    """The mean of the channels; plane by plane it takes a third of the time of numpy's mean, for the same bits."""
    unit = to_unit(picture)
    total = unit[:, :, 0].copy()
    for channel in range(1, unit.shape[2]):
        total += unit[:, :, channel]
    grey: npt.NDArray[np.float32] = (total / unit.shape[2]).astype(np.float32)
    return grey


def alike(sketches: Sequence[Sketch]) -> tuple[list[list[int]], list[tuple[int, int]]]:
    """Places of equal pictures, and pairs of places that show parts of one another: as few as join all that do."""
    equal: dict[str, list[int]] = {}
    for place, sketch in enumerate(sketches):
        equal.setdefault(sketch.sha256, []).append(place)
    group = list(range(len(sketches)))
    joining = []
    for first, second in _overlapping(sketches):
        if group[first] != group[second]:
            joining.append((first, second))
            group = [group[first] if number == group[second] else number for number in group]
    return [places for places in equal.values() if len(places) > 1], joining


def shown(trained: Sequence[Sketch], tested: Sequence[Sketch]) -> dict[int, int]:
    """Places of tested pictures that show the same as one that is trained on, with the place of that one."""
    equal, pairs = alike([*trained, *tested])
    group = list(range(len(trained) + len(tested)))
    for one, *others in [*equal, *pairs]:
        for other in others:
            group = [group[one] if number == group[other] else number for number in group]
    owner = {group[place]: place for place in reversed(range(len(trained)))}
    return {place: owner[one] for place, one in enumerate(group[len(trained) :]) if one in owner}


def _overlapping(sketches: Sequence[Sketch]) -> list[tuple[int, int]]:
    """Pairs of pictures (i < j) of which enough corners look the same and lie equally far apart."""
    return sorted({pair for pair, _ in agreeing(sketches)})


def agreeing(sketches: Sequence[Sketch]) -> Iterator[tuple[tuple[int, int], int]]:
    """Pairs of pictures (i < j), some again, of which `AGREEING` corners or more that look the same lie equally far
    apart, and how many."""
    owner = np.repeat(np.arange(len(sketches)), [len(sketch.codes) for sketch in sketches])
    if len(np.unique(owner)) < 2:
        return
    at, codes = np.concatenate([s.at for s in sketches]), np.concatenate([s.codes for s in sketches])
    first, second = _similar(codes, owner)
    if not len(first):
        return
    pair, shift = owner[first] * len(sketches) + owner[second], at[second] - at[first]
    # Corners may be a pixel off: cells of four pixels, laid in four ways so that no two that agree are cut apart.
    for corner in np.ndindex(2, 2):
        cell = (shift + 2 * np.array(corner)) // 4
        cell -= cell.min(axis=0)
        rows, columns = (cell.max(axis=0) + 1).tolist()
        votes, counts = np.unique((pair * rows + cell[:, 0]) * columns + cell[:, 1], return_counts=True)
        votes, counts = votes[counts >= AGREEING], counts[counts >= AGREEING]
        ones, others = np.divmod(votes // (rows * columns), len(sketches))
        yield from (((i, j), n) for i, j, n in zip(ones.tolist(), others.tolist(), counts.tolist(), strict=True))


def _similar(
    codes: npt.NDArray[np.uint64], owner: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Places of corners of two pictures that differ in few bits and agree in a whole band of them."""
    close_pairs = [np.empty(0, np.int64)]
    for low in range(0, _BITS, _BAND):
        band = (codes >> np.uint64(low)) & np.uint64(2**_BAND - 1)
        order = np.lexsort((codes, band))
        bands, whole, owners = band[order], codes[order], owner[order]
        for step in range(1, _NEIGHBOURS + 1):
            same = bands[:-step] == bands[step:]
            if not same.any():
                break
            at = np.flatnonzero(same & (owners[:-step] != owners[step:]))
            at = at[_bits_set(whole[at] ^ whole[at + step]) <= _MOST_WRONG]
            a, b = order[at], order[at + step]
            # Corners are in the order of their pictures, so the smaller place is of the earlier picture.
            close_pairs.append(np.minimum(a, b) * len(codes) + np.maximum(a, b))
    first, second = np.divmod(np.unique(np.concatenate(close_pairs)), len(codes))
    return first, second


def _bits_set(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """How many bits of each are set: those of 2, 4 and 8 bits added up side by side, then all bytes by a product."""
    pairs = words - ((words >> np.uint64(1)) & np.uint64(0x5555555555555555))
    fours = (pairs & np.uint64(0x3333333333333333)) + ((pairs >> np.uint64(2)) & np.uint64(0x3333333333333333))
    eights = (fours + (fours >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    bits: npt.NDArray[np.uint64] = (eights * np.uint64(0x0101010101010101)) >> np.uint64(56)
    return bits
