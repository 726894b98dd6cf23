"""DiSA: an autoregressive sampler that draws later tokens by fewer steps of diffusion."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.generate._annealing import Annealing, annealed, unmasked
from noisebench.methods.generate._stepping import Level, Schedule, Steps, falling, levels, normal
from noisebench.recipes.archs._patches import as_pictures, as_tokens, places_of
from noisebench.tracks.generate.token_model import TokenModel

Variance = Literal["small", "large"]


@dataclass(frozen=True)
class Plan:
    """One iteration: the places of the tokens that it draws (N, n), and the levels of noise that they go down by."""

    places: Any
    levels: list[float]


@dataclass(frozen=True)
class Turn:
    """A finished iteration: its plan, what its tokens were given and became (N n, D), and all tokens (N, T, D)."""

    plan: Plan
    conditions: Any
    drawn: Any
    tokens: Any


def _falling(upper: int, lower: int, least: float, most: float) -> None:
    if upper < lower:
        raise nb.UsageError(f"disa: upper={upper} is below lower={lower}: give a smaller lower, or schedule=rising")
    falling(least, most)


@nb.method(
    "disa", track="generate", cite="Q. Zhao et al., DiSA: diffusion step annealing in autoregressive image generation, "
    "arXiv 2505.20297"
)  # fmt: skip
@nb.checked(_falling)
class DiSA:
    """DiSA: an autoregressive sampler that draws later tokens by fewer steps of diffusion.

    model: of tokens, such as `trained(arch=mar, objective=mar, …)` or `exact_tokens`. Places are in an order drawn for
    each sample; an iteration draws those that are next, each by itself given the tokens before, from noise by ancestral
    steps. iterations: K; none is one a token. Later ones draw more, T cos(π/2 k/K) tokens being left after k.

    upper, lower: steps of the first iteration and of the last. schedule: in between they fall by the number of the
    iteration, `linear`, `cosine` or in `two_stage`. Two rivals take as many steps a token in all as `linear` does:
    `constant`, and `rising` from `lower` on. `upper` and `lower` alike are the sampler without annealing.

    noise, least, most: levels of each diffusion, as `schedule` of `euler`; fewer steps have the same first one.
    variance: of a step, as of `ddpm`. The metric `nfe` counts how often a token is seen, the cost how long it takes.
    """

    def __init__(
        self,
        *,
        model: nb.MethodSpec,
        upper: Steps = 50,
        lower: Steps = 5,
        schedule: Annealing = "linear",
        iterations: Annotated[int, Ge(1), Le(1_000_000)] | None = None,
        noise: Schedule = "cosine",
        least: Level = 0.002,
        most: Level = 80.0,
        variance: Variance = "small",
    ) -> None:
        self.model = TokenModel(model)
        self.upper, self.lower, self.schedule, self.iterations = upper, lower, schedule, iterations
        self.noise, self.least, self.most, self.variance = noise, least, most, variance
        annealed(schedule, upper, lower, [1])
        levels(noise, 1, least, most)

    def setup(self, device: Any) -> None:
        """Set up the model. Raises `Skip` where its weights are missing, `UsageError` for a model of pictures."""
        self.model.setup(device)

    def sample(self, latents: Any, info: Any) -> Any:
        """Latents (N, C, H, W) → samples, in float64 between the calls. Raises `Skip` for sides of no whole tokens."""
        tokens = None
        for turn in self.turns(latents, info):
            tokens = turn.tokens
        return as_pictures(tokens, tuple(latents.shape[1:]), self.model.patch).float()

    def turns(self, latents: Any, info: Any) -> Iterator[Turn]:
        """Yield each iteration once it is finished."""
        import torch

        start = self.tokens_of(self.most * latents.double())
        tokens, known = torch.zeros_like(start), torch.zeros(start.shape[:2], dtype=torch.bool, device=start.device)
        for plan in info.each(self.plans(start, info)):
            with torch.no_grad():
                pictures = as_pictures(tokens, tuple(latents.shape[1:]), self.model.patch)
                conditions = self.model.told(pictures, known, plan.places, info.labels)
                drawn = self.drawn(places_of(start, plan.places), conditions, plan.levels, info)
            tokens, known = put(tokens, plan.places, drawn), known.scatter(1, plan.places, True)
            yield Turn(plan, conditions, drawn, tokens)

    def tokens_of(self, pictures: Any) -> Any:
        """(N, C, H, W) → (N, T, D). Raises `Skip` where the sides are no multiples of that of a token."""
        height, width = pictures.shape[-2:]
        if height % self.model.patch or width % self.model.patch:
            raise nb.Skip(f"{height} x {width} pixels are no squares of {self.model.patch} a side, the model's tokens")
        return as_tokens(pictures, self.model.patch)

    def plans(self, tokens: Any, info: Any) -> list[Plan]:
        """The iterations of tokens (N, T, D), in orders that depend on the input alone."""
        import torch

        count, length = tokens.shape[:2]
        drawn = unmasked(length, self.iterations or length)
        order: Any = torch.from_numpy(info.rng.random((count, length)).argsort(axis=1)).to(tokens.device)
        steps = annealed(self.schedule, self.upper, self.lower, drawn)
        down = {n: levels(self.noise, n, self.least, self.most) for n in steps}
        return [Plan(*each) for each in zip(order.split(drawn, dim=1), map(down.__getitem__, steps), strict=True)]

    def drawn(self, x: Any, conditions: Any, down: list[float], info: Any) -> Any:
        """Tokens (M, D) from `x`, noise of the first level of `down`, given their conditions."""
        for sigma, lower in itertools.pairwise(down):
            share, fresh = self.step_of(sigma, lower)
            clean = self.model(x, sigma, conditions)
            x = clean + share * (x - clean)
            x = x + fresh * normal(x, info) if fresh else x
        return x

    def step_of(self, sigma: float, lower: float) -> tuple[float, float]:
        """Of a step from `sigma` to `lower`: the share of the old noise that is left, and the deviation of the new."""
        share = (lower / sigma) ** 2
        if self.variance == "small" or not lower:
            return share, lower * math.sqrt(1 - share)
        return share, math.sqrt((1 + lower**2) * (sigma**2 - lower**2) / (1 + sigma**2))


def put(tokens: Any, places: Any, rows: Any) -> Any:
    """Tokens (N, T, D) with the rows (N n, D) at `places` (N, n)."""
    where = places[..., None].expand(-1, -1, tokens.shape[2])
    return tokens.scatter(1, where, rows.reshape(where.shape).to(tokens.dtype))
