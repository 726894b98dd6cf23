from __future__ import annotations

from typing import Any, Literal

import noisebench as nb
import numpy as np
import numpy.typing as npt
from noisebench.methods.restore._wrapping import variants_of

Picture = npt.NDArray[np.floating[Any]]
_LEVELS = 50
_HIGHEST = 100 / 255
"""Levels that are tried where none is disclosed, evenly up to the highest."""
_LEAST_DENOMINATOR = 0.1
"""Of k - 1 - y R, as a share of k: an error of the score gives no more than ten times the intensity."""


@nb.method(
    "noise2score",
    version=2,
    layout="hwc",
    cite="K. Kim, J. C. Ye, Noise2Score: Tweedie's approach to self-supervised image denoising, NeurIPS 2021",
)
class Noise2Score:
    """Noise2Score: Tweedie's formula gives the clean picture by the score of noisy ones, learned from them alone.

    method: `trained(objective=ar_dae, …)`, or one `tuned`, whose network gives R, the gradient of log p(y). noise:
    `gaussian` gives y + sigma² R; `poisson` of a peak (y + 1 / (2 peak)) exp(R / peak); `gamma` of k looks
    k y / (k - 1 - y R): the posterior means of x, of log x, and of 1 / x, turned back. `auto` takes what is disclosed.
    R is the score of pictures with the noise of its training added, so in Gaussian noise sigma² is the variance of
    both: that of the training is E s⁴ / E s² of what `ar_dae` draws. The other formulas are of their laws alone.
    level: `tv` tries 50 levels up to 100 of 255 and takes the picture of the least total variation, for Gaussian noise
    of an unknown level. Skips where the level is not disclosed, and in `auto` where two are: of mixed noise.
    """

    def __init__(
        self,
        *,
        method: nb.MethodSpec,
        noise: Literal["auto", "gaussian", "poisson", "gamma"] = "auto",
        level: Literal["disclosed", "tv"] = "disclosed",
    ) -> None:
        _refuse(method, noise, level)
        self.inner = nb.Restorer(method)
        choices = self.inner.bound.kwargs["objective"].kwargs
        self.scale: float = choices["scale"]
        self.added = added_variance(choices["least"], choices["most"], choices["draw"])
        self.noise, self.level = noise, level

    @staticmethod
    def flags(*, method: nb.Bound, noise: str, level: str) -> dict[str, Any]:
        """Blind where the level is found by the picture itself. Raises `UsageError`, before anything is trained."""
        _refuse(method, noise, level)
        return {"blind": level == "tv"}

    def setup(self, device: Any) -> None:
        """Load the weights that the training gave. Raises `Skip` where there are none."""
        self.inner.setup(device)

    def restore(self, noisy: Picture, info: Any) -> Picture:
        """float32 (H, W, C) → the same."""
        y = noisy.astype(np.float64)
        score = (self.inner.restore(noisy, info).astype(np.float64) - y) / self.scale**2
        if self.level == "tv":
            deviation = min(np.linspace(0, _HIGHEST, _LEVELS + 1)[1:], key=lambda s: _variation(y + s * s * score))
            return tweedie(y, score, "gaussian", float(deviation)).astype(np.float32)
        noise = self.noise if self.noise != "auto" else _disclosed(info)
        value = getattr(info, {"gaussian": "sigma", "poisson": "peak", "gamma": "looks"}[noise])
        if value is None:
            raise nb.Skip(f"noise={noise} needs its level, which the regime does not disclose: give level=tv")
        if noise == "gaussian":
            value = np.hypot(value, self.added**0.5)
        return tweedie(y, score, noise, float(value)).astype(np.float32)


def _refuse(method: nb.Bound, noise: str, level: str) -> None:
    """Raise `UsageError` for a method whose network learned no score, and for choices that do not go together."""
    objectives = [one.kwargs.get("objective") for one in variants_of(method)]
    if any(objective is None or objective.entry.name != "ar_dae" for objective in objectives):
        raise nb.UsageError(f"noise2score takes trained(objective=ar_dae, …), not {method.display}")
    if level == "tv" and noise not in ("auto", "gaussian"):
        raise nb.UsageError(
            f"noise2score: level=tv is for Gaussian noise, not for noise={noise}: leave out one of the two"
        )


def added_variance(least: float, most: float, draw: str) -> float:
    """Of the noise that the score of AR-DAE has beyond that of pictures: E s⁴ / E s² of the levels in the end."""
    if draw == "annealed" or least == most:
        return least**2
    return float((most**5 - least**5) / 5 / ((most**3 - least**3) / 3))


def tweedie(y: Picture, score: Picture, noise: str, value: float) -> Picture:
    """The clean picture by the score at the noisy one and the level: sigma, peak or looks.

    Gaussian: E[x | y]; Poisson: exp E[log x | y], for counts that are not few; gamma: 1 / E[1 / x | y].
    """
    clean: Picture
    if noise == "gaussian":
        clean = y + value * value * score
    elif noise == "poisson":
        clean = (y + 0.5 / value) * np.exp(np.clip(score / value, -10, 10))
    else:
        clean = value * y / np.maximum(value - 1 - y * score, _LEAST_DENOMINATOR * value)
    return clean


def _disclosed(info: Any) -> str:
    """The noise whose level is told. Raises `Skip` where two are: of a mixture none of the formulas is."""
    disclosed = [name for name in ("sigma", "peak", "looks") if getattr(info, name) is not None]
    if len(disclosed) > 1:
        raise nb.Skip(f"noise=auto is told {' and '.join(disclosed)}, of mixed noise: give noise=… or level=tv")
    return "poisson" if "peak" in disclosed else "gamma" if "looks" in disclosed else "gaussian"


def _variation(picture: Picture) -> float:
    """The mean length of the differences to the pixels below and to the right."""
    down = np.diff(picture, axis=0)[:, :-1]
    right = np.diff(picture, axis=1)[:-1]
    return float(np.sqrt(down * down + right * right).mean())
