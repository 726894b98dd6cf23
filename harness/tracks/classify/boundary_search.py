"""The nearest picture that a classifier takes for another class, by planes that stand in for its boundary (FAB)."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NamedTuple

import numpy as np

from ...track.posed_case import Case
from .attack_search import Floats, Point

Look = Callable[[Floats], Generator[Case, Any, Point]]
_BEYOND = 1.05
"""How far a step goes towards a plane, so that it ends behind it."""
_MOST_BACK = 0.1
"""The largest share that the step from the given picture has in a new point."""
_BACKWARD = 0.9
"""What is left of the way from the given picture to a point of another class, for the next step."""
_HALVINGS = 3
"""How often the way to the nearest point is halved in the end."""


class Box(NamedTuple):
    """The norm of changes, `linf` or `l2`, and the least and largest value at each place."""

    norm: str
    low: Floats
    high: Floats

    def length(self, change: Floats) -> float:
        """The size of a change."""
        return float(np.abs(change).max() if self.norm == "linf" else np.linalg.norm(change))

    def clipped(self, x: Floats) -> Floats:
        """A picture with its values between the least and the largest."""
        values: Floats = np.clip(x, self.low, self.high)
        return values

    def onto_plane(self, x: Floats, slope: Floats, value: float) -> Floats:
        """The least change of x within the box to where value + slope · change is 0; as near as the box lets it come.

        Each value moves at a speed of its own, |slope| (`l2`) or 1 (`linf`), until it stops at the box. The sum then
        grows along a line with a bend where a value stops: sorted by these places, it is solved on one piece.
        """
        towards = np.sign(slope) * -np.sign(value)
        room = np.where(towards > 0, self.high - x, x - self.low).ravel()
        steep = np.abs(slope).ravel()
        speed = steep if self.norm == "l2" else np.where(steep > 0, 1.0, 0.0)
        moving = np.flatnonzero(speed)
        ends = room[moving] / speed[moving]
        order = np.argsort(ends, kind="stable")
        moving, ends = moving[order], ends[order]
        slopes, amounts = steep[moving] * speed[moving], steep[moving] * room[moving]
        moving_slope = slopes.sum() - np.concatenate([[0.0], np.cumsum(slopes)])
        stopped = np.concatenate([[0.0], np.cumsum(amounts)])
        reached = stopped[1:] + ends * np.maximum(moving_slope[1:], 0)
        piece = int(np.searchsorted(reached, abs(value)))
        if piece == len(moving):
            size = room * (speed > 0)
        else:
            size = np.minimum((abs(value) - stopped[piece]) / max(moving_slope[piece], 1e-300) * speed, room)
        change: Floats = towards * size.reshape(x.shape)
        return change


def nearest_of_another_class(
    look: Look, given: Floats, label: int, target: int, box: Box, steps: int, start: Floats | None = None
) -> Generator[Case, Any, Point | None]:
    """The nearest point to `given` that was met where `label` is not the likeliest class; None where none was met.

    The targeted fast adaptive boundary attack (Croce and Hein, ICML 2020), one search of so many steps from `start`, or
    from the given picture: a step goes behind the plane that the difference of the two logits would be 0 on if it were
    linear, from the last point and in part from the given picture. Behind the boundary it goes back towards that.
    """
    x = given if start is None else start
    at = yield from look(x)
    nearest: Point | None = None
    for _ in range(steps):
        lead = float(at.logits[target] - at.logits[label])
        slope = at.gradients[target] - at.gradients[label]
        from_x = box.onto_plane(at.x, slope, lead)
        at_given = lead + float((slope * (given - at.x)).sum())
        from_given = box.onto_plane(given, slope, at_given)
        lengths = box.length(from_x), box.length(from_given)
        share = min(lengths[0] / max(sum(lengths), 1e-300), _MOST_BACK)
        step = (1 - share) * (at.x + _BEYOND * from_x) + share * (given + _BEYOND * from_given)
        at = yield from look(box.clipped(step))
        if at.margin < 0:
            if nearest is None or box.length(at.x - given) < box.length(nearest.x - given):
                nearest = at
            at = yield from look(given + _BACKWARD * (at.x - given))
    if nearest is None:
        return None
    inside = given
    for _ in range(_HALVINGS):
        middle = yield from look((inside + nearest.x) / 2)
        if middle.margin < 0:
            nearest = middle
        else:
            inside = middle.x
    return nearest
