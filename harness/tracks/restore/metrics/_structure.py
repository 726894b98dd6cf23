"""The mean of the SSIM map, exact and fast: OpenCV filters over pieces of a picture that stay in the cache.

With s = x + y and d = x − y, Gaussian means m_s, m_d and variances v_s, v_d, the map of Wang et al. 2004 is

    (m_s² − m_d² + 2 C1) (v_s − v_d + 2 C2) / ((m_s² + m_d² + 2 C1) (v_s + v_d + 2 C2)).

Four filterings instead of five; and an error of v_s cancels between the two where x and y are alike.

In float32 a variance v_s is off by 1e-7 m_s², and the same way wherever s takes the same few values: the sky of a
photograph alone moves the mean by 1e-6. So a fixed noise is added before s and s² are filtered, and what the filter
makes of it, known in float64, is taken away after: roundings then have either sign in one place, and cancel.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from ..pairs import Array

WINDOW = 11
_RADIUS = WINDOW // 2
_MARGIN = 2 * _RADIUS
_SIGMA = 1.5
K1, K2 = 0.01, 0.03
_C1, _C2 = 2 * (K1 * 255.0) ** 2, 2 * (K2 * 255.0) ** 2
_ROWS, _VALUES = 128, 1536
_NOISE_OF_SQUARES = 256.0
"""How many times larger the noise added to the squares is than that added to the sums."""
_SMALL = 1 << 16
"""Below so many values float64 is used: few rounding errors do not cancel, and time is no matter."""


def gaussian_taps(window: int = WINDOW) -> Array:
    """The taps of the window along one axis, an odd number, float64, of sum 1."""
    taps = np.exp(-((np.arange(window) - window // 2) ** 2) / (2 * _SIGMA**2))
    return np.asarray(taps / taps.sum())


def _single_taps() -> Array:
    # A float32 window whose sum is 1 + e gives a flat picture of value v the variance e·v². On a grid of
    # 2^-25 the sum is exactly 1 and each tap is off by 1.5e-8, the middle one by ten times that, at most.
    taps = np.rint(gaussian_taps() * 2.0**25) / 2.0**25
    taps[_RADIUS] += 1.0 - taps.sum()
    return taps.astype(np.float32)


_TAPS = {np.dtype(np.float32): _single_taps(), np.dtype(np.float64): gaussian_taps()}
_DEPTH = {np.dtype(np.float32): cv2.CV_32F, np.dtype(np.float64): cv2.CV_64F}


def mean_structure(x: Array, y: Array, peak: float) -> float:
    """The mean of the SSIM map over the valid region and the channels. Pictures as for `structure_means`."""
    return float(structure_means(x, y, peak).mean())


def structure_means(x: Array, y: Array, peak: float, *, luminance: bool = True) -> Array:
    """The mean of the SSIM map over the valid region of each channel, (C,); without `luminance` the mean of its
    contrast-structure term. `x`, `y`: (H, W, C), both uint8, float32 or float64, at least 11×11.
    """
    height, width, channels = x.shape
    columns = max(64, _VALUES // channels)
    size = (min(height, _ROWS + _MARGIN)) * min(width, columns + _MARGIN) * channels
    single, double = np.empty((6, size), np.float32), None
    wild = x.dtype == np.float64 and max(np.abs(x).max(), np.abs(y).max()) > 2 * peak
    careful = wild or x.size < _SMALL
    total = np.zeros(channels)
    for row in range(0, height - _MARGIN, _ROWS):
        for column in range(0, width - _MARGIN, columns):
            piece = np.s_[row : row + _ROWS + _MARGIN, column : column + columns + _MARGIN]
            part = None if careful else _sums(x[piece], y[piece], 255.0 / peak, luminance, single)
            if part is None:
                double = np.empty((6, size), np.float64) if double is None else double
                part = _sums(x[piece], y[piece], 255.0 / peak, luminance, double)
            total += 0.0 if part is None else part
    return total / float((height - _MARGIN) * (width - _MARGIN))


def _sums(x: Array, y: Array, scale: float, luminance: bool, planes: Array) -> Array | None:
    """The sums of the map over the valid region of a piece, (C,); None where float32 planes may be too coarse.

    `scale` brings the pictures to 0–255, where those that were 8 bit once are whole numbers: squares are exact.
    """
    dtype, shape = planes.dtype, x.shape
    depth, taps = _DEPTH[dtype], _TAPS[dtype]
    s, d, ms, md, vs, vd = (plane[: x.size].reshape(shape) for plane in planes)
    # A variance does not depend on an offset, but its rounding error does: take the mean of the piece away.
    mean_x, mean_y = _mean(x, scale), _mean(y, scale)
    middle, gap = mean_x + mean_y, mean_x - mean_y
    cv2.addWeighted(x, scale, y, scale, -middle, dst=s, dtype=depth)
    cv2.addWeighted(x, scale, y, -scale, -gap, dst=d, dtype=depth)
    noise, means = _noise(shape[2]) if dtype == np.float32 else (None, None)
    if noise is not None:
        np.add(_flat(s), noise[: shape[0], : shape[1] * shape[2]], out=_flat(vs))
    cv2.sepFilter2D(s if noise is None else vs, depth, taps, taps, dst=ms)
    cv2.sepFilter2D(d, depth, taps, taps, dst=md)
    s *= s
    d *= d
    if noise is not None:
        cv2.scaleAdd(noise[: shape[0], : shape[1] * shape[2]], _NOISE_OF_SQUARES, _flat(s), dst=_flat(s))
    cv2.sepFilter2D(s, depth, taps, taps, dst=vs, delta=_C2)
    cv2.sepFilter2D(d, depth, taps, taps, dst=vd)
    s, d, ms, md, vs, vd = (_flat(plane)[_RADIUS:-_RADIUS] for plane in (s, d, ms, md, vs, vd))
    if means is not None:
        means = means[_RADIUS : shape[0] - _RADIUS, : s.shape[1]]
        ms -= means
        cv2.scaleAdd(means, -_NOISE_OF_SQUARES, vs, dst=vs)
    vs -= np.multiply(ms, ms, out=s)
    vd -= np.multiply(md, md, out=d)
    if dtype == np.float32 and _doubtful(md, vs, vd):
        return None
    np.subtract(vs, vd, out=s)
    vs += vd
    if luminance:
        ms += middle
        ms *= ms
        ms += _C1
        md += gap
        md *= md
        s *= np.subtract(ms, md, out=d)
        ms += md
        vs *= ms
    s /= vs
    valid = s.reshape(s.shape[0], shape[1], shape[2])[:, _RADIUS:-_RADIUS]
    if shape[2] <= 4:  # cv2.sumElems has no more
        return np.array(cv2.sumElems(valid)[: shape[2]])
    return np.asarray(valid.sum(axis=(0, 1), dtype=np.float64))


@lru_cache(maxsize=8)
def _noise(channels: int) -> tuple[Array, Array]:
    """The noise of a piece of full size and its Gaussian means where they fit, float32 (rows, columns · channels).

    Uniform on ±32 grey levels with all the digits of float32, so that its sum with any level is rounded at random.
    """
    shape = (_ROWS + _MARGIN, max(64, _VALUES // channels) + _MARGIN, channels)
    rng = np.random.Generator(np.random.Philox(0))
    drawn = rng.integers(-(1 << 23), 1 << 23, shape) / 2.0**18
    means = np.asarray(cv2.sepFilter2D(drawn, cv2.CV_64F, gaussian_taps(), gaussian_taps()))
    noise, noise_means = (np.float32(p).reshape(shape[0], -1) for p in (drawn, means))
    noise.flags.writeable = noise_means.flags.writeable = False
    return noise, noise_means


def _doubtful(md: Array, vs: Array, vd: Array) -> bool:
    """Whether roundings of float32 in v_d, which has no noise added, may tell: judged on a sample of a piece.

    They are about 1e-7 m_d², which tells in areas of unequal brightness, and where y is a negative of x.
    """
    md, vs, vd = (plane[::6, ::7].ravel() for plane in (md, vs, vd))
    return bool(vd.sum() > 1.5 * vs.sum() or np.mean(md * md / (vs + vd)) > 1)


def _flat(plane: Array) -> Array:
    return plane.reshape(plane.shape[0], -1)


def _mean(piece: Array, scale: float) -> float:
    return float(round(float(cv2.sumElems(_flat(piece))[0]) / piece.size * scale))  # whole numbers stay exact
