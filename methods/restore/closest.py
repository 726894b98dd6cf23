from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.methods.restore._wrapping import apply, refuse_unwrappable, wrapped


@nb.method("closest", layout="hwc", role="sanity")
class Closest:
    """The picture of a set that is closest to what `method` gives: for a network that has learnt its pictures by heart.

    data: pictures of one size, which are looked at in their eight turns and mirror images, as a training sees them.
    Skips pictures of another size or number of channels. With `method=identity` it is a lookup; in `difference` its
    `mse` is how far the results of a network are from what it was trained on.
    """

    def __init__(self, *, data: nb.DatasetSpec, method: nb.MethodSpec = "identity") -> None:
        self.data, self.inner = data, wrapped("closest", method)
        self.pictures: Any = None

    @staticmethod
    def flags(*, data: nb.Bound, method: nb.Bound) -> dict[str, Any]:
        """Made of its data. Raises `UsageError`, before anything is run, for a method that cannot be wrapped."""
        refuse_unwrappable("closest", method)
        return {"trained_on": (data.display,)}

    def setup(self, device: Any) -> None:
        """Read the pictures and set up the method within. Raises `UsageError` for pictures of several sizes."""
        self.inner.setup(device)
        dataset = nb.open_dataset(self.data)
        pictures = [_unit(dataset.load(index).clean) for index in range(len(dataset.ids))]
        sizes = {picture.shape for picture in pictures}
        if len(sizes) > 1:
            raise nb.UsageError(
                f"closest: the pictures of {self.data.display} have {len(sizes)} sizes: give a dataset of one"
            )
        stacked = np.stack(pictures)
        turned = [np.rot90(stacked, turns, (1, 2)) for turns in range(4) if turns % 2 == 0 or _square(stacked)]
        self.pictures = np.concatenate([way for one in turned for way in (one, one[:, :, ::-1])])

    def restore(self, noisy: Any, info: Any) -> Any:
        """float32 (H, W, C) → one of the pictures."""
        if noisy.shape != self.pictures.shape[1:]:
            raise nb.Skip(f"the pictures of {self.data.display} are of another size than this one")
        given = apply(self.inner, noisy, info)
        far = ((self.pictures - given) ** 2).sum(axis=(1, 2, 3))
        return np.ascontiguousarray(self.pictures[int(far.argmin())])


def _square(pictures: Any) -> bool:
    return bool(pictures.shape[1] == pictures.shape[2])


def _unit(clean: Any) -> Any:
    """A picture as float32 (H, W, C) on [0, 1]."""
    array = np.asarray(clean)
    array = array[:, :, None] if array.ndim == 2 else array
    return (array / (np.iinfo(array.dtype).max if array.dtype.kind == "u" else 1)).astype(np.float32)
