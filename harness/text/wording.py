"""Wording for people: a number with its noun, and names in the order of the numbers in them."""

from __future__ import annotations

import re
from functools import lru_cache

# The digits in a name (`set12`) are a number; behind `=`, `(` or a blank a sign belongs to the number.
_NUMBER = re.compile(r"((?<![\w.])-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?|[0-9]+)")


def counted(n: int, one: str, many: str = "") -> str:
    """`1 cell`, `2 cells`, `1,204 cells`; `many` where the plural is not `one` with an s."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


@lru_cache(maxsize=16_384)
def by_number(text: str) -> tuple[tuple[str | float, ...], str]:
    """The sort key of names and specs: `gaussian(sigma=5)` comes before `gaussian(sigma=25)`."""
    # Texts and numbers take turns, so that like is compared with like.
    parts = _NUMBER.split(text)
    return tuple(float(part) if place % 2 else part for place, part in enumerate(parts)), text
