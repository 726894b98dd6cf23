"""The noise of a diffusion at each of its times, and denoisers as what solvers with a diffusion prior call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import noisebench as nb
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.float64]
_BETAS = np.linspace(1e-4, 0.02, 1000)
KEPT: npt.NDArray[np.float64] = np.asarray(np.cumprod(1 - _BETAS), np.float64)
"""Share of the picture's variance that is left at each time of the diffusion (Ho et al. 2020)."""
SIGMAS: npt.NDArray[np.float64] = np.asarray(np.sqrt((1 - KEPT) / KEPT) / 2, np.float64)
"""Deviation of the noise beside the whole picture, on [0, 1], where the diffusion is of pictures between -1 and 1."""


def times(steps: int, most: float) -> npt.NDArray[np.int64]:
    """Times from the last at which the noise is not above `most` (of 255) down to the first, evenly."""
    last = max(0, int(np.searchsorted(SIGMAS * 255, most, side="right")) - 1)
    return np.rint(np.linspace(last, 0, steps)).astype(int)


def denoiser_of(inner: nb.Restorer) -> Callable[[Picture, float], Picture]:
    """(picture, deviation of its noise) → without the noise, by a method that is told the deviation alone."""

    def denoised(x: Picture, sigma: float) -> Picture:
        info = nb.Info({"shape": x.shape[:2], "sigma": float(sigma)})
        estimate: Picture = inner.restore(np.ascontiguousarray(x, np.float32), info).astype(np.float64)
        return estimate

    return denoised


Pull = Callable[[Picture], Picture]
"""v → Jᵀv, J the derivative of the denoised picture by the noisy one."""


def refuse_not_differentiable(name: str, method: nb.Bound) -> None:
    """Raise `UsageError` for a denoiser that gives no gradient: its class has no `denoised(x, sigma)`."""
    if not hasattr(method.entry.obj, "denoised"):
        raise nb.UsageError(
            f"{name} needs the gradient of its denoiser, and {method.display} has none: take edm or exact_prior"
        )


def differentiated(inner: nb.Restorer) -> Callable[[Picture, float], tuple[Picture, Pull]]:
    """(picture, deviation of its noise) → without the noise, and the product of vectors with the derivative."""
    import torch

    def denoised(x: Picture, sigma: float) -> tuple[Picture, Pull]:
        with torch.enable_grad():
            given = inner.prepare(x.astype(np.float32)).requires_grad_()
            output = inner.instance.denoised(given, float(sigma))

        def pull(v: Picture) -> Picture:
            (product,) = torch.autograd.grad(output, given, inner.prepare(v.astype(np.float32)))
            return _picture(product)

        return _picture(output.detach()), pull

    return denoised


def _picture(tensor: Any) -> Picture:
    picture: Picture = tensor[0].permute(1, 2, 0).cpu().numpy().astype(np.float64)
    return picture
