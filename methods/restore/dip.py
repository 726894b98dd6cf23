from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Gt, Le, Lt
from noisebench.methods.restore._draws import drawn_seed
from noisebench.methods.restore._hourglass import hourglass
from noisebench.methods.restore._training import fitted

_CHANNELS, _AMPLITUDE = 32, 0.1
"""Of the fixed input, uniform."""
_CHECKS = 100
"""How often held pixels are looked at."""


@nb.method("dip", blind=True, zero_shot=True, cite="D. Ulyanov, A. Vedaldi, V. Lempitsky, Deep image prior, CVPR 2018")
class DeepImagePrior:
    """Deep image prior: a network fitted to the noisy picture from fixed noise, and stopped before it learns the noise.

    Its input is moved by normal noise of deviation `jitter` each step, and what it gives is the running mean of its
    outputs with factor `smooth`. held: a share of pixels that is kept out of the loss; of a hundred looks the picture
    is taken that is nearest to the noisy one there, which needs noise that is independent from pixel to pixel. 0 takes
    the last, and then `steps` decides how much noise is learned. Nothing is read from `info` but draws.
    """

    def __init__(
        self,
        *,
        steps: Annotated[int, Ge(1), Le(1_000_000)] = 2000,
        lr: Annotated[float, Gt(0), Le(1)] = 0.01,
        width: Annotated[int, Ge(1), Le(1024)] = 32,
        depth: Annotated[int, Ge(1), Le(8)] = 4,
        held: Annotated[float, Ge(0), Lt(1)] = 0.1,
        jitter: Annotated[float, Ge(0), Le(10)] = 1 / 30,
        smooth: Annotated[float, Ge(0), Lt(1)] = 0.97,
    ) -> None:
        self.steps, self.lr, self.width, self.depth = steps, lr, width, depth
        self.held_out, self.jitter, self.smooth = held, jitter, smooth

    def setup(self, device: Any) -> None:
        """Nothing is loaded."""

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, C, H, W) → the same."""
        import torch

        _, planes, height, width = noisy.shape
        if height * width == 1:
            raise nb.Skip("dip needs two pixels")

        def draw(*shape: int) -> Any:
            return torch.rand(*shape, generator=info.generator).to(noisy.device)

        start = _AMPLITUDE * draw(1, _CHANNELS, height, width)
        kept_out = (draw(1, 1, height, width) < self.held_out).to(noisy.dtype)
        looks = max(1, self.steps // _CHECKS)
        mean = torch.zeros_like(noisy)
        best, least = noisy, float("inf")

        def error(picture: Any, weight: Any) -> Any:
            return (weight * (picture - noisy).square()).sum() / (weight.sum() * planes).clamp(min=1)

        def loss(net: Any, step: int) -> Any:
            nonlocal mean, best, least
            output = net(start + self.jitter * torch.randn_like(start))
            mean = output.detach() if step == 0 else self.smooth * mean + (1 - self.smooth) * output.detach()
            if (step + 1) % looks == 0 or step + 1 == self.steps:
                held_out_error = float(error(mean, kept_out))
                if self.held_out == 0 or held_out_error < least:
                    best, least = mean, held_out_error
            return error(output, 1 - kept_out)

        fitted(
            lambda: hourglass(_CHANNELS, planes, self.width, self.depth),
            loss,
            steps=self.steps,
            lr=self.lr,
            seed=drawn_seed(info),
            device=noisy.device,
            tell=info.progress,
        )
        return best
