"""Inception-v3 in the TensorFlow port of 2015 as a function of its published tensors: what FID means by features."""

from __future__ import annotations

from typing import Any

from ...data.checkpoints import Tensors
from .lite0 import folded

_EPS = 1e-3


class Inception:
    """Batches (n, 3, 299, 299) on 0–255 → the 2048 pooled features, (n, 2048) float32. Input (x − 128)/128.

    Szegedy et al. 2015 with the two departures of the TensorFlow graph: average pools inside a block do not
    count the padding, and the pool of the last block takes the maximum.
    """

    def __init__(self, tensors: Tensors) -> None:
        names = [k.removesuffix(".conv.weight") for k in tensors if k.endswith(".conv.weight")]
        self._convs = {name: folded(tensors, f"{name}.conv.weight", f"{name}.bn", _EPS) for name in names}

    def __call__(self, batch: Any) -> Any:
        """Features of a float32 batch."""
        import torch
        from torch.nn.functional import max_pool2d

        conv = self._conv
        with torch.inference_mode():
            x = conv("Conv2d_1a_3x3", (batch - 128.0) / 128.0, 2, "valid")
            x = conv("Conv2d_2b_3x3", conv("Conv2d_2a_3x3", x, 1, "valid"))
            x = conv("Conv2d_3b_1x1", max_pool2d(x, 3, 2))
            x = max_pool2d(conv("Conv2d_4a_3x3", x, 1, "valid"), 3, 2)
            for name in ("Mixed_5b", "Mixed_5c", "Mixed_5d"):
                x = self._a(name, x)
            x = self._shrink("Mixed_6a", x, (("branch3x3",), ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3")))
            for name in ("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"):
                x = self._c(name, x)
            x = self._shrink(
                "Mixed_7a",
                x,
                (("branch3x3_1", "branch3x3_2"), ("branch7x7x3_1", "branch7x7x3_2", "branch7x7x3_3", "branch7x7x3_4")),
            )
            x = self._e("Mixed_7c", self._e("Mixed_7b", x, "mean"), "max")
            return x.mean(dim=(2, 3))

    def _conv(self, name: str, x: Any, stride: int = 1, padding: str = "same") -> Any:
        from torch.nn.functional import conv2d

        weight, bias = self._convs[name]
        edges = (weight.shape[2] // 2, weight.shape[3] // 2) if padding == "same" else (0, 0)
        return conv2d(x, weight, bias, stride=stride, padding=edges).relu()

    def _chain(self, name: str, branches: tuple[str, ...], x: Any) -> Any:
        for branch in branches:
            x = self._conv(f"{name}.{branch}", x)
        return x

    def _pooled(self, name: str, x: Any, pool: str = "mean") -> Any:
        from torch.nn.functional import avg_pool2d, max_pool2d

        pooled = avg_pool2d(x, 3, 1, 1, count_include_pad=False) if pool == "mean" else max_pool2d(x, 3, 1, 1)
        return self._conv(f"{name}.branch_pool", pooled)

    def _a(self, name: str, x: Any) -> Any:
        import torch

        five = self._chain(name, ("branch5x5_1", "branch5x5_2"), x)
        three = self._chain(name, ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"), x)
        return torch.cat([self._conv(f"{name}.branch1x1", x), five, three, self._pooled(name, x)], 1)

    def _c(self, name: str, x: Any) -> Any:
        import torch

        seven = self._chain(name, ("branch7x7_1", "branch7x7_2", "branch7x7_3"), x)
        twice = self._chain(name, tuple(f"branch7x7dbl_{i}" for i in range(1, 6)), x)
        return torch.cat([self._conv(f"{name}.branch1x1", x), seven, twice, self._pooled(name, x)], 1)

    def _e(self, name: str, x: Any, pool: str) -> Any:
        import torch

        parts = [self._conv(f"{name}.branch1x1", x)]
        for stem, way in (("branch3x3", ("branch3x3_1",)), ("branch3x3dbl", ("branch3x3dbl_1", "branch3x3dbl_2"))):
            y = self._chain(name, way, x)
            last = f"{name}.{stem}_{len(way) + 1}"
            parts += [self._conv(f"{last}a", y), self._conv(f"{last}b", y)]
        return torch.cat([*parts, self._pooled(name, x, pool)], 1)

    def _shrink(self, name: str, x: Any, branches: tuple[tuple[str, ...], ...]) -> Any:
        """Branches whose last convolution halves the size without padding, and a pool."""
        import torch
        from torch.nn.functional import max_pool2d

        parts = [self._conv(f"{name}.{b[-1]}", self._chain(name, b[:-1], x), 2, "valid") for b in branches]
        return torch.cat([*parts, max_pool2d(x, 3, 2)], 1)
