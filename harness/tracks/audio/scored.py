"""What metrics of `audio` are given."""

from __future__ import annotations

from dataclasses import dataclass

from .clip import Clip, Floats


@dataclass(frozen=True, eq=False)
class Restored:
    """An `output` beside the `truth`, float64 (N,) each, at `rate`, as the protocol leaves them.

    `given` is what the method had, float32 at the rate of the `clip`, which knows its closures.
    """

    output: Floats
    truth: Floats
    rate: int
    given: Floats
    clip: Clip
