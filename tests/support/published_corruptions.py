"""The fifteen common corruptions by their published definitions, written anew with scipy, OpenCV and Pillow.

D. Hendrycks, T. Dietterich, Benchmarking neural network robustness to common corruptions and perturbations, ICLR 2019:
for squares of 224 pixels, as of ImageNet-C, and of 32 as of CIFAR-10-C; clouds are drawn by the same fractal there as
here. The motion blur is that of ImageMagick. Frost, of which the authors have photographs, is none of these.
"""

from __future__ import annotations

import functools
import io
import math

import cv2
import numpy as np
from PIL import Image
from scipy import ndimage

Floats = np.ndarray


def blurred(x: Floats, sigma: float) -> Floats:
    """A Gaussian over rows and columns, cut at 4 σ, the border repeated."""
    return ndimage.gaussian_filter(x, (sigma, sigma, 0), mode="nearest", truncate=4)


def zoomed(x: Floats, factor: float) -> Floats:
    """The middle, ⌈side / factor⌉ pixels, enlarged from corner to corner and cut to the size of before."""
    side = x.shape[0]
    crop = math.ceil(side / factor)
    top = (side - crop) // 2
    large = ndimage.zoom(x[top : top + crop, top : top + crop], (factor, factor, 1), order=1)
    trim = (large.shape[0] - side) // 2
    return large[trim : trim + side, trim : trim + side]


def moved(x: Floats, radius: int, sigma: float, angle: float) -> Floats:
    """2 r + 1 pixels in a line from each one on, weighed by half a Gaussian; the border repeated."""
    weights = np.exp(-(np.arange(2 * radius + 1) ** 2) / (2 * sigma**2))
    made = np.zeros_like(x)
    for step, weight in enumerate(weights / weights.sum()):
        down, across = (math.ceil(step * f(math.radians(angle)) - 0.5) for f in (math.sin, math.cos))
        made += weight * ndimage.shift(x, (-down, -across, 0), order=0, mode="nearest")
    return made


def glass(x: Floats, sigma: float, reach: int, times: int, rng: np.random.Generator) -> Floats:
    """Blurred, cut to bytes, each pixel overwritten by one near it, from the last to the first, and blurred again."""
    y = np.floor(blurred(x, sigma) * 255)
    height, width = x.shape[:2]
    rows, columns = range(height - reach, reach, -1), range(width - reach, reach, -1)
    for _ in range(times):
        steps = iter(rng.integers(-reach, reach, (len(rows) * len(columns), 2)).tolist())
        for row in rows:
            for column in columns:
                across, down = next(steps)
                y[row, column] = y[row + down, column + across]
    return blurred(y / 255, sigma)


def disc(radius: float, sigma: float) -> Floats:
    """A disc in a square of 17 pixels, or one that holds it, under a Gaussian of 3 × 3, or 5 × 5 pixels."""
    reach = 8 if radius <= 8 else int(radius)
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    flat = (rows**2 + columns**2 <= radius**2).astype(np.float32)
    size = (3, 3) if radius <= 8 else (5, 5)
    return cv2.GaussianBlur(flat / flat.sum(), ksize=size, sigmaX=sigma)


@functools.cache
def smoothing(side: int, sigma: float) -> Floats:
    """A Gaussian along one axis, cut at 3 σ, the border mirrored: as a matrix, for it may be wider than the picture."""
    if sigma == 0:
        return np.eye(side)
    return ndimage.gaussian_filter1d(np.eye(side), sigma, axis=0, mode="reflect", truncate=3)


def bent(x: Floats, strength: float, sigma: float, skew: float, rng: np.random.Generator) -> Floats:
    """An affine map of three points near the middle, and then a smooth field of shifts."""
    side = x.shape[0]
    middle, third = side // 2, side // 3
    corners = np.float32([[middle + third, middle + third], [middle + third, middle - third], [middle - third] * 2])
    to = corners + rng.uniform(-skew, skew, (3, 2)).astype(np.float32)
    warped = cv2.warpAffine(x, cv2.getAffineTransform(corners, to), (side, side), borderMode=cv2.BORDER_REFLECT_101)
    smooth = smoothing(side, sigma)
    shifts = [smooth @ rng.uniform(-1, 1, (side, side)) @ smooth.T * strength for _ in range(2)]
    at = [places + shift for places, shift in zip(np.mgrid[:side, :side], shifts, strict=True)]
    channels = [ndimage.map_coordinates(warped[:, :, c], at, order=1, mode="reflect") for c in range(x.shape[2])]
    return np.stack(channels, axis=2)


def fractal(side: int, decay: float, rng: np.random.Generator) -> Floats:
    """Plasma by diamonds and squares on a torus: the range of a draw is the square of what falls by `decay`."""
    field, wide, step = np.zeros((side, side)), 100.0, side

    def at(rows: np.ndarray, columns: np.ndarray) -> Floats:
        return field[np.ix_(rows % side, columns % side)]

    def draw(shape: tuple[int, ...]) -> Floats:
        return wide * rng.uniform(-wide, wide, shape)

    while step >= 2:
        half, even = step // 2, np.arange(0, side, step)
        odd = even + half
        around = at(even, even) + at(even, even + step) + at(even + step, even) + at(even + step, even + step)
        field[np.ix_(odd, odd)] = around / 4 + draw(around.shape)
        for rows, columns in ((even, odd), (odd, even)):
            around = at(rows - half, columns) + at(rows + half, columns) + at(rows, columns - half)
            around = around + at(rows, columns + half)
            field[np.ix_(rows, columns)] = around / 4 + draw(around.shape)
        step, wide = half, wide / decay
    field -= field.min()
    return field / field.max()


def pixelated(x: Floats, share: float) -> Floats:
    """Fewer pixels, and as many again, both by Pillow's box."""
    side = x.shape[0]
    picture = Image.fromarray(np.rint(x * 255).astype(np.uint8))
    few = int(side * share)
    return np.asarray(picture.resize((few, few), Image.BOX).resize((side, side), Image.BOX)) / 255


def published(kind: str, x: Floats, settings: tuple[float, ...], rng: np.random.Generator) -> Floats:
    """A colour picture (N, N, 3) on [0, 1] under a corruption, with the settings of one severity: rounded to bytes."""
    first, side = settings[0], x.shape[0]
    scale = 244 / 224 if side > 64 else 1.0  # the settings of elastic_transform are shares of 244 for 224 pixels
    match kind:
        case "gaussian_noise":
            y = x + rng.normal(scale=first, size=x.shape)
        case "shot_noise":
            y = rng.poisson(x * first) / first
        case "impulse_noise":
            y = np.where(rng.uniform(size=x.shape) < first, rng.integers(0, 2, x.shape), x)
        case "defocus_blur":
            y = cv2.filter2D(x, -1, disc(*settings))
        case "glass_blur":
            y = glass(x, first, int(settings[1]), int(settings[2]), rng)
        case "motion_blur":
            y = moved(x, int(first), settings[1], rng.uniform(-45, 45))
        case "zoom_blur":
            factors = np.arange(1, first, settings[1])
            y = (x + sum(zoomed(x, factor) for factor in factors)) / (len(factors) + 1)
        case "snow":
            layer = zoomed(rng.normal(settings[0], settings[1], (side, side, 1)), settings[2])
            layer = np.floor(np.where(layer < settings[3], 0, np.clip(layer, 0, 1)) * 255) / 255
            layer = moved(layer, int(settings[4]), settings[5], rng.uniform(-135, -45))
            grey = cv2.cvtColor(x.astype(np.float32), cv2.COLOR_RGB2GRAY)[:, :, None]
            pale = settings[6] * x + (1 - settings[6]) * np.maximum(x, grey * 1.5 + 0.5)
            y = pale + layer + np.rot90(layer, k=2)
        case "fog":
            size = 1 << math.ceil(math.log2(side))
            most = x.max()
            y = (x + first * fractal(size, settings[1], rng)[:side, :side, None]) * most / (most + first)
        case "brightness":
            hsv = cv2.cvtColor(x.astype(np.float32), cv2.COLOR_RGB2HSV)
            hsv[:, :, 2] = np.clip(hsv[:, :, 2] + first, 0, 1)
            y = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
        case "contrast":
            means = x.mean(axis=(0, 1))
            y = (x - means) * first + means
        case "elastic_transform":
            y = bent(x, *(scale * side * share for share in settings), rng=rng)
        case "pixelate":
            y = pixelated(x, first)
        case "jpeg_compression":
            file = io.BytesIO()
            Image.fromarray(np.rint(x * 255).astype(np.uint8)).save(file, "JPEG", quality=int(first))
            y = np.asarray(Image.open(file)) / 255
        case _:
            raise ValueError(kind)
    return np.rint(np.clip(y, 0, 1) * 255)
