"""How a method is called: measurements of a matrix in, the matrix out."""

from __future__ import annotations

from ...track.runner import ArrayRunner
from .items import Measurements


class Recoverer(ArrayRunner):
    """A method `f(given, info, **params)`, or a class with `recover(given, info)`: a matrix of `given.shape`."""

    verb = "recover"

    def prepare(self, given: Measurements) -> Measurements:
        """The measurements, of which the method may change its own copy."""
        return Measurements(given.operator, given.y.copy(), given.psd)

    def untouched(self, prepared: Measurements, given: Measurements) -> bool:
        """Whether the method left the measurements as they were."""
        return bool((prepared.y == given.y).all())
