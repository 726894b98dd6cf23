from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.tracks.audio import Floats


def fitted(given: list[Floats], wanted: list[Floats], taps: int) -> Floats:
    """The causal filter (taps,) with the least squared error over all clips, with zeros before each."""
    square, cross = np.zeros((taps, taps)), np.zeros(taps)
    for x, y in zip(given, wanted, strict=True):
        padded = np.concatenate([np.zeros(taps - 1), np.asarray(x, np.float64)])
        rows = np.lib.stride_tricks.sliding_window_view(padded, taps)[:, ::-1]
        square += rows.T @ rows
        cross += rows.T @ np.asarray(y, np.float64)
    return np.asarray(np.linalg.lstsq(square, cross, rcond=1e-10)[0])


@nb.method("linear_filter", track="audio")
class LinearFilter:
    """The linear filter that comes nearest to the true clips of a set in least squares: one for all knobs.

    data: clips of an effect, as of `compressed(…)`, of the rate of those that are tested; of `taps` samples, its own
    and those before it. It is computed when the method is set up.
    """

    def __init__(
        self,
        *,
        data: nb.DatasetSpec = "compressed(of=instruments(n=200, rate=8000, seed=1000))",
        taps: Annotated[int, Ge(1), Le(1_024)] = 32,
    ) -> None:
        self.data, self.taps = data, taps
        self.filter = np.zeros(taps)

    @staticmethod
    def flags(*, data: nb.Bound, **others: Any) -> dict[str, Any]:
        """Blind, and fitted to its data."""
        return {"blind": True, "trained_on": (data.display,)}

    def setup(self, device: Any) -> None:
        """Fit the filter. Raises `UsageError` for a set without effects."""
        dataset = nb.open_dataset(self.data)
        clips = [dataset.load(index) for index in range(len(dataset.ids))]
        if any(clip.effect is None for clip in clips):
            raise nb.UsageError(f"linear_filter: {self.data.display} has no effect: give data=compressed(…)")
        self.filter = fitted([clip.posed for clip in clips], [clip.wave for clip in clips], self.taps)

    def enhance(self, wave: Any, info: Any) -> Any:
        """(N,) → the same."""
        return np.convolve(wave.astype(np.float64), self.filter)[: len(wave)].astype(np.float32)
