from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from noisebench.recipes.archs._classes import channels_and_classes
from torch import nn


def _refuse_uneven_heads(dim: int, heads: int) -> None:
    if dim % heads:
        raise nb.UsageError(
            f"arch vit: dim={dim} is no multiple of heads={heads}: give dim={dim - dim % heads or heads}, "
            "or other heads"
        )


class Attention(nn.Module):
    """Attention of `heads` heads of vectors (N, T, D) to each other; each of its four matrices is a linear layer."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.out = nn.Linear(dim, dim)
        # As in nn.MultiheadAttention: the three are drawn as one matrix, and biases begin at 0.
        drawn = nn.init.xavier_uniform_(torch.empty(3 * dim, dim))
        self.query, self.key, self.value = (
            nn.Linear(dim, dim, device="meta").to_empty(device=drawn.device) for _ in range(3)
        )
        with torch.no_grad():
            for layer, weight in zip((self.query, self.key, self.value), drawn.chunk(3), strict=True):
                layer.weight.copy_(weight)
        for layer in (self.query, self.key, self.value, self.out):
            nn.init.zeros_(layer.bias)

    def forward(self, x: Any) -> Any:
        query, key, value = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        return self.out(F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention, then two layers of 4 `dim`; each is normalised before and added."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.attention = Attention(dim, heads)
        self.linear1, self.linear2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)

    def forward(self, x: Any) -> Any:
        x = x + self.attention(self.norm1(x))
        return x + self.linear2(F.gelu(self.linear1(self.norm2(x))))


@nb.arch("vit", cite="A. Dosovitskiy et al., An image is worth 16x16 words, ICLR 2021")
@nb.checked(_refuse_uneven_heads)
class ViT(nn.Module):
    """ViT: a picture as a row of patches that attend to each other; a classifier.

    Patches of `patch` pixels a side become vectors of `dim` values, with learned positions; `depth` blocks of `heads`
    heads normalise before attention and before the two layers of 4 `dim`; the mean over patches is classified (Beyer
    et al., 2022). A side that is no multiple of `patch` is filled up with zeros. (C, H, W) → (K,).
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        dim: Annotated[int, Ge(1), Le(4096)] = 64,
        depth: Annotated[int, Ge(1), Le(100)] = 4,
        heads: Annotated[int, Ge(1), Le(64)] = 4,
        patch: Annotated[int, Ge(1), Le(256)] = 4,
    ) -> None:
        super().__init__()
        channels, classes = channels_and_classes(given, wanted)
        self.side = patch
        self.given = tuple(given)
        places = -(-given[1] // patch) * -(-given[2] // patch)
        self.patches = nn.Conv2d(channels, dim, patch, stride=patch)
        self.positions = nn.Parameter(0.02 * torch.randn(1, places, dim))
        self.blocks = nn.Sequential(*(Block(dim, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, classes)

    def forward(self, x: Any) -> Any:
        if x.shape[1:] != self.given:
            raise nb.UsageError(f"arch vit has positions for pictures of {self.given}, not {tuple(x.shape[1:])}")
        height, width = x.shape[-2:]
        y = self.patches(F.pad(x, (0, -width % self.side, 0, -height % self.side)))
        y = self.blocks(y.flatten(2).transpose(1, 2) + self.positions)
        return self.head(self.norm(y).mean(dim=1))
