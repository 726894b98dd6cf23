from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge
from noisebench.datasets.classify._split import check_values, find_folder
from noisebench.tracks.segment import MappedPicture

_HOME = "https://github.com/zhixuhao/unet"
_CLASSES = ("cell", "membrane")
_SIDES = {"train": range(0, 20), "test": range(24, 30)}
_SHA256 = "481f2adbf9b000c65a9042cf7492f160d59839c84efaf01cfc3c94176d501bf0"
_Pixels = np.ndarray[Any, np.dtype[np.uint8]]


@lru_cache(maxsize=2)
def _slices(folder: Path) -> tuple[_Pixels, _Pixels]:
    """All pictures and labels, (30, 512, 512). Raises `UsageError` where they are not the published ones."""
    both = [
        np.stack([nb.read_picture(folder / kind / f"{number:02d}.png") for number in range(30)])
        for kind in ("image", "label")
    ]
    check_values(b"".join(np.ascontiguousarray(one).tobytes() for one in both), _SHA256, nb.one_line(folder))
    return both[0], both[1]


class Membranes:
    """Pictures of a split, cut into tiles."""

    def __init__(self, split: str, n: int | None, tiles: int) -> None:
        self._images, self._labels = _slices(find_folder("em_membranes", "image/00.png", _HOME))
        self._side = self._images.shape[1] // tiles
        places = [(z, row, column) for z in _SIDES[split] for row in range(tiles) for column in range(tiles)]
        self._places = places[:n]
        self.ids: Sequence[str] = [
            f"slice_{z:02d}" if tiles == 1 else f"slice_{z:02d}_{row}{column}" for z, row, column in self._places
        ]

    def load(self, index: int) -> MappedPicture:
        """Picture `index`, uint8 (H, W), and its map; tiles of one slice are of one group."""
        z, row, column = self._places[index]
        at = np.s_[z, row * self._side : (row + 1) * self._side, column * self._side : (column + 1) * self._side]
        labels = (self._labels[at] == 0).astype(np.uint8)
        return MappedPicture(self.ids[index], self._images[at], labels, _CLASSES, background=0, group=f"slice_{z:02d}")


@nb.dataset(
    "em_membranes",
    track="segment",
    licence="of the ISBI 2012 challenge: research use with citation",
    citation=(
        "A. Cardona et al., An integrated micro- and macroarchitectural analysis of the Drosophila brain by "
        "computer-assisted serial section electron microscopy, PLoS Biology 8(10), 2010; I. Arganda-Carreras et al., "
        "Crowdsourcing the creation of image segmentation algorithms for connectomics, Front. Neuroanat. 9, 2015"
    ),
    homepage=_HOME,
)
def em_membranes(
    *,
    split: Literal["test", "train"] = "test",
    n: Annotated[int, Ge(1)] | None = None,
    tiles: Literal[1, 2, 4, 8] = 1,
) -> Membranes:
    """Slices of nerve tissue under an electron microscope, 512 x 512, with the membranes that an expert drew.

    20 slices to train on and 6 for tests, neighbours in depth, with a gap of four between: slices beside each other
    look alike. Membranes are a fifth of the pixels and are the class that scores are of; cells are the background.
    tiles: so many a side is each slice cut into, and tiles of one slice count as one in tests. n: the first so many.
    The scores of the challenge (Rand, warping) are other measures.

    Public: a method can know its items and their truths.
    """
    return Membranes(split, n, tiles)
