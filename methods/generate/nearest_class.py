from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.methods.generate._vector_conditioned import networks_within
from noisebench.tracks.generate import Denoiser, TrainingPicture

_LEVELS = (0.5, 1.0, 2.0, 4.0)
_DRAWS = 4


@nb.method("nearest_class", track="generate", role="sanity")
class NearestClass:
    """Nothing learned: for any class that is asked for, that known one by which a model sees some pictures best.

    It is what a learned token has to beat. model: one whose network says how many `classes` it knows. pictures: of the
    new class, such as `some_classes(of=digits(split=train), classes=(9,))`; the first 64 are looked at, each with keyed
    noise of four levels, 0.5 to 4. What is asked of no class stays so.
    """

    def __init__(self, *, model: nb.MethodSpec, pictures: nb.DatasetSpec) -> None:
        self.model, self._pictures = Denoiser(model), pictures

    def setup(self, device: Any) -> None:
        """Set up the model and find the class. Raises `Skip` where weights are missing, `UsageError` for no picture."""
        import torch

        self.model.setup(device)
        dataset = nb.open_dataset(self._pictures)
        items = [dataset.load(index) for index in range(min(len(dataset.ids), 64))]
        if not items or not isinstance(items[0], TrainingPicture):
            raise nb.UsageError(f"nearest_class: {self._pictures.display} gives no pictures: add split=train")
        clean = torch.from_numpy(np.stack([item.picture for item in items])).to(device)
        rng = nb.keyed_generator(nb.text_key("nearest_class"))
        noise = torch.from_numpy(rng.standard_normal((_DRAWS, *clean.shape))).to(clean)
        with torch.no_grad():
            self.model.instance.denoised(clean[:1], 1.0, None)  # what is made when it is first asked
            known = max((int(getattr(one, "classes", 0)) for one in networks_within(self.model.instance)), default=0)
            if not known:
                raise nb.UsageError(
                    f"nearest_class: {self.model.runner.bound.display} knows no classes: give its arch classes="
                )
            self.nearest = min(range(known), key=lambda one: self._error(clean, noise, one))

    def _error(self, clean: Any, noise: Any, label: int) -> float:
        import torch

        labels = torch.full((len(clean),), label, device=clean.device)
        total = 0.0
        for sigma in _LEVELS:
            for one in noise:
                off = self.model.instance.denoised(clean + sigma * one, sigma, labels) - clean
                total += float(off.double().square().mean()) * (1 + sigma**-2)
        return total

    def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
        """(N, C, H, W) → the same."""
        import torch

        return self.model(x, sigma, None if labels is None else torch.where(labels >= 0, self.nearest, labels))
