"""What objectives of separation share: the network, what it is asked for, and the weighted error of a mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import noisebench as nb
import torch
from noisebench.recipes.archs._clips import peak
from noisebench.recipes.archs._inner_network import module_in
from noisebench.recipes.archs._log_spectra import magnitude
from noisebench.recipes.archs.class_mask_unet import ClassMaskUNet


def separator_of(net: Any, batch: Any, name: str) -> tuple[ClassMaskUNet, Any]:
    """The network, and the classes of each mixture (B, S). Raises `UsageError` for another network or other clips."""
    separator = module_in(net, ClassMaskUNet, f"objective {name} needs a network of arch=class_mask_unet")
    labels = batch.get("labels")
    if labels is None:
        raise nb.UsageError(f"objective {name} needs clips whose classes are known: give data=mixtures(…)")
    if int(labels.max()) >= separator.classes:
        raise nb.UsageError(
            f"objective {name}: class {int(labels.max())} is beyond this network, which has "
            f"classes={separator.classes}: give arch=class_mask_unet(classes={int(labels.max()) + 1})"
        )
    return separator, labels


def multi_hot(labels: Any, classes: int) -> Any:
    """Labels (B, S) → (B, classes), 1 where a class is among them."""
    return torch.zeros(len(labels), classes, device=labels.device).scatter_(1, labels, 1.0)


@dataclass(frozen=True)
class MixtureSpectra:
    """Mixtures (B, 1, N) as the network hears them: of peak 1 by their `level`, with their spectra (B, F, T)."""

    level: Any
    spectra: Any
    magnitudes: Any

    def of(self, separator: ClassMaskUNet, clips: Any) -> Any:
        """The magnitudes of clips that are in the mixtures, at the same level."""
        return magnitude(separator.spectra(clips / self.level))


def mixture_spectra(separator: ClassMaskUNet, mixtures: Any) -> MixtureSpectra:
    """Mixtures (B, 1, N) as the network takes them."""
    level = peak(mixtures)
    spectra = separator.spectra(mixtures / level)
    return MixtureSpectra(level, spectra, magnitude(spectra))


def weighted_error(estimate: Any, target: Any, of: Any) -> Any:
    """The L1 error of magnitudes, weighted by log1p of the magnitudes `of`, from 0.001 to 10."""
    return (torch.log1p(of).clamp(1e-3, 10) * (estimate - target).abs()).mean()


def partners(labels: Any) -> tuple[Any, Any]:
    """For each mixture the place of the next one that has no class of its own, and whether there is one: (B,), (B,)."""
    count = len(labels)
    shares = (labels[:, None, :, None] == labels[None, :, None, :]).any(dim=3).any(dim=2)
    nexts = (
        torch.arange(count, device=labels.device)[:, None] + torch.arange(1, count + 1, device=labels.device)
    ) % count
    free = ~shares.gather(1, nexts)
    return nexts.gather(1, free.int().argmax(dim=1, keepdim=True))[:, 0], free.any(dim=1)


@dataclass(frozen=True)
class Sums:
    """Mixtures (P, 1, N) with their labels (P, S), and what the network hears of each plus one of other classes."""

    mixtures: Any
    labels: Any
    mixed: MixtureSpectra


def sums_of(separator: ClassMaskUNet, mixtures: Any, labels: Any, name: str) -> Sums | None:
    """Mixtures of mixtures: each with the next one of the batch that has no class in common with it.

    A mixture that has no such other in its batch is left out; None where all are. Raises `UsageError` where there can
    be none.
    """
    if separator.classes < 2 * labels.shape[1]:
        raise nb.UsageError(
            f"objective {name}: two mixtures of {labels.shape[1]} classes are to have none in common, of "
            f"{separator.classes}: give mixtures of {2 * labels.shape[1]} classes or more"
        )
    if len(labels) < 2:
        raise nb.UsageError(f"objective {name} adds mixtures of a batch to each other: give batch=2 or more")
    other, usable = partners(labels)
    if not usable.any():
        return None
    return Sums(
        mixtures[usable], labels[usable], mixture_spectra(separator, mixtures[usable] + mixtures[other[usable]])
    )


def zero_loss(separator: ClassMaskUNet) -> Any:
    """A loss of 0 for a batch in which no two mixtures can be added."""
    return 0.0 * torch.stack([parameter.sum() for parameter in separator.parameters()]).sum()


def unsupervised_error(separator: ClassMaskUNet, sums: Sums) -> Any:
    """The error of the magnitudes of each mixture, found in its sum with another one by all its classes at once."""
    both = sums.mixed
    estimate = separator.mask(both.magnitudes, multi_hot(sums.labels, separator.classes)) * both.magnitudes
    return weighted_error(estimate, both.of(separator, sums.mixtures), both.magnitudes)
