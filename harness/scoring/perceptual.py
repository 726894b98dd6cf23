"""Perceptual and field metrics without weights: gmsd, vif, haarpsi; snr, nrmse, epi; enl for speckle.

gmsd, vif, haarpsi, epi and enl take pictures of 1 or 3 channels. Where a paper is about grey pictures, colour
becomes luma, 0.299 R + 0.587 G + 0.114 B, not rounded. gmsd, vif and haarpsi are on the scale 0–255 of their
papers whatever the protocol. All in float64.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import cv2
import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt, Le

from ..errors import NotDefined
from .protocol import Pair, metric

Float = npt.NDArray[np.float64]

YIQ = ((0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))
"""Rows Y, I and Q of R, G, B, to three decimals as in the code of HaarPSI's authors."""

GMSD_SMALLEST, HAARPSI_SMALLEST, VIF_SMALLEST = 6, 16, 41
GMSD_T = 170.0
_HAAR_C, _HAAR_ALPHA = 30.0, 4.2
_VIF_NOISE, _VIF_TINY, _VIF_ROWS = 2.0, 1e-10, 64


@metric("gmsd", higher=False)
def gmsd(pair: Pair) -> float:
    """Gradient magnitude similarity deviation of luma; 0 for equal pictures (Xue et al. 2014).

    The deviation over pixels of (2 gₓ g_y + T) / (gₓ² + g_y² + T), T = 170, g the length of the Prewitt gradient
    over 3 after 2×2 means at every second pixel; outside the picture is zero, as in the authors' code. The
    deviation divides by N, as in the paper (their code by N − 1).
    """
    lumas = lumas_of(pair, "gmsd", GMSD_SMALLEST)
    if isinstance(lumas, NotDefined):
        return lumas
    first, second = (_squared_gradient(_halve(luma)) for luma in lumas)
    both = first + second
    both += GMSD_T
    np.multiply(first, second, out=first)
    np.sqrt(first, out=first)
    first *= 2.0
    first += GMSD_T
    first /= both
    first -= first.mean()
    return float(cv2.norm(first)) / math.sqrt(first.size)


@metric("vif")
def vif(pair: Pair) -> float:
    """Visual information fidelity of luma in the pixel domain; 1 for equal pictures (Sheikh and Bovik 2006).

    The authors' `vifp`, with scalar mixtures in place of wavelets: Σ log(1 + g² v_y / (v + 2)) / Σ log(1 + v_y / 2)
    over four scales, with v_y the clean variance, g = cov / v_y and v = v_x − g cov in Gaussian windows of 17, 9,
    5 and 3 of sigma a fifth of that, where they fit; the noise of seeing has the variance 2. Above 1 where
    contrast was raised. Not defined below 41 pixels, nor where the clean picture is flat.
    """
    lumas = lumas_of(pair, "vif", VIF_SMALLEST)
    if isinstance(lumas, NotDefined):
        return lumas
    # Offsets leave variances alone, but cost them digits.
    distorted, reference = (luma - luma.mean() for luma in lumas)
    seen = there = 0.0
    for scale in range(4):
        width = 2 ** (4 - scale) + 1
        if scale:
            distorted, reference = (np.ascontiguousarray(_window(p, width)[::2, ::2]) for p in (distorted, reference))
        for top in range(0, reference.shape[0] - width + 1, _VIF_ROWS):  # pieces that stay in the cache
            piece = np.s_[top : top + _VIF_ROWS + width - 1]
            part, whole = _information(distorted[piece], reference[piece], width)
            seen, there = seen + part, there + whole
    return seen / there if there > 0 else NotDefined("vif needs a clean picture that is not flat")


@metric("haarpsi")
def haarpsi(pair: Pair) -> float:
    """Haar wavelet-based perceptual similarity, at most 1 (Reisenhofer et al. 2018).

    Undecimated Haar magnitudes of luma along rows and columns: the similarities (2 a b + C) / (a² + b² + C) of the
    two finer scales, through a logistic function of slope alpha, weighted by the larger of both at the third.
    C = 30, alpha = 4.2, after 2×2 means at every second pixel; outside the picture is zero, as in the authors'
    code. Colour adds the similarity of I and Q of YIQ, under the mean of both weights. Not defined below 16 pixels.
    """
    found = problem_of(pair, "haarpsi", HAARPSI_SMALLEST)
    if found is not None:
        return found
    halves = [[_halve(plane) for plane in planes_of(p, pair.peak, YIQ[: p.shape[2]])] for p in (pair.x, pair.y)]
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


@metric("snr", unit="dB")
def snr(pair: Pair) -> float:
    """Signal-to-noise ratio: 10·log10(Σ clean² / Σ (restored − clean)²), all channels; inf for equal ones."""
    if pair.y.size == 0:
        return _nothing_left()
    power, error = _power(pair), _squared_error(pair)
    if power == 0:
        return NotDefined("snr needs a clean picture that is not black")
    return math.inf if error == 0 else 10 * math.log10(power / error)


@metric("nrmse", higher=False)
def nrmse(pair: Pair, *, by: Literal["euclidean", "range", "mean"] = "euclidean") -> float:
    """Root mean squared error divided by the root mean square, the range or the mean of the clean picture."""
    if pair.y.size == 0:
        return _nothing_left()
    scale = {
        "euclidean": lambda: math.sqrt(_power(pair) / pair.y.size),
        "range": lambda: float(pair.y.max()) - float(pair.y.min()),
        "mean": lambda: float(pair.y.mean(dtype=np.float64)),
    }[by]()
    if scale <= 0:
        return NotDefined(f"nrmse(by={by}) divides by the {by} of the clean picture, which is {scale:g}")
    return math.sqrt(_squared_error(pair) / pair.y.size) / scale


@metric("epi")
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


@metric("enl")
def enl(pair: Pair, *, tile: Annotated[int, Ge(4)] = 16, share: Annotated[float, Gt(0), Le(1)] = 0.1) -> float:
    """Equivalent number of looks of the restored luma: mean² / variance where the clean picture is flat.

    The definition for homogeneous areas (Oliver and Quegan 1998). Homogeneous here: the `share` of `tile`×`tile`
    tiles in which the clean picture varies least for its mean, at least one; the median over these tiles. inf
    where they are flat. Speckle of L looks has L; smoothing raises it, so read it beside a fidelity metric.
    """
    lumas = lumas_of(pair, "enl", tile)
    if isinstance(lumas, NotDefined):
        return lumas
    (mean, variance), (clean_mean, clean_variance) = (_tile_moments(luma, tile) for luma in lumas)
    lit = clean_mean > 0
    if not lit.any():
        return NotDefined("enl needs a clean picture that is not black")
    variation = np.where(lit, clean_variance / np.where(lit, clean_mean, 1) ** 2, np.inf)
    count = max(1, min(int(lit.sum()), round(share * variation.size)))
    flattest = np.argsort(variation, kind="stable")[:count]
    with np.errstate(divide="ignore", invalid="ignore"):
        looks = mean[flattest] ** 2 / variance[flattest]
    looks[np.isnan(looks)] = 0.0  # black throughout: nothing of the signal is left
    return float(np.median(looks))


def problem_of(pair: Pair, name: str, least: int) -> NotDefined | None:
    height, width, channels = pair.x.shape
    if min(height, width) < least:
        return NotDefined(f"{name} needs at least {least}×{least} pixels, not {height}×{width}")
    if channels not in (1, 3):
        return NotDefined(f"{name} takes 1 or 3 channels, not {channels}")
    return None


def lumas_of(pair: Pair, name: str, least: int) -> tuple[Float, Float] | NotDefined:
    """Restored and clean luma (H, W) on 0–255."""
    found = problem_of(pair, name, least)
    if found is not None:
        return found
    x, y = (planes_of(p, pair.peak, YIQ[:1])[0] for p in (pair.x, pair.y))
    return x, y


def planes_of(picture: npt.NDArray[np.generic], peak: float, rows: tuple[tuple[float, ...], ...]) -> list[Float]:
    plain = np.asarray(picture, np.float64)
    if peak != 255.0:
        plain = plain * (255.0 / peak)
    if plain.shape[2] == 1:
        return [plain[:, :, 0]]
    return [np.asarray(cv2.transform(plain, np.array([row])), np.float64).reshape(plain.shape[:2]) for row in rows]


def _halve(plane: Float) -> Float:
    """2×2 means at every second pixel; zero beyond an odd last row or column."""
    if plane.shape[0] % 2 or plane.shape[1] % 2:
        plane = np.pad(plane, [(0, side % 2) for side in plane.shape])
    rows = plane[0::2] + plane[1::2]
    halved: Float = rows[:, 0::2] + rows[:, 1::2]
    halved *= 0.25
    return halved


def _squared_gradient(plane: Float) -> Float:
    side, flat = np.array([-1.0, 0.0, 1.0]), np.full(3, 1 / 3)
    across, down = (
        np.asarray(cv2.sepFilter2D(plane, cv2.CV_64F, kx, ky, borderType=cv2.BORDER_CONSTANT), np.float64)
        for kx, ky in ((side, flat), (flat, side))
    )
    across *= across
    down *= down
    across += down
    return across


def _laplacian(plane: Float) -> Float:
    """The four-neighbour Laplacian where it fits, less its mean."""
    found: Float = plane[:-2, 1:-1] + plane[2:, 1:-1]
    found += plane[1:-1, :-2]
    found += plane[1:-1, 2:]
    found -= 4 * plane[1:-1, 1:-1]
    found -= found.mean()
    return found


def _window(plane: Float, width: int) -> Float:
    """Gaussian means where the window fits."""
    half = width // 2
    taps = np.exp(-((np.arange(width) - half) ** 2) / (2 * (width / 5) ** 2))
    taps /= taps.sum()
    return np.asarray(cv2.sepFilter2D(plane, cv2.CV_64F, taps, taps)[half:-half, half:-half])


def _information(distorted: Float, reference: Float, width: int) -> tuple[float, float]:
    """Information of the reference that the distorted picture keeps, and all of it, at one scale; in nats."""
    mean_x, mean_y = _window(distorted, width), _window(reference, width)
    var_x = _window(distorted * distorted, width) - mean_x * mean_x
    var_y = _window(reference * reference, width) - mean_y * mean_y
    cov = _window(distorted * reference, width) - mean_x * mean_y
    np.maximum(var_x, 0, out=var_x)
    np.maximum(var_y, 0, out=var_y)
    gain = cov / (var_y + _VIF_TINY)
    rest = np.multiply(gain, cov, out=cov)
    np.subtract(var_x, rest, out=rest)
    # The degenerate cases of the authors: nothing to see, nothing seen, or seen upside down.
    if min(float(var_y.min()), float(var_x.min())) < _VIF_TINY:
        blank, lost = var_y < _VIF_TINY, var_x < _VIF_TINY
        gain[blank | lost] = 0
        rest[blank] = var_x[blank]
        rest[lost] = 0
        var_y[blank] = 0
    turned = gain < 0
    np.copyto(rest, var_x, where=turned)
    np.copyto(gain, 0.0, where=turned)
    np.maximum(rest, _VIF_TINY, out=rest)
    rest += _VIF_NOISE
    gain *= gain
    gain *= var_y
    gain /= rest
    var_y /= _VIF_NOISE
    return float(np.log1p(gain, out=gain).sum()), float(np.log1p(var_y, out=var_y).sum())


def _haar(plane: Float, scale: int, across: bool) -> Float:
    """Magnitudes of undecimated Haar coefficients of side 2^scale, along rows or columns."""
    side = 2**scale
    flat, step = np.ones(side), np.repeat([-1.0, 1.0], side // 2)
    kernel_x, kernel_y = (step, flat) if across else (flat, step)
    found = _even_filter(plane, kernel_x, kernel_y / side)
    return np.abs(found, out=found)


def _mean2(plane: Float) -> Float:
    found = _even_filter(plane, np.full(2, 0.5), np.full(2, 0.5))
    return np.abs(found, out=found)


def _even_filter(plane: Float, kernel_x: Float, kernel_y: Float) -> Float:
    """Windows of even side that reach one pixel further right and down, zero outside: `same` of MATLAB."""
    anchor = (kernel_x.size // 2 - 1,) * 2
    return np.asarray(
        cv2.sepFilter2D(plane, cv2.CV_64F, kernel_x, kernel_y, anchor=anchor, borderType=cv2.BORDER_CONSTANT)
    )


def _alike(x: Float, y: Float) -> Float:
    return (2 * x * y + _HAAR_C) / (x * x + y * y + _HAAR_C)


def _tile_moments(plane: Float, tile: int) -> tuple[Float, Float]:
    rows, columns = plane.shape[0] // tile, plane.shape[1] // tile
    squares = plane[: rows * tile, : columns * tile].reshape(rows, tile, columns, tile)
    tiles = squares.transpose(0, 2, 1, 3).reshape(rows * columns, -1)
    return tiles.mean(axis=1), tiles.var(axis=1)


def _nothing_left() -> NotDefined:
    return NotDefined("the border of the protocol leaves no pixel")


def _power(pair: Pair) -> float:
    return float(cv2.norm(pair.y.reshape(pair.y.shape[0], -1), cv2.NORM_L2SQR))


def _squared_error(pair: Pair) -> float:
    rows = pair.x.shape[0]
    return float(cv2.norm(pair.x.reshape(rows, -1), pair.y.reshape(rows, -1), cv2.NORM_L2SQR))
