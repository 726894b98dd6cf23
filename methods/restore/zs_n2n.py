from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Gt, Le
from noisebench.methods.restore._draws import drawn_seed
from noisebench.methods.restore._training import fitted


@nb.method("zs_n2n", blind=True, zero_shot=True, cite="Y. Mansour, R. Heckel, Zero-shot Noise2Noise, CVPR 2023")
class ZeroShotNoise2Noise:
    """Zero-Shot Noise2Noise: a small network that maps one half of the pixels of a picture to the other half, and back.

    The halves are means of the two diagonals of each 2x2 cell, so their noise is independent where that of pixels is.
    Three convolutions of so many channels foretell the noise; the loss is that of both ways, and that the halves of the
    denoised picture are the denoised halves. The rate is halved for the last quarter of the steps. Nothing is read from
    `info` but draws. An odd last row or column is left out of the training alone.
    """

    def __init__(
        self,
        *,
        channels: Annotated[int, Ge(1), Le(1024)] = 48,
        steps: Annotated[int, Ge(1), Le(1_000_000)] = 2000,
        lr: Annotated[float, Gt(0), Le(1)] = 0.001,
    ) -> None:
        self.channels, self.steps, self.lr = channels, steps, lr

    def setup(self, device: Any) -> None:
        """Nothing is loaded."""

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, C, H, W) → the same, of two rows and columns or more."""
        import torch

        _, planes, height, width = noisy.shape
        if min(height, width) < 2:
            raise nb.Skip("zs_n2n needs two rows and two columns")
        even = noisy[:, :, : height // 2 * 2, : width // 2 * 2]
        first, second = _halves(even)

        def loss(net: Any, step: int) -> Any:
            one, other = first - net(first), second - net(second)
            whole_first, whole_second = _halves(even - net(even))
            both = (one - second).square().mean() + (other - first).square().mean()
            same = (one - whole_first).square().mean() + (other - whole_second).square().mean()
            return (both + same) / 2

        net = fitted(
            lambda: _network(planes, self.channels),
            loss,
            steps=self.steps,
            lr=self.lr,
            seed=drawn_seed(info),
            device=noisy.device,
            tell=info.progress,
            fall=lambda done: 0.5 if done >= 0.75 else 1.0,
        )
        with torch.no_grad():
            return noisy - net(noisy)


def _network(planes: int, channels: int) -> Any:
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(planes, channels, 3, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(channels, planes, 1),
    )


def _halves(y: Any) -> Any:
    """The means of the two diagonals of each cell of 2x2 pixels."""
    return (
        (y[:, :, ::2, ::2] + y[:, :, 1::2, 1::2]) / 2,
        (y[:, :, ::2, 1::2] + y[:, :, 1::2, ::2]) / 2,
    )
