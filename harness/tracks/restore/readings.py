"""The usual mistakes of an adapter: what a method would gain if it were fed, or its answer read, in another way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from ...components.datasets import open_dataset
from ...components.registry import Bound, bind
from ...imaging.pixels import Array, to_unit
from ...imaging.resample import enlarge
from ...imaging.sample import Sample
from ...track.info import Info
from .degrade import degrade_sample

CROPS = {1: ("camera", "gravel", "clock"), 3: ("coffee", "retina", "saucer")}
"""Pictures of `photos`, by channels. These colour ones tell RGB from BGR: it costs published networks 0.1 to 0.7 dB."""
SIDE = 96
"""A whole number of times 2, 3, 4 and 32: scales, and what networks ask sides to be multiples of."""
WORKS = 0.5
"""A method that gains this much, in dB, reads its input rightly but for the order of channels."""
DECISIVE, AT_LEAST = 3.0, 1.0
"""How much better than as it is another reading must be, in dB, and than a method that does nothing."""
ORDER, ORDER_EACH = 0.2, 0.1
"""How much better BGR must be, in dB, on the mean of the crops and on each."""

_RANGES = {"0–1": (1.0, 0.0), "0–255": (255.0, 0.0), "−1–1": (2.0, -1.0)}


@dataclass(frozen=True)
class Reading:
    """How a method is fed and its answer taken: ranges in and out, order of channels, factor on sigma, sign of what
    is added to the input where the answer is a residual (0: the answer is the picture)."""

    given: str = "0–1"
    taken: str = "0–1"
    bgr: bool = False
    level: float = 1.0
    residual: int = 0

    @property
    def changes(self) -> int:
        """How many mistakes it mends. The same range in and out is one."""
        ranges = {self.given, self.taken} - {"0–1"}
        return len(ranges) + self.bgr + (self.level != 1) + (self.residual != 0)

    def feed(self, noisy: Array, info: Info) -> tuple[Array, Info]:
        """`noisy` float32 (H, W, C) and `info` as this reading gives them; sigma is on the scale of the picture."""
        factor, offset = _RANGES[self.given]
        given = (factor * noisy + offset)[:, :, :: -1 if self.bgr else 1]
        scaled = info if info.sigma is None else info.replace(sigma=info.sigma * factor * self.level)
        return np.ascontiguousarray(given, dtype=np.float32), scaled

    def take(self, answer: Array, start: Array) -> Array:
        """The picture that an answer (H, W, C) stands for; `start` is what a method that does nothing gives."""
        factor, offset = _RANGES[self.taken]
        turned = answer[:, :, :: -1 if self.bgr else 1]
        if self.residual:
            return start + self.residual * turned / factor
        return (turned - offset) / factor

    def remedies(self, enlarges: bool) -> Iterator[tuple[str, str]]:
        """What is done otherwise, and the line to write."""
        if self.given == self.taken != "0–1":
            line = "net(255 * noisy) / 255" if self.given == "0–255" else "net(2 * noisy - 1) / 2 + 0.5"
            yield (f"given {self.given} and its answer brought back", f"{line}, or leave out a scaling of your own")
        else:
            if self.given != "0–1":
                line = "net(255 * noisy)" if self.given == "0–255" else "net(2 * noisy - 1)"
                yield f"given {self.given}", f"{line}, or leave out a scaling of your own on the way in"
            if self.taken != "0–1":
                line = "net(noisy) / 255" if self.taken == "0–255" else "net(noisy) / 2 + 0.5"
                yield f"its answer is taken as on {self.taken}", f"{line}: the output is on [0, 1]"
        if self.bgr:
            yield "given BGR", "net(noisy.flip(1)).flip(1): a picture is RGB, on the way in and out"
        if self.level != 1:
            more = self.level > 1
            line = "255 * info.sigma" if more else "info.sigma / 255, or leave out a factor of your own"
            yield f"told {'255 × sigma' if more else 'sigma / 255'}", f"{line}: sigma is on the [0, 1] scale"
        if self.residual:
            start, sign = ("enlarged" if enlarges else "noisy"), "-+"[self.residual > 0]
            remainder = "the noise" if self.residual < 0 else "a correction"
            yield (
                f"its answer is taken as {remainder}",
                f"{start} {sign} net(noisy), or leave out a subtraction of your own",
            )


AS_IT_IS = Reading()


def crops(regime: Bound, channels: int, oracle: bool = False) -> list[tuple[Array, Info, Array]]:
    """Noisy float32 (H', W', C), `Info`, and clean float64 (H, W, C) of three small photographs."""
    dataset = open_dataset(bind("photos", "dataset"))
    cases = []
    for name in CROPS[channels]:
        whole = dataset.load(list(dataset.ids).index(name)).clean
        first = (whole.shape[0] - SIDE) // 2
        clean = np.ascontiguousarray(whole[first:, first:][:SIDE, :SIDE])
        sample = Sample("doctor", clean)
        noisy, info = degrade_sample(regime, sample)
        unit = to_unit(clean).reshape(SIDE, SIDE, channels)
        cases.append((noisy, info.replace(sample=sample) if oracle else info, unit))
    return cases


def start_of(noisy: Array, clean: Array) -> Array:
    """What a method that does nothing gives: the input, enlarged by bicubic where it is smaller."""
    if noisy.shape == clean.shape:
        return noisy.astype(np.float64)
    return enlarge(noisy.astype(np.float64), round(clean.shape[0] / noisy.shape[0]), clean.shape[:2])


Answers = Callable[[Array, Info], Array | None]
"""What a method gives for a noisy picture and `Info`, unjudged: finite (H, W, C), None where it gives none."""


Cases = Sequence[tuple[Array, Info, Array]]
"""Noisy float32 (H', W', C), `Info`, and clean float64 (H, W, C)."""


def gains(answers: Answers, cases: Cases, readings: Sequence[Reading]) -> list[list[float]]:
    """PSNR over a method that does nothing, in dB, of each reading on each crop; clipped to [0, 1] as a board does.

    The readings are fed alike: they differ in how the answer is taken.
    """
    decibels: list[list[float]] = [[] for _ in readings]
    for noisy, info, clean in cases:
        start = start_of(noisy, clean)
        answer = answers(*readings[0].feed(noisy, info))
        for values, reading in zip(decibels, readings, strict=True):
            if answer is None or answer.shape != clean.shape:
                values.append(-np.inf)
                continue
            before, after = (_error(x, clean) for x in (start, reading.take(answer.astype(np.float64), start)))
            values.append(10 * float(np.log10(before / after)) if before and after else np.inf if before else 0.0)
    return decibels


def _error(picture: Array, clean: Array) -> float:
    return float(np.mean(np.square(np.clip(picture, 0, 1) - clean)))


def better(answers: Answers, cases: Cases, as_it_is: Sequence[float]) -> tuple[Reading, float] | None:
    """The reading that gains decisively more than the method as it is, with the fewest changes; and its gain."""
    colour = cases[0][0].shape[2] == 3
    gain_as_it_is = float(np.mean(as_it_is))
    if gain_as_it_is >= WORKS:
        if not colour:
            return None
        swapped = gains(answers, cases, [Reading(bgr=True)])[0]
        more = np.subtract(swapped, as_it_is)
        decisive = more.mean() >= ORDER and more.min() >= ORDER_EACH
        return (Reading(bgr=True), float(np.mean(swapped))) if decisive else None
    tried: list[tuple[Reading, float]] = []
    for alike in _readings(colour, has_level=any(info.sigma is not None for _, info, _ in cases)):
        tried += zip(alike, (float(np.mean(v)) for v in gains(answers, cases, alike)), strict=True)
    fit = [(reading, gain) for reading, gain in tried if gain >= max(gain_as_it_is + DECISIVE, AT_LEAST)]
    if not fit:
        return None
    best = max(gain for _, gain in fit)
    near = [one for one in fit if one[1] >= best - WORKS]
    # Where noise level and range explain it alike, the level: a range is what a method can be indifferent to.
    chosen = min(near, key=lambda one: (one[0].changes, one[0].level == 1, -one[1]))
    if chosen[0].level != 1:
        # Where a part of the factor does as well, the level is too low or too high, but on its scale.
        part = replace(chosen[0], level=chosen[0].level ** (2 / 3))
        if np.mean(gains(answers, cases, [part])[0]) > chosen[1] - DECISIVE:
            return None
    return chosen


def _readings(colour: bool, has_level: bool) -> Iterator[list[Reading]]:
    """All readings, those that are fed alike together."""
    fed = [(given, bgr, 1.0) for given, bgr in product(_RANGES, (False, True) if colour else (False,))]
    for given, bgr, level in [*fed, *((("0–1", False, f) for f in (255.0, 1 / 255)) if has_level else ())]:
        yield [Reading(given, taken, bgr, level, residual) for taken, residual in product(_RANGES, (0, -1, 1))]


def advice(reading: Reading, gain: float, enlarges: bool) -> str:
    """How much a reading would gain, and what to write."""
    done, lines = zip(*reading.remedies(enlarges), strict=True)
    return f"{gain:+.1f} dB if {' and '.join(done)}: write {'; and '.join(lines)}"
