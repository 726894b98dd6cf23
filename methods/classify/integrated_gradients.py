from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.classify._explaining import differentiable, input_gradients, logits_of


@nb.method("integrated_gradients", track="classify", explains=True, cite="M. Sundararajan, A. Taly, Q. Yan, Axiomatic "
           "attribution for deep networks, ICML 2017")  # fmt: skip
class IntegratedGradients:
    """Integrated gradients: what each pixel adds to a class's logit on the straight way from black to the picture.

    method: any classifier with a torch network. `steps` points in the middles of equal parts of the way. What all
    pixels add is the logit less that of black; the map is its size, the channels of a pixel summed before.
    """

    def __init__(self, *, method: nb.MethodSpec, steps: Annotated[int, Ge(1), Le(10_000)] = 16) -> None:
        self.inner, self.steps = differentiable(method), steps

    def setup(self, device: Any) -> None:
        """Set up the classifier within. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def classify(self, picture: Any, info: Any) -> Any:
        """(1, C, H, W) → logits (K,) and maps (K, H, W)."""
        logits = logits_of(self.inner, picture.detach().clone().requires_grad_(), info)
        return logits, self.attributions(picture, info).sum(dim=1).abs()

    def attributions(self, picture: Any, info: Any) -> Any:
        """What each value of the picture adds to each logit, (K, C, H, W)."""
        total: Any = 0
        for step in range(self.steps):
            total = total + input_gradients(self.inner, picture * ((step + 0.5) / self.steps), info)[1]
        return picture * total / self.steps
