from __future__ import annotations

from collections.abc import Sequence

import noisebench as nb
from noisebench.datasets.restore._lesions import Kind, Many, Rims, Side, Split, chosen, lesion


class RimLesions:
    """Pictures that are drawn when they are loaded."""

    def __init__(self, split: Split, kind: Kind, n: int, rims: float, size: int) -> None:
        self._split, self._size, self._chosen = split, size, chosen(kind, n, rims)
        self.ids: Sequence[str] = [f"{split}_{kind}_{number:05d}" for kind, number in self._chosen]

    def load(self, index: int) -> nb.Sample:
        """Picture `index`, float32 (size, size)."""
        return nb.Sample(self.ids[index], lesion(self._split, *self._chosen[index], self._size))


@nb.dataset("rim_lesions", licence="CC0-1.0 (made here)")
def rim_lesions(
    *, split: Split = "test", kind: Kind = "all", n: Many = 200, rims: Rims = 0.05, size: Side = 32
) -> RimLesions:
    """Lesions to restore: bright discs, and few with a rim, on a smooth ground.

    n: so many, of which the share `rims` has a ring that is brighter than its middle; kind: those of them that are
    `disc` or `rim`, or another set of `faint` rings that hardly stand out. split: other pictures. The same are labelled
    in the track `classify`.
    """
    return RimLesions(split, kind, n, rims, size)
