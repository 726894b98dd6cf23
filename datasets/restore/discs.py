from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge
from noisebench.datasets.restore._synthetic import Count, Size, Synthetic


@nb.dataset("discs", licence="CC0-1.0 (made here)")
def discs(*, n: Count = 100, size: Size = 32, seed: Annotated[int, Ge(0)] = 0) -> Synthetic:
    """One disc on a ground: five numbers say what a picture is, and with its edge known two means are the optimum.

    Centre, radius (an eighth to three eighths of the side) and both grey levels, on [0.1, 0.9] and 0.2 apart at least,
    are uniform; the edge is hard. `meta`: `labels`, int32 (size, size), 1 in the disc; so `bayes_optimum` has the bound
    of someone who is told the edge, an error of 2 s² / size² under white noise of variance s². `seed`: another set.
    """

    def draw(rng: np.random.Generator) -> tuple[Any, dict[str, Any]]:
        radius = size * rng.uniform(0.125, 0.375)
        centre = rng.uniform(radius, size - radius, 2)
        ground = rng.uniform(0.1, 0.9)
        # Uniform on [0.1, 0.9] without what is nearer than 0.2 to the ground.
        below, above = max(0.0, ground - 0.3), max(0.0, 0.7 - ground)
        place = rng.uniform(0, below + above)
        level = 0.1 + place if place < below else ground + 0.2 + place - below
        grid = np.arange(size) + 0.5
        inside = (grid[:, None] - centre[0]) ** 2 + (grid - centre[1]) ** 2 < radius**2
        return np.where(inside, level, ground), {"labels": inside.astype(np.int32)}

    return Synthetic("disc", n, f"discs|size={size}|seed={seed}", draw)
