from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.methods.restore._principal import principal


@nb.method(
    "latent_projection",
    layout="hwc",
    blind=True,
    cite="Synthetic generation and latent projection denoising of rim lesions in multiple sclerosis, arXiv 2505.23353, "
    "2025",
)
class LatentProjection:
    """Projection into the range of a generator that a set was fitted with: what it cannot make is taken for noise.

    data: clean pictures of one size, each channel by itself, never those of the test. The generator is linear: their
    mean and k principal components (Pearson 1901). So the k of D values of white noise pass, a share k / D of its
    energy, and the rest of the error is what the generator cannot make. A larger picture is projected in squares of
    that size, half of which they share with the next, and averaged; a smaller one is skipped.
    """

    def __init__(
        self, *, data: nb.DatasetSpec = "rim_lesions(split=train, n=1000)", k: Annotated[int, Ge(1), Le(65_536)] = 16
    ) -> None:
        self.data, self.k = data, k

    @staticmethod
    def flags(*, data: nb.Bound, **others: Any) -> dict[str, Any]:
        """Fitted to its data."""
        return {"trained_on": (data.display,)}

    def setup(self, device: Any) -> None:
        """Fit the generator. Raises `UsageError` for pictures of several sizes, or too few."""
        dataset = nb.open_dataset(self.data)
        pictures = [plane for i in range(len(dataset.ids)) for plane in _planes(dataset.load(i).clean)]
        self.generator = principal(pictures, self.k, f"latent_projection(data={self.data.display})")
        self.height, self.width = pictures[0].shape

    def restore(self, noisy: Any, info: Any) -> Any:
        """float32 (H, W, C) → the same."""
        if noisy.shape[0] < self.height or noisy.shape[1] < self.width:
            raise nb.Skip(
                f"the generator makes {self.height}×{self.width} pixels, more than {noisy.shape[0]}×{noisy.shape[1]}"
            )
        planes = [self._plane(noisy[:, :, channel].astype(np.float64)) for channel in range(noisy.shape[2])]
        return np.stack(planes, axis=2).astype(np.float32)

    def _plane(self, plane: Any) -> Any:
        total, count = np.zeros(plane.shape), np.zeros(plane.shape)
        for row in _starts(plane.shape[0], self.height):
            for column in _starts(plane.shape[1], self.width):
                window = slice(row, row + self.height), slice(column, column + self.width)
                total[window] += self.generator.projected(plane[window].reshape(1, -1)).reshape(self.height, self.width)
                count[window] += 1
        return total / count


def _starts(side: int, size: int) -> list[int]:
    """Where squares begin, half of `size` apart, the last one at the end."""
    return [*range(0, side - size, max(1, size // 2)), side - size]


def _planes(clean: Any) -> list[Any]:
    """The channels of a picture, float64 on [0, 1]."""
    array = np.asarray(clean)
    array = array[:, :, None] if array.ndim == 2 else array
    top = np.iinfo(array.dtype).max if array.dtype.kind == "u" else 1
    return [array[:, :, channel].astype(np.float64) / top for channel in range(array.shape[2])]
