from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.methods.restore._noise_level import noise_sigma, on_padded, opponent, per_channel


@nb.method("bm3d", layout="hwc", requires=("bm3d",), cite="Dabov et al. 2007; Mäkinen, Azzari & Foi 2020")
def bm3d(noisy: Any, info: Any) -> Any:
    """BM3D by its authors' package, which is licensed for non-commercial use only: install it if that is you.

    Colour: in opponent planes, matched on luminance. One thread.
    """
    import bm3d as package

    sigma = noise_sigma(noisy, info)
    if sigma <= 0:
        return noisy
    profile = package.BM3DProfile()
    profile.num_threads = 1

    def collaborate(picture: Any) -> Any:
        if picture.shape[2] != 3:
            return per_channel(lambda plane: package.bm3d(plane, sigma, profile), picture)
        # The authors' colour space on the scale of grey. Their `bm3d_rgb` divides by 0 where a plane is flat.
        basis = opponent(3) / np.sqrt(3)
        deviation = np.full((1, 1, 3), sigma / np.sqrt(3))
        return 3 * package.bm3d(picture @ basis.T, deviation, profile) @ basis

    return on_padded(collaborate, noisy.astype(np.float64), 16).astype(np.float32)
