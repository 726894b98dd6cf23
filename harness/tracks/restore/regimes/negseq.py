from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le

from ....components.decorators import checked, regime
from ....spec.parameter_types import AxisLabel, DatasetSpec, Later
from ....text.errors import UsageError
from ..disclosure import SETTINGS
from ._digitise import Degraded, Picture
from ._noise_windows import mined, noise_of, turned

_MOST = 4


def _fit(patch: int, size: int, mix: float, smooth: float, adds: bool) -> None:
    if patch > size:
        raise UsageError(f"regime negseq: patch={patch} is larger than size={size}, the side of a window of noise")
    if not adds and mix > 1:
        raise UsageError(f"regime negseq: mix={mix:g} must be 0 to 1, unless adds=True")
    if not adds and smooth:
        raise UsageError(f"regime negseq: smooth={smooth:g} goes with adds=True")


@regime("negseq", keeps=SETTINGS, title="mined noise, M = {mix}, P = {p}")
@checked(_fit)
def negseq(
    x: Picture,
    rng: np.random.Generator,
    *,
    of: DatasetSpec,
    mix: Annotated[float, Ge(0), Le(_MOST), AxisLabel("share of noise M")] = 0.5,
    p: Annotated[float, Ge(0), Le(1), AxisLabel("share of patches turned P")] = 0.5,
    turns: Literal["noise", "picture"] = "noise",
    adds: bool = False,
    smooth: Annotated[float, Ge(0), Le(64), Later()] = 0.0,
    patch: Annotated[int, Ge(1), Le(4096)] = 8,
    size: Annotated[int, Ge(1), Le(4096)] = 64,
    variance: Annotated[float, Gt(0), Le(65_025)] = 50.0,
) -> Degraded:
    """Noise that was cut from real pictures where they are flat, mixed in, with patches that are turned (NegVSR).

    of: a set with noise of its own, such as `subset(of=polyu, but="*_toy_*")`, or `folder(…)` of noisy photographs.
    Of its pictures the windows of `size` pixels are kept whose luma has a variance below `variance` and a mean above
    0, on 0-255. mix: M of M n + (1 - M) x, n being windows side by side: at 1 nothing of the picture is left. adds:
    x + M n, each window less its mean, so that brightness and contrast stay, which a denoiser of single pictures needs
    (the authors have clean pictures to enlarge for these); M may be above 1 then. smooth: each window that is added is
    less what a Gaussian of this sigma leaves of it, in pixels, too, which is more of the scene than of the noise.
    p: the probability with which each whole `patch` of the grid is turned, by 90, 180 or 270 degrees. turns: patches of
    the noise alone, as the authors' network is trained, or of the mixture, the `picture` with it, as their demo does;
    the truth is never turned. It is for single pictures: of the authors' sequences each frame is drawn by itself.

    After Y. Song et al., NegVSR, AAAI 2024. What is known of a camera is not known here.
    """
    noise = noise_of(x.shape, mined(of.canonical, size, variance, smooth), rng, centred=adds)
    if turns == "noise":
        noise = turned(noise, patch, p, rng)
    y = x + mix * noise if adds else mix * noise + (1 - mix) * x
    return (turned(y, patch, p, rng) if turns == "picture" else y), {"sigma": None}
