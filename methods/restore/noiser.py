from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Gt, Le
from noisebench.methods.restore._training import fitted

_VERSION = 1
"""Of the training: raised where the same choices would give another network."""
_RATE, _BETAS = 2e-4, (0.5, 0.999)


@nb.method(
    "noiser",
    blind=True,
    enhances=True,
    cite="NoiSER: noise is all you need for low-light image enhancement, arXiv 2211.04700",
)
class NoiSER:
    """NoiSER: a tiny network that learned to reproduce noise; what it cannot reproduce, the darkness, it takes away.

    Two 3x3 convolutions of so many channels with instance norm, GELU and tanh between [-1, 1] and [-1, 1] are trained
    for L1 and total variation on normal noise of deviation sigma, clamped; no picture is needed. The norm, whose
    statistics are those of each picture, brings any brightness near the middle: a dark picture becomes brighter, an
    over-exposed one darker, and a night scene grey. Trained at setup, a minute of one core, and kept in the cache. A
    grey picture is given as three equal channels and the mean of three is taken.
    """

    def __init__(
        self,
        *,
        channels: Annotated[int, Ge(1), Le(1024)] = 32,
        sigma: Annotated[float, Gt(0), Le(100)] = 3.0,
        steps: Annotated[int, Ge(1), Le(1_000_000)] = 2000,
        crop: Annotated[int, Ge(8), Le(4096)] = 104,
        seed: Annotated[int, Ge(0)] = 0,
    ) -> None:
        self.channels, self.sigma, self.steps, self.crop, self.seed = channels, sigma, steps, crop, seed

    def setup(self, device: Any) -> None:
        """Train the network, or take it from the cache."""
        import torch

        choices = (self.channels, self.sigma, self.steps, self.crop, self.seed)
        made_of = (f"noiser@{_VERSION}", str(choices), f"torch {torch.__version__}", str(device))
        weights = nb.made_once("noiser", made_of, lambda say: self._trained(device, say))
        self.net = _network(self.channels)
        self.net.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
        self.net = self.net.eval().requires_grad_(False).to(device)

    def _trained(self, device: Any, say: Any) -> dict[str, Any]:
        import torch

        def loss(net: Any, step: int) -> Any:
            noise = (self.sigma * torch.randn(1, 3, self.crop, self.crop)).clamp(-1, 1).to(device)
            output = net(noise)
            return (output - noise).abs().mean() + _variation(output)

        net = fitted(
            lambda: _network(self.channels),
            loss,
            steps=self.steps,
            lr=_RATE,
            seed=self.seed,
            device=device,
            tell=say,
            betas=_BETAS,
        )
        return {name: value.cpu().numpy() for name, value in net.state_dict().items()}

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, C, H, W) → the same, C 1 or 3."""
        channels = noisy.shape[1]
        if channels not in (1, 3):
            raise nb.Skip(f"noiser is for grey or RGB pictures, not {channels} channels")
        if noisy.shape[2] * noisy.shape[3] == 1:
            raise nb.Skip("noiser needs two pixels, for its norm is by their deviation")
        out = (self.net(noisy.expand(-1, 3, -1, -1) * 2 - 1) + 1) / 2
        return out if channels == 3 else out.mean(dim=1, keepdim=True)


def _network(channels: int) -> Any:
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, channels, 3, padding=1),
        nn.InstanceNorm2d(channels),
        nn.GELU(),
        nn.Conv2d(channels, 3, 3, padding=1),
        nn.Tanh(),
    )


def _variation(picture: Any) -> Any:
    """The squared differences to the pixels below and to the right, summed, over the number of values."""
    down, right = picture.diff(dim=2), picture.diff(dim=3)
    return (down.square().sum() + right.square().sum()) / picture.numel()
