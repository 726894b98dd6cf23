"""Clips that are made when they are loaded: each depends on the text of its set and its own number alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.tracks.audio import Clip

Number = Annotated[int, Ge(1), Le(100_000)]
Seconds = Annotated[float, Ge(0.1), Le(600)]


class KeyedClips:
    """`n` clips by a function of id and generator."""

    def __init__(self, name: str, n: int, text: str, make: Callable[[str, int, np.random.Generator], Clip]) -> None:
        self.ids: Sequence[str] = [f"{name}_{i:0{max(3, len(str(n - 1)))}d}" for i in range(n)]
        self._text, self._make = text, make

    def made(self, index: int) -> str:
        """The text that clip `index` is made from."""
        return f"{self._text}|{range(len(self.ids))[index]}"

    def load(self, index: int) -> Clip:
        """Clip `index`."""
        number = range(len(self.ids))[index]
        return self._make(self.ids[number], number, nb.keyed_generator(nb.text_key(self.made(number))))
