"""The mean of the SSIM map, exact and fast: OpenCV filters over pieces of a picture that stay in the cache.

With s = x + y and d = x − y, Gaussian means m_s, m_d and variances v_s, v_d, the map of Wang et al. 2004 is

    (m_s² − m_d² + 2 C1) (v_s − v_d + 2 C2) / ((m_s² + m_d² + 2 C1) (v_s + v_d + 2 C2)).

Four filterings instead of five; and an error of v_s cancels between the two where x and y are alike.
"""

from __future__ import annotations

import cv2
import numpy as np

from .protocol import Array

WINDOW = 11
_RADIUS = WINDOW // 2
_MARGIN = 2 * _RADIUS
_SIGMA = 1.5
K1, K2 = 0.01, 0.03
_ROWS, _VALUES = 128, 1536
_SMALL = 1 << 16
"""Below so many values float64 is used: few rounding errors do not cancel, and time is no matter."""


def gaussian_taps() -> Array:
    """The 11 taps of the window along one axis, float64, of sum 1."""
    taps = np.exp(-((np.arange(WINDOW) - _RADIUS) ** 2) / (2 * _SIGMA**2))
    return np.asarray(taps / taps.sum())


def _single_taps() -> Array:
    # A float32 window whose sum is 1 + e gives a flat picture of value v the variance e·v². On a grid of
    # 2^-25 the sum is exactly 1 and each tap is off by 1.5e-8, the middle one by ten times that, at most.
    taps = np.rint(gaussian_taps() * 2.0**25) / 2.0**25
    taps[_RADIUS] += 1.0 - taps.sum()
    return taps.astype(np.float32)


_TAPS = {np.dtype(np.float32): _single_taps(), np.dtype(np.float64): gaussian_taps()}
_DEPTH = {np.dtype(np.float32): cv2.CV_32F, np.dtype(np.float64): cv2.CV_64F}


def mean_structure(x: Array, y: Array, peak: float, *, luminance: bool = True) -> float:
    """The mean of the SSIM map over the valid region and the channels; without `luminance` the mean of its
    contrast-structure term. `x`, `y`: (H, W, C), both uint8 or both float64, at least 11×11.
    """
    height, width, channels = x.shape
    columns = max(64, _VALUES // channels)
    size = (min(height, _ROWS + _MARGIN)) * min(width, columns + _MARGIN) * channels
    single, double = np.empty((6, size), np.float32), None
    wild = x.dtype == np.float64 and max(np.abs(x).max(), np.abs(y).max()) > 2 * peak
    careful = wild or x.size < _SMALL
    total = 0.0
    for top in range(0, height - _MARGIN, _ROWS):
        for left in range(0, width - _MARGIN, columns):
            piece = np.s_[top : top + _ROWS + _MARGIN, left : left + columns + _MARGIN]
            part = None if careful else _sum(x[piece], y[piece], peak, luminance, single)
            if part is None:
                double = np.empty((6, size), np.float64) if double is None else double
                part = _sum(x[piece], y[piece], peak, luminance, double)
            total += part or 0.0
    return total / float((height - _MARGIN) * (width - _MARGIN) * channels)


def _sum(x: Array, y: Array, peak: float, luminance: bool, planes: Array) -> float | None:
    """The sum of the map over the valid region of a piece; None where float32 planes may be too coarse."""
    dtype, shape = planes.dtype, x.shape
    depth, taps = _DEPTH[dtype], _TAPS[dtype]
    c1, c2 = 2 * (K1 * peak) ** 2, 2 * (K2 * peak) ** 2
    s, d, ms, md, vs, vd = (plane[: x.size].reshape(shape) for plane in planes)
    # A variance does not depend on an offset, but its rounding error does: take the mean of the piece away.
    mean_x, mean_y = _mean(x), _mean(y)
    middle, gap = mean_x + mean_y, mean_x - mean_y
    cv2.addWeighted(x, 1.0, y, 1.0, -middle, dst=s, dtype=depth)
    cv2.addWeighted(x, 1.0, y, -1.0, -gap, dst=d, dtype=depth)
    cv2.sepFilter2D(s, depth, taps, taps, dst=ms)
    cv2.sepFilter2D(d, depth, taps, taps, dst=md)
    s *= s
    d *= d
    cv2.sepFilter2D(s, depth, taps, taps, dst=vs, delta=c2)
    cv2.sepFilter2D(d, depth, taps, taps, dst=vd)
    s, d, ms, md, vs, vd = (plane.reshape(shape[0], -1)[_RADIUS:-_RADIUS] for plane in (s, d, ms, md, vs, vd))
    vs -= np.multiply(ms, ms, out=s)
    vd -= np.multiply(md, md, out=d)
    if dtype == np.float32 and _doubtful(ms, md, vs, vd, peak):
        return None
    np.subtract(vs, vd, out=s)
    vs += vd
    if luminance:
        ms += middle
        ms *= ms
        ms += c1
        md += gap
        md *= md
        s *= np.subtract(ms, md, out=d)
        ms += md
        vs *= ms
    s /= vs
    edge = _RADIUS * shape[2]
    return float(cv2.sumElems(s[:, edge:-edge])[0])


def _doubtful(ms: Array, md: Array, vs: Array, vd: Array, peak: float) -> bool:
    """Whether rounding errors of float32 may add up instead of cancelling: judged on a sample of a piece.

    Of v_s the error is about 1e-7 m_s², which moves the map by v_d / (v_s + v_d)² times that; it has the same
    sign wherever m_s is the same, so it does not cancel where m_s takes few values (blocks with noise) or where
    y is a negative of x. Of v_d it is 1e-7 m_d², which tells in areas of unequal brightness.
    """
    ms, md, vs, vd = (plane[::6, ::7].ravel() for plane in (ms, md, vs, vd))
    total = vs + vd
    if vd.sum() > 1.5 * vs.sum() or np.mean(md * md / total) > 0.5:
        return True
    levels = np.rint(ms * (32 / peak)).astype(np.int64)
    moved = np.bincount(levels - levels.min(), weights=ms * ms * vd / total**2) / levels.size
    return float(np.linalg.norm(moved)) > 2.5


def _mean(piece: Array) -> float:
    mean = float(cv2.sumElems(piece.reshape(piece.shape[0], -1))[0]) / piece.size
    return float(round(mean)) if piece.dtype == np.uint8 else mean  # whole numbers stay exact
