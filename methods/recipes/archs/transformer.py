from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from torch import nn

_DEVIATION = 0.02


def _refuse_uneven_heads(dim: int, heads: int) -> None:
    if dim % heads:
        raise nb.UsageError(
            f"arch transformer: dim={dim} is no multiple of heads={heads}: give dim={dim - dim % heads or heads}, "
            "or other heads"
        )


class CausalAttention(nn.Module):
    """Attention of `heads` heads of vectors (N, T, D) to those before them; its four matrices are linear layers."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(dim, dim) for _ in range(4))

    def forward(self, x: Any) -> Any:
        query, key, value = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        attended = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out(attended.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention, then two layers of 4 `dim`; each is normalised before and added."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(dim), CausalAttention(dim, heads)
        self.norm2, self.linear1, self.linear2 = nn.LayerNorm(dim), nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x: Any) -> Any:
        x = x + self.attention(self.norm1(x))
        return x + self.linear2(F.gelu(self.linear1(self.norm2(x))))


@nb.arch("transformer", cite="A. Radford et al., Language models are unsupervised multitask learners, 2019")
@nb.checked(_refuse_uneven_heads)
class Transformer(nn.Module):
    """A transformer of text, as GPT-2: each character attends to itself and those before it, and the next is predicted.

    `dim` values a character, with learned positions; `depth` blocks of `heads` heads normalise before attention and
    before the two layers of 4 `dim`. Weights begin normal with deviation 0.02, at the end of a branch with that by
    √(2 depth). The last layer has weights of its own. Places in an alphabet (T,) → logits (K, T); fewer characters
    than T are taken too.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        dim: Annotated[int, Ge(1), Le(4096)] = 64,
        depth: Annotated[int, Ge(1), Le(100)] = 2,
        heads: Annotated[int, Ge(1), Le(64)] = 4,
    ) -> None:
        super().__init__()
        if len(given) != 1 or len(wanted) != 2 or given[0] != wanted[1]:
            raise nb.UsageError(
                "arch transformer takes characters (T,) and gives logits (K, T), "
                f"not {tuple(given)} to {tuple(wanted)}: train it in the track text"
            )
        self.characters = nn.Embedding(wanted[0], dim)
        self.positions = nn.Parameter(torch.empty(given[0], dim))
        self.blocks = nn.Sequential(*(Block(dim, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, wanted[0])
        for name, values in self.named_parameters():
            if values.ndim > 1:
                last = name.endswith(("out.weight", "linear2.weight"))
                nn.init.normal_(values, std=_DEVIATION / math.sqrt(2 * depth) if last else _DEVIATION)
            elif name.endswith("bias"):
                nn.init.zeros_(values)

    def forward(self, x: Any) -> Any:
        if x.shape[1] > len(self.positions):
            raise nb.UsageError(
                f"arch transformer has positions for {len(self.positions)} characters, not {x.shape[1]}"
            )
        y = self.blocks(self.characters(x.long()) + self.positions[: x.shape[1]])
        return self.head(self.norm(y)).transpose(1, 2)
