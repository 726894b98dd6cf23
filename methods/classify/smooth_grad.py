from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Gt, Le
from noisebench.methods.classify._explaining import differentiable, input_gradients, logits_of


@nb.method("smooth_grad", track="classify", explains=True, cite="D. Smilkov et al., SmoothGrad: removing noise by "
           "adding noise, ICML workshop 2017")  # fmt: skip
class SmoothGrad:
    """SmoothGrad: the gradient by each pixel as its mean over noisy copies of the picture.

    method: any classifier with a torch network. sigma: the noise of `n` copies, of 255; the authors have 10 to 20 % of
    the range of values. The map is the size of the mean, of the channel where it is largest.
    """

    def __init__(
        self,
        *,
        method: nb.MethodSpec,
        sigma: Annotated[float, Gt(0), Le(1000)] = 38.0,
        n: Annotated[int, Ge(1), Le(10_000)] = 16,
    ) -> None:
        self.inner = differentiable(method)
        self.sigma, self.n = sigma / 255, n

    def setup(self, device: Any) -> None:
        """Set up the classifier within. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def classify(self, picture: Any, info: Any) -> Any:
        """(1, C, H, W) → logits (K,) of the picture itself and maps (K, H, W)."""
        import torch

        total: Any = 0
        for _ in range(self.n):
            noise = torch.randn(picture.shape, generator=info.generator).to(picture.device)
            total = total + input_gradients(self.inner, picture + self.sigma * noise, info)[1]
        logits = logits_of(self.inner, picture.detach().clone().requires_grad_(), info)
        return logits, (total / self.n).abs().amax(dim=1)
