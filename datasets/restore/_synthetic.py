"""Synthetic pictures with a known optimum, keyed by name, parameters and picture number."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le

Count = Annotated[int, Ge(1), Le(100_000)]
Size = Annotated[int, Ge(8), Le(4096)]


class Synthetic:
    """Pictures that are drawn when they are loaded; each depends on `recipe` and its own number alone."""

    def __init__(self, name: str, n: int, recipe: str, draw: Callable[[np.random.Generator], tuple[Any, Any]]) -> None:
        self.ids: Sequence[str] = [f"{name}_{i:0{max(3, len(str(n - 1)))}d}" for i in range(n)]
        self._recipe = recipe
        self._draw = draw

    def load(self, index: int) -> nb.Sample:
        """Picture `index`, float32 (size, size), with its `meta`."""
        number = range(len(self.ids))[index]
        key = hashlib.sha256(f"{self._recipe}|{number}".encode()).digest()
        rng = nb.keyed_generator(key)
        picture, meta = self._draw(rng)
        return nb.Sample(self.ids[index], np.ascontiguousarray(picture, dtype=np.float32), meta=meta)
