from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Gt, Le
from noisebench.methods.classify._explaining import logits_of, network_within, refuse_without_maps


@nb.method("after_step", track="classify", layout="hwc", explains=True, cite="S.-A. Rebuffi, R. Fong, X. Ji, A. "
           "Vedaldi, There and back again: revisiting backpropagation saliency methods, CVPR 2020")  # fmt: skip
@nb.checked(refuse_without_maps)
class AfterStep:
    """Maps after a step of training: those of each class once the network has learned the picture as it.

    method: any method that explains, around one torch network. For each class the weights go one step of plain gradient
    descent down the cross-entropy of that class at the picture, `rate` long; the map of the class is that of the
    changed network. Logits are those before (the meta-saliency of the authors, by whom the step makes maps more
    sensitive to the class).
    """

    def __init__(self, *, method: nb.MethodSpec, rate: Annotated[float, Gt(0), Le(10)] = 0.001) -> None:
        self.inner, self.rate = nb.Classifier(method), rate

    def setup(self, device: Any) -> None:
        """Set up the method within. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def classify(self, picture: Any, info: Any) -> Any:
        """float32 (H, W, C) → logits (K,) and maps (K, H, W)."""
        caller, net = network_within("after_step", self.inner)
        logits, _ = self.inner.explain(picture, info)
        maps = []
        for label in info.each(range(info.classes)):
            with stepped(caller, net, picture, info, label, self.rate):
                maps.append(self.inner.explain(picture, info)[1][0][label])
        return logits, np.stack(maps)


@contextmanager
def stepped(caller: nb.Classifier, net: Any, picture: Any, info: Any, label: int, rate: float) -> Iterator[None]:
    """While it is open, the weights of `net` are a step further down the cross-entropy of `label` at the picture."""
    import torch

    weights = [(one, one.requires_grad) for one in net.parameters() if one.is_floating_point()]
    before = [one.detach().clone() for one, _ in weights]
    try:
        for one, _ in weights:
            one.requires_grad_(True)
        loss = -torch.log_softmax(logits_of(caller, caller.prepare(picture), info), dim=0)[label]
        gradients = torch.autograd.grad(loss, [one for one, _ in weights], allow_unused=True)
        for (one, trained), step in zip(weights, gradients, strict=True):
            one.requires_grad_(trained)
            if step is not None:
                one.data.sub_(rate * step)
        yield
    finally:
        for (one, trained), values in zip(weights, before, strict=True):
            one.requires_grad_(trained)
            one.data.copy_(values)
