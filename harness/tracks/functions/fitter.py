"""How a method is called: noisy samples in, values elsewhere out."""

from __future__ import annotations

from typing import Any

from ...track.protocols import Case
from ...track.runner import MethodRunner, accepted_numbers
from .target import Floats, Samples


class Fitter(MethodRunner):
    """A method `f(samples, info, **params)`, or a class with `fit(samples, info)`: values (M,) at `samples.at`."""

    verb = "fit"

    def can_use_device(self) -> bool:
        """Whether a class sets up a network: samples are numpy arrays."""
        return hasattr(self.bound.entry.obj, "setup")

    def prepare(self, given: Samples) -> Samples:
        """A private copy of the samples."""
        return Samples(given.x.copy(), given.y.copy(), given.at.copy())

    def accept(self, output: Any, case: Case) -> Floats:
        """Values float64 (M,). Raises `Invalid` for another shape or type, NaN or Inf."""
        values: Floats = accepted_numbers(output, case.wanted)
        return values

    def untouched(self, prepared: Samples, given: Samples) -> bool:
        """Whether the method left the samples as they were."""
        return all(bool((getattr(prepared, n) == getattr(given, n)).all()) for n in ("x", "y", "at"))
