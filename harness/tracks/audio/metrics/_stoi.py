"""Short-time objective intelligibility by pystoi."""

from __future__ import annotations

import warnings

from ....text.errors import NotDefined
from ..scored import Restored

SHORT = "less than 30 frames of the true clip are no silence: STOI needs about 0.4 s"


def intelligibility(restored: Restored, extended: bool) -> float:
    """STOI or ESTOI. Not defined for clips of which too little is left without silent frames."""
    from pystoi import stoi

    if not restored.truth.any() or len(restored.truth) < 0.4 * restored.rate:
        return NotDefined(SHORT)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return float(stoi(restored.truth, restored.output, restored.rate, extended=extended))
        except RuntimeWarning:
            return NotDefined(SHORT)
