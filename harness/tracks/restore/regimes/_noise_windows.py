"""Windows of noise that are cut from real pictures where these are flat, and patches that are turned."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ....components.datasets import open_dataset
from ....components.registry import bind
from ....imaging.pixels import to_unit
from ....text.errors import UsageError
from ....text.wording import counted
from ._digitise import Picture

_LUMA = 0.299, 0.587, 0.114
Windows = npt.NDArray[np.float32]
"""(N, size, size, C) on [0, 1], C being 1 or 3."""


@lru_cache(maxsize=4)
def mined(of: str, size: int, variance: float, smooth: float = 0.0) -> Windows:
    """The windows on a grid of `size` whose luma is flat but for noise, of a set's noisy pictures, or its only ones.

    Their variance is below `variance`, and their mean above 0, on 0-255. `smooth` takes out of each what a Gaussian of
    this sigma leaves of it. Grey windows stand as three equal channels
    where others are coloured. Raises `UsageError` where there is none, and for pictures of other channels.
    """
    dataset, windows = open_dataset(bind(of, "dataset")), []
    for index in range(len(dataset.ids)):
        item = dataset.load(index)
        picture = to_unit(np.asarray(item.clean if item.noisy is None else item.noisy))
        if picture.shape[2] not in (1, 3):
            channels = counted(picture.shape[2], "channel")
            raise UsageError(f"regime negseq: {item.id!r} of {of} has {channels}: give grey pictures, or RGB")
        windows += _flat(picture, size, variance)
    if not windows:
        raise UsageError(
            f"regime negseq: {of} has no window of {size} pixels a side whose variance is below {variance:g}: "
            "give a larger variance, or pictures with more flat areas"
        )
    channels = max(window.shape[2] for window in windows)
    if smooth:
        windows = [window - ndimage.gaussian_filter(window, (smooth, smooth, 0)) for window in windows]
    return np.stack([np.broadcast_to(window, (size, size, channels)) for window in windows]).astype(np.float32)


def _flat(picture: Picture, size: int, variance: float) -> list[Picture]:
    windows = []
    for row in range(0, picture.shape[0] - size + 1, size):
        for column in range(0, picture.shape[1] - size + 1, size):
            window = picture[row : row + size, column : column + size]
            luma = 255 * (window if window.shape[2] == 1 else window @ np.array(_LUMA))
            if luma.var() < variance and luma.mean() > 0:
                windows.append(window)
    return windows


def noise_of(shape: tuple[int, ...], windows: Windows, rng: np.random.Generator, *, centred: bool) -> Picture:
    """Windows side by side, each drawn by itself, cut to `shape` (H, W, C); `centred`: each less its mean a channel.

    Coloured noise is its luma, the same in each channel, where the picture has not three.
    """
    height, width, channels = shape
    size = windows.shape[1]
    down, across = -(-height // size), -(-width // size)
    drawn = windows[rng.integers(len(windows), size=(down, across))].astype(np.float64)
    if centred:
        drawn -= drawn.mean(axis=(2, 3), keepdims=True)
    field = drawn.swapaxes(1, 2).reshape(down * size, across * size, -1)[:height, :width]
    if field.shape[2] not in (1, channels):
        field = (field @ np.array(_LUMA))[:, :, None]
    return np.ascontiguousarray(np.broadcast_to(field, shape))


def turned(x: Picture, patch: int, probability: float, rng: np.random.Generator) -> Picture:
    """Each whole patch of the grid turned by 90, 180 or 270 degrees with a probability; what is over stays."""
    y = x.copy()
    down, across = x.shape[0] // patch, x.shape[1] // patch
    hit = rng.random((down, across)) < probability
    turns = rng.integers(1, 4, size=(down, across))
    for i, j in zip(*np.nonzero(hit), strict=True):
        place = slice(i * patch, (i + 1) * patch), slice(j * patch, (j + 1) * patch)
        y[place] = np.rot90(x[place], turns[i, j])
    return y
