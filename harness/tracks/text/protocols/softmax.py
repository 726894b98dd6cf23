from __future__ import annotations

from typing import Any

from ....components.decorators import protocol
from ..passage import Floats
from ..probabilities import log_softmax


@protocol("softmax", track="text")
def softmax(logits: Any) -> Floats:
    """Logits (N, K) → log-probabilities of the next character, float64 (N, K); a constant of a row counts nothing."""
    return log_softmax(logits)
