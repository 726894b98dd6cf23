"""Whether a restored picture is nearly the clean one: it has fine detail that its input does not show."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...components.registry import Bound
from ...imaging.pixels import as_hwc
from ...imaging.sample import Sample
from ...track.posed_case import Case

_HIDDEN = 3.0
"""A detail of the clean picture is hidden where the error of the input there is so many times as large."""
_OFF = 0.4
"""Share of its energy by which hidden detail is off in what is made from the input. That is 1 where the input tells
nothing; methods that average, fill in or are trained were measured at 0.7 and more."""
_ENOUGH = 500
"""Details by which a picture is judged, at least."""


def why_copied(output: npt.NDArray[Any], item: Sample, case: Case, protocol: Bound) -> str:
    """That an output has the fine detail of the clean picture where the input hides it, as a copy with faint noise has.

    Detail is the diagonal difference of each 2×2 pixels of the middle channel. A picture in floating point is not
    judged: it was made, and a method may know its law; nor is one whose input has another size.
    """
    clean = as_hwc(item.clean)
    if not np.issubdtype(clean.dtype, np.integer) or not clean.shape == case.given.shape == output.shape:
        return ""
    truth, given = _details(clean) / np.float32(np.iinfo(clean.dtype).max), _details(case.given)
    hidden = (np.abs(given - truth) >= _HIDDEN * np.abs(truth)) & (truth != 0)
    if np.count_nonzero(hidden) < _ENOUGH:
        return ""
    error, energy = (_details(output)[hidden] - truth[hidden]) ** 2, truth[hidden] ** 2
    return "" if error.sum() > _OFF * energy.sum() else "has fine detail of the clean picture that the input hides"


def _details(picture: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    height, width, channels = picture.shape
    even = picture[: height // 2 * 2, : width // 2 * 2, channels // 2]
    difference = np.subtract(even[::2], even[1::2], dtype=np.float32)
    details: npt.NDArray[np.float32] = difference[:, ::2] - difference[:, 1::2]
    return details
