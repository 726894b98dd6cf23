"""A generator: pictures of one size out of latents of few numbers, and a search for the latent of a given picture."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from noisebench.recipes.archs._inner_network import channels_kept, module_in
from noisebench.recipes.archs._pictures import Width
from torch import nn

_LEAST = 7
"""The longest side, in pixels, that a network begins with, or ends at."""
_DRAWN = 10_000
"""Latents whose mean and deviations are taken for those of all."""
_BEGINS, _ENDS, _CALM = 0.05, 0.25, 0.75
"""Shares of a search: in the first its rate rises, in the last it falls, and after the third nothing is drawn."""
_TOGETHER = 256
"""Pictures whose latents are searched at once, at most."""
Each = Callable[[Iterable[int]], Iterable[int]]


@dataclass(frozen=True)
class Search:
    """How a latent is searched: by so many steps of Adam from the mean latent, in latents of the deviation 1.

    The rate rises to `lr` and falls again. Until three quarters of the steps are done, normal noise moves the latent,
    `jitter` of its deviation at first. prior: weight of the latents' own law, a Gaussian: at 1 the latent is the most
    probable one of a picture with white noise of a strength that is not known, at 0 the nearest one.
    """

    steps: int = 100
    lr: float = 0.1
    jitter: float = 0.05
    prior: float = 1.0

    def rate(self, step: int) -> float:
        """Of Adam, at a step."""
        done = step / self.steps
        falls = min(1.0, (1 - done) / _ENDS)
        return self.lr * min(1.0, (done + 1 / self.steps) / _BEGINS) * (1 - math.cos(math.pi * falls)) / 2

    def moved(self, step: int) -> float:
        """By how much the latent is moved at a step, of its deviation."""
        return self.jitter * max(0.0, 1 - step / self.steps / _CALM) ** 2


@nb.arch(
    "generator",
    cite="T. Karras, S. Laine, T. Aila, A style-based generator architecture for generative adversarial networks, CVPR "
    "2019",
)
class Generator(nn.Module):
    """A generator: pictures of one size out of latents of few numbers, and a search for the latent of a given picture.

    latent: so many normal numbers, which two layers turn into as many others, w; these scale and shift all channels of
    a stack of convolutions, between which sides double. The size is that of the `crop` that it is trained on; width:
    channels at that size, twice as many at a half of it, four times at less. It learns how much white noise its
    pictures have, too, and adds as much when it is drawn from, but not to what it restores. Trained with
    `objective=adversarial` and `parts=discriminator`. Used as it is, it projects a picture in so many steps;
    `generator_projection(method=…)` says how.
    """

    judge: Any = None
    """What it is trained against, while it is: of the part that holds it, and in no state of this network."""

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        latent: Annotated[int, Ge(1), Le(4096)] = 64,
        width: Width = 16,
        steps: Annotated[int, Ge(1), Le(100_000)] = 100,
    ) -> None:
        super().__init__()
        self.channels = channels_kept(given, wanted, "generator")
        self.height, self.width = wanted[1:]
        self.latent, self.search = latent, Search(steps)
        doublings = doublings_of(wanted)
        self.first = tuple(math.ceil(side / 2**doublings) for side in wanted[1:])
        widths = [width * 2 ** min(level, 2) for level in range(doublings, -1, -1)]
        self.mapping = nn.Sequential(nn.Linear(latent, latent), nn.LeakyReLU(0.2), nn.Linear(latent, latent))
        self.start = nn.Parameter(torch.randn(1, widths[0], *self.first))
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1) for before, after in itertools.pairwise([widths[0], *widths])
        )
        self.styles = nn.ModuleList(nn.Linear(latent, 2 * after) for after in widths)
        self.last = nn.Conv2d(widths[-1], self.channels, 3, padding=1)
        self.spread = nn.Parameter(torch.tensor(-3.0))
        for layer in self.modules():
            # So that latents vary by 1, and channels by as much from picture to picture, from the beginning.
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
                nn.init.zeros_(layer.bias)

    @property
    def noise(self) -> Any:
        """Deviation of the white noise that its pictures have."""
        return F.softplus(self.spread)

    def pictures(self, w: Any) -> Any:
        """(N, latent) → (N, C, H, W), about on [0, 1], without noise."""
        x = self.start.expand(len(w), -1, -1, -1)
        for place, (layer, style) in enumerate(zip(self.layers, self.styles, strict=True)):
            if place:
                x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = F.leaky_relu(layer(x), 0.2)
            x = x / (x.square().mean(dim=1, keepdim=True) + 1e-8).sqrt()
            scale, shift = style(w)[:, :, None, None].chunk(2, dim=1)
            x = x * (1 + scale) + shift
        return 0.5 + self.last(x)[..., : self.height, : self.width]

    def drawn(self, n: int, draws: torch.Generator | None = None) -> Any:
        """So many pictures of normal latents, with their noise; draws are torch's own where no generator is given."""
        place = self.start.device
        pictures = self.pictures(self.mapping(torch.randn(n, self.latent, generator=draws).to(place)))
        return pictures + self.noise * torch.randn(pictures.shape, generator=draws).to(place)

    def law(self) -> tuple[Any, Any]:
        """Mean of w, (latent,), and a square root (latent, latent) of its covariance: w = mean + root @ normal."""
        draws = torch.Generator().manual_seed(0)
        with torch.no_grad():
            w = self.mapping(torch.randn(_DRAWN, self.latent, generator=draws).to(self.start.device)).double()
            sizes, axes = torch.linalg.eigh(torch.cov(w.T).reshape(self.latent, self.latent))
            # Along an axis on which nothing varies there is nothing to search.
            root = axes * sizes.clamp(min=0).sqrt()
        return w.mean(dim=0).to(self.start.dtype), root.to(self.start.dtype)

    def projected(self, x: Any, search: Search, draws: torch.Generator, each: Each = iter) -> Any:
        """The pictures (N, C, H, W) that it makes for those given, each searched for by itself, of the same size.

        `each` passes on the steps of all, and may tell of them.
        """
        groups = x.split(_TOGETHER)
        steps = iter(each(range(len(groups) * search.steps)))
        return torch.cat([self._searched(group, search, draws, steps) for group in groups])

    def _searched(self, x: Any, search: Search, draws: torch.Generator, steps: Iterator[int]) -> Any:
        mean, root = self.law()
        with torch.enable_grad():
            place = torch.zeros(len(x), self.latent, device=x.device, requires_grad=True)
            optimizer = torch.optim.Adam([place], lr=search.lr)
            for step, _ in zip(range(search.steps), steps, strict=False):
                optimizer.param_groups[0]["lr"] = search.rate(step)
                moved = search.moved(step) * torch.randn(place.shape, generator=draws).to(place)
                pictures = self.pictures(mean + (place + moved) @ root.T)
                error = (pictures - x).square().flatten(1).sum(dim=1)
                # Down the posterior under white noise of the strength that makes it largest, times its square:
                # so slopes vanish where a picture is found.
                strength = error.detach() / x[0].numel()
                loss = error / 2 + search.prior / 2 * strength * place.square().sum(dim=1)
                (place.grad,) = torch.autograd.grad(loss.sum(), place)
                optimizer.step()
        with torch.no_grad():
            return self.pictures(mean + place @ root.T)

    def restored(self, x: Any, search: Search, draws: torch.Generator, each: Each = iter) -> Any:
        """Pictures (N, C, H', W') as it can make them, larger ones square by square: half of each is the next one's.

        Where squares lie on one another their mean is taken. Raises `Skip` for smaller pictures.
        """
        if x.shape[-2] < self.height or x.shape[-1] < self.width:
            raise nb.Skip(
                f"the generator makes {self.height}×{self.width} pixels, more than {x.shape[-2]}×{x.shape[-1]}"
            )
        places = [
            (..., slice(row, row + self.height), slice(column, column + self.width))
            for row in _starts(x.shape[-2], self.height)
            for column in _starts(x.shape[-1], self.width)
        ]
        squares = self.projected(torch.cat([x[place] for place in places]), search, draws, each)
        total, count = torch.zeros_like(x), torch.zeros_like(x)
        for place, square in zip(places, squares.split(len(x)), strict=True):
            total[place] += square
            count[place] += 1
        return total / count

    def forward(self, x: Any) -> Any:
        return self.restored(x, self.search, torch.Generator().manual_seed(0))


def doublings_of(shape: Sequence[int]) -> int:
    """How often a picture (C, H, W) is halved until its sides are short."""
    return max(0, math.ceil(math.log2(max(shape[1:]) / _LEAST)))


def _starts(side: int, size: int) -> list[int]:
    """Where squares begin, half of `size` apart, the last one at the end."""
    return [*range(0, side - size, max(1, size // 2)), side - size]


def generator_in(net: Any) -> Generator:
    """The generator of a network. Raises `UsageError` where there is none."""
    return module_in(net, Generator, "adversarial training needs a network of arch=generator")
