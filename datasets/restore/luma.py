from __future__ import annotations

from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Ge
from noisebench.datasets.restore._cut import Cut

_LUMA = np.array([65.481, 128.553, 24.966])


def _luma(picture: np.ndarray, name: str) -> np.ndarray:
    channels = picture.shape[2] if picture.ndim == 3 else 1
    if picture.dtype != np.uint8 or channels not in (1, 3):
        raise nb.UsageError(
            f"luma is of 8-bit pictures, grey or RGB; {name!r} is {picture.dtype}, {channels} channels: "
            "store it as 8 bits, or leave luma out"
        )
    if channels == 1:
        return picture.reshape(picture.shape[:2])
    luma: np.ndarray = np.rint(16 + picture @ _LUMA / 255).astype(np.uint8)
    return luma


@nb.dataset("luma", licence="that of the other set")
def luma(*, of: nb.DatasetSpec, multiple: Annotated[int, Ge(1)] = 1) -> Cut:
    """The Y of BT.601 (16 to 235, 8 bit) of another set, as super-resolution tables have it since SRCNN (2014).

    of: the other set. multiple: sides are cut at the bottom and the right to a multiple of this, which is the
    scale in those tables. Y is taken first, so that only it is made small, enlarged and scored; grey pictures
    stay as they are.
    """
    return Cut(nb.open_dataset(of), multiple, _luma)
