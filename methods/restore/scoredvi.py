"""ScoreDVI: a posterior fitted to the one picture, with the score of a denoiser as prior and noise of unknown kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Gt, Le, Lt
from noisebench.methods.restore._draws import drawn_seed
from noisebench.methods.restore._hourglass import hourglass
from noisebench.methods.restore._noise_level import noise_sigma
from noisebench.methods.restore._training import fitted
from noisebench.methods.restore._wrapping import refuse_unwrappable, wrapped

_LOW, _HIGH = 1e-8, 1e4
"""Variances and the parameters of gamma laws lie between."""
_ALPHA = 1.0
"""Shape of the prior gamma law of precisions."""
_OUTPUTS = 5
"""A component: mean, log variance, log shape, log rate and the logit of its weight."""
_STRENGTHS = ((10.0, 0.5, 0.005), (25.0, 1.0, 0.01), (float("inf"), 2.0, 0.02))
"""Up to which deviation of the noise, of 255: how much the prior counts, and the rate of the prior gamma law."""

Denoiser = Callable[[Any], Any]
"""(N, C, H, W) → the same, without noise."""


@nb.method(
    "scoredvi",
    zero_shot=True,
    cite="J. Cheng, T. Liu, S. Tan, Score priors guided deep variational inference for unsupervised real-world single "
    "image denoising, ICCV 2023",
)
class ScoreDVI:
    """ScoreDVI: a posterior fitted to the one picture, with the score of a denoiser as prior and noise of unknown kind.

    A network gives each pixel, for each of `components`, the mean and variance of the clean value and the law of the
    noise's precision, and weights of the components; Adam fits it to the evidence bound in so many steps. The prior
    enters by its score alone, (D(z) - z) / v at `samples` draws z of the posterior, of variance v, where D is the
    method within: a blind denoiser of independent noise. prior: how much it counts; none takes 0.5, 1 or 2 by the
    strength of the noise, estimated in the picture. The picture is the running mean, with factor `smooth`, of the
    weighted means. A denoiser that skips coloured pictures is given each channel by itself. Nothing is read from `info`
    but draws, by the denoiser neither.
    """

    def __init__(
        self,
        *,
        denoiser: nb.MethodSpec = "bf_cnn",
        components: Annotated[int, Ge(1), Le(32)] = 3,
        steps: Annotated[int, Ge(1), Le(1_000_000)] = 400,
        lr: Annotated[float, Gt(0), Le(1)] = 0.001,
        samples: Annotated[int, Ge(1), Le(100)] = 1,
        prior: Annotated[float, Ge(0), Le(1000)] | None = None,
        smooth: Annotated[float, Ge(0), Lt(1)] = 0.9,
        width: Annotated[int, Ge(1), Le(1024)] = 32,
        depth: Annotated[int, Ge(1), Le(8)] = 4,
    ) -> None:
        self.inner = wrapped("scoredvi", denoiser)
        self.components, self.steps, self.lr, self.samples = components, steps, lr, samples
        self.prior, self.smooth, self.width, self.depth = prior, smooth, width, depth

    @staticmethod
    def flags(*, denoiser: nb.Bound, **others: Any) -> dict[str, Any]:
        """Blind, whatever the denoiser: it is told nothing. Raises `UsageError` where that cannot work."""
        refuse_unwrappable("scoredvi", denoiser)
        return {"blind": True}

    def setup(self, device: Any) -> None:
        """Set up the denoiser. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, C, H, W) → the same."""
        planes = noisy.shape[1]
        if noisy.shape[-2:].numel() == 1:
            raise nb.Skip("scoredvi needs two pixels")
        strength, rate = _strength(noisy)
        strength = strength if self.prior is None else self.prior
        average = noisy

        def loss(net: Any, step: int) -> Any:
            nonlocal average
            parts = net(noisy).reshape(1, self.components, _OUTPUTS, planes, *noisy.shape[-2:]).unbind(2)
            posterior = posterior_of(noisy, parts)
            estimate = (posterior.weight * posterior.mean).sum(dim=1).detach()
            average = self.smooth * average + (1 - self.smooth) * estimate
            return bound(noisy, posterior, self._denoised, strength, rate, self.samples)

        fitted(
            lambda: hourglass(planes, self.components * _OUTPUTS * planes, self.width, self.depth),
            loss,
            steps=self.steps,
            lr=self.lr,
            seed=drawn_seed(info),
            device=noisy.device,
            tell=info.progress,
        )
        return average

    def _denoised(self, z: Any) -> Any:
        """(N, C, H, W) → the same, by the method within, which is told nothing."""
        import numpy as np
        import torch

        def one(picture: Any) -> Any:
            return self.inner.restore(np.ascontiguousarray(picture), nb.Info())

        pictures = []
        for picture in z.movedim(1, -1).cpu().numpy():
            try:
                pictures.append(one(picture))
            except nb.Skip:
                if picture.shape[2] == 1:
                    raise
                pictures.append(np.concatenate([one(picture[..., [c]]) for c in range(picture.shape[2])], axis=2))
        return torch.from_numpy(np.stack(pictures)).movedim(-1, 1).to(z)


@dataclass(frozen=True)
class Posterior:
    """(1, K, C, H, W) each: of the clean value its mean and variance, of the precision its gamma law, and weights."""

    mean: Any
    variance: Any
    shape: Any
    rate: Any
    weight: Any


def posterior_of(noisy: Any, parts: Any) -> Posterior:
    """The posterior that the five outputs of the network stand for: means are given as differences to the picture."""
    import math

    difference, log_variance, log_shape, log_rate, logit = parts
    low, high = math.log(_LOW), math.log(_HIGH)
    # Outputs near 0 stand for noise of deviation 0.1 and a precision that is about as certain.
    return Posterior(
        mean=noisy.unsqueeze(1) - difference,
        variance=(log_variance + math.log(1e-2)).clamp(low, high).exp(),
        shape=log_shape.clamp(low, high).exp(),
        rate=(log_rate + math.log(1e-2)).clamp(low, high).exp(),
        weight=logit.softmax(dim=1),
    )


def bound(noisy: Any, at: Posterior, denoiser: Denoiser, strength: float, rate: float, samples: int) -> Any:
    """The negative evidence bound of `at`, a mean over values: its value and gradient but for constants.

    Likelihood: y is normal about the clean value with a precision that has a gamma prior of shape 1 and `rate`, in a
    mixture with equal prior weights. The prior of the clean value counts `strength` times.
    """
    import torch

    error = (noisy.unsqueeze(1) - at.mean).square() + at.variance
    log_precision = at.shape.digamma() - at.rate.log()
    likelihood = (at.weight * (log_precision - at.shape / at.rate * error) / 2).sum(dim=1).mean()
    mixture = (at.weight * at.weight.clamp(min=1e-12).log()).sum(dim=1).mean()
    gammas = (at.weight * gamma_divergence(at.shape, at.rate, _ALPHA, rate)).sum(dim=1).mean()
    entropy = (at.variance.log() / 2).mean(dim=1).mean()
    # The score is a constant here: its gradient goes through z alone, as the law says that has it.
    deviation = at.variance.sqrt()
    pull = 0.0
    for _ in range(samples):
        z = at.mean + deviation * torch.randn_like(deviation)
        with torch.no_grad():
            flat = z.detach().flatten(0, 1)
            score = (denoiser(flat) - flat).reshape(z.shape) / at.variance.detach()
        pull = pull - (score * z).mean() / samples
    return -likelihood + mixture + gammas + strength * (pull - entropy)


def gamma_divergence(shape: Any, rate: Any, prior_shape: float, prior_rate: float) -> Any:
    """KL(Gamma(shape, rate) | Gamma(prior_shape, prior_rate)), of shapes and rates."""
    from torch.distributions import Gamma, kl_divergence

    prior = Gamma(shape.new_tensor(prior_shape), shape.new_tensor(prior_rate))
    return kl_divergence(Gamma(shape, rate), prior)


def _strength(noisy: Any) -> tuple[float, float]:
    """How much the prior counts, and the rate of the gamma law, by the deviation of the noise in the picture."""
    import numpy as np

    deviation = 255 * noise_sigma(np.ascontiguousarray(noisy[0].movedim(0, -1).cpu().numpy()), nb.Info())
    return next((strength, rate) for limit, strength, rate in _STRENGTHS if deviation <= limit)
