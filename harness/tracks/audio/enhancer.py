"""How a method is called: a noisy clip in, a clip out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...track.posed_case import Case
from ...track.runner import MethodRunner, accepted_numbers
from .clip import Floats


class Enhancer(MethodRunner):
    """A method `f(wave, info, **params)`, or a class with `enhance(wave, info)`: of float32 (N,) it makes (N,).

    `info.rate` is the sample rate. What comes back may be of numpy or torch, of integers or floats.
    """

    verb = "enhance"

    def can_use_device(self) -> bool:
        """Whether a class sets up a network: clips are numpy arrays."""
        return hasattr(self.bound.entry.obj, "setup")

    def prepare(self, given: Floats) -> Floats:
        """A private copy of the clip."""
        return given.copy()

    def accept(self, output: Any, case: Case) -> Floats:
        """The clip, float32 (N,). Raises `Invalid` for another shape or type, NaN or Inf, and what float32 has not."""
        values = accepted_numbers(output, case.wanted)
        # A number beyond float32 is no sample of a clip: the check of finite values sees it.
        with np.errstate(over="ignore"):
            narrow: Floats = values.astype(np.float32)
        return accepted_numbers(narrow, case.wanted).astype(np.float32)  # type: ignore[no-any-return]

    def untouched(self, prepared: Floats, given: Floats) -> bool:
        """Whether the method left the clip as it was."""
        return bool((prepared == given).all())
