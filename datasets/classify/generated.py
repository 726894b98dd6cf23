from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.datasets.classify._arrays import labelled_arrays
from noisebench.tracks.classify import LabelledPicture


class Generated:
    """Draws of a generator, all of one class."""

    def __init__(self, pictures: Sequence[np.ndarray[Any, Any]], label: int, classes: Sequence[str]) -> None:
        self._pictures, self._label, self._classes = pictures, label, classes
        self.ids: Sequence[str] = [f"generated_{classes[label]}_{i:05d}" for i in range(len(pictures))]

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`, float32 (H, W, C), a grey one (H, W)."""
        return LabelledPicture(self.ids[index], self._pictures[index], self._label, self._classes)


@nb.dataset("generated", track="classify", licence="that of the other set")
def generated(
    *,
    of: nb.DatasetSpec,
    n: Annotated[int, Ge(1), Le(100_000)] = 200,
    arch: Annotated[Any, nb.Nested("arch")] = "generator(latent=16, width=8)",
    steps: Annotated[int, Ge(1), Le(1_000_000)] = 800,
    seed: Annotated[int, Ge(0)] | None = None,
) -> Generated:
    """Pictures that an adversarial generator makes which was trained on another set: more of a class that is rare.

    of: square pictures of one class. n: so many. arch: `generator`, trained for `steps` steps, which takes a minute or
    two and is done once; the white noise that it has learned is in its draws. seed: of the training and the draws; none
    is that of the training that the set is for. `synthetic` is the same of a linear generator. Give training pictures
    alone.
    """
    import torch
    from noisebench.datasets.classify._generator import on_grid, trained_generator

    data, seed = labelled_arrays(of), seed or 0
    labels = {int(label) for label in data.labels}
    if len(labels) > 1:
        raise nb.UsageError(f"dataset generated: {of.display} has {len(labels)} classes: give pictures of one")
    generator = trained_generator(data, arch, steps, seed, f"dataset generated(of={of.display})")
    draws = torch.Generator().manual_seed(seed)
    pictures = [on_grid(generator.drawn(1, draws)[0]) for _ in range(n)]
    return Generated(pictures, labels.pop(), data.classes)
