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
        # Not nn.TransformerEncoder: its layers are copies, which begin with the same weights.
        self.blocks = nn.Sequential(
            *(
                nn.TransformerEncoderLayer(dim, heads, 4 * dim, 0.0, "gelu", batch_first=True, norm_first=True)
                for _ in range(depth)
            )
        )
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, classes)

    def forward(self, x: Any) -> Any:
        if x.shape[1:] != self.given:
            raise nb.UsageError(f"arch vit has positions for pictures of {self.given}, not {tuple(x.shape[1:])}")
        height, width = x.shape[-2:]
        y = self.patches(F.pad(x, (0, -width % self.side, 0, -height % self.side)))
        y = self.blocks(y.flatten(2).transpose(1, 2) + self.positions)
        return self.head(self.norm(y).mean(dim=1))
