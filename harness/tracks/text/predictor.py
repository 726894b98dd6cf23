"""How a method is called: typed characters in, logits of the next one after each of them out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...components.keyed_noise import keyed_generator, text_key
from ...text.errors import Invalid
from ...track.info import Info
from ...track.posed_case import Case
from ...track.runner import ArrayRunner
from .probabilities import log_softmax

_SAME = 1e-3
"""Nats by which predictions of one beginning may differ from each other: of rounding."""


class Predictor(ArrayRunner):
    """A method `f(text, info, **params)`, or a class with `predict(text, info)`: logits (N, K) after each character.

    Row i says what comes after `text[:i + 1]`, by the characters of `info.alphabet`. It is called twice: on the text,
    and on the same with other characters from a place on, before which nothing that it says may change.
    """

    verb = "predict"

    def prepare(self, given: str) -> str:
        """The text, which nobody can change."""
        return given

    def untouched(self, prepared: str, given: str) -> bool:
        """That it is as it was."""
        return prepared == given

    def call(self, prepared: str, info: Info) -> Any:
        """The bare call; draws begin anew with each."""
        return super().call(prepared, info.stream(0))

    def accept(self, output: Any, case: Case) -> Any:
        """The logits as float32 (N, K). Raises `Invalid` for another shape, NaN or Inf, and for a look ahead."""
        logits = super().accept(output, case).astype(np.float32)
        if not self.meta["oracle"] and len(case.given) > 1:
            self._refuse_a_look_ahead(logits, case)
        return logits

    def _refuse_a_look_ahead(self, logits: Any, case: Case) -> None:
        alphabet: str = case.info.alphabet
        cut = int(keyed_generator(text_key(case.input_sha256)).integers(1, len(case.given)))
        others = alphabet[1:] + alphabet[:1]
        other = case.given[:cut] + case.given[cut:].translate(str.maketrans(alphabet, others))
        again = super().accept(self.call(other, case.info), case).astype(np.float32)
        off = np.abs(log_softmax(again[:cut]) - log_softmax(logits[:cut])).max()
        if off > _SAME:
            raise Invalid(
                f"what it says of the first {cut} characters changes with those after them, by {off:.2g} nats: "
                "predict each from the characters before it alone, by draws of info.rng alone"
            )
