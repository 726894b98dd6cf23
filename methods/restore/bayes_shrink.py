from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.restore._noise_level import refuse_unfit_wavelet, wavelet_shrink


@nb.method("bayes_shrink", layout="hwc", cite="Chang, Yu & Vetterli 2000")
@nb.checked(refuse_unfit_wavelet)
def bayes_shrink(
    noisy: Any,
    info: Any,
    *,
    wavelet: str = "sym8",
    levels: Annotated[int, Ge(1), Le(12)] = 4,
    shifts: Annotated[int, Ge(0), Le(255)] = 0,
) -> Any:
    """Wavelet soft thresholding at σ²/σ_x of each subband (Chang, Yu & Vetterli 2000, with their wavelet).

    `shifts` > 0 averages (shifts + 1)² shifted versions (cycle spinning, Coifman & Donoho 1995).
    """
    return wavelet_shrink(noisy, info, "BayesShrink", wavelet, levels, shifts)
