"""Whether a matrix is nearer to the true one than what is fitted to noisy measurements can be."""

from __future__ import annotations

from ...components.registry import Bound
from ...track.near_truth import is_copied
from ...track.posed_case import Case
from .items import Measured
from .operators import Floats


def why_copied(output: Floats, item: Measured, case: Case, protocol: Bound) -> str:
    """That it is, by what is measured of both; a matrix of zeros, which may be guessed, is not judged."""
    measured = case.given.operator.measure(item.truth)
    off = case.given.operator.measure(output) - measured
    if not measured.any() or not is_copied(off, case.given.y - measured):
        return ""
    return "is nearer to the true matrix than any fit to the noisy measurements"
