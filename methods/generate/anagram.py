from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import noisebench as nb
from annotated_types import Gt, Le, Len
from noisebench.methods.generate._normal_classes import NormalClasses
from noisebench.tracks.generate import Denoiser
from noisebench.tracks.generate.views import ViewName, labels_of_views, view_of


def _told_classes(model: nb.Bound) -> None:
    arch = model.kwargs.get("arch")
    if isinstance(arch, nb.Bound) and arch.kwargs.get("classes") == 0:
        raise nb.UsageError(f"anagram: the network of {model.display} knows no classes: give its arch classes=10")


@nb.method(
    "anagram", track="generate", cite="Diffusion-based visual anagram as multi-task learning (Anagram-MTL), 2024; "
    "D. Geng, I. Park, A. Owens, Visual anagrams, CVPR 2024"
)  # fmt: skip
@nb.checked(_told_classes)
class Anagram:
    """A model of pictures that show one class as they are, and others in other views, such as upside down.

    A sampler asks it, as in `euler(model=anagram(model=trained(…)))`. model: one that takes classes; it is asked once a
    view, and the noise that it sees there is turned back and combined. views: orders of pixels, of which the first is
    to show the class that was asked for, each next one another class of the batch. combine: the weighted `mean` of the
    views' noise (Geng et al.), or this `rectified`: over the deviation that it has where each view's has the deviation
    1. balance: a view that shows its class less than the others weighs more, by the power -1 where there is but noise
    to -2 where there is none; else all weigh the same. How much it shows is the share of its class in the noisy view by
    normal laws of the classes of `pictures`, which take the place of CLIP, and are read for this alone; `floor` is the
    least share that counts. The part of the paper that keeps apart what attention maps look at is not here, for the
    networks have none.
    """

    def __init__(
        self,
        *,
        model: nb.MethodSpec,
        views: Annotated[tuple[ViewName, ...], Len(2, 10)] = ("identity", "rot180"),
        combine: Literal["mean", "rectified"] = "rectified",
        balance: bool = True,
        pictures: nb.DatasetSpec = "digits(split=train)",
        floor: Annotated[float, Gt(0), Le(1)] = 0.1,
    ) -> None:
        self.model, self.views = Denoiser(model), views
        self.rectified, self.balance, self.pictures, self.floor = combine == "rectified", balance, pictures, floor
        self._classes: NormalClasses | None = None

    @staticmethod
    def flags(*, balance: bool, pictures: nb.Bound, **_: Any) -> dict[str, Any]:
        """Its classifier is made of the pictures."""
        return {"trained_on": (pictures.display,)} if balance else {}

    def setup(self, device: Any) -> None:
        """Set up the model, and the classifier that balances. Raises `Skip` where weights are missing."""
        self.model.setup(device)
        self._classes = NormalClasses(self.pictures, device) if self.balance else None

    def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
        """(N, C, H, W) → the same. Raises `Skip` where fewer classes are asked for than there are views."""
        import torch

        if labels is None:
            raise nb.Skip("anagram needs classes: give the dataset labels=true")
        wanted = torch.from_numpy(labels_of_views(labels.cpu().numpy(), len(self.views))).to(labels.device)
        self._check(x.shape[1:], int(wanted.max()))
        views = [view_of(name, *x.shape[2:]) for name in self.views]
        seen = [view.seen(x) for view in views]
        noise = torch.stack([
            view.back(picture - self.model(picture, sigma, label)) / sigma
            for view, picture, label in zip(views, seen, wanted, strict=True)
        ])  # fmt: skip
        return x - sigma * combined(noise, self._weights(seen, sigma, wanted), self.rectified).to(x.dtype)

    def _check(self, shape: Any, last: int) -> None:
        """Raise `Skip` for pictures (C, H, W), or a class, that the classifier does not know."""
        if self._classes is None:
            return
        if tuple(shape) != self._classes.shape:
            raise nb.Skip(
                f"anagram balances by pictures {self._classes.shape}, not {tuple(shape)}: name other pictures, or "
                "balance=false"
            )
        if last >= self._classes.classes:
            raise nb.Skip(f"class {last} is not among those of the pictures that anagram balances by")

    def _weights(self, seen: list[Any], sigma: Any, wanted: Any) -> Any:
        """How much each view weighs, (V, N), 1 in all."""
        import torch

        if self._classes is None:
            return torch.full(wanted.shape, 1 / len(seen), dtype=torch.float64, device=wanted.device)
        aligned = torch.stack([
            self._classes.shares(picture, sigma).gather(1, label[:, None])[:, 0].clamp(min=self.floor)
            for picture, label in zip(seen, wanted, strict=True)
        ])  # fmt: skip
        level = torch.as_tensor(sigma, dtype=torch.float64, device=wanted.device).reshape(-1)
        weights = aligned ** (-2 + 2 / math.pi * level.atan())
        return weights / weights.sum(dim=0)


def combined(noise: Any, weights: Any, rectified: bool) -> Any:
    """The weighted mean of the noise (V, N, C, H, W) that views see, weights (V, N) of sum 1; (N, C, H, W).

    Rectified it is over √(Σ aᵢ² + 2 Σ aᵢ aⱼ ρᵢⱼ), with ρᵢⱼ the mean of the product of two: its deviation where each has
    the deviation 1. A ρ below 0 counts as 0: beyond independent views the root may be that of nothing, or less.
    """
    import torch

    weights = weights.to(noise.dtype)
    mean = (weights[:, :, None, None, None] * noise).sum(dim=0)
    if not rectified:
        return mean
    rows = noise.flatten(2).transpose(0, 1)  # (N, V, D)
    rho = (rows @ rows.mT / rows.shape[-1]).clamp(min=0)
    rho.diagonal(dim1=1, dim2=2).fill_(1)
    return mean * torch.einsum("in,jn,nij->n", weights, weights, rho)[:, None, None, None] ** -0.5
