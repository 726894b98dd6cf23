from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.methods.classify._explaining import Layers, combined, differentiable, layers_of


@nb.method("grad_cam", track="classify", explains=True, cite="R. R. Selvaraju et al., Grad-CAM: visual explanations "
           "from deep networks via gradient-based localization, ICCV 2017")  # fmt: skip
class GradCAM:
    """Grad-CAM: the channels of a layer, weighted by the mean gradient of a class's logit by each.

    method: any classifier with a torch network. What speaks against the class is cut off. layers: as of `normgrad`; the
    authors have the last. Maps of several, each by its own range on [0, 1], are multiplied.
    """

    def __init__(self, *, method: nb.MethodSpec, layers: Layers = (-1,)) -> None:
        self.inner, self.layers = differentiable(method), layers

    def setup(self, device: Any) -> None:
        """Set up the classifier within. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def classify(self, picture: Any, info: Any) -> Any:
        """(1, C, H, W) → logits (K,) and maps (K, H, W)."""
        logits, layers = layers_of("grad_cam", self.inner, picture, info, self.layers)
        maps = [(layer.g.mean(dim=(2, 3), keepdim=True) * layer.x).sum(dim=1).clamp_min(0) for layer in layers]
        return logits, combined(maps, picture.shape[2:])
