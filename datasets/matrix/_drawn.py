"""Matrices of a rank as products of Gaussian factors, drawn by number and key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.tracks.matrix import Measured, on_grid

Number = Annotated[int, Ge(1), Le(10_000)]
Side = Annotated[int, Ge(2), Le(5_000)]
Rank = Annotated[int, Ge(1), Le(1_000)]
Seed = Annotated[int, Ge(0), Le(2**31)]


class DrawnMatrices:
    """`n` matrices that are made when they are loaded: each depends on the text of the set and its own number alone."""

    def __init__(
        self, name: str, n: int, text: str, make: Callable[[str, np.random.Generator, bytes], Measured]
    ) -> None:
        self.ids: Sequence[str] = [f"{name}_{i:0{max(2, len(str(n - 1)))}d}" for i in range(n)]
        self._text, self._make = text, make

    def load(self, index: int) -> Measured:
        """Matrix `index`, with the measurements that are its own."""
        text = f"{self._text}|{range(len(self.ids))[index]}"
        return self._make(self.ids[index], nb.keyed_generator(nb.text_key(text)), nb.text_key(f"measured|{text}"))


def factor(rng: np.random.Generator, rows: int, rank: int, spread: float = 1.0) -> np.ndarray:
    """Independent N(0, spread²) entries to the nearest 1/1024, (rows, rank)."""
    return on_grid(spread * rng.standard_normal((rows, rank)))


def refuse_rank(rank: int, *sides: int) -> None:
    """Raise `UsageError` for a rank above the smaller side."""
    if rank > min(sides):
        raise nb.UsageError(
            f"rank={rank} is too large for a matrix of {' x '.join(map(str, sides))}: give {min(sides)} or less"
        )
