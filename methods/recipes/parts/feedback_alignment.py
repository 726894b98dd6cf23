from __future__ import annotations

import copy
from typing import Any

import noisebench as nb
import torch
import torch.nn.functional as F
from noisebench.recipes.parts._own_forward import refuse_replaced
from torch import nn


class _Joined(torch.autograd.Function):
    """The first of two equal shapes; both get its gradient."""

    @staticmethod
    def forward(ctx: Any, value: Any, path: Any) -> Any:
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        return gradient, gradient


_joined: Any = _Joined.apply


@nb.part(
    "feedback_alignment",
    cite="T. P. Lillicrap et al., Random synaptic feedback weights support error backpropagation for deep learning, "
    "Nature Communications 7, 2016",
)
class FeedbackAlignment:
    """Feedback alignment: gradients go back through fixed random weights in place of those that are used.

    Of linear layers and convolutions. Each has weights for the way back, drawn as its own are at the beginning, which
    stay as they are; what a layer gives, and the gradient of its weights for the gradient that reaches it, are those of
    the layer. Their order decides only which of them gets which draws: it is that of definition. A rival of methods
    that need no back-propagation: gradients still pass all layers.
    """

    def prepare(self, net: Any) -> Any:
        """Layers with a way back. Raises `UsageError` where there are none, or another part has their `forward`."""
        layers: list[Any] = [layer for layer in net.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
        if not layers:
            raise nb.UsageError(
                "part feedback_alignment: the network has no convolution or linear layer: leave out the part"
            )
        refuse_replaced("feedback_alignment", layers)
        for layer in layers:
            back = copy.deepcopy(layer)
            back.reset_parameters()
            layer.register_buffer("feedback", back.weight.detach().clone(), persistent=False)
            layer.forward = _with_feedback(layer, layer.forward)
        return net


def _with_feedback(layer: Any, original: Any) -> Any:
    """What a layer gives, by its own `forward`, with gradients that go back through its feedback."""
    linear = isinstance(layer, nn.Linear)

    def forward(x: Any) -> Any:
        value = original(x.detach())
        if not (torch.is_grad_enabled() and x.requires_grad):
            return value
        return _joined(value, F.linear(x, layer.feedback) if linear else layer._conv_forward(x, layer.feedback, None))

    return forward
