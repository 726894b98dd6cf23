from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import numpy as np
import torch
from annotated_types import Ge, Le
from noisebench.recipes.archs._classes import channels_and_classes
from noisebench.recipes.archs._pictures import Width
from torch import nn

_FIRST, _LAST = 0.008, 0.92
"""Where a chain begins and ends on the way from noise alone, 0, to the label, 1."""


def kept_of(blocks: int) -> torch.Tensor:
    """The share of the label's power before each block and behind the last, float64 (blocks + 1,): a cosine.

    It rises from 0.016 % to 98.4 %, so that the first block cannot read the label in what it is given, and no ratio of
    signal to noise is infinite.
    """
    places = torch.linspace(_FIRST, _LAST, blocks + 1, dtype=torch.float64)
    return (math.pi / 2 * places).sin().square()


def step_of(kept: torch.Tensor) -> torch.Tensor:
    """How much of the clean label, of z and of noise makes the next z, float64 (3, blocks): a, b and √c.

    It is the mean and deviation of z behind a block, given z before it and the clean label.
    """
    before, behind = kept[:-1], kept[1:]
    alpha = before / behind
    clean = behind.sqrt() * (1 - alpha) / (1 - before)
    stays = alpha.sqrt() * (1 - behind) / (1 - before)
    noise = ((1 - behind) * (1 - alpha) / (1 - before)).sqrt()
    return torch.stack([clean, stays, noise])


class _LabelBlock(nn.Module):
    """Logits (N, K) from pictures and a noisy label (N, D): a network for each, and two layers on both."""

    def __init__(self, of: Any, given: Sequence[int], width: int, dim: int, classes: int) -> None:
        super().__init__()
        self.picture = of.entry.obj(tuple(given), (width,), **of.kwargs)
        self.first = nn.Linear(dim, width)
        self.second = nn.Linear(width, width)
        self.both = nn.Sequential(nn.ReLU(), nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, classes))

    def forward(self, x: Any, z: Any) -> Any:
        label = self.first(z)
        label = label + self.second(label.relu())
        return self.both(torch.cat([self.picture(x), label], dim=1))


@nb.arch(
    "noprop",
    cite="Q. Li, Y. W. Teh, R. Pascanu, NoProp: training neural networks without full back-propagation or full "
    "forward-propagation, arXiv 2503.24322",
)
class NoProp(nn.Module):
    """NoProp: a chain of blocks, each of which sees the picture and a noisy label, and makes the label clearer.

    z begins as normal noise. Block t says how likely each class is, which gives a mean u of their vectors, and z
    becomes a u + b z + √c noise: the posterior of a diffusion whose noise falls along a cosine. A linear layer reads
    the class from the last z, and begins as its posterior there. of: the network of each block from picture to `width`
    values; the blocks share no weights. dim: length of the vector of a class, which is learned; 0 has one value a
    class, 1 for itself.

    (C, H, W) → (K,). With `objective=noprop` each block learns alone; with `supervised(loss=cross_entropy)` gradients
    pass through the whole chain, with noise drawn anew. Where it is used, noise depends on the picture alone. Blocks
    that are exact draw a class as often as it is likely, while the first one by itself, `early_exit(method=…)`, takes
    the likeliest.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        of: Annotated[Any, nb.Nested("arch")] = "small_cnn",
        blocks: Annotated[int, Ge(1), Le(1000)] = 10,
        width: Width = 64,
        dim: Annotated[int, Ge(0), Le(4096)] = 0,
    ) -> None:
        super().__init__()
        _, classes = channels_and_classes(given, wanted)
        self.dim = dim or classes
        self.blocks = nn.ModuleList(_LabelBlock(of, given, width, self.dim, classes) for _ in range(blocks))
        self.head = nn.Linear(self.dim, classes)
        self.vectors: Any
        if dim:
            self.vectors = nn.Parameter(torch.randn(classes, dim) / dim**0.5)
        else:
            self.register_buffer("vectors", torch.eye(classes))
        self.kept: Any
        self.steps: Any
        self.register_buffer("kept", kept_of(blocks), persistent=False)
        self.register_buffer("steps", step_of(kept_of(blocks)), persistent=False)
        self._begin_head()

    def _begin_head(self) -> None:
        """Let the last layer begin as the posterior of the class, given z with the least noise."""
        kept = float(self.kept[-1])
        with torch.no_grad():
            self.head.weight.copy_(kept**0.5 / (1 - kept) * self.vectors)
            squares = self.vectors.square().sum(dim=1)
            self.head.bias.copy_(-kept / (2 * (1 - kept)) * (squares - squares.mean()))

    def noised(self, u: Any, noise: Any, place: int) -> Any:
        """Vectors u (N, D) of labels with the noise before block `place` + 1; place 0 is where the chain begins."""
        kept = self.kept[place]
        return kept.sqrt().to(u) * u + (1 - kept).sqrt().to(u) * noise

    def block_logits(self, x: Any, z: Any, block: int) -> Any:
        """Logits (N, K) of block 1, 2, … for pictures and what is before it, z (N, D)."""
        return self.blocks[block - 1](x, z)

    def meant(self, logits: Any) -> Any:
        """The mean vector (N, D) of the classes, each as likely as the logits say."""
        return logits.softmax(dim=1) @ self.vectors.to(logits.dtype)

    def walked(self, x: Any, noise: Any, blocks: int) -> tuple[Any, Any]:
        """z behind so many blocks and the logits of the last of them; noise (N, blocks of the chain + 1, D)."""
        z, logits = noise[:, 0], None
        for block in range(1, blocks + 1):
            clean, stays, drawn = self.steps[:, block - 1].to(z)
            logits = self.block_logits(x, z, block)
            z = clean * self.meant(logits) + stays * z + drawn * noise[:, block]
        return z, logits

    def drawn(self, x: Any) -> Any:
        """Noise for pictures (N, C, H, W), (N, blocks + 1, D): of each picture its own, whatever the batch."""
        shape = (len(self.blocks) + 1, self.dim)
        draws = []
        for picture in x.detach().float().cpu().numpy():
            digest = hashlib.sha256(np.ascontiguousarray(picture).tobytes()).hexdigest()
            draws.append(nb.keyed_generator(nb.text_key(f"noprop|{digest}")).standard_normal(shape))
        return torch.from_numpy(np.stack(draws)).to(x)

    def exited(self, x: Any, block: int) -> Any:
        """Logits (N, K) of a block, after those before it: what the chain says where it is cut there."""
        return self.walked(x, self.drawn(x), block)[1]

    def forward(self, x: Any) -> Any:
        blocks = len(self.blocks)
        noise = torch.randn(len(x), blocks + 1, self.dim).to(x) if self.training else self.drawn(x)
        return self.head(self.walked(x, noise, blocks)[0])
