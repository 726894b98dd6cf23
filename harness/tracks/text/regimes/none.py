from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....components.decorators import regime


@regime("none", track="text", discloses=("rate",), title="no typos")
def none(strokes: Sequence[str], rng: np.random.Generator, alphabet: str) -> tuple[Sequence[str], dict[str, Any]]:
    """The passage as it is; the rate of typos, which is 0, is disclosed."""
    return strokes, {"rate": 0.0}
