"""The law of the source: what a perfect model of it scores."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np


@nb.method("source", track="text", oracle=True, role="optimum")
def source(text: str, info: Any) -> Any:
    """The probabilities by which the source made each next character, as logits float32 (N, K).

    Raises `Skip` where no law is known, and of a passage with typos.
    """
    law = getattr(info.sample, "law", None)
    if law is None:
        raise nb.Skip("the source of this dataset is not known: take word_chain")
    if text != info.sample.text[:-1]:
        raise nb.Skip("the law is known of a passage without typos: take the regime none")
    return np.log(np.maximum(law, 1e-30)).astype(np.float32)
