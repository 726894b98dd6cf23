from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ..scored import Characters


@metric("accuracy", title="Accuracy", track="text", order=1, gate={"max_drop": 0.005})
def accuracy(characters: Characters) -> float:
    """Share of characters that are the likeliest by the prediction; of equally likely ones the first counts."""
    return float((np.argmax(characters.log_p, axis=1) == characters.truth).mean())
