from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.methods.classify._explaining import differentiable, input_gradients


@nb.method("gradient", track="classify", explains=True, cite="K. Simonyan, A. Vedaldi, A. Zisserman, Deep inside "
           "convolutional networks: visualising image classification models and saliency maps, ICLR 2014")  # fmt: skip
class Gradient:
    """The gradient of a class's logit by each pixel: its size, of the channel where it is largest.

    method: any classifier with a torch network.
    """

    def __init__(self, *, method: nb.MethodSpec) -> None:
        self.inner = differentiable(method)

    def setup(self, device: Any) -> None:
        """Set up the classifier within. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def classify(self, picture: Any, info: Any) -> Any:
        """(1, C, H, W) → logits (K,) and maps (K, H, W)."""
        logits, gradients = input_gradients(self.inner, picture, info)
        return logits, gradients.abs().amax(dim=1)
