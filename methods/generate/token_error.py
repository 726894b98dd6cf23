from __future__ import annotations

import itertools
from typing import Any

import noisebench as nb
from noisebench.methods.generate._inner_sampler import sampler_within
from noisebench.methods.generate.disa import DiSA, put
from noisebench.methods.generate.exact_tokens import ExactTokens
from noisebench.recipes.archs._patches import as_pictures


def disa_within(bound: nb.Bound) -> Any:
    """The runner of a `disa`. Raises `UsageError` for another method."""
    runner = sampler_within(bound)
    if not isinstance(runner.instance, DiSA):
        raise nb.UsageError(f"{bound.display} draws no tokens: name disa(model=…)")
    return runner


@nb.method("token_error", track="generate", role="sanity", blind=True)
class TokenError:
    """How far the law of each token that `disa` draws is from the law that it should be of, in place of samples.

    sampler: a `disa` of `exact_tokens` of one normal law, such as `gaussian_digits`. Each token is looked at given the
    true tokens before it in the order of the sampler, so no error goes on. Both laws are normal then, on the same axes,
    and the Wasserstein distance is √(Σ (mean - m)² + (deviation - s)²): a token's values are its parts along the axes.
    The metric `rms` gives the root of the mean square over tokens and values. Nothing is drawn: the figures are exact.
    """

    def __init__(self, *, sampler: nb.MethodSpec) -> None:
        self.sampler = disa_within(sampler)
        if not isinstance(self.sampler.instance.model.instance, ExactTokens):
            raise nb.UsageError(
                f"{sampler.display} has no exact model: name disa(model=exact_tokens(of=gaussian_digits))"
            )

    def setup(self, device: Any) -> None:
        """Set up the model. Raises `UsageError` for a law of several components."""
        self.sampler.setup(device)
        law = self.sampler.instance.model.instance.law
        if len(law.weights) > 1:
            raise nb.UsageError(f"token_error is for one normal law, not {len(law.weights)}: take gaussian_digits")

    def sample(self, latents: Any, info: Any) -> Any:
        """Latents (N, C, H, W), of which true pictures are made → distances, 0 or more, of the same shape."""
        import numpy as np
        import torch

        disa: DiSA = self.sampler.instance
        law = disa.model.instance.law
        if tuple(latents.shape[1:]) != law.shape:
            raise nb.Skip(f"token_error knows pictures {law.shape}, not {tuple(latents.shape[1:])}")
        rows = law.drawn(latents.cpu().double().flatten(1).numpy(), np.zeros(len(latents), np.int64))
        pictures = torch.from_numpy(rows).reshape(latents.shape).to(latents.device)
        tokens = disa.tokens_of(pictures)
        errors, known = torch.zeros_like(tokens), torch.zeros(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
        for plan in info.each(disa.plans(tokens, info)):
            _, means, variances, axes = disa.model.told(pictures, known, plan.places, None)
            pull, spread = through(disa, variances[:, 0], plan.levels)
            off = pull * (means[:, 0, None] @ axes[:, 0])[:, 0]
            far = (off**2 + (spread - variances[:, 0].sqrt()) ** 2).sqrt()
            errors, known = put(errors, plan.places, far), known.scatter(1, plan.places, True)
        return as_pictures(errors, law.shape, disa.model.patch).float()


def through(disa: DiSA, variances: Any, down: list[float]) -> tuple[Any, Any]:
    """What the steps of `down` end with, of a token whose law is normal with these variances (M, D) on its axes.

    The first is how far their mean is from that of the law, over the latter: -1 before a step, for noise has the mean
    0. The second is their deviation.
    """
    pull, spread = -1.0 + 0 * variances, down[0] ** 2 + 0 * variances
    for sigma, lower in itertools.pairwise(down):
        share, fresh = disa.step_of(sigma, lower)
        kept = variances / (variances + sigma**2)
        slope = kept + share * (1 - kept)
        pull, spread = slope * pull, slope**2 * spread + fresh**2
    return pull, spread.sqrt()
