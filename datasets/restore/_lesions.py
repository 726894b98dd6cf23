"""Lesions: a bright disc, a ring, or a ring that hardly stands out of its disc, on a smooth ground. Keyed by number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from scipy.ndimage import gaussian_filter

Split = Literal["test", "train"]
Kind = Literal["all", "disc", "rim", "faint"]
Many = Annotated[int, Ge(1), Le(100_000)]
Side = Annotated[int, Ge(12), Le(256)]
Rims = Annotated[float, Gt(0), Lt(1)]

_CORE = {"disc": (1.0, 1.0), "rim": (0.1, 0.4), "faint": (0.65, 0.85)}
"""How bright the middle is against the edge: between these."""


def lesion(split: str, kind: str, number: int, size: int) -> Any:
    """One picture without noise, float32 (size, size) on [0, 1]."""
    rng = nb.keyed_generator(nb.text_key(f"lesion|{split}|{kind}|{number}|{size}"))
    ground = gaussian_filter(rng.standard_normal((2 * size, 2 * size)), size / 8, mode="wrap")[:size, :size]
    picture = 0.3 + rng.uniform(-0.05, 0.05) + 0.04 * ground / ground.std()
    centre = size * rng.uniform(0.42, 0.58, 2)
    radius, stretch, turn = size * rng.uniform(0.18, 0.3), rng.uniform(0.85, 1.18), rng.uniform(0, np.pi)
    grid = np.arange(size) + 0.5
    down, across = grid[:, None] - centre[0], grid - centre[1]
    along, aside = np.cos(turn) * down + np.sin(turn) * across, np.cos(turn) * across - np.sin(turn) * down
    far = np.hypot(along * stretch, aside / stretch) - radius
    soft = size * rng.uniform(0.02, 0.035)
    body = 1 / (1 + np.exp(far / soft))
    ring = np.exp(-0.5 * (far / (2 * soft)) ** 2)
    core = rng.uniform(*_CORE[kind])
    shape = np.maximum(body * core, 0.0 if kind == "disc" else ring)
    picture = picture + rng.uniform(0.25, 0.5) * shape
    # Exponentials differ in the last bits from machine to machine; on this grid the pixels do not.
    return (np.rint(np.clip(picture, 0, 1) * 2**16) / 2**16).astype(np.float32)


def chosen(kind: Kind, n: int, rims: float) -> Sequence[tuple[str, int]]:
    """(kind, number) of each picture: of `n`, each 1 / rims-th a ring, those of `kind`; `faint` is a set apart."""
    if kind == "faint":
        return [("faint", number) for number in range(n)]
    kinds = ["rim" if int((i + 1) * rims) > int(i * rims) else "disc" for i in range(n)]
    lesions = [(one, number) for number, one in enumerate(kinds) if kind in ("all", one)]
    if not lesions:
        raise nb.UsageError(f"dataset rim_lesions: of n={n} with rims={rims:g} none is a {kind}: give a larger n")
    return lesions
