from __future__ import annotations

import itertools
import math
from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.generate._stepping import normal
from noisebench.methods.generate.disa import DiSA, put
from noisebench.methods.generate.token_error import disa_within
from noisebench.recipes.archs._patches import as_pictures


@nb.method("token_spread", track="generate", role="sanity")
class TokenSpread:
    """How far two draws of the same tokens are apart, given the same tokens before them, in place of samples.

    sampler: a `disa`. iteration: whose tokens, the first is 1; those before are drawn as ever. The metric `rms` is the
    conditional deviation of these tokens: their values are the difference of the draws over √2, times the root of how
    many tokens there are for one of theirs; all others are 0. So it says how determined later tokens are.
    """

    def __init__(self, *, sampler: nb.MethodSpec, iteration: Annotated[int, Ge(1), Le(1_000_000)] = 1) -> None:
        self.sampler, self.iteration = disa_within(sampler), iteration

    def setup(self, device: Any) -> None:
        """Set up the model. Raises `Skip` where its weights are missing."""
        self.sampler.setup(device)

    def sample(self, latents: Any, info: Any) -> Any:
        """Latents (N, C, H, W) → differences. Raises `UsageError` where there are fewer iterations."""
        disa: DiSA = self.sampler.instance
        turns = itertools.islice(disa.turns(latents, info), self.iteration - 1, None)
        turn = next(turns, None)
        if turn is None:
            raise nb.UsageError(
                f"iteration={self.iteration} is beyond the last of {self.sampler.bound.display}: give a smaller one"
            )
        again = disa.drawn(turn.plan.levels[0] * normal(turn.drawn, info), turn.conditions, turn.plan.levels, info)
        times = math.sqrt(turn.tokens.shape[1] / turn.plan.places.shape[1] / 2)
        differences = put(0 * turn.tokens, turn.plan.places, times * (turn.drawn - again))
        return as_pictures(differences, tuple(latents.shape[1:]), disa.model.patch).float()
