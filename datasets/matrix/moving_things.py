"""Stacks of frames: photographs under changing light, before which parts of other photographs move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from noisebench.datasets.matrix._grey import Pictures, grey_square
from noisebench.datasets.matrix._seen import seen_entries
from noisebench.tracks.matrix import Measured, as_measured, on_grid

THINGS = 3


class MovingThings:
    """A stack a picture of the set: it is the background, the pictures after it move before it."""

    def __init__(self, of: nb.Dataset, side: int, frames: int, size: float, most: int) -> None:
        self._of, self._side, self._frames, self._size = of, side, frames, size
        self.ids: Sequence[str] = of.ids[:most]

    def load(self, index: int) -> Measured:
        """Stack `index`, a column a frame. Raises `UsageError` for a picture that is too small."""
        number, side, frames = range(len(self.ids))[index], self._side, self._frames
        name = self.ids[number]
        rng = nb.keyed_generator(nb.text_key(f"moving_things|{name}|{side}|{frames}|{self._size!r}"))
        still = on_grid(self._picture(number))
        truth = _under_light(still, frames, rng)
        shown = truth.reshape(side, side, frames).copy()
        for other in range(1, THINGS + 1):
            thing = on_grid(self._picture((number + other) % len(self._of.ids)))
            _move_before(shown, thing, self._size, rng)
        seen = seen_entries(truth, 1.0, b"")
        moved = (shown.reshape(truth.shape) - truth)[seen.rows, seen.columns]
        return as_measured(name, truth, seen, disturbance=moved, peak=1.0, picture=(side, side))

    def _picture(self, number: int) -> np.ndarray:
        return grey_square(self._of.load(number).clean, self._of.ids[number], self._side)


def _under_light(still: np.ndarray, frames: int, rng: np.random.Generator) -> np.ndarray:
    """A picture under light that changes as a whole and from left to right: (side², frames), of rank 2."""
    side = len(still)
    turns, phases = rng.uniform(0.5, 2.0, 2), rng.uniform(0, 2 * np.pi, 2)
    time = np.arange(frames) / frames
    whole = on_grid(0.8 + 0.12 * np.sin(2 * np.pi * turns[0] * time + phases[0]))
    slope = on_grid(0.08 * np.sin(2 * np.pi * turns[1] * time + phases[1]))
    across = on_grid(np.linspace(-1, 1, side))
    light = whole[None, None, :] + across[None, :, None] * slope[None, None, :]
    return np.asarray((still[:, :, None] * light).reshape(side * side, frames))


def _move_before(shown: np.ndarray, thing: np.ndarray, size: float, rng: np.random.Generator) -> None:
    """Let the middle of a picture move across the frames (side, side, frames), in place, along a straight line."""
    side, frames = shown.shape[1:]
    wide = max(2, round(size * side))
    low = (side - wide) // 2
    part = thing[low : low + wide, low : low + wide]
    top = int(rng.integers(0, side - wide + 1))
    forward = bool(rng.integers(2))
    starts = np.rint(np.linspace(-wide, side, frames)).astype(int)
    for frame, column in enumerate(starts if forward else starts[::-1]):
        first, last = max(column, 0), min(column + wide, side)
        if first < last:
            shown[top : top + wide, first:last, frame] = part[:, first - column : last - column]


@nb.dataset("moving_things", track="matrix", licence="that of the pictures")
def moving_things(
    *,
    of: Pictures = "photos",
    side: Annotated[int, Ge(16), Le(256)] = 40,
    frames: Annotated[int, Ge(4), Le(1_000)] = 40,
    size: Annotated[float, Gt(0), Lt(1)] = 0.25,
    most: Annotated[int, Ge(1), Le(100_000)] = 100,
) -> MovingThings:
    """Background subtraction: every pixel of stacks of frames is seen, a column a frame, and the background is wanted.

    These are photographs and no video. Each of the first `most` pictures is a background, `side` pixels wide, grey on
    [0, 1], under light that changes over the frames as a whole and from left to right: a matrix (side², frames) of
    rank 2. The middles of the next three pictures, `size` of the side wide, cross it on straight lines. What they hide
    is what is corrupted, whatever the regime.
    """
    return MovingThings(nb.open_dataset(of), side, frames, size, most)
