"""How a method is called: measurements of a matrix in, the matrix out."""

from __future__ import annotations

from typing import Any

from ...track.protocols import Case
from ...track.runner import MethodRunner, accepted_numbers
from .items import Measurements
from .operators import Floats


class Recoverer(MethodRunner):
    """A method `f(given, info, **params)`, or a class with `recover(given, info)`: a matrix of `given.shape`."""

    verb = "recover"

    def can_use_device(self) -> bool:
        """Whether a class sets up a network: measurements are numpy arrays."""
        return hasattr(self.bound.entry.obj, "setup")

    def prepare(self, given: Measurements) -> Measurements:
        """The measurements, of which the method may change its own copy."""
        return Measurements(given.operator, given.y.copy(), given.psd)

    def accept(self, output: Any, case: Case) -> Floats:
        """The matrix, float64 (p, q). Raises `Invalid` for another shape or type, NaN or Inf."""
        values: Floats = accepted_numbers(output, case.wanted)
        return values

    def untouched(self, prepared: Measurements, given: Measurements) -> bool:
        """Whether the method left the measurements as they were."""
        return bool((prepared.y == given.y).all())
