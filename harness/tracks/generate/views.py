"""Views of a picture, such as upside down: orders of its values, with a sign, so that they change no length."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ...components.keyed_noise import keyed_generator, text_key
from ...text.errors import Skip
from .items import Labels

ViewName = Literal["identity", "rot90", "rot180", "mirrored", "upside_down", "negative", "permuted"]
"""`mirrored` swaps left and right, `upside_down` top and bottom, `negative` is minus the picture; `permuted` has its
pixels in an order that is keyed by their number."""


@dataclass(frozen=True, eq=False)
class PictureView:
    """How pictures (N, C, H, W) are seen: pixel i shows what is at `order[i]` (H W,), times `sign`."""

    order: npt.NDArray[np.int64]
    sign: int = 1

    def seen(self, pictures: Any) -> Any:
        """The view of an array or a tensor (N, C, H, W), of the same kind."""
        return self._taken(pictures, self.order)

    def back(self, pictures: Any) -> Any:
        """The pictures whose view these are."""
        return self._taken(pictures, np.argsort(self.order))

    def _taken(self, pictures: Any, order: npt.NDArray[np.int64]) -> Any:
        count, channels = pictures.shape[:2]
        rows = pictures.reshape(count, channels, -1)[:, :, order]
        return (rows if self.sign > 0 else -rows).reshape(pictures.shape)


@lru_cache(maxsize=64)
def view_of(name: ViewName, height: int, width: int) -> PictureView:
    """The view of that name for pictures of a size. Raises `Skip` for a quarter turn of what is no square."""
    places = np.arange(height * width).reshape(height, width)
    if name == "rot90" and height != width:
        raise Skip(f"a quarter turn of pictures of {height} x {width} is of another size: leave the view rot90 out")
    if name == "permuted":
        return PictureView(keyed_generator(text_key(f"permuted|{height}x{width}")).permutation(places.size))
    turned = {
        "rot90": np.rot90(places),
        "rot180": places[::-1, ::-1],
        "mirrored": places[:, ::-1],
        "upside_down": places[::-1],
    }
    return PictureView(np.ascontiguousarray(turned.get(name, places)).ravel(), -1 if name == "negative" else 1)


def labels_of_views(labels: Labels, views: int) -> npt.NDArray[np.int64]:
    """What each view is to show, (V, N): the first the class that was asked for, the next ones others of the batch.

    Which ones is keyed by the place in the batch, and no two of a sample are the same. Raises `Skip` where a batch asks
    for fewer classes than there are views, or for none.
    """
    classes = np.unique(labels)
    if len(classes) < views or classes[0] < 0:
        raise Skip(f"{views} views need batches that ask for {views} classes or more: give the dataset labels=true")
    turns = keyed_generator(text_key("labels of views")).random((len(labels), len(classes)))
    turns[classes == labels[:, None]] = -1.0
    labels_of: npt.NDArray[np.int64] = classes[np.argsort(turns, axis=1)[:, :views].T]
    return labels_of
