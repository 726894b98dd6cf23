"""Instants of glottal closure in a waveform, and larynx cycles that have one of them, none, or several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le

from ....text.errors import NotDefined
from ..clip import Floats
from ..egg import LONGEST
from ..pitch import pitch_period
from ..scored import Restored

NEAR = 0.01
"""Seconds to either side within which the steepest fall is looked for."""
DEPTH = 0.0
"""A fall of less than this part of the steepest one near it is no closure."""
APART = 0.65
"""Usual pitch periods between two closures that are found, at the least."""
Share = Annotated[float, Ge(0), Le(1)]


@dataclass(frozen=True)
class Cycles:
    """How many larynx cycles have one detection, none, or several; `late` (K,): seconds of single ones after truth."""

    one: int
    none: int
    several: int
    late: Floats

    @property
    def count(self) -> int:
        """All of them."""
        return self.one + self.none + self.several


def closures_in(wave: Floats, rate: int, apart: float = 0.0, depth: float = 0.5) -> Floats:
    """Seconds at which a waveform (N,) falls most steeply: negative extrema of its derivative, between samples.

    Those count that are `depth` times as steep as the steepest within 10 ms, so that the level of the waveform does
    not; of two that are less than `apart` seconds from each other the steeper one.
    """
    from scipy.ndimage import maximum_filter1d
    from scipy.signal import find_peaks

    falls = np.pad(-np.diff(wave), 1)
    steepest = maximum_filter1d(falls, 2 * round(NEAR * rate) + 1)
    middle, before, after = falls[1:-1], falls[:-2], falls[2:]
    extremum = (middle > before) & (middle >= after) & (middle > 0) & (middle >= depth * steepest[1:-1])
    steep, _ = find_peaks(np.pad(np.where(extremum, middle, 0), 1), distance=max(1.0, apart * rate))
    at = steep - 1
    earlier, top, later = before[at], middle[at], after[at]
    # The top of the parabola through three values; each is the fall between a sample and the next one.
    return np.asarray((at + 0.5 + 0.5 * (later - earlier) / (2 * top - earlier - later)) / rate)


def cycles_of(true: Floats, estimated: Floats) -> Cycles:
    """Each true closure has a cycle from half of the way to the one before to half of the way to the next.

    Where that one is more than 20 ms away the voice begins or ends, and half of the other way is taken; a closure by
    itself has no cycle. What is found outside all cycles is not counted.
    """
    gaps = np.full(len(true) + 1, np.inf)
    gaps[1:-1] = np.diff(true)
    before, after = (np.where(part <= LONGEST, part, np.inf) for part in (gaps[:-1], gaps[1:]))
    voiced = np.isfinite(np.minimum(before, after))
    at, before, after = true[voiced], before[voiced], after[voiced]
    start = at - np.where(np.isfinite(before), before, after) / 2
    end = at + np.where(np.isfinite(after), after, before) / 2
    first, last = np.searchsorted(estimated, start), np.searchsorted(estimated, end)
    inside = last - first
    single = inside == 1
    late = estimated[first[single]] - at[single]
    return Cycles(int(single.sum()), int((inside == 0).sum()), int((inside > 1).sum()), np.asarray(late))


def voiced_samples(true: Floats, rate: int, count: int) -> Floats:
    """Which of `count` samples lie between two closures of one voice, bool (count,)."""
    after = np.searchsorted(true, np.arange(count) / rate, side="right")
    gaps = np.concatenate([[np.inf], np.diff(true), [np.inf]])
    return np.asarray(gaps[after] <= LONGEST)


def scored(restored: Restored, periods: float, depth: float) -> Any:
    """The cycles of a clip, or why there are none, `NotDefined`.

    What is found is `periods` usual pitch periods apart, those of what the method was given: the same for all methods.
    """
    if restored.clip.closures is None:
        return NotDefined("the closures of the clip are not known")
    apart = periods * pitch_period(restored.given.astype(np.float64), restored.clip.rate) if periods else 0.0
    cycles = cycles_of(restored.clip.closures, closures_in(restored.output, restored.rate, apart, depth))
    return cycles if cycles.count else NotDefined("the clip has no larynx cycle")
