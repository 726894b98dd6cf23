"""How a parameter that nobody gave is chosen: by the error on held-out measurements."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import noisebench as nb
import numpy as np
from noisebench.tracks.matrix import Measurements, part_of

Choice = TypeVar("Choice", int, float)
PART = 5
"""One of so many measurements is held out."""
PATIENCE = 2


def chosen_by_held_out(
    given: Any, info: Any, tried: Iterable[Choice], solve: Callable[[Any, Choice, Any], Any]
) -> tuple[Choice, Any]:
    """The choice with the least mean absolute error on one measurement of five, which gross noise cannot decide.

    And its matrix, from the other four. What is held out is drawn by the key of the input. `solve(given, choice,
    before)` gets the matrix of the choice before it, None at first, to start from. After `PATIENCE` choices in a row
    that are worse than the best no more are tried.
    """
    order = info.rng.permutation(given.operator.count)
    split = max(1, len(order) // PART)
    held_out, used = np.sort(order[:split]), np.sort(order[split:])
    if not len(used):
        raise nb.Skip("one measurement is too few to choose a parameter on held-out ones: give its value")
    part = Measurements(part_of(given.operator, used), given.y[used], given.psd)
    best: tuple[float, Choice, Any] | None = None
    before, since = None, 0
    for choice in tried:
        before = solve(part, choice, before)
        error = float(np.mean(np.abs(given.operator.measure(before)[held_out] - given.y[held_out])))
        if best is None or error < best[0]:
            best, since = (error, choice, before), 0
        else:
            since += 1
        if since == PATIENCE:
            break
    assert best is not None
    return best[1:]
