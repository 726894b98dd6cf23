"""Up: the training ends when the error has risen in so many validations in a row."""

from __future__ import annotations

import itertools
from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge


@nb.stop("up", cite="L. Prechelt, Early stopping - but when?, in: Neural Networks: Tricks of the Trade, 1998")
def up(curve: Any, higher: bool, *, s: Annotated[int, Ge(1)] = 3) -> str:
    """Up: the training ends when the error has risen in `s` validations in a row, each against the one before it.

    Prechelt's UP of s. `keep=best` uses the network of the best validation.
    """
    scores = [point["score"] if higher else -point["score"] for point in curve if point["score"] is not None]
    last = scores[-s - 1 :]
    risen = len(last) == s + 1 and all(b < a for a, b in itertools.pairwise(last))
    return f"a worse score in {s} validations in a row" if risen else ""
