from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel


@regime("typos", track="text", discloses=("rate",))
def typos(
    strokes: Sequence[str],
    rng: np.random.Generator,
    alphabet: str,
    *,
    rate: Annotated[float, Ge(0), Le(1), AxisLabel("rate of typos")],
) -> tuple[Sequence[str], dict[str, Any]]:
    """Each character, with probability rate, is mistyped, in one of three ways that are equally likely.

    As another one of the alphabet, not at all, or twice. What is to be predicted is the true passage; rate is
    disclosed.
    """
    count = sum(map(len, strokes))
    mistyped = iter(np.where(rng.random(count) < rate, rng.integers(3, size=count), -1).tolist())
    away = iter(rng.integers(1, len(alphabet), size=count).tolist())

    def stroke_of(character: str) -> str:
        way, distance = next(mistyped), next(away)
        other = alphabet[(alphabet.index(character) + distance) % len(alphabet)]
        return {-1: character, 0: other, 1: "", 2: 2 * character}[way]

    return ["".join(map(stroke_of, stroke)) for stroke in strokes], {"rate": rate}
