from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.tracks.classify import LabelledPicture

_GAIN = 4.0
"""A value of a picture is 0.5 + coordinate / 4, cut at 0 and 1: at coordinates of -2 and 2."""


class SignalCoordinate:
    """Points that are drawn when they are loaded; each depends on the text of `made` alone."""

    def __init__(self, n: int, d: int, noise: float, label: str, seed: int) -> None:
        self.ids: Sequence[str] = [f"signal_{i:0{max(3, len(str(n - 1)))}d}" for i in range(n)]
        self._d, self._noise, self._label = d, noise, label
        self._recipe = f"signal_coordinate|d={d}|noise={noise!r}|seed={seed}"

    def made(self, index: int) -> str:
        """What point `index` is made from."""
        return f"{self._recipe}|{range(len(self.ids))[index]}|{self._label}"

    def load(self, index: int) -> LabelledPicture:
        """Point `index`, float32 (1, d)."""
        rng = nb.keyed_generator(nb.text_key(f"{self._recipe}|{range(len(self.ids))[index]}"))
        point = self._noise * rng.standard_normal(self._d)
        place, positive = int(rng.integers(self._d)), int(rng.integers(2))
        point[place] += 2 * positive - 1
        picture = np.clip(0.5 + point / _GAIN, 0, 1).astype(np.float32)[None]
        if self._label == "sign":
            return LabelledPicture(self.ids[index], picture, positive, ("negative", "positive"))
        return LabelledPicture(self.ids[index], picture, place, tuple(map(str, range(self._d))))


@nb.dataset(
    "signal_coordinate",
    track="classify",
    licence="CC0-1.0 (made here)",
    citation="H. Shah, P. Jain, P. Netrapalli, Do input gradients highlight discriminative features?, NeurIPS 2021",
)
def signal_coordinate(
    *,
    n: Annotated[int, Ge(1), Le(1_000_000)] = 500,
    d: Annotated[int, Ge(2), Le(100_000)] = 20,
    noise: Annotated[float, Gt(0), Le(1)] = 0.05,
    label: Literal["sign", "place"] = "sign",
    seed: Annotated[int, Ge(0)] = 0,
) -> SignalCoordinate:
    """Points of which one coordinate, another one in each, has the sign that is their class; the others are noise.

    Points of d coordinates x, stored as pictures (1, d) of 0.5 + x/4: normal noise of that deviation, and -1 or 1 added
    to the coordinate with the signal. So a length of r there is r/4 in the picture. label: the `sign`, or the `place`
    of the signal, for `gradient_blocks(rows=1, columns=d)` to find. `seed` makes another set.
    """
    return SignalCoordinate(n, d, noise, label, seed)
