"""How a method is called: noisy samples in, values elsewhere out."""

from __future__ import annotations

from ...track.runner import ArrayRunner
from .target import SampledPoints


class Fitter(ArrayRunner):
    """A method `f(samples, info, **params)`, or a class with `fit(samples, info)`: values (M,) at `samples.at`."""

    verb = "fit"

    def prepare(self, given: SampledPoints) -> SampledPoints:
        """A private copy of the samples."""
        return SampledPoints(given.x.copy(), given.y.copy(), given.at.copy())

    def untouched(self, prepared: SampledPoints, given: SampledPoints) -> bool:
        """Whether the method left the samples as they were."""
        return all(bool((getattr(prepared, n) == getattr(given, n)).all()) for n in ("x", "y", "at"))
