"""EfficientNet-Lite0 as a function of its published tensors: pooled and mid-level features."""

from __future__ import annotations

from typing import Any

from ...data.checkpoints import Tensors

_EPS = 1e-3
_STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)
_MID = (4, 10)
"""The last blocks at strides 8 and 16: 40 and 112 channels."""


class Lite0:
    """Batches (n, 3, 224, 224) on 0–255 → features (n, 1280), or with `mid` (n, 152), float32.

    Sixteen inverted residual blocks with ReLU6 and without squeeze-and-excitation (Tan and Le 2019, the Lite
    variant), padded as TensorFlow pads; batch norms are folded into the convolutions. Input (x − 127)/128.
    """

    def __init__(self, tensors: Tensors, *, mid: bool = False) -> None:
        fold = {"_conv_stem": "_bn0", "_conv_head": "_bn1"}
        for i in range(len(_STRIDES)):
            block = f"_blocks.{i}."
            fold |= {
                f"{block}{conv}": f"{block}{norm}"
                for conv, norm in (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))
                if f"{block}{conv}.weight" in tensors
            }
        self._convs = {conv: folded(tensors, f"{conv}.weight", norm, _EPS) for conv, norm in fold.items()}
        self._mid = mid

    def __call__(self, batch: Any) -> Any:
        """Features of a float32 batch."""
        import torch

        with torch.inference_mode():
            x = self._conv("_conv_stem", (batch - 127.0) / 128.0, stride=2).clamp(0, 6)
            features = []
            for i, stride in enumerate(_STRIDES):
                x = self._block(f"_blocks.{i}.", x, stride)
                if self._mid and i in _MID:
                    features.append(x.mean(dim=(2, 3)))
            if self._mid:
                return torch.cat(features, dim=1)
            return self._conv("_conv_head", x).clamp(0, 6).mean(dim=(2, 3))

    def _block(self, name: str, x: Any, stride: int) -> Any:
        y = x
        if f"{name}_expand_conv" in self._convs:
            y = self._conv(f"{name}_expand_conv", y).clamp(0, 6)
        y = self._conv(f"{name}_depthwise_conv", y, stride, groups=y.shape[1]).clamp(0, 6)
        y = self._conv(f"{name}_project_conv", y)
        return x + y if stride == 1 and x.shape == y.shape else y

    def _conv(self, name: str, x: Any, stride: int = 1, groups: int = 1) -> Any:
        from torch.nn.functional import conv2d, pad

        weight, bias = self._convs[name]
        edges: list[int] = []
        for size, kernel in ((x.shape[3], weight.shape[3]), (x.shape[2], weight.shape[2])):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            edges += [total // 2, total - total // 2]
        return conv2d(pad(x, edges), weight, bias, stride=stride, groups=groups)


def folded(tensors: Tensors, weight: str, norm: str, eps: float) -> tuple[Any, Any]:
    """Weight and bias of a convolution with the batch norm after it folded in, float32."""
    scale = tensors[f"{norm}.weight"].double() / (tensors[f"{norm}.running_var"].double() + eps).sqrt()
    shift = tensors[f"{norm}.bias"].double() - tensors[f"{norm}.running_mean"].double() * scale
    return (tensors[weight].double() * scale[:, None, None, None]).float(), shift.float()
