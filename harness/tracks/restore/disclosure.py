"""What is known of a picture after a chain of regimes: how two values of one name add up, and which stay true."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...components.registry import Bound
from ...imaging.pixels import Array

Law = Callable[[Any, Any], Any]
"""The value of an earlier and of a later regime, neither of them None → that of both."""

ALL = ("*",)
"""What noise keeps that is added: all that was known is still true."""
SETTINGS = ("scale", "kernel", "boundary", "iso", "ratio")
"""What was done to the clean picture. No later step undoes it."""
PLACES = ("p", "mask")
"""Which values were lost. True as long as values are not mixed with their neighbours."""
FACTORS = ("looks", "speckle")
"""Strength of noise that multiplies, of mean 1."""
BENT = (*SETTINGS, *PLACES)
"""What is kept where each value is bent for itself: clipped, rounded or made into a magnitude."""
MULTIPLIED = (*BENT, *FACTORS)
"""What is kept where values are multiplied by noise of mean 1: noise that was added is multiplied too."""
COUNTED = (*MULTIPLIED, "peak")
"""What is kept where values are counted: negative ones, such as added noise leaves, are cut off."""
POINTWISE = (*COUNTED, "sigma")
"""What is kept where some values are replaced and the others stay: their noise has its strength."""


@dataclass(frozen=True)
class Linear:
    """A law that holds only where nothing but noise was added between the two regimes."""

    law: Law

    def __call__(self, earlier: Any, later: Any) -> Any:
        return self.law(earlier, later)


@dataclass(frozen=True)
class Known:
    """A disclosed value, None where it is not known, and the law by which it adds up with a later one."""

    value: Any
    law: Law | None = None


def _convolve(a: Array, b: Array) -> Array:
    total = np.zeros((a.shape[0] + b.shape[0] - 1, a.shape[1] + b.shape[1] - 1))
    for i, j in np.ndindex(*a.shape):
        total[i : i + b.shape[0], j : j + b.shape[1]] += a[i, j] * b
    return total


def _squared(a: float, b: float) -> float:
    return math.hypot(a, b)


def _inverse(a: float, b: float) -> float:
    return 1 / (1 / a + 1 / b)


def _speckle(a: float, b: float) -> float:
    return math.sqrt((1 + a * a) * (1 + b * b) - 1)


def _looks(a: float, b: float) -> float:
    return 1 / ((1 + 1 / a) * (1 + 1 / b) - 1)


def _either(a: float, b: float) -> float:
    return 1 - (1 - a) * (1 - b)


def _same(a: Any, b: Any) -> Any:
    return a if a == b else None


SIGMA: Mapping[str, Law] = {"sigma": _squared}
"""Independent noise: variances add up."""
PEAK: Mapping[str, Law] = {"peak": _inverse}
"""Counts of counts: the variances x/peak add up."""
COUNTS: Mapping[str, Law] = {**PEAK, **SIGMA}
FACTOR: Mapping[str, Law] = {"speckle": _speckle, "looks": _looks}
"""A product of independent factors of mean 1: its variance v has 1 + v = (1 + v₁)(1 + v₂); looks are 1/v."""
REPLACED: Mapping[str, Law] = {"p": _either}
"""Values that either regime replaced."""
MASK: Mapping[str, Law] = {"mask": operator.mul}
SCALE: Mapping[str, Law] = {"scale": operator.mul}
BLUR: Mapping[str, Law] = {"kernel": Linear(_convolve), "boundary": Linear(_same)}


def disclose(known: Mapping[str, Known], part: Bound, new: Mapping[str, Any]) -> dict[str, Known]:
    """What is known after `part` of a chain, which disclosed `new`: never a number that is no longer true.

    A value stays where the regime keeps its name. A name that was disclosed before has the sum of both where both
    regimes give it the same law, and None otherwise.
    """
    keeps: Sequence[str] = part.entry.meta["keeps"]
    everything = "*" in keeps
    laws: Mapping[str, Law] = part.entry.meta["adds_up"]
    after = {
        name: Known(
            was.value if everything or name in keeps else None,
            None if isinstance(was.law, Linear) and name not in new and not everything else was.law,
        )
        for name, was in known.items()
    }
    for name, value in new.items():
        law, was = laws.get(name), after.get(name)
        if was is not None:
            both = law is not None and law is was.law and was.value is not None and value is not None
            value = law(was.value, value) if law is not None and both else None
        after[name] = Known(value, law)
    return after


def cut(known: Mapping[str, Known]) -> dict[str, Known]:
    """What is known of values that were clipped or rounded: no strength of noise."""
    return {name: Known(was.value if name in BENT else None, was.law) for name, was in known.items()}
