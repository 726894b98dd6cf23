from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.datasets.restore._synthetic import Count, Size, Synthetic


@nb.dataset("piecewise", licence="CC0-1.0 (made here)")
def piecewise(*, n: Count = 8, size: Size = 128, pieces: Annotated[int, Ge(1), Le(1024)] = 12) -> Synthetic:
    """Piecewise-constant pictures (Voronoi cells): with known regions, their means are the optimum.

    Grey levels are uniform on [0.1, 0.9]. `meta`: `labels`, int32 (size, size), the region of each pixel; the
    mean of a region of m pixels has the error variance s²/m under white noise of variance s².
    """

    def draw(rng: np.random.Generator) -> tuple[Any, dict[str, Any]]:
        sites = rng.uniform(0, size, (pieces, 2))
        levels = rng.uniform(0.1, 0.9, pieces)
        grid = np.arange(size) + 0.5
        nearest = np.full((size, size), np.inf)
        labels = np.zeros((size, size), np.int32)
        for label, (y, x) in enumerate(sites):
            distance = (grid[:, None] - y) ** 2 + (grid[None, :] - x) ** 2
            closer = distance < nearest
            nearest[closer] = distance[closer]
            labels[closer] = label
        return levels[labels], {"labels": labels}

    return Synthetic("piecewise", n, f"piecewise|size={size}|pieces={pieces}", draw)
