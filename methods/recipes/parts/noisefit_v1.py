from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import noisebench as nb
import torch
from annotated_types import Ge, Gt, Le, Lt
from noisebench.recipes.parts._blocks import channels_along, repeated_blocks
from noisebench.recipes.parts.noisefit import NoiseFit, spread

_V1 = "A. Khadangi et al., Noise augmented fine tuning, 2025; NoiseFiT_v1_manual_snr.py of the authors' code, 48c61c8"
_HALF_NORMAL = math.sqrt(2 / math.pi)
"""Mean magnitude of a normal variable of deviation 1."""


def dosed(features: Any, deviation: Any, ratio: float) -> Any:
    """The deviation scaled so that mean |features| is `ratio` times the mean |noise|."""
    return deviation * features.abs().mean() / (ratio * _HALF_NORMAL * deviation.mean()).clamp(min=1e-30)


@nb.part("noisefit_v1", cite=_V1)
class NoiseFitV1(NoiseFit):
    """NoiseFiT as first released: on the output of blocks, and with s0 squared in what is injected.

    As `noisefit`, of whose ratio the `k` blocks with the highest or lowest are chosen, with s0 as it is; the noise that
    is then injected has s0² in its place, which at 0.1 is a tenth of it. ratio: how many times the noise the signal of
    each chosen block is, mean |h| over mean |noise|, in place of s0: the dose, as our extension. A network without
    blocks, in a list of one class, is refused. Figure beside those of `noisefit`: `noisefit_injected_snr`, that ratio
    in the last step, the least of the chosen blocks.
    """

    name = "noisefit_v1"

    def __init__(
        self,
        *,
        k: Annotated[int, Ge(1)] = 3,
        snr: Literal["high", "low"] = "high",
        s0: Annotated[float, Gt(0)] = 0.1,
        ratio: Annotated[float, Gt(0)] | None = None,
        beta: Annotated[float, Ge(0)] = 0.1,
        alpha: Annotated[float, Ge(0), Le(1)] = 0.5,
        lam: Annotated[float, Ge(0)] = 0.1,
        start: Annotated[float, Ge(0), Lt(1)] = 0.5,
    ) -> None:
        super().__init__(k=k, snr=snr, s0=s0, beta=beta, alpha=alpha, lam=lam, start=start)
        self.ratio = ratio
        self._choosing = False
        self._injected: dict[Any, float] = {}

    def prepare(self, net: Any, given: Sequence[int]) -> Any:
        """The blocks; the network stays as it is. Raises `UsageError` where there are fewer than `k`."""
        self.net, self.layers = net, repeated_blocks(net, given, self.name)
        if self.k > len(self.layers):
            raise nb.UsageError(f"part {self.name}: k={self.k} of {len(self.layers)} blocks: give a smaller k")
        in_blocks = sum(p.numel() for block in self.layers for p in block.parameters())
        self.share = in_blocks / max(sum(p.numel() for p in net.parameters()), 1)
        return net

    def _noisy(self, layer: Any, features: Any) -> Any:
        s0 = self.s0 if self._choosing else self.s0**2
        deviation = spread(features, s0, self.beta, channels_along(features))
        if self.ratio is not None and not self._choosing:
            deviation = dosed(features, deviation, self.ratio)
        noise = torch.randn_like(features) * deviation
        self._injected[layer] = float(features.detach().abs().mean() / noise.detach().abs().mean().clamp(min=1e-30))
        return features + noise

    def _choose(self, net: Any, inputs: Any) -> None:
        self._choosing = True
        try:
            super()._choose(net, inputs)
        finally:
            self._choosing = False

    def figures(self) -> dict[str, float]:
        """Those of `noisefit`, and the ratio of what was injected."""
        injected = [self._injected[self.layers[p]] for p in self.chosen if self.layers[p] in self._injected]
        return super().figures() | ({"noisefit_injected_snr": min(injected)} if injected else {})
