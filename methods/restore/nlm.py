from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Gt, Le
from noisebench.methods.restore._noise_level import noise_sigma, on_padded


@nb.method("nlm", layout="hwc", cite="Buades, Coll & Morel 2005; Darbon et al. 2008")
def nlm(
    noisy: Any,
    info: Any,
    *,
    h: Annotated[float, Gt(0)] = 0.6,
    patch: Annotated[int, Ge(1), Le(255)] | None = None,
    reach: Annotated[int, Ge(1), Le(100)] = 6,
) -> Any:
    """Non-local means: filtering strength `h` in units of sigma, `patch` side and search `reach` in pixels.

    Patch 5 and reach 6 are what scikit-image's documentation uses, h = 0.6 is best on BSD400 at sigma 10 to
    30; above 30 a patch of 7 is better (as in Buades, Coll & Morel, IPOL 2011, table 1).
    """
    from skimage.restoration import denoise_nl_means

    sigma = noise_sigma(noisy, info)
    if sigma <= 0:
        return noisy
    side = patch or (5 if sigma <= 30 / 255 else 7)

    def average(picture: Any) -> Any:
        grey = picture.shape[2] == 1
        averaged = denoise_nl_means(
            picture[:, :, 0] if grey else picture, patch_size=side, patch_distance=reach, h=h * sigma,
            sigma=sigma, fast_mode=True, preserve_range=True, channel_axis=None if grey else 2,
        )  # fmt: skip
        return averaged.reshape(picture.shape)

    return on_padded(average, noisy, 32)
