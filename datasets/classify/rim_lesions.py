from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.datasets.restore._lesions import Kind, Many, Rims, Side, Split, chosen, lesion
from noisebench.tracks.classify import LabelledPicture

CLASSES = ("disc", "rim")


class LabelledRimLesions:
    """Pictures that are drawn when they are loaded."""

    def __init__(self, split: Split, kind: Kind, n: int, rims: float, size: int, noise: float) -> None:
        self._split, self._size, self._noise, self._chosen = split, size, noise, chosen(kind, n, rims)
        self.ids: Sequence[str] = [f"{split}_{kind}_{number:05d}" for kind, number in self._chosen]

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`, float32 (size, size)."""
        kind, number = self._chosen[index]
        clean = lesion(self._split, kind, number, self._size)
        rng = nb.keyed_generator(nb.text_key(f"scan|{self._split}|{kind}|{number}|{self._size}"))
        noisy = np.clip(clean + self._noise * rng.standard_normal(clean.shape), 0, 1).astype(np.float32)
        return LabelledPicture(self.ids[index], noisy, int(kind != "disc"), CLASSES)


@nb.dataset("rim_lesions", track="classify", licence="CC0-1.0 (made here)")
def rim_lesions(
    *,
    split: Split = "test",
    kind: Kind = "all",
    n: Many = 200,
    rims: Rims = 0.05,
    size: Side = 32,
    noise: Annotated[float, Ge(0), Le(1)] = 0.15,
) -> LabelledRimLesions:
    """Lesions to tell apart: discs, and few with a rim, as noisy as a scan.

    n: so many, of which the share `rims` has a ring that is brighter than its middle; kind: those of them that are
    `disc` or `rim`, or another set of `faint` rings, on which people would not agree. The accuracy on `kind=rim` is the
    recall of the rare class, that on `kind=disc` is 1 less the share of false rims. noise: its standard deviation.
    split: other pictures. The same without noise are in the track `restore`.
    """
    return LabelledRimLesions(split, kind, n, rims, size, noise)
