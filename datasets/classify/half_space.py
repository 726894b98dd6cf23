from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.tracks.classify import LabelledPicture

_GAIN = 16.0
"""A value of a picture is 0.5 + coordinate / 16, cut at 0 and 1: at 8 standard deviations."""


class HalfSpace:
    """Points that are drawn when they are loaded; each depends on the text of `made` alone."""

    def __init__(self, n: int, d: int, chi: float, seed: int) -> None:
        self.ids: Sequence[str] = [f"half_space_{i:0{max(3, len(str(n - 1)))}d}" for i in range(n)]
        self._d, self._chi = d, chi
        self._recipe = f"half_space|d={d}|chi={chi!r}|seed={seed}"

    def made(self, index: int) -> str:
        """What point `index` is made from."""
        return f"{self._recipe}|{range(len(self.ids))[index]}"

    def load(self, index: int) -> LabelledPicture:
        """Point `index`, float32 (1, d)."""
        rng = nb.keyed_generator(nb.text_key(self.made(index)))
        point = rng.standard_normal(self._d)
        # x² / 2 of a density |x|^chi · exp(−x² / 2) is gamma distributed.
        point[0] = np.copysign(np.sqrt(2 * rng.gamma((self._chi + 1) / 2)), point[0])
        picture = np.clip(0.5 + point / _GAIN, 0, 1).astype(np.float32)[None]
        return LabelledPicture(self.ids[index], picture, int(picture[0, 0] >= 0.5), ("negative", "positive"))


@nb.dataset(
    "half_space",
    track="classify",
    licence="CC0-1.0 (made here)",
    citation="A. Sclocchi, M. Geiger, M. Wyart, Dissecting the effects of SGD noise, ICML 2023",
)
def half_space(
    *,
    n: Annotated[int, Ge(1), Le(1_000_000)] = 200,
    d: Annotated[int, Ge(1), Le(100_000)] = 64,
    chi: Annotated[float, Gt(-1), Le(100)] = 0.0,
    seed: Annotated[int, Ge(0)] = 0,
) -> HalfSpace:
    """Gaussian points on both sides of a plane: which side the first coordinate is on is the label.

    Points of d standard Gaussian coordinates x, stored as pictures of 0.5 + x/16 (arch `perceptron` undoes it). chi:
    the first has density |x|^chi · exp(−x²/2), so that the larger chi, the fewer are at the boundary; 0 is Gaussian.
    `seed` makes another set.
    """
    return HalfSpace(n, d, chi, seed)
