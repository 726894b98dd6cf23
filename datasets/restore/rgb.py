from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge
from noisebench.datasets.restore._cut import Cut


def _rgb(picture: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    channels = picture.shape[2] if picture.ndim == 3 else 1
    if channels not in (1, 3):
        raise nb.UsageError(f"rgb is of pictures that are grey or RGB; {name!r} has {channels} channels")
    return picture if channels == 3 else np.repeat(picture.reshape(*picture.shape[:2], 1), 3, axis=2)


@nb.dataset("rgb", licence="that of the other set")
def rgb(*, of: nb.DatasetSpec, multiple: Annotated[int, Ge(1)] = 1) -> Cut:
    """The pictures of another set in three channels, grey ones repeated, and cut to a multiple of pixels.

    of: the other set. multiple: sides are cut at the bottom and the right to a multiple of this, which is the scale in
    tables of super-resolution networks. Those take colour in, and a grey picture, such as one of Set14, three times.
    """
    return Cut(nb.open_dataset(of), multiple, _rgb)
