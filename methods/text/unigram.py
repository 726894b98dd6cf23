"""How common each character is: what every model of text must beat."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.methods.text._training_text import TrainingText


@nb.method("unigram", track="text", role="baseline")
class Unigram:
    """Logits are the logarithms of how common each character is in `data`, each counted once more, float32 (N, K)."""

    def __init__(self, *, data: nb.DatasetSpec = "word_chain(split=train, n=400, length=512)") -> None:
        self.data = data

    @staticmethod
    def flags(*, data: nb.Bound) -> dict[str, Any]:
        """Counted in its data; blind, for it reads the alphabet alone of what it is told."""
        return {"blind": True, "trained_on": (data.display,)}

    def setup(self, device: Any) -> None:
        """Count the characters of all passages."""
        self.text = TrainingText(self.data)
        counts = 1 + np.bincount(np.concatenate(self.text.passages), minlength=len(self.text.alphabet))
        self.logits = np.log(counts / counts.sum()).astype(np.float32)

    def predict(self, text: str, info: Any) -> Any:
        """The same after each of N characters, (N, K)."""
        self.text.refuse_other_alphabet(info)
        return np.broadcast_to(self.logits, (len(text), len(self.logits))).copy()
