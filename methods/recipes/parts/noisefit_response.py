from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Ge, Le, Lt
from noisebench.recipes.parts._blocks import channels_along, repeated_blocks
from noisebench.recipes.parts._hidden import changed, passed
from noisebench.recipes.parts._seen_pass import SeenPass
from noisebench.recipes.parts.noisefit import divergence, spread

_CURRENT = "A. Khadangi et al., Noise augmented fine tuning, 2025; NoiseFiT.py of the authors' code, 48c61c8"
_FACTORS = (0.25, 0.5, 1.0, 1.5, 2.0)
"""Of 1 / sqrt(channels): the deviations that are tried on each block."""
_WORSE = 0.02
"""By what share of itself the loss may rise under noise that is to be injected."""
_PENALTY = 0.05
_OF_MEDIAN = 0.75
_BANDS = 3


def chosen_factors(response: Any, rise: Any) -> dict[int, int]:
    """The blocks to put noise on, and which of the factors each gets.

    Of each block (a row) and factor (a column): `response`, how far the output moves, and `rise`, by what share of
    itself the loss rises. A block counts as its best factor: the response over 1 + rise, less for factors far from 1;
    where the loss rises by more than 2 % a factor counts only if all do. Taken are at most sqrt(blocks), of those
    that are a median deviation above the median: first the best of each third of the depth. Each gets the least of
    its factors whose response is 3/4 of the median response of all taken at their best, or that which is nearest.
    """
    score = response / (1 + rise) / (1 + _PENALTY * torch.tensor(_FACTORS).log2().square())
    fits = rise <= _WORSE
    allowed = torch.where(fits.any(dim=1, keepdim=True), fits, torch.ones_like(fits))
    score = score.masked_fill(~allowed, -math.inf)
    best = score.max(dim=1)
    middle = best.values.median()
    bound = middle + (best.values - middle).abs().median().clamp(min=1e-12)
    count, most = len(response), math.ceil(math.sqrt(len(response)))
    order = [int(place) for place in best.values.argsort(descending=True)]
    candidates = [place for place in order if best.values[place] >= bound and best.values[place] > 0] or order[:1]
    quota = math.ceil(most / _BANDS)
    spread_out = [
        place
        for band in range(_BANDS)
        for place in [one for one in candidates if one * _BANDS // count == band][:quota]
    ]
    taken = [*spread_out, *(place for place in candidates if place not in spread_out)][:most]
    due = response[taken, best.indices[taken]].median() * _OF_MEDIAN
    assigned = {}
    for place in sorted(taken):
        open_to = [column for column in range(len(_FACTORS)) if allowed[place, column]]
        enough = [column for column in open_to if response[place, column] >= due]
        apart = (response[place].clamp(min=1e-12).log() - due.clamp(min=1e-12).log()).abs()
        assigned[place] = enough[0] if enough else min(open_to, key=lambda column: float(apart[column]))
    return assigned


@nb.part("noisefit_response", cite=_CURRENT)
class NoiseFitResponse:
    """NoiseFiT as it is now: on the blocks whose noise moves the output most and the loss least.

    From the share `start` of the steps on. Then noise of five deviations, 0.25 to 2 times 1 / sqrt(channels), is tried
    on the output of each block, which are chosen with their deviations by the symmetric KL of the output and the rise
    of the loss. The noise follows median and deviations of a place, as in `noisefit`, but not the deviation of all; no
    gradient goes through it, nor through what outputs are compared with. The loss is that of `noisefit`. A network
    without blocks, in a list of one class, is refused. Figures: `noisefit_layers`, how many blocks were chosen, and
    `noisefit_injected_snr`, the least mean |h| over mean |noise| of these in the last step.
    """

    def __init__(
        self,
        *,
        beta: Annotated[float, Ge(0)] = 0.1,
        alpha: Annotated[float, Ge(0), Le(1)] = 0.5,
        lam: Annotated[float, Ge(0)] = 0.1,
        start: Annotated[float, Ge(0), Lt(1)] = 0.5,
    ) -> None:
        self.beta, self.alpha, self.lam = beta, alpha, lam
        self.chosen: dict[int, int] = {}
        self._pass = SeenPass("noisefit_response", start)
        self._wanted: Any = None
        self._injected: dict[int, float] = {}

    def prepare(self, net: Any, given: Sequence[int]) -> Any:
        """The blocks; the network stays as it is. Raises `UsageError` where there are none."""
        self.net, self.blocks = net, repeated_blocks(net, given, "noisefit_response")
        return net

    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """Note what the network is given and gives in this step; the batch as it is."""
        self._pass.watch(self.net, step, steps)
        self._wanted = batch["wanted"]
        return batch

    def loss(self, net: Any, value: Any, step: int, steps: int) -> Any:
        """The hybrid loss, of the loss of the pass without noise."""
        if (seen := self._pass.take()) is None:
            return value
        inputs, clean = seen
        if not self.chosen:
            with torch.no_grad():
                self.chosen = chosen_factors(*self._tried(net, inputs, clean, self._wanted))
        with changed([self.blocks[place] for place in self.chosen], self._noisy):
            one, other = passed(net, inputs), passed(net, inputs)
        apart = (divergence(clean.detach(), one) + divergence(clean.detach(), other)) / 2
        return self.alpha * value + (1 - self.alpha) * apart + self.lam * divergence(other.detach(), one)

    def _tried(self, net: Any, inputs: Any, clean: Any, wanted: Any) -> tuple[Any, Any]:
        """The response and the rise of each block and factor."""
        loss = _loss_of(clean, wanted)
        response, rise = torch.zeros(2, len(self.blocks), len(_FACTORS))
        for place, block in enumerate(self.blocks):
            for column, factor in enumerate(_FACTORS):
                with changed([block], partial(self._with_noise, factor)):
                    noisy = passed(net, inputs)
                response[place, column] = (divergence(clean, noisy) + divergence(noisy, clean)) / 2
                rise[place, column] = ((_loss_of(noisy, wanted) - loss) / loss.clamp(min=1e-8)).clamp(min=0)
        return response, rise

    def _with_noise(self, factor: float, block: Any, features: Any) -> Any:
        return features + self._noise(features, factor)

    def _noise(self, features: Any, factor: float) -> Any:
        axis = channels_along(features)
        h = features.detach()
        scale = factor / math.sqrt(h.shape[axis]) / float(h.std(correction=0).clamp(min=1e-30))
        return torch.randn_like(h) * spread(h, scale, self.beta, axis)

    def _noisy(self, block: Any, features: Any) -> Any:
        place = self.blocks.index(block)
        noise = self._noise(features, _FACTORS[self.chosen[place]])
        self._injected[place] = float(features.detach().abs().mean() / noise.abs().mean().clamp(min=1e-30))
        return features + noise

    def state(self) -> dict[str, Any]:
        """Which blocks were chosen, and their factors."""
        return {"chosen": dict(self.chosen)}

    def load(self, state: dict[str, Any]) -> None:
        """Go on with the blocks that were chosen."""
        self.chosen = dict(state["chosen"])

    def figures(self) -> dict[str, float]:
        """How many blocks were chosen, and the ratio of what was injected."""
        if not self._injected:
            return {}
        return {"noisefit_layers": float(len(self.chosen)), "noisefit_injected_snr": min(self._injected.values())}


def _loss_of(output: Any, wanted: Any) -> Any:
    return F.cross_entropy(output, wanted) if wanted.ndim == 1 else F.mse_loss(output, wanted)
