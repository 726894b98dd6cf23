from __future__ import annotations

import itertools
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.methods.restore._diffusion import SIGMAS, denoiser_of, times
from noisebench.methods.restore._measurement import measurement
from noisebench.methods.restore._wrapping import refuse_unwrappable, wrapped


@nb.method("ddrm", layout="hwc", cite="B. Kawar et al., Denoising diffusion restoration models, NeurIPS 2022")
class DenoisingDiffusionRestoration:
    """DDRM-like: a diffusion from noise to a picture, each singular direction of the measurement at a noise of its own.

    denoiser: a method that is told sigma. steps: calls of it, from the time at which the diffusion's noise has the
    deviation `most` (of 255; no more than the denoiser was made for) down to none. eta, eta_seen: how much noise is
    drawn anew in directions that were not measured, or with more noise than there is now, and how much of what was
    measured is taken in the others; the authors have 0.85 and 1. For holes (`mask`), blur and fewer pixels
    (`downsample`, bicubic). What comes back is one draw, keyed by the input.

    "-like": directions that were not measured begin at a first guess with noise, not at noise alone; what was measured
    counts as having noise of at least 1 of 255; a blur whose kernel is not symmetric in each axis is of a picture of
    twice the sides, so its singular values are not exactly those of the regime.
    """

    def __init__(
        self,
        *,
        denoiser: nb.MethodSpec = "ffdnet(color=True)",
        steps: Annotated[int, Ge(1), Le(100_000)] = 20,
        eta: Annotated[float, Ge(0), Le(1)] = 0.85,
        eta_seen: Annotated[float, Ge(0), Le(1)] = 1.0,
        most: Annotated[float, Gt(0), Le(20_000)] = 75.0,
    ) -> None:
        self.inner = wrapped("ddrm", denoiser)
        self.steps, self.eta, self.eta_seen, self.most = steps, eta, eta_seen, most

    @staticmethod
    def flags(*, denoiser: nb.Bound, **others: Any) -> dict[str, Any]:
        """None of its own. Raises `UsageError`, before anything is run, for a denoiser that cannot be wrapped."""
        refuse_unwrappable("ddrm", denoiser)
        return {}

    def setup(self, device: Any) -> None:
        """Set up the denoiser. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """float32 (H, W, C) → the same, or as large as is wanted."""
        at = measurement(noisy, info, "ddrm")
        denoised = denoiser_of(self.inner)

        def drawn() -> Any:
            return at.into(info.rng.standard_normal(at.start.shape))

        gains = np.abs(at.gains)
        measured = gains > 0
        level = np.where(measured, at.noise / np.where(measured, gains, 1), np.inf)  # noise of each direction of y
        target = at.seen / np.where(measured, at.gains, 1)
        sigmas = [*SIGMAS[times(self.steps, self.most)], 0.0]
        first = level <= sigmas[0]
        x = np.where(first, target, at.into(at.start)) + _missing_noise(sigmas[0], np.where(first, level, 0)) * drawn()
        fading = np.sqrt(1 - self.eta**2)
        for now, following in info.each(itertools.pairwise(sigmas)):
            clean = at.into(denoised(at.out(x), float(now)))
            noise = drawn()
            free = clean + fading * following / now * (x - clean) + self.eta * following * noise
            dim = clean + fading * following / level * (target - clean) + self.eta * following * noise
            clear = (
                clean
                + self.eta_seen * (target - clean)
                + _missing_noise(following, np.where(first, level, 0) * self.eta_seen) * noise
            )
            x = np.where(level <= following, clear, np.where(np.isfinite(level), dim, free))
        return at.cut(at.out(x)).astype(np.float32)


def _missing_noise(sigma: float, level: Any) -> Any:
    """Deviation of the noise that is missing to `sigma` where there is that of `level`."""
    return np.sqrt(np.maximum(sigma**2 - level**2, 0))
