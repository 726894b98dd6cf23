from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np


@nb.method("bayes_optimum", track="generate", oracle=True, role="optimum")
def bayes_optimum(latents: Any, info: Any) -> Any:
    """Draws of the law itself, where it is known: what a perfect sampler of a perfect model gives, (N, C, H, W).

    A component for each sample, the one that is asked for or one by its weight, and in it what the latents make by the
    root of its covariance: where there is one component, the very pictures that the exact flow ends at. Latents that a
    regime changed are drawn anew. Raises `Skip` where no law is known.
    """
    import torch

    law = getattr(info.sample, "law", None)
    if law is None:
        raise nb.Skip("the law of this dataset is not known: take mixture_digits, gaussian_digits or mixture_patches")
    count, width = len(latents), law.means.shape[1]
    components = info.rng.choice(len(law.weights), count, p=law.weights)
    if info.labels is not None:
        components = np.where(info.labels >= 0, info.labels, components)
    normal = latents.cpu().double().numpy().reshape(count, width) if info.normal else None
    normal = info.rng.standard_normal((count, width)) if normal is None else normal
    return torch.from_numpy(law.drawn(normal, components)).reshape(latents.shape).float()
