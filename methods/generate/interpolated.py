from __future__ import annotations

import itertools
import math
from typing import Annotated, Any, Literal

import noisebench as nb
from annotated_types import Ge, Gt, Le, Lt
from noisebench.methods.generate._inner_sampler import sampler_within, stepping_of
from noisebench.methods.generate._stepping import Stepping, slope

Mixing = Literal["noisediffusion", "lerp", "slerp"]
_CLIP, _BOTH = 2.0, 1.2
"""The authors' bound of latents, and what the shares of the two pictures add up to."""


def _with_new_noise(how: str, gamma: float) -> None:
    if gamma and how != "noisediffusion":
        raise nb.UsageError(f"interpolated: gamma goes with how=noisediffusion, not with how={how}: give gamma=0")


@nb.method(
    "interpolated", track="generate", cite="P. Zheng et al., NoiseDiffusion: correcting noise for image interpolation "
    "with diffusion models beyond spherical linear interpolation, ICLR 2024; K. Shoemake, Animating rotation with "
    "quaternion curves, SIGGRAPH 1985"
)  # fmt: skip
@nb.checked(_with_new_noise)
class Interpolated:
    """Pictures between two: the latents of a pair are mixed, and a sampler makes a picture of the mixture.

    Sample i is between latents i and i + 1 of the batch, the last one between the last and the first. sampler: what
    makes pictures, such as `ddim(model=…)`; with `identity` the mixtures themselves come out. fraction: of the way.
    how: `lerp` mixes along a line, `slerp` along an arc; `noisediffusion` by cosine and sine, and it takes values
    beyond ±`clip` to it, before and after, and corrects for the pictures where these are known. clip: none is 2 for
    noisediffusion, and no clip for the others, which may have one too. gamma: share of new noise, of noisediffusion.

    encode: pairs are of training pictures, chosen by the input alone from `pictures`, whose latents are where the
    flow of the sampler's model leads up its levels (DDIM inversion): classes are not asked for, and the latents of the
    batch are not used.
    """

    def __init__(
        self,
        *,
        sampler: nb.MethodSpec,
        how: Mixing = "noisediffusion",
        fraction: Annotated[float, Ge(0), Le(1)] = 0.5,
        clip: Annotated[float, Gt(0), Le(1e6)] | None = None,
        gamma: Annotated[float, Ge(0), Lt(1)] = 0.0,
        encode: bool = False,
        pictures: nb.DatasetSpec = "digits(split=train)",
    ) -> None:
        self.inner, self.mixing, self.fraction, self.gamma = sampler_within(sampler), how, fraction, gamma
        self.clip = _CLIP if clip is None and how == "noisediffusion" else clip
        self.set = pictures if encode else None
        self.stepping: Stepping | None = stepping_of(self.inner, "pictures are encoded") if encode else None

    @staticmethod
    def flags(*, encode: bool, pictures: nb.Bound, **_: Any) -> dict[str, Any]:
        """What is encoded it has seen."""
        return {"trained_on": (pictures.display,)} if encode else {}

    def setup(self, device: Any) -> None:
        """Set up the sampler, and read the pictures. Raises `Skip` where weights are missing."""
        self.inner.setup(device)
        self.dataset = None if self.set is None else nb.open_dataset(self.set)

    def sample(self, latents: Any, info: Any) -> Any:
        """Latents (N, C, H, W) → samples."""
        return self.between(latents, info)[0]

    def between(self, latents: Any, info: Any) -> tuple[Any, Any]:
        """Samples, and the first pictures of their pairs; None where no pictures are encoded."""
        import torch

        pictures, sampler_info = None, info.replace(normal=False)
        if self.stepping is not None:
            pictures, sampler_info = self._pictures(latents, info), sampler_info.replace(labels=None)
            latents = encoded(self.stepping, pictures)
        fresh = (
            torch.from_numpy(info.rng.standard_normal(tuple(latents.shape))).to(latents.device) if self.gamma else 0.0
        )
        mixture = self.mixed(latents.double(), pictures, fresh)
        return self.inner.call(mixture.float(), sampler_info), pictures

    def mixed(self, latents: Any, pictures: Any = None, fresh: Any = 0.0) -> Any:
        """The mixture of each latent (N, C, H, W) with the next one, given new noise, and pictures where known."""
        first = latents if self.clip is None else latents.clamp(-self.clip, self.clip)
        second = first.roll(-1, dims=0)
        if self.mixing == "lerp":
            mixture = (1 - self.fraction) * first + self.fraction * second
        elif self.mixing == "slerp":
            mixture = slerp(first, second, self.fraction)
        else:
            length, angle = math.sqrt(1 - self.gamma**2), self.fraction * math.pi / 2
            alpha, beta = length * math.cos(angle), length * math.sin(angle)
            mixture = alpha * first + beta * second + self.gamma * fresh
            if pictures is not None and self.stepping is not None:
                both = _BOTH / (alpha + beta)
                clean = (both * alpha - alpha) * pictures + (both * beta - beta) * pictures.roll(-1, dims=0)
                mixture = mixture + clean / self.stepping.levels[0]
        return mixture if self.clip is None else mixture.clamp(-self.clip, self.clip)

    def _pictures(self, latents: Any, info: Any) -> Any:
        """As many pictures as there are latents, none twice where the set has enough, float64."""
        import numpy as np
        import torch

        assert self.dataset is not None
        size = len(self.dataset.ids)
        places = np.concatenate([info.rng.permutation(size) for _ in range(-(-len(latents) // size))])[: len(latents)]
        items = [self.dataset.load(int(place)) for place in places]
        for item in items:
            shape = getattr(getattr(item, "picture", None), "shape", None)
            if shape is None:
                raise nb.UsageError("pictures to encode are training pictures: name such as digits(split=train)")
            if shape != tuple(latents.shape[1:]):
                raise nb.Skip(f"pictures to encode are {tuple(latents.shape[1:])} here, not {shape}: name other ones")
        return torch.from_numpy(np.stack([item.picture for item in items])).double().to(latents.device)


def encoded(stepping: Stepping, pictures: Any) -> Any:
    """Latents that the flow of a sampler's model leads pictures (N, C, H, W) to, up its levels by Euler's steps."""
    import torch

    x = pictures
    with torch.no_grad():
        for lower, higher in itertools.pairwise(stepping.levels[-2::-1]):
            x = x + (higher - lower) * slope(x, stepping.model(x, lower, None), lower)
    return x / stepping.levels[0]


def slerp(first: Any, second: Any, fraction: float) -> Any:
    """Along the arc between latents (N, C, H, W); along the line where they point the same or opposite ways."""
    import torch

    lengths = [one.flatten(1).norm(dim=1).clamp(min=1e-12) for one in (first, second)]
    cosine = (first.flatten(1) * second.flatten(1)).sum(dim=1) / (lengths[0] * lengths[1])
    angle = cosine.clamp(-1, 1).acos()[:, None, None, None]
    straight = angle.sin() < 1e-6
    below = torch.where(straight, torch.ones_like(angle), angle.sin())
    shares = [torch.where(straight, torch.full_like(angle, part), (part * angle).sin() / below)
              for part in (1 - fraction, fraction)]  # fmt: skip
    return shares[0] * first + shares[1] * second
