"""Whether predictions are better than any can be, where the source of a passage is known."""

from __future__ import annotations

from typing import Any

from ...components.registry import Bound
from ...track.posed_case import Case
from .passage import Passage
from .scored import score_characters

_MOST_GAIN = 13.8
"""Nats of a whole passage by which no honest prediction is ahead of its source but once in a million passages: the mean
of the ratio of their probabilities is at most 1."""


def why_copied(output: Any, item: Passage, case: Case, protocol: Bound) -> str:
    """That the true characters are likelier by them than by the source itself."""
    if item.law is None:
        return ""
    characters = score_characters(protocol.entry.obj(output, **protocol.kwargs), item, case)
    if characters.source is None or (characters.source - characters.nats).sum() <= _MOST_GAIN:
        return ""
    return "predicts its passage better than the source that made it allows"
