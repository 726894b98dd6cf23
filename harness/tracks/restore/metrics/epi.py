from __future__ import annotations

import math

import cv2

from ....components.decorators import metric
from ....imaging.pixels import Float
from ....text.errors import NotDefined
from ..pairs import Pair
from ._planes import lumas_of


@metric("epi", title="EPI")
def epi(pair: Pair) -> float:
    """Edge preservation index: correlation of the Laplacians of both lumas, at most 1 (Sattar et al. 1997).

    The four-neighbour 3×3 Laplacian, where it fits. Not defined where either picture has no edges.
    """
    lumas = lumas_of(pair, "epi", 3)
    if isinstance(lumas, NotDefined):
        return lumas
    x, y = (_laplacian(luma) for luma in lumas)
    # Sums by numpy and OpenCV, not by BLAS, whose threads wait for each other on a busy machine.
    sizes = float(cv2.norm(x, cv2.NORM_L2SQR)), float(cv2.norm(y, cv2.NORM_L2SQR))
    # What is left of the rounding of luma is no edge.
    if min(sizes) <= x.size * 1e-20:
        return NotDefined("epi needs pictures that have edges")
    x *= y
    return float(x.sum()) / math.sqrt(sizes[0] * sizes[1])


def _laplacian(plane: Float) -> Float:
    """The four-neighbour Laplacian where it fits, less its mean."""
    response: Float = plane[:-2, 1:-1] + plane[2:, 1:-1]
    response += plane[1:-1, :-2]
    response += plane[1:-1, 2:]
    response -= 4 * plane[1:-1, 1:-1]
    response -= response.mean()
    return response
