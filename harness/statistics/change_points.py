"""Where the level of a series changes: each change lies in a span that chance gives at a rate of `level` at most.

As narrowest significance pursuit (Fryzlewicz 2024, J. Am. Stat. Assoc. 119): each span of three values and more is
tested for a change inside of it by the largest two-sample t over its places (Hawkins 1977, J. Am. Stat. Assoc. 72;
Worsley 1979, J. Am. Stat. Assoc. 74), and the narrowest spans count. By Bonferroni over all spans and places the chance
that any of the spans holds no change is at most `level`, where what lies between two changes is one value, or that with
normal noise. A value that comes back, as after a mistake that was mended, hides no change.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .paired_tests import Floats

LEAST = 3
"""Values of the shortest span that is tested: one on one side, two that say how much they scatter on the other."""


@dataclass(frozen=True)
class ChangePoint:
    """The level is another one from `place` on; for sure it changes between `first` and `last`, both included."""

    place: int
    first: int
    last: int


def change_points(values: Floats, level: float) -> list[ChangePoint]:
    """The changes in a series of finite values (n,), in their order."""
    from scipy.special import stdtrit

    count = len(values)
    if count < LEAST or np.ptp(values) == 0:
        return []
    lengths = range(LEAST, count + 1)
    tests = sum((count - length + 1) * (length - 1) for length in lengths)
    points: list[ChangePoint] = []
    for length in lengths:
        largest, places = _largest(values, length)
        bound = -float(stdtrit(length - 2, level / tests / 2))
        for start in np.argsort(-largest, kind="stable"):
            if not largest[start] > bound:
                break
            first, last = int(start), int(start) + length - 1
            if not any(first < one.place <= last for one in points):
                points.append(ChangePoint(first + int(places[start]), first, last))
    return sorted(points, key=lambda one: one.place)


def _largest(values: Floats, length: int) -> tuple[Floats, np.ndarray]:
    """Of each span of a length the largest |t| of its values before a place and from it on, and that place in it."""
    spans = np.lib.stride_tricks.sliding_window_view(values, length)
    spans = spans - spans[:, :1]
    before = np.arange(1, length)
    after = length - before
    total = np.cumsum(spans, axis=1)
    low, high = total[:, :-1] / before, (total[:, -1:] - total[:, :-1]) / after
    squares = np.square(spans).sum(axis=1, keepdims=True) - before * low**2 - after * high**2
    scatter = np.sqrt(np.maximum(squares, 0.0) / (length - 2) * (1 / before + 1 / after))
    scatter[_are_two_values(spans)] = 0.0  # which rounding would hide
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.nan_to_num(np.abs(high - low) / scatter, nan=0.0, posinf=np.inf)
    places = t.argmax(axis=1)
    return t[np.arange(len(t)), places], places + 1


def _are_two_values(spans: Floats) -> np.ndarray:
    """Where all values of a span before a place are equal, and all from it on: (spans, places)."""
    steps = np.diff(spans, axis=1) != 0
    none_before = np.cumsum(steps, axis=1) - steps == 0
    none_after = np.cumsum(steps[:, ::-1], axis=1)[:, ::-1] - steps == 0
    return np.asarray(none_before & none_after)
