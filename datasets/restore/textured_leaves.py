from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Le
from noisebench.datasets.restore._synthetic import Count, Size
from scipy.ndimage import gaussian_filter

_FINER = 2
"""Pictures are drawn so many times as fine, and averaged."""
_SMALLEST = 1.2
"""The least radius of a leaf, in pixels."""
_LEAVES = 0.03
"""Leaves a pixel."""
_TEXTURES = 3
"""Textures a picture, of which each leaf takes one."""
_CHROMA = np.array([[1, 0, -1], [1, -2, 1]]) / np.sqrt([[2], [6]])
"""Two directions of RGB in which luma stays."""
_VERSION = 1

Plane = npt.NDArray[np.float32]


class TexturedLeaves:
    """Pictures that are drawn when they are loaded; each depends on the text of `made` alone."""

    def __init__(self, n: int, size: int, seed: int, color: float) -> None:
        self.ids: Sequence[str] = [f"textured_leaves_{i:0{max(3, len(str(n - 1)))}d}" for i in range(n)]
        self._size, self._color = size, color
        self._recipe = f"textured_leaves@{_VERSION}|size={size}|seed={seed}|color={color}"

    def made(self, index: int) -> str:
        """What picture `index` is made from."""
        return f"{self._recipe}|{range(len(self.ids))[index]}"

    def load(self, index: int) -> nb.Sample:
        """Picture `index`, uint8."""
        rng = nb.keyed_generator(nb.text_key(self.made(index)))
        channels = 3 if rng.uniform() < self._color else 1
        return nb.Sample(self.ids[index], _picture(rng, self._size, channels))


@nb.dataset(
    "textured_leaves",
    version=_VERSION,
    licence="CC0-1.0 (made here)",
    citation="R. Achddou, Y. Gousseau, S. Ladjal, Fully synthetic training for image restoration tasks, CVIU 233, 2023",
)
def textured_leaves(
    *,
    n: Count = 2000,
    size: Size = 96,
    seed: Annotated[int, Ge(0)] = 0,
    color: Annotated[float, Ge(0), Le(1)] = 0.6,
) -> TexturedLeaves:
    """Textured leaves: dead leaves with the palettes, textures, light and blur of photographs, grey and coloured.

    Radii have density r^-2 from 1.2 pixels to a half of the picture; leaves are shaded, striped, or textured by noise
    whose spectrum falls with a power of the frequency. A picture has one palette, one light from a side, and most are
    blurred by up to a pixel. color: the share of RGB pictures, the others being grey; 8 bit. `seed` makes another set.
    """
    return TexturedLeaves(n, size, seed, color)


def _picture(rng: np.random.Generator, size: int, channels: int) -> npt.NDArray[np.uint8]:
    side = size * _FINER
    leaves = max(12, round(_LEAVES * size * size))
    colors = _palette(rng, leaves + 1, channels)
    textures = np.stack([_texture(rng, side) for _ in range(_TEXTURES)])
    canvas = np.empty((side, side, channels), np.float32)
    canvas[:] = colors[-1]
    ends = 1 / (_SMALLEST * _FINER), 2 / side
    radii = 1 / (ends[0] + rng.uniform(size=leaves) * (ends[1] - ends[0]))
    centres = rng.uniform(0, side, (leaves, 2))
    angles = rng.uniform(0, np.pi, leaves)
    lengths = rng.uniform(1, 3, leaves)
    square, striped, shaded, rough = (rng.uniform(size=leaves) < share for share in (0.3, 0.15, 0.5, 0.7))
    waves = 2 * np.pi / (rng.uniform(2, 10, leaves) * _FINER)
    slopes = rng.normal(0, 0.15, leaves) / radii * shaded
    depths = np.abs(rng.normal(0, 0.07 * np.exp(0.5 * rng.standard_normal()), leaves)) * rough
    texture_of = rng.integers(_TEXTURES, size=leaves)
    cosines, sines, longer = (each.astype(np.float32) for each in (np.cos(angles), np.sin(angles), lengths))
    bare, top = np.ones((side, side), bool), np.zeros((side, side), np.intp)
    # From the last leaf, which lies above all others, to the first: which of them is seen at each pixel.
    for leaf in reversed(range(leaves)):
        centre, radius = centres[leaf], radii[leaf]
        reach = radius * lengths[leaf] * (1.5 if square[leaf] else 1)
        low = np.maximum(0, (centre - reach).astype(int))
        high = np.minimum(side, (centre + reach).astype(int) + 2)
        box = slice(low[0], high[0]), slice(low[1], high[1])
        if not bare[box].any():
            continue
        rows = (np.arange(low[0], high[0])[:, None] - centre[0]).astype(np.float32)
        columns = (np.arange(low[1], high[1])[None] - centre[1]).astype(np.float32)
        stretched, across = _along_and_across(rows, columns, cosines[leaf], sines[leaf], longer[leaf])
        if square[leaf]:
            inside = np.maximum(np.abs(stretched), np.abs(across)) <= radius
        else:
            inside = stretched * stretched + across * across <= radius * radius
        inside &= bare[box]
        top[box][inside] = leaf
        bare[box][inside] = False
    seen = np.nonzero(~bare)
    of = top[seen]
    rows, columns = ((at - centres[of, axis]).astype(np.float32) for axis, at in enumerate(seen))
    stretched, across = _along_and_across(rows, columns, cosines[of], sines[of], longer[of])
    relief = slopes.astype(np.float32)[of] * stretched
    relief += depths.astype(np.float32)[of] * textures[texture_of[of], *seen]
    lines = striped[of]
    relief[lines] += np.float32(0.15) * np.sin(waves.astype(np.float32)[of[lines]] * across[lines])
    canvas[seen] = colors[of] + relief[:, None]
    canvas *= _light(rng, side)
    if rng.uniform() < 0.6:
        spread = rng.uniform(0.2, 1) * _FINER
        canvas = gaussian_filter(canvas, (spread, spread, 0))
    fine = canvas.reshape(size, _FINER, size, _FINER, channels).mean(axis=(1, 3))
    picture: npt.NDArray[np.uint8] = np.rint(np.clip(fine, 0, 1) * 255).astype(np.uint8)
    return picture[:, :, 0] if channels == 1 else picture


def _along_and_across(rows: Plane, columns: Plane, cosine: Any, sine: Any, length: Any) -> tuple[Plane, Plane]:
    """Places about the middle of a leaf, by its own axes: along it, as a share of its length, and across it."""
    return (cosine * rows + sine * columns) / length, cosine * columns - sine * rows


def _palette(rng: np.random.Generator, count: int, channels: int) -> Plane:
    """Colours of one picture: luma about a mean, chroma along one hue more than across it, and less in the dark."""
    luma = rng.uniform(0.3, 0.6) + rng.uniform(0.08, 0.3) * rng.standard_normal((count, 1))
    if channels == 1:
        return luma.astype(np.float32)
    saturation = 0.08 * np.exp(0.7 * rng.standard_normal())
    hue, flat = rng.uniform(0, 2 * np.pi), rng.uniform(0.15, 1)
    chroma = saturation * rng.standard_normal((count, 2)) * [1, flat] + rng.normal(0, 0.05, 2)
    turned = chroma @ np.array([[np.cos(hue), np.sin(hue)], [-np.sin(hue), np.cos(hue)]])
    colors: Plane = (luma + turned * np.clip(2 * luma, 0.2, 1.2) @ _CHROMA).astype(np.float32)
    return colors


def _texture(rng: np.random.Generator, side: int) -> Plane:
    """Noise of deviation 1, (side, side), whose amplitudes fall as a power of the frequency; half are drawn out."""
    turn = rng.uniform(0, np.pi)
    stretch = np.exp(rng.uniform(0, 2)) if rng.uniform() < 0.5 else 1.0
    rows, columns = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]
    along = np.cos(turn) * rows + np.sin(turn) * columns
    across = (np.cos(turn) * columns - np.sin(turn) * rows) * stretch
    frequency = np.sqrt(along * along + across * across)
    frequency[0, 0] = 1.0
    amplitude = frequency ** -rng.uniform(0.3, 2) * np.exp(-4 * rng.uniform(0, 6) * frequency**2)
    amplitude[0, 0] = 0.0
    draws: Any = rng.standard_normal((2, *frequency.shape))
    noise = np.fft.irfft2((draws[0] + 1j * draws[1]) * amplitude, s=(side, side))
    texture: Plane = (noise / noise.std()).astype(np.float32)
    return texture


def _light(rng: np.random.Generator, side: int) -> Plane:
    """A slope of brightness across the picture, (side, side, 1), of mean 1."""
    down, right = rng.normal(0, 0.15, 2)
    place = np.linspace(-1, 1, side)
    light: Plane = (1 + down * place[:, None, None] + right * place[None, :, None]).astype(np.float32)
    return light
