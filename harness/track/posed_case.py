"""A case: what a regime makes of an item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..text.short_text import short
from .info import Info


@dataclass(frozen=True)
class Case:
    """What a regime makes of an item: the input and the info that a method gets, and the output wanted of it.

    The track chooses the types of `given` and `wanted`; `input_sha256` is the hash of all that is given. `note` is what
    a reader of the board must know of the input.

        >>> track, sample = nb.get_track("restore"), nb.Sample("flat", np.full((8, 8), 128, np.uint8))
        >>> case = track.pose(nb.bind("gaussian(sigma=25)", "regime"), sample, seed=0)
        >>> case.given.shape, case.wanted, round(case.info.sigma * 255)
        ((8, 8, 1), (8, 8, 1), 25)
    """

    given: Any
    info: Info
    input_sha256: str
    wanted: Any = None
    note: str = ""

    def __repr__(self) -> str:
        details = f"info={self.info!r}, input_sha256={short(self.input_sha256)}, wanted={short(self.wanted)}"
        return f"Case(given={short(self.given)}, {details}{f', note={short(self.note)}' if self.note else ''})"
