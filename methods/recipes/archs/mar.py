from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from noisebench.recipes.archs._inner_network import channels_kept
from noisebench.recipes.archs._patches import as_tokens, places_of
from noisebench.recipes.archs._pictures import Width
from torch import nn

_WAVES = 32


class _HeadBlock(nn.Module):
    """Norm and two layers, shifted, scaled and weighed by what the head is told; residual."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.layers = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.told = nn.Linear(width, 3 * width)
        nn.init.zeros_(self.told.weight)
        nn.init.zeros_(self.told.bias)

    def forward(self, x: Any, conditions: Any) -> Any:
        shift, scale, share = self.told(conditions).chunk(3, dim=1)
        return x + share * self.layers(self.norm(x) * (1 + scale) + shift)


class _Head(nn.Module):
    """The velocity of a token (M, D) in noise, told its level (M,) and the vector (M, Z) of the transformer."""

    def __init__(self, values: int, vector_width: int, width: int, depth: int) -> None:
        super().__init__()
        self.register_buffer("rates", torch.exp(torch.linspace(0, math.log(64.0), _WAVES)), persistent=False)
        self.of_level = nn.Sequential(nn.Linear(2 * _WAVES, width), nn.SiLU(), nn.Linear(width, width))
        self.of_others = nn.Linear(vector_width, width)
        self.into = nn.Linear(values, width)
        self.blocks = nn.ModuleList(_HeadBlock(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.shifted = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, values)
        for layer in (self.shifted, self.out):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Any, level: Any, vector: Any) -> Any:
        turns = level[:, None] * self.rates
        conditions = F.silu(self.of_level(torch.cat([turns.sin(), turns.cos()], dim=1)) + self.of_others(vector))
        y = self.into(x)
        for block in self.blocks:
            y = block(y, conditions)
        shift, scale = self.shifted(conditions).chunk(2, dim=1)
        return self.out(self.norm(y) * (1 + scale) + shift)


def _refuse_uneven_heads(width: int, heads: int) -> None:
    if width % heads:
        raise nb.UsageError(
            f"arch mar: width={width} is no multiple of heads={heads}: give width={width - width % heads or heads}, "
            "or other heads"
        )


@nb.arch("mar", cite="T. Li et al., Autoregressive image generation without vector quantization, NeurIPS 2024")
@nb.checked(_refuse_uneven_heads)
class MAR(nn.Module):
    """MAR: a transformer tells of each unknown token what the known ones say, and a small head takes noise off it.

    Tokens are squares of `patch` pixels a side; both sides of a picture are multiples of it. width, depth, heads: of
    the transformer, which sees all tokens at their learned places, one learned vector where a token is unknown, and the
    class. head_width, head_depth: of the head, a residual perceptron that sees one noisy token, the level of its noise
    and the vector of the transformer. classes: as many are told apart; 0 knows none. The authors have an encoder of the
    known tokens before a decoder of all, and tokens of an autoencoder; here are one stack, and pixels. Trained with
    `objective=mar`, asked by `disa(model=…)`.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        patch: Annotated[int, Ge(1), Le(256)] = 4,
        width: Width = 64,
        depth: Annotated[int, Ge(1), Le(100)] = 3,
        heads: Annotated[int, Ge(1), Le(64)] = 4,
        head_width: Width = 128,
        head_depth: Annotated[int, Ge(1), Le(100)] = 3,
        classes: Annotated[int, Ge(0), Le(100_000)] = 0,
    ) -> None:
        super().__init__()
        channels = channels_kept(given, wanted, "mar")
        if given[1] % patch or given[2] % patch:
            raise nb.UsageError(f"arch mar: {given[1]} x {given[2]} pixels are no squares of patch={patch} a side")
        self.patch, self.given, self.classes = patch, tuple(given), classes
        self.length, values = given[1] // patch * (given[2] // patch), channels * patch**2
        self.into = nn.Linear(values, width)
        self.unknown = nn.Parameter(0.02 * torch.randn(width))
        self.positions = nn.Parameter(0.02 * torch.randn(self.length, width))
        self.of_class = nn.Embedding(classes + 1, width)  # the last one is that of no class
        # Not nn.TransformerEncoder: its layers are copies, which begin with the same weights.
        self.blocks = nn.Sequential(
            *(
                nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True)
                for _ in range(depth)
            )
        )
        self.norm = nn.LayerNorm(width)
        self.at_head = nn.Parameter(0.02 * torch.randn(self.length, width))
        self.head = _Head(values, width, head_width, head_depth)

    def forward(self, pictures: Any, known: Any = None, labels: Any = None) -> Any:
        """A vector (N, T, width) of each token of pictures (N, C, H, W) on [-1, 1], given those that are known.

        `known` (N, T), None for all; `labels` (N,), -1 for none. Raises `Skip` for pictures of another
        shape than that which it is made for.
        """
        if tuple(pictures.shape[1:]) != self.given:
            raise nb.Skip(f"this model has places for pictures of {self.given}, not {tuple(pictures.shape[1:])}")
        tokens = self.into(as_tokens(pictures.to(self.into.weight.dtype), self.patch))
        if known is not None:
            tokens = torch.where(known[..., None], tokens, self.unknown.to(tokens.dtype))
        none = self.classes
        if labels is not None and none and int(labels.max()) >= none:
            raise nb.UsageError(f"arch mar: class {int(labels.max())} is beyond its classes={none}: give it more")
        kinds = torch.full((len(pictures),), none, device=pictures.device) if labels is None or not none else labels
        kinds = torch.where(kinds < 0, none, kinds)
        class_token = self.of_class(kinds)[:, None]
        vectors = self.blocks(torch.cat([class_token, tokens + self.positions], dim=1))[:, 1:]
        return self.norm(vectors) + self.at_head

    def told(self, pictures: Any, known: Any, places: Any, labels: Any) -> tuple[Any]:
        """The vectors of the tokens at `places` (N, n), in rows (N n, width)."""
        return (places_of(self(pictures, known, labels), places),)

    def seen(self, tokens: Any, sigma: Any, conditions: tuple[Any]) -> Any:
        """The mean of tokens (M, D) given x, them with noise of σ, a number or (M, 1): x/(1 + σ²) - σ/√(1 + σ²) v."""
        level = torch.as_tensor(sigma, dtype=tokens.dtype, device=tokens.device).reshape(-1, 1)
        share = (1 + level**2) ** -0.5
        velocity = self.velocity(share * tokens, level.expand(len(tokens), 1), conditions[0])
        return share**2 * tokens - level * share * velocity.to(tokens.dtype)

    def velocity(self, scaled: Any, sigma: Any, vectors: Any) -> Any:
        """v = (noise - σ token) / √(1 + σ²), as the head sees it in tokens with noise (M, D) over √(1 + σ²)."""
        kind = vectors.dtype
        return self.head(scaled.to(kind), sigma.flatten().log().to(kind) / 4, vectors)
