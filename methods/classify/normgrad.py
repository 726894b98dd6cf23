from __future__ import annotations

from typing import Any, Literal

import noisebench as nb
from noisebench.methods.classify._explaining import Layer, Layers, combined, differentiable, layers_of

Variant = Literal["conv1x1", "conv3x3", "scaling", "bias"]
Aggregation = Literal["norm", "positive_norm", "sum", "max"]


@nb.method("normgrad", track="classify", explains=True, cite="S.-A. Rebuffi, R. Fong, X. Ji, A. Vedaldi, There and "
           "back again: revisiting backpropagation saliency methods, CVPR 2020")  # fmt: skip
class NormGrad:
    """NormGrad: saliency as the size of what each place adds to the gradient of a layer that changes nothing.

    method: any classifier with a torch network. Behind each of `layers` imagine an identity: a convolution of 1 x 1 or
    3 x 3, a scaling of channels, or a bias. Place u adds to the gradient of its weights x_u g_uᵀ, of activations
    there and the gradient of the logit by them (3 x 3: of the activations around u; scaling: x_u g_u; bias: g_u). The
    map is the Frobenius norm of that, the norm of its positive part, its sum, or its largest value. Maps of several
    layers, each by its own range on [0, 1], are multiplied. Layers go by the path of a module, or are counted: 1 is the
    last that gives maps of the first size, -1 of the last size, 0 the picture.

    `variant=scaling, aggregation=sum` is the linear approximation, `layers=(0,), variant=bias` the gradient by pixels.
    """

    def __init__(
        self,
        *,
        method: nb.MethodSpec,
        layers: Layers = (-2, -1),
        variant: Variant = "conv1x1",
        aggregation: Aggregation = "norm",
    ) -> None:
        self.inner = differentiable(method)
        self.layers, self.variant, self.aggregation = layers, variant, aggregation

    def setup(self, device: Any) -> None:
        """Set up the classifier within. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def classify(self, picture: Any, info: Any) -> Any:
        """(1, C, H, W) → logits (K,) and maps (K, H, W)."""
        logits, layers = layers_of("normgrad", self.inner, picture, info, self.layers)
        maps = [contributions(layer, self.variant, self.aggregation) for layer in layers]
        return logits, combined(maps, picture.shape[2:])


def contributions(layer: Layer, variant: Variant, aggregation: Aggregation) -> Any:
    """What each place adds to the gradient of the weights of an identity behind a layer, aggregated: (K, h, w)."""
    import torch

    x, g = layer.x[None], layer.g
    if variant in ("bias", "scaling"):
        terms = g if variant == "bias" else x * g
        if aggregation == "sum":
            return terms.sum(dim=1)
        if aggregation == "max":
            return terms.amax(dim=1)
        return (terms.clamp_min(0) if aggregation == "positive_norm" else terms).norm(dim=1)
    if variant == "conv3x3":
        x = torch.nn.functional.unfold(x, 3, padding=1).reshape(1, -1, *x.shape[2:])
    # Of an outer product all of this is known without making it.
    if aggregation == "norm":
        return x.norm(dim=1) * g.norm(dim=1)
    if aggregation == "sum":
        return x.sum(dim=1) * g.sum(dim=1)
    if aggregation == "max":
        ends = [a * b for a in (x.amin(dim=1), x.amax(dim=1)) for b in (g.amin(dim=1), g.amax(dim=1))]
        return torch.stack(ends).amax(dim=0)
    up = x.clamp_min(0).norm(dim=1) * g.clamp_min(0).norm(dim=1)
    down = x.clamp_max(0).norm(dim=1) * g.clamp_max(0).norm(dim=1)
    return torch.hypot(up, down)
