from __future__ import annotations

import math

import cv2
import numpy as np

from ....components.decorators import metric
from ....imaging.pixels import Float
from ....text.errors import NotDefined
from ..pairs import Pair
from ._planes import HAARPSI_SMALLEST, YIQ, halve, planes_of, problem_of

_HAAR_C, _HAAR_ALPHA = 30.0, 4.2


@metric("haarpsi", title="HaarPSI")
def haarpsi(pair: Pair) -> float:
    """Haar wavelet-based perceptual similarity, at most 1 (Reisenhofer et al. 2018).

    Undecimated Haar magnitudes of luma along rows and columns: the similarities (2 a b + C) / (a² + b² + C) of the
    two finer scales, through a logistic function of slope alpha, weighted by the larger of both at the third.
    C = 30, alpha = 4.2, after 2×2 means at every second pixel; outside the picture is zero, as in the authors'
    code. Colour adds the similarity of I and Q of YIQ, under the mean of both weights. Not defined below 16 pixels.
    """
    problem = problem_of(pair, "haarpsi", HAARPSI_SMALLEST)
    if problem is not None:
        return problem
    halves = [[halve(plane) for plane in planes_of(p, pair.peak, YIQ[: p.shape[2]])] for p in (pair.x, pair.y)]
    weights: list[Float] = []
    similar: list[Float] = []
    for across in (False, True):
        ours, theirs = ([_haar(p[0], k, across) for k in (1, 2, 3)] for p in halves)
        weights.append(np.maximum(ours[2], theirs[2]))
        similar.append((_alike(ours[0], theirs[0]) + _alike(ours[1], theirs[1])) / 2)
    if pair.x.shape[2] == 3:
        chroma = [_alike(_mean2(halves[0][c]), _mean2(halves[1][c])) for c in (1, 2)]
        similar.append((chroma[0] + chroma[1]) / 2)
        weights.append((weights[0] + weights[1]) / 2)
    total = sum(float(w.sum()) for w in weights)
    if total == 0:
        return NotDefined("haarpsi needs pictures that are not black")
    share = sum(float((w / (1 + np.exp(-_HAAR_ALPHA * s))).sum()) for w, s in zip(weights, similar, strict=True))
    share /= total
    return (math.log(share / (1 - share)) / _HAAR_ALPHA) ** 2


def _haar(plane: Float, scale: int, across: bool) -> Float:
    """Magnitudes of undecimated Haar coefficients of side 2^scale, along rows or columns."""
    side = 2**scale
    flat, step = np.ones(side), np.repeat([-1.0, 1.0], side // 2)
    kernel_x, kernel_y = (step, flat) if across else (flat, step)
    response = _even_filter(plane, kernel_x, kernel_y / side)
    return np.abs(response, out=response)


def _mean2(plane: Float) -> Float:
    mean = _even_filter(plane, np.full(2, 0.5), np.full(2, 0.5))
    return np.abs(mean, out=mean)


def _even_filter(plane: Float, kernel_x: Float, kernel_y: Float) -> Float:
    """Windows of even side that reach one pixel further right and down, zero outside: `same` of MATLAB."""
    anchor = (kernel_x.size // 2 - 1,) * 2
    return np.asarray(
        cv2.sepFilter2D(plane, cv2.CV_64F, kernel_x, kernel_y, anchor=anchor, borderType=cv2.BORDER_CONSTANT)
    )


def _alike(x: Float, y: Float) -> Float:
    return (2 * x * y + _HAAR_C) / (x * x + y * y + _HAAR_C)
