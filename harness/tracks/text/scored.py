"""What metrics are given: the probabilities of each character that comes after a typed one, and which it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...components.calls import read_only
from ...track.posed_case import Case
from .passage import Floats, Ints, Passage, codes_of
from .posing import TypedCase


@dataclass(frozen=True)
class Characters:
    """Characters of a passage: `log_p` (M, K), which of the K each is (M,), and -ln p of it by its source, or None."""

    log_p: Floats
    truth: Ints
    source: Floats | None

    @property
    def nats(self) -> Floats:
        """-ln p of each true character, (M,)."""
        nats: Floats = -self.log_p[np.arange(len(self.truth)), self.truth]
        return nats


def score_characters(log_p: Floats, item: Passage, case: Case) -> Characters:
    """Of each character but the first that has a typed one before it, by the row of that one."""
    if not isinstance(case, TypedCase) or case.rows is None:
        raise TypeError("which row predicts which character stays with the scorer: pose it there")
    truth = codes_of(item.text[1:], item.alphabet)
    typed = case.rows >= 0
    source = None if item.law is None else -np.log(item.law[np.arange(len(truth)), truth])[typed]
    return Characters(read_only(log_p[case.rows[typed]]), read_only(truth[typed]), read_only(source))
