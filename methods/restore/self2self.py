from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Gt, Le, Lt
from noisebench.methods.restore._draws import drawn_seed
from noisebench.methods.restore._hourglass import hourglass
from noisebench.methods.restore._training import fitted


@nb.method(
    "self2self",
    blind=True,
    zero_shot=True,
    cite="Y. Quan et al., Self2Self with dropout: learning self-supervised denoising from single image, CVPR 2020",
)
class Self2Self:
    """Self2Self: a network that is trained to foretell dropped pixels of the one picture, and averaged over dropout.

    Each step `drop` of the pixels are set to 0, in a picture that is flipped at random, and the loss is on those alone;
    convolutions on the way up lose as large a share of their values. The picture is the mean of `samples` such
    predictions. Needs noise that is independent from pixel to pixel. The authors take 150,000 steps and partial
    convolutions, which this network does without. Nothing is read from `info` but draws.
    """

    def __init__(
        self,
        *,
        steps: Annotated[int, Ge(1), Le(1_000_000)] = 3000,
        lr: Annotated[float, Gt(0), Le(1)] = 0.002,
        width: Annotated[int, Ge(1), Le(1024)] = 32,
        depth: Annotated[int, Ge(1), Le(8)] = 4,
        drop: Annotated[float, Gt(0), Lt(1)] = 0.3,
        samples: Annotated[int, Ge(1), Le(10_000)] = 50,
    ) -> None:
        self.steps, self.lr, self.width, self.depth = steps, lr, width, depth
        self.drop, self.samples = drop, samples

    def setup(self, device: Any) -> None:
        """Nothing is loaded."""

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, C, H, W) → the same."""
        import torch

        planes, shape = noisy.shape[1], noisy.shape[-2:]
        if shape.numel() == 1:
            raise nb.Skip("self2self needs two pixels")
        flips = ((), (2,), (3,), (2, 3))

        def draw_mask() -> Any:
            """1 where a pixel is left, 0 where it is dropped."""
            return (torch.rand(1, 1, *shape) >= self.drop).to(noisy)

        def loss(net: Any, step: int) -> Any:
            picture = noisy.flip(flips[int(torch.randint(4, ()))])
            mask = draw_mask()
            wrong = (1 - mask) * (net(picture * mask) - picture).square()
            return wrong.sum() / ((1 - mask).sum() * planes).clamp(min=1)

        net = fitted(
            lambda: hourglass(planes, planes, self.width, self.depth, self.drop),
            loss,
            steps=self.steps,
            lr=self.lr,
            seed=drawn_seed(info),
            device=noisy.device,
            tell=info.progress,
            fall=lambda done: 0.1 if done >= 0.8 else 1.0,
        )
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(drawn_seed(info))
            return sum(net(noisy * draw_mask()) for _ in range(self.samples)) / self.samples
