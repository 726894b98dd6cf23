from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import noisebench as nb
import numpy as np
from noisebench.datasets.classify.digits import digits
from noisebench.datasets.classify.web_noise import Kept, Seed, Share, WebNoise, shares_of
from noisebench.datasets.restore.photos import photos
from noisebench.tracks.classify import NO_CLASS, LabelledPicture

_SIDE = 8
_CROPS = 1280
_LEAST, _MOST = 4, 12
"""Pixels a side of a photograph that become one."""
_FLAT = 8.0
"""A crop whose grey values, of 255, lie no further apart is drawn anew: it shows nothing."""


@lru_cache(maxsize=1)
def _greys() -> list[np.ndarray[Any, Any]]:
    """The photographs of noisebench as grey values on 0 to 255."""
    pictures = photos()
    whole = [np.asarray(pictures.load(index).clean, np.float64) for index in range(len(pictures.ids))]
    return [photo.mean(axis=2) if photo.ndim == 3 else photo for photo in whole]


class PhotoCrops:
    """Grey crops of photographs at 8 x 8, each from black to white."""

    def __init__(self) -> None:
        self.ids: Sequence[str] = [f"photo_crop_{number:04d}" for number in range(_CROPS)]

    def load(self, index: int) -> LabelledPicture:
        """Crop `index`, float32 (8, 8)."""
        rng = nb.keyed_generator(nb.text_key(f"photo crop|{index}"))
        grey = _greys()[index % len(_greys())]
        while True:
            zoom = int(rng.integers(_LEAST, _MOST + 1))
            row, column = (int(rng.integers(side - zoom * _SIDE + 1)) for side in grey.shape)
            cut = grey[row : row + zoom * _SIDE, column : column + zoom * _SIDE]
            small = cut.reshape(_SIDE, zoom, _SIDE, zoom).mean(axis=(1, 3))
            if np.ptp(small) > _FLAT:
                break
        picture = ((small - small.min()) / np.ptp(small)).astype(np.float32)
        return LabelledPicture(self.ids[index], picture, NO_CLASS, tuple("0123456789"), 0)


@nb.dataset(
    "webdigits",
    track="classify",
    licence="CC BY 4.0 (digits); CC0-1.0 or public domain (photographs)",
    citation="E. Alpaydin, C. Kaynak, Optical recognition of handwritten digits, UCI machine learning repository, 1998",
    homepage="https://archive.ics.uci.edu/dataset/80",
)
def webdigits(*, outside: Share = 0.2, flipped: Share = 0.2, validated: Kept = 200, seed: Seed = None) -> WebNoise:
    """Handwritten digits as a search of the web would give them: wrong labels, and crops of photographs among them.

    The pictures of `digits(split=train)`, to train on; test on `digits`. outside: the share in whose place a crop of a
    photograph stands, under the label of the digit that it replaces. flipped: the share with the label of another
    digit. Each picture is drawn by itself. A training is told labels alone; diagnostics know the truth. validated:
    pictures that stay as they are and are kept apart, chosen by key. seed: none is that of the training.

    Public: a method can know its items and their truths.
    """
    return WebNoise(digits(split="train"), PhotoCrops(), shares_of(outside, flipped), validated, seed or 0)
