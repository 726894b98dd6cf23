from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le


@nb.method(
    "compressed_sensing",
    layout="hwc",
    needs=("sampled",),
    cite="M. Lustig, D. Donoho, J. M. Pauly, Sparse MRI, MRM 58, 2007; A. Beck, M. Teboulle, FISTA, SIIMS 2009",
)
def compressed_sensing(
    noisy: Any,
    info: Any,
    *,
    prior: Literal["tv", "wavelets"] = "tv",
    strength: Annotated[float, Gt(0), Le(1e4)] = 0.5,
    least: Annotated[float, Gt(0), Le(1e3)] = 2.0,
    iterations: Annotated[int, Ge(1), Le(100_000)] = 100,
) -> Any:
    """Compressed sensing MRI: the picture of little variation, or of few wavelets, whose spectrum is what was measured.

    Half the squared distance from what was measured plus a weight times total variation, or times the sum of moduli of
    Haar wavelets, whose grid is shifted anew in each iteration of FISTA. The weight is `strength` times the deviation
    of the noise of a measured point, and at least `least` of 255 times it where there is less noise: both as they suit
    two phantoms of another seed. Each channel is restored by itself. For every picture whose `sampled` is disclosed
    (`regime=kspace`).
    """
    sampled = np.asarray(info.sampled, np.float64)[:, :, None]
    weight = strength * max(float(info.spectrum_sigma or 0), least / 255)
    y = noisy.astype(np.float64)
    x, extrapolated, momentum = y, y, 1.0
    for _ in info.each(range(iterations)):
        moved = extrapolated + y - _measured(extrapolated, sampled)
        after = _flattened(moved, weight) if prior == "tv" else _thresholded(moved, weight, info.rng)
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        extrapolated = after + (momentum - 1) / following * (after - x)
        x, momentum = after, following
    return x.astype(np.float32)


def _measured(x: Any, sampled: Any) -> Any:
    """The picture that is left where only the sampled points of the spectrum are."""
    return np.fft.ifft2(np.fft.fft2(x, axes=(0, 1)) * sampled, axes=(0, 1)).real


def _flattened(x: Any, weight: float) -> Any:
    from skimage import restoration

    denoise: Any = restoration.denoise_tv_chambolle
    # A channel alone, for skimage couples those that it is given together; sides of one pixel have no variation.
    planes = [denoise(np.pad(x[:, :, c], 1, "symmetric"), weight, max_num_iter=20) for c in range(x.shape[2])]
    return np.stack(planes, axis=2)[1:-1, 1:-1]


def _thresholded(x: Any, weight: float, rng: Any) -> Any:
    import pywt

    shift = tuple(int(steps) for steps in rng.integers(0, 16, 2))
    moved = np.roll(x, shift, (0, 1))
    height, width = x.shape[:2]
    moved = np.pad(moved, ((0, -height % 16), (0, -width % 16), (0, 0)), mode="symmetric")
    coarse, *details = pywt.wavedec2(moved, "haar", level=4, axes=(0, 1), mode="periodization")
    kept = [tuple(pywt.threshold(band, weight, "soft") for band in bands) for bands in details]
    back = pywt.waverec2([coarse, *kept], "haar", axes=(0, 1), mode="periodization")[:height, :width]
    return np.roll(back, (-shift[0], -shift[1]), (0, 1))
