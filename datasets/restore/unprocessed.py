from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
import numpy.typing as npt
from annotated_types import Ge
from noisebench.datasets.restore._camera_pipeline import (
    Camera,
    Picture,
    drawn_camera,
    mosaic,
    packed,
    process,
    unpacked,
    unprocess,
)

_LARGEST = 65535


class Unprocessed:
    """Another dataset's pictures as a sensor has them, or developed from it with noise and without."""

    def __init__(self, of: nb.Dataset, form: str, noise: str, seed: int) -> None:
        self._of, self._form, self._noise, self._seed = of, form, noise, seed
        self.ids: Sequence[str] = of.ids

    def load(self, index: int) -> nb.Sample:
        """Picture `index`. Raises `UsageError` where it is neither grey nor RGB, or a side is of one pixel."""
        sample = self._of.load(index)
        camera = drawn_camera(nb.keyed_generator(nb.text_key(f"unprocessed|{self._seed}|{sample.id}")))
        # Rounded as a file is, so that the noise is keyed by what can be kept.
        raw = np.rint(packed(mosaic(unprocess(_coloured(sample), camera))) * _LARGEST).astype(np.uint16)
        if self._form == "raw":
            return nb.Sample(sample.id, raw, group=sample.group)
        noise = self._noise or f"poisson_gaussian(peak={camera.peak!r}, sigma={255 * camera.read!r})"
        noisy, _ = nb.degrade(noise, raw, self._seed)
        if noisy.shape != raw.shape:
            raise nb.UsageError(f"dataset unprocessed: noise={noise} changes the size of {sample.id!r}: give another")
        return nb.Sample(sample.id, _as_file(raw / _LARGEST, camera), _as_file(noisy, camera), group=sample.group)


@nb.dataset("unprocessed", licence="that of the other set")
def unprocessed(
    *,
    of: nb.DatasetSpec,
    form: Literal["srgb", "raw"] = "srgb",
    noise: Annotated[Any, nb.Nested("regime")] = None,
    seed: Annotated[int, Ge(0)] = 0,
) -> Unprocessed:
    """Pictures of another set taken back to a sensor, where noise is white, and developed, where it no longer is.

    After T. Brooks et al., "Unprocessing images for learned raw denoising", CVPR 2019: the tone curve, the gamma, the
    colour matrix, the gains of brightening and white balance are undone, and of each pixel one colour is kept; matrix
    and gains are drawn for each picture, by its id. Developing does it all forwards, with bilinear demosaicing.
    form: `srgb` has pairs of 8 bits for `regime=real`, both developed, one from the sensor with noise: there it is
    correlated between pixels and channels and depends on the brightness, as in pictures of cameras. `raw` has the
    sensor without noise, 16 bits, red, two greens and blue as four channels of half the size, for a regime such as
    `eld`. noise: a regime on the sensor for `srgb`; left out, counts and read noise of a level for each picture, as
    Brooks et al. draw them. seed: other draws. Sides are cut to be even, and a grey picture has three equal channels.
    """
    if form == "raw" and noise is not None:
        raise nb.UsageError("dataset unprocessed: noise is for form=srgb: give the regime of the run for form=raw")
    return Unprocessed(nb.open_dataset(of), form, "" if noise is None else noise.canonical, seed)


def _coloured(sample: nb.Sample) -> Picture:
    """The clean picture as float64 (H, W, 3) on [0, 1], sides even. Raises `UsageError`."""
    clean = np.atleast_3d(sample.clean)
    height, width = (side // 2 * 2 for side in clean.shape[:2])
    if not height or not width or clean.shape[2] not in (1, 3):
        raise nb.UsageError(f"dataset unprocessed: {sample.id!r} is {clean.shape}: give grey or RGB, 2 pixels or more")
    top = np.iinfo(clean.dtype).max if clean.dtype.kind == "u" else 1
    return np.broadcast_to(clean[:height, :width].astype(np.float64) / top, (height, width, 3))


def _as_file(planes: npt.NDArray[Any], camera: Camera) -> npt.NDArray[np.uint8]:
    """The sensor's planes (H/2, W/2, 4) → the picture (H, W, 3) of 8 bits."""
    return np.rint(255 * process(unpacked(planes.astype(np.float64)), camera)).astype(np.uint8)
