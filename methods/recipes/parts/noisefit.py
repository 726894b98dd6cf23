from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le, Lt
from noisebench.recipes.parts._hidden import changed, channel_axis, hidden_layers, passed
from noisebench.recipes.parts._seen_pass import SeenPass
from noisebench.recipes.weight_matrices import covered_share, weight_matrices

_NOISEFIT = (
    "A. Khadangi et al., Noise augmented fine tuning for mitigating hallucinations in large language models, 2025"
)
_SMALL = 1e-6
_MOST = 5.0
_PASSES = 10


def spread(features: Any, s0: float, beta: float, axis: int = 1) -> Any:
    """The standard deviation of the noise on each value of `features`, whose channels lie along `axis`.

    Over the values h of a place, with their median m and the median M of |h - m|:
    s0 std(all) M exp(-beta |h - m| / M) min(exp(var(h) / mean var), 5).
    """
    h = features.movedim(axis, -1)
    middle = h.median(dim=-1, keepdim=True).values
    away = (h - middle).abs()
    mad = away.median(dim=-1, keepdim=True).values
    mad = torch.maximum(mad, _SMALL * h.norm(dim=-1, keepdim=True)).clamp(min=_SMALL**2)
    variance = h.var(dim=-1, keepdim=True, correction=0)
    wild = (variance / variance.mean().clamp(min=_SMALL**2)).exp().clamp(max=_MOST)
    deviation = s0 * h.std(correction=0) * mad * (-beta * away / mad).exp() * wild
    return deviation.movedim(-1, axis)


def divergence(clean: Any, noisy: Any) -> Any:
    """KL(clean || noisy) of logits, (B, classes), the mean over the batch; of anything else the mean square."""
    if clean.ndim == 2:
        log = F.log_softmax(clean, dim=1)
        return (log.exp() * (log - F.log_softmax(noisy, dim=1))).sum(dim=1).mean()
    return (clean - noisy).square().mean()


@nb.part("noisefit", cite=_NOISEFIT)
class NoiseFit:
    """NoiseFiT: fine-tuning with noise on a few hidden layers, and a loss that asks for the same output despite it.

    From the share `start` of the steps on. Then the `k` hidden layers with the highest, or lowest, ratio of mean |h| to
    mean |noise| are chosen once. Each step has two more passes, in which what they give has noise of a spread that
    follows its median and deviations; the loss is alpha · loss + (1 - alpha) · the mean of D(clean, noisy) + lam ·
    D(noisy, other noisy). D is KL of logits, and the mean square of pictures. Nothing of it is left at evaluation. The
    MACs that a training counts are those of the pass without noise.

    Hidden are the convolutions and linear layers that a pass calls, all but its last, in its order; torch's own
    attention calls no projection. Figures: the least and the largest ratio among the chosen layers, their first and
    last place, and `noisefit_covers`, the share of all weights that are in layers to choose of.
    """

    name = "noisefit"

    def __init__(
        self,
        *,
        k: Annotated[int, Ge(1)] = 3,
        snr: Literal["high", "low"] = "high",
        s0: Annotated[float, Gt(0)] = 0.1,
        beta: Annotated[float, Ge(0)] = 0.1,
        alpha: Annotated[float, Ge(0), Le(1)] = 0.5,
        lam: Annotated[float, Ge(0)] = 0.1,
        start: Annotated[float, Ge(0), Lt(1)] = 0.5,
    ) -> None:
        self.k, self.snr, self.s0, self.beta = k, snr, s0, beta
        self.alpha, self.lam = alpha, lam
        self.chosen: list[int] = []
        self.ratios: list[float] = []
        self._pass = SeenPass(self.name, start)

    def prepare(self, net: Any, given: Sequence[int]) -> Any:
        """The hidden layers; the network stays as it is. Raises `UsageError` where there are fewer than `k`."""
        matrices = weight_matrices(net, given)
        hidden = hidden_layers(net, matrices, self.name)
        self.net, self.share = net, covered_share(hidden, matrices)
        self.layers = [net.get_submodule(one.module) for one in hidden]
        if self.k > len(self.layers):
            raise nb.UsageError(
                f"part {self.name}: k={self.k} is above the {len(self.layers)} hidden layers: give a smaller k"
            )
        return net

    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """Note what the network is given and gives in this step; the batch as it is."""
        self._pass.watch(self.net, step, steps)
        return batch

    def loss(self, net: Any, value: Any, step: int, steps: int) -> Any:
        """The hybrid loss, of the loss of the pass without noise."""
        if (seen := self._pass.take()) is None:
            return value
        inputs, clean = seen
        if not self.chosen:
            self._choose(net, inputs)
        with changed([self.layers[place] for place in self.chosen], self._noisy):
            one, other = passed(net, inputs), passed(net, inputs)
        apart = (divergence(clean, one) + divergence(clean, other)) / 2
        return self.alpha * value + (1 - self.alpha) * apart + self.lam * divergence(other, one)

    def _noisy(self, layer: Any, features: Any) -> Any:
        return features + torch.randn_like(features) * spread(features, self.s0, self.beta, channel_axis(layer))

    def _choose(self, net: Any, inputs: Any) -> None:
        ratios: dict[Any, float] = {}

        def look(layer: Any, features: Any) -> None:
            noise = [(self._noisy(layer, features) - features).abs().mean() for _ in range(_PASSES)]
            ratios[layer] = float(features.abs().mean() / (torch.stack(noise).mean() + _SMALL))

        with torch.no_grad(), changed(self.layers, look):
            passed(net, inputs)
        if len(ratios) < self.k:
            raise nb.UsageError(
                f"part {self.name}: k={self.k} is above the {len(ratios)} hidden layers in use: give a smaller k"
            )
        order = sorted(ratios, key=lambda layer: ratios[layer], reverse=self.snr == "high")
        self.chosen = sorted(self.layers.index(layer) for layer in order[: self.k])
        self.ratios = [ratios.get(layer, 0.0) for layer in self.layers]

    def state(self) -> dict[str, Any]:
        """Which layers were chosen, and by which ratios."""
        return {"chosen": list(self.chosen), "ratios": list(self.ratios)}

    def load(self, state: dict[str, Any]) -> None:
        """Go on with the layers that were chosen."""
        self.chosen, self.ratios = list(state["chosen"]), list(state["ratios"])

    def figures(self) -> dict[str, float]:
        """The least and the largest ratio among the chosen layers, their first and last place, and the share."""
        if not self.chosen:
            return {}
        ratios = [self.ratios[place] for place in self.chosen]
        return {
            "noisefit_snr_least": min(ratios),
            "noisefit_snr_largest": max(ratios),
            "noisefit_first_layer": float(self.chosen[0] + 1),
            "noisefit_last_layer": float(self.chosen[-1] + 1),
            "noisefit_covers": self.share,
        }
