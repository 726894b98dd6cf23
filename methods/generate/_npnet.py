"""The network of Golden Noise: noise and a class → the same noise, moved to where samples of the class are better."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

_WIDTH, _DEPTH, _HEADS = 64, 2, 4
_MOST = 64
"""Squares that the attention sees, at most."""
Parts = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def decomposed(noise: Any) -> Parts:
    """Left vectors (N, C H, k) of noise (N, C, H, W), its channels one below the other, singular values, right ones.

    A left vector's largest value is positive: its sign means nothing, and would differ by library.
    """
    left_vectors, values, right_vectors = torch.linalg.svd(noise.flatten(1, 2), full_matrices=False)
    sign = left_vectors.gather(1, left_vectors.abs().argmax(dim=1, keepdim=True)).sign()
    return left_vectors * sign, values, right_vectors * sign.mT


class _SingularValues(nn.Module):
    """How much each singular value should change, by attention among the singular vectors; nothing at first."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        channels, height, width = shape
        count = min(channels * height, width)
        self.of_left, self.of_right = _perceptron(channels * height, _WIDTH), _perceptron(width, _WIDTH)
        self.of_values = nn.Linear(count, _WIDTH)
        self.attention = nn.MultiheadAttention(_WIDTH, _HEADS, batch_first=True)
        self.change = _perceptron(_WIDTH, count)
        nn.init.zeros_(self.change[-1].weight)
        nn.init.zeros_(self.change[-1].bias)

    def forward(self, parts: Parts) -> Any:
        left_vectors, values, right_vectors = parts
        tokens = self.of_left(left_vectors.mT) + self.of_right(right_vectors) + self.of_values(values)[:, None]
        seen, _ = self.attention(tokens, tokens, tokens, need_weights=False)
        return left_vectors * (values + self.change(seen.mean(dim=1)))[:, None] @ right_vectors


class _Squares(nn.Module):
    """A transformer among squares of the picture, as many values as it is given."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        channels, height, width = shape
        self.side = 2
        while math.ceil(height / self.side) * math.ceil(width / self.side) > _MOST:
            self.side *= 2
        places = math.ceil(height / self.side) * math.ceil(width / self.side)
        self.into = nn.Conv2d(channels, _WIDTH, self.side, stride=self.side)
        self.positions = nn.Parameter(0.02 * torch.randn(1, places, _WIDTH))
        self.blocks = nn.Sequential(
            *(
                nn.TransformerEncoderLayer(_WIDTH, _HEADS, 2 * _WIDTH, 0.0, "gelu", batch_first=True, norm_first=True)
                for _ in range(_DEPTH)
            )
        )
        self.out = nn.ConvTranspose2d(_WIDTH, channels, self.side, stride=self.side)

    def forward(self, x: Any) -> Any:
        height, width = x.shape[-2:]
        y = self.into(F.pad(x, (0, -width % self.side, 0, -height % self.side)))
        rows = self.blocks(y.flatten(2).mT + self.positions)
        return self.out(rows.mT.reshape(y.shape))[..., :height, :width]


class NPNet(nn.Module):
    """Noise (N, C, H, W) of one shape and classes (N,), -1 for none → noise, the same before it has learned.

    SVD(z) + (2 sigmoid(a) - 1) e + b T(z + e): the noise z with other singular values, its embedding e and what a
    transformer T makes of both, by numbers a and b that are 0 at first. The embedding is z, normalised, scaled and
    shifted by the class at every value; of no class, by the mean of all.
    """

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.classes = nn.Parameter(torch.randn(classes, _WIDTH))
        self.told = nn.Linear(_WIDTH, 2 * math.prod(shape))
        self.values, self.squares = _SingularValues(shape), _Squares(shape)
        self.a, self.b = nn.Parameter(torch.zeros(())), nn.Parameter(torch.zeros(()))

    def embedded(self, noise: Any, labels: Any) -> Any:
        """The noise as the class has it."""
        known = torch.where((labels < 0)[:, None], self.classes.mean(dim=0), self.classes[labels.clamp(min=0)])
        scale, shift = (one.reshape(noise.shape) for one in self.told(known).chunk(2, dim=1))
        return F.group_norm(noise, 1) * (1 + scale) + shift

    def forward(self, noise: Any, labels: Any, parts: Parts | None = None) -> Any:
        """`parts` are those of `decomposed(noise)`, where they are known."""
        embedding = self.embedded(noise, labels)
        kept = self.values(decomposed(noise) if parts is None else parts).reshape(noise.shape)
        return kept + (2 * self.a.sigmoid() - 1) * embedding + self.b * self.squares(noise + embedding)


def _perceptron(into: int, out: int) -> Any:
    return nn.Sequential(nn.Linear(into, _WIDTH), nn.ReLU(), nn.Linear(_WIDTH, out))
