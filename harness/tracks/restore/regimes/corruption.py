from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel
from ._digitise import Degraded, Picture
from ._filters import filter_separable, gaussian_taps, pad
from ._weather import between, clouds, enlarged, filtered, frost, snow, trail
from .jpeg import jpeg

Kind = Literal[
    "gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "snow",
    "frost", "fog", "brightness", "contrast", "elastic_transform", "pixelate", "jpeg_compression",
]  # fmt: skip
_SMALL = 64
"""Pictures with a shorter side of up to so many pixels have the settings of CIFAR-10-C, larger ones of ImageNet-C."""

_LUMA = (0.299, 0.587, 0.114)

_Settings = tuple[tuple[float, ...], ...]
_OF_SMALL: dict[str, _Settings] = {
    "gaussian_noise": ((0.04,), (0.06,), (0.08,), (0.09,), (0.10,)),
    "shot_noise": ((500,), (250,), (100,), (75,), (50,)),
    "impulse_noise": ((0.01,), (0.02,), (0.03,), (0.05,), (0.07,)),
    "defocus_blur": ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)),
    "glass_blur": ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)),
    "motion_blur": ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)),
    "zoom_blur": ((1.06, 0.01), (1.11, 0.01), (1.16, 0.01), (1.21, 0.01), (1.26, 0.01)),
    "snow": ((0.1, 0.2, 1, 0.6, 8, 3, 0.95), (0.1, 0.2, 1, 0.5, 10, 4, 0.9), (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
             (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85), (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8)),
    "frost": ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)),
    "fog": ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75)),
    "brightness": ((0.05,), (0.1,), (0.15,), (0.2,), (0.3,)),
    "contrast": ((0.75,), (0.5,), (0.4,), (0.3,), (0.15,)),
    "elastic_transform": ((0, 0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03)),
    "pixelate": ((0.95,), (0.9,), (0.85,), (0.75,), (0.65,)),
    "jpeg_compression": ((80,), (65,), (58,), (50,), (40,)),
}  # fmt: skip
_OF_LARGE: dict[str, _Settings] = {
    "gaussian_noise": ((0.08,), (0.12,), (0.18,), (0.26,), (0.38,)),
    "shot_noise": ((60,), (25,), (12,), (5,), (3,)),
    "impulse_noise": ((0.03,), (0.06,), (0.09,), (0.17,), (0.27,)),
    "defocus_blur": ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)),
    "glass_blur": ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)),
    "motion_blur": ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)),
    "zoom_blur": ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)),
    "snow": ((0.1, 0.3, 3, 0.5, 10, 4, 0.8), (0.2, 0.3, 2, 0.5, 12, 4, 0.7), (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
             (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65), (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55)),
    "frost": ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)),
    "fog": ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)),
    "brightness": ((0.1,), (0.2,), (0.3,), (0.4,), (0.5,)),
    "contrast": ((0.4,), (0.3,), (0.2,), (0.1,), (0.05,)),
    "elastic_transform": ((2, 0.7, 0.1), (2, 0.08, 0.2), (0.05, 0.01, 0.02), (0.07, 0.01, 0.02), (0.12, 0.01, 0.02)),
    "pixelate": ((0.6,), (0.5,), (0.4,), (0.3,), (0.25,)),
    "jpeg_compression": ((25,), (18,), (15,), (10,), (7,)),
}  # fmt: skip


@regime("corruption", version=2, title="{kind}, severity {severity}")
def corruption(
    x: Picture,
    rng: np.random.Generator,
    *,
    kind: Kind,
    severity: Annotated[int, Ge(1), Le(5), AxisLabel("severity")] = 3,
) -> Degraded:
    """One of fifteen common corruptions at one of five severities: noise, blur, weather, digital.

    As ImageNet-C has them (D. Hendrycks, T. Dietterich, ICLR 2019), with its settings and what its code makes of them,
    and for pictures of up to 64 pixels those of CIFAR-10-C; clipped, and rounded to 8 bits, which there are cut. Noise
    is keyed, and clouds, snow and frost are drawn by key: frost, of which the authors have photographs, is a drawing of
    veins here; its errors compare with no others'.
    """
    settings = (_OF_SMALL if min(x.shape[:2]) <= _SMALL else _OF_LARGE)[kind][severity - 1]
    y = np.clip(_corrupted(kind, np.clip(x, 0, 1), rng, settings), 0, 1)
    return np.rint(y * 255) / 255, {}


def _corrupted(kind: Kind, x: Picture, rng: np.random.Generator, settings: tuple[float, ...]) -> Picture:
    first = settings[0]
    height, width = x.shape[:2]
    if kind == "gaussian_noise":
        return x + first * rng.standard_normal(x.shape)
    if kind == "shot_noise":
        return rng.poisson(x * first) / first
    if kind == "impulse_noise":
        chance = rng.uniform(size=x.shape)
        return np.where(chance < first / 2, 0.0, np.where(chance < first, 1.0, x))
    if kind == "defocus_blur":
        return filtered(x, _defocused(*settings), "reflect")
    if kind == "glass_blur":
        return _through_glass(x, rng, first, round(settings[1]), round(settings[2]))
    if kind == "motion_blur":
        return filtered(x, trail(round(first), settings[1], float(rng.uniform(-45, 45))), "edge")
    if kind == "zoom_blur":
        factors = np.arange(1, first, settings[1])
        return (x + sum(enlarged(x, float(factor)) for factor in factors)) / (len(factors) + 1)
    if kind == "snow":
        flakes = snow(rng, height, width, settings)
        grey = (x * _LUMA if x.shape[2] == len(_LUMA) else x / x.shape[2]).sum(axis=2, keepdims=True)
        pale = settings[6] * x + (1 - settings[6]) * np.maximum(x, 1.5 * grey + 0.5)
        fallen: Picture = pale + flakes + flakes[::-1, ::-1]
        return fallen
    if kind == "frost":
        return first * x + settings[1] * frost(rng, height, width)[:, :, None]
    if kind == "fog":
        most = float(x.max())
        return (x + first * clouds(rng, height, width, settings[1] ** 2)[:, :, None]) * most / (most + first)
    if kind == "brightness":
        return _brighter(x, first)
    if kind == "contrast":
        middle: Picture = x.mean(axis=(0, 1))
        return (x - middle) * first + middle
    if kind == "elastic_transform":
        shares = 1 if min(height, width) <= _SMALL else 244 / 224  # of 244 pixels, for pictures of 224
        return _bent(x, rng, *(shares * share * min(height, width) for share in settings))
    if kind == "pixelate":
        return _in_blocks(x, first)
    return jpeg(x, rng, quality=round(first))[0]


def _defocused(radius: float, sigma: float) -> Picture:
    """A disc of whole pixels, its edge softened by a Gaussian of 3 × 3 pixels, 5 × 5 for a large one; sum 1."""
    reach = int(np.floor(radius))
    grid = np.arange(-reach, reach + 1)
    disc = (np.add.outer(grid**2, grid**2) <= radius**2).astype(np.float64)
    near = np.arange(-1, 2) if radius <= 8 else np.arange(-2, 3)
    taps = np.array([math.exp(-0.5 * (i / sigma) ** 2) for i in near])
    soft = filter_separable(np.pad(disc, 2 * near[-1])[:, :, None], taps)[:, :, 0]
    kernel: Picture = soft / soft.sum()
    return kernel


def _through_glass(x: Picture, rng: np.random.Generator, sigma: float, reach: int, times: int) -> Picture:
    """Softened, cut to bytes, each pixel overwritten by one near it, and softened again.

    The pixels go from the last to the first. The authors' code means to change two pixels, and copies one.
    """
    y = np.floor(_softened(x, sigma) * 255) / 255
    height, width = x.shape[:2]
    for _ in range(times):
        moves = rng.integers(-reach, reach, (height, width, 2)).tolist()
        for row in range(height - reach, reach, -1):
            for column in range(width - reach, reach, -1):
                across, down = moves[row][column]
                y[row, column] = y[row + down, column + across]
    return _softened(y, sigma)


def _softened(x: Picture, sigma: float) -> Picture:
    taps = gaussian_taps(sigma)
    edge = len(taps) // 2
    return filter_separable(np.pad(x, ((edge, edge), (edge, edge), (0, 0)), "edge"), taps)


def _brighter(x: Picture, more: float) -> Picture:
    """The largest of the channels raised, the others in proportion: the value of HSV."""
    value: Picture = x.max(axis=2, keepdims=True)
    raised = np.minimum(value + more, 1)
    return np.where(value > 0, x * raised / np.where(value > 0, value, 1), raised)


def _bent(x: Picture, rng: np.random.Generator, strength: float, sigma: float, skew: float) -> Picture:
    """Three points near the middle moved by up to `skew` pixels, and then each pixel by a smooth field of shifts."""
    height, width = x.shape[:2]
    middle, third = np.array([height, width]) // 2, min(height, width) // 3 or 1
    corners = middle + third * np.array([[1, 1], [1, -1], [-1, -1]])
    moved = corners + rng.uniform(-skew, skew, corners.shape)
    # The affine map that brings each moved point back to where its value is.
    back = np.linalg.solve(np.hstack([moved, np.ones((3, 1))]), corners)
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    at = np.stack([rows, columns, np.ones_like(rows)], axis=2) @ back
    warped = between(x, at[:, :, 0], at[:, :, 1])
    if not strength:
        return warped
    shifts = rng.uniform(-1, 1, (height, width, 2))
    taps = gaussian_taps(sigma)
    edge = len(taps) // 2
    field = strength * filter_separable(pad(shifts, edge, edge, "reflect"), taps)
    return between(warped, rows + field[:, :, 0], columns + field[:, :, 1])


def _in_blocks(x: Picture, share: float) -> Picture:
    """As many pixels as `share` of each side has, each the mean of those in its area, and back by repeating them."""
    height, width = x.shape[:2]
    ns = [max(1, int(side * share)) for side in (height, width)]
    down, across = (_areas(side, count) for side, count in zip((height, width), ns, strict=True))
    small = np.einsum("jw,iwc->ijc", across, np.einsum("ih,hwc->iwc", down, x))
    rows, columns = ((2 * np.arange(side) + 1) * n // (2 * side) for side, n in zip((height, width), ns, strict=True))
    repeated: Picture = small[rows][:, columns]
    return repeated


def _areas(side: int, count: int) -> Picture:
    """Which of `side` pixels have their centre in each of `count` equal parts, (count, side), rows of sum 1."""
    off = (np.arange(side) + 0.5) * count / side - np.arange(count)[:, None]
    inside = ((off >= 0) & (off < 1)).astype(np.float64)
    shares: Picture = inside / inside.sum(axis=1, keepdims=True)
    return shares
