from __future__ import annotations

from typing import Annotated

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel
from ..disclosure import SETTINGS
from ._digitise import Degraded, Picture, Sigma


@regime(
    "kspace",
    discloses=("sampled", "spectrum_sigma", "sigma"),
    keeps=SETTINGS,
    planes=("sampled",),
    title="k-space ×{accel}, σ = {sigma}",
)
def kspace(
    x: Picture,
    rng: np.random.Generator,
    *,
    accel: Annotated[float, Ge(1), Le(64), AxisLabel("acceleration")] = 4.0,
    centre: Annotated[float, Ge(0), Le(1), AxisLabel("share of lines at the centre")] = 0.08,
    sigma: Sigma = 0.0,
) -> Degraded:
    """MRI: only some lines of a picture's spectrum are measured, with noise; the others are 0, which folds it.

    The spectrum is the orthonormal FFT of the whole picture (each channel by itself); its lines are columns, of which
    one in `accel` is measured: a share `centre` of all, those of least frequency, and others drawn evenly. A picture is
    real, so two lines of opposite frequency say the same: they are measured together, and one in `accel` is what is
    known. sigma: of the noise, normal in real and imaginary part and independent between measured points; there is none
    where nothing was measured. What is given is the real part of the inverse FFT, which holds all that was measured.

    Disclosed: `sampled`, (H, W) float64, 1 where the FFT (frequency 0 first) was measured, and `spectrum_sigma`. The
    noise in the given picture has that deviation times the root of the share that was measured; it is neither white
    nor all that is wrong with it, so `sigma` is not told.
    """
    lines = sampled_lines(x.shape[1], accel, centre, rng)
    sampled = np.tile(lines, (x.shape[0], 1))
    noise = rng.standard_normal((2, *x.shape))
    spectrum = np.fft.fft2(x, axes=(0, 1), norm="ortho") + sigma / 255 * (noise[0] + 1j * noise[1])
    y = np.fft.ifft2(spectrum * sampled[:, :, None], axes=(0, 1), norm="ortho").real
    return y, {"sampled": sampled, "spectrum_sigma": sigma / 255, "sigma": None}


def sampled_lines(n: int, accel: float, centre: float, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """1 for each of `n` lines that is measured: n / accel of them or one less, and always that of frequency 0."""
    most = max(1, round(n / accel))
    pairs = [{k, -k % n} for k in range(n // 2 + 1)]
    # Frequency 0, and so many pairs beside it that the centre has its share.
    inner = 1 + max(0, (min(most, round(centre * n)) - 1) // 2)
    lines = np.zeros(n)
    taken = 0
    for place in [*range(inner), *(inner + rng.permutation(len(pairs) - inner))]:
        pair = sorted(pairs[place])
        if taken + len(pair) <= most:
            lines[pair] = 1
            taken += len(pair)
    return lines
