"""Supervised separation: the network is told a class and the source of that class in each mixture."""

from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.recipes.objectives._separation import mixture_spectra, multi_hot, separator_of, weighted_error


@nb.objective("supervised_separation", cite="H. Zhao et al., The sound of pixels, ECCV 2018")
def supervised_separation(net: Any, batch: Any) -> Any:
    """Supervised separation: the magnitudes behind the mask for the class of a source, against its own.

    An L1 error, weighted by log1p of the magnitude of the mixture, from 0.001 to 10. Goes with `arch=class_mask_unet`
    and `data=mixtures(…)`.
    """
    separator, labels = separator_of(net, batch, "supervised_separation")
    mixed = mixture_spectra(separator, batch["given"])
    mask = separator.mask(mixed.magnitudes, multi_hot(labels[:, :1], separator.classes))
    return weighted_error(mask * mixed.magnitudes, mixed.of(separator, batch["wanted"]), mixed.magnitudes)
