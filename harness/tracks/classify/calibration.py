"""Calibration: how far the confidence of a classifier is from the share of its right answers."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ...boards.set_metrics import LABELS
from ...components.keyed_noise import keyed_generator, text_key
from ...statistics.paired_tests import MIN_ITEMS
from .set_metrics import AnswerMetric, Answers, Floats

DRAWS = 1000
"""Draws that the floor and the standard error are of."""


def calibration(bins: int) -> AnswerMetric:
    """The set metric of the expected calibration error, of `bins` of equal width on [0, 1]."""
    return AnswerMetric(partial(scored, bins=bins), features="confidence in bins", reference=LABELS, d=bins)


def scored(answers: Answers, bins: int) -> dict[str, Any]:
    """`value`, `error`, `interval`, `n`, `floor`, `flags` and `note` of a `SetPart`.

    `floor` is the mean of what methods score that are right as often as they say, with as many pictures; `error` that
    of resampled pictures. Below six pictures there is neither.
    """
    confidence, right = answers.confidence, answers.right
    n = len(confidence)
    result: dict[str, Any] = {"value": None, "error": None, "interval": None, "n": n, "floor": None, "flags": []}
    if not n:
        return {**result, "note": "no picture shows any of the classes"}
    result["value"] = calibration_error(confidence, right, bins)
    if n < MIN_ITEMS:
        return {**result, "note": f"below {MIN_ITEMS} pictures there is no floor"}
    rng = keyed_generator(text_key(f"calibration|{n}"))
    drawn = rng.random((DRAWS, n)) < confidence
    result["floor"] = float(np.mean([calibration_error(confidence, one.astype(float), bins) for one in drawn]))
    again = rng.integers(0, n, (DRAWS, n))
    result["error"] = float(np.std([calibration_error(confidence[one], right[one], bins) for one in again], ddof=1))
    return {**result, "note": "floor: of methods that are right as often as they say, with as many pictures"}


def calibration_error(confidence: Floats, right: Floats, bins: int) -> float:
    """Σ over bins of |share of right ones − mean confidence| × share of pictures; bins are (i/bins, (i+1)/bins]."""
    places = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(places, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))
