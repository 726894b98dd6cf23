from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt, Le
from noisebench.datasets.restore._synthetic import Count, Size
from scipy.ndimage import gaussian_filter

_FINER = 2
"""Pictures are drawn so many times as fine, and averaged."""
_VERSION = 2
#                     red   green  blue  its spread  grain  radar  its spread  radar's grain  height
_LAND = {
    "water": ((0.10, 0.22, 0.34), 0.03, 0.01, 0.02, 0.20, 0.10, 0.0),
    "soil": ((0.55, 0.44, 0.31), 0.06, 0.04, 0.12, 0.25, 0.10, 0.0),
    "crops": ((0.42, 0.55, 0.24), 0.06, 0.05, 0.22, 0.25, 0.25, 0.0),
    "forest": ((0.13, 0.28, 0.13), 0.03, 0.09, 0.40, 0.15, 0.35, 0.6),
    "roofs": ((0.58, 0.40, 0.36), 0.12, 0.03, 0.60, 0.30, 0.20, 1.0),
    "road": ((0.48, 0.48, 0.50), 0.04, 0.01, 0.06, 0.15, 0.05, 0.0),
}
"""Of each kind: colour and its deviation from patch to patch; deviation of its texture; mean backscatter and its
relative deviation, and how much of the texture is seen by radar too; height, which casts echoes and shadows."""
_KINDS = list(_LAND)

Plane = npt.NDArray[np.float32]


class SarToOptical:
    """Pairs that are drawn when they are loaded; the scene of each depends on the text of `made` alone."""

    def __init__(self, n: int, size: int, seed: int, looks: float) -> None:
        self.ids: Sequence[str] = [f"sar_to_optical_{i:0{max(3, len(str(n - 1)))}d}" for i in range(n)]
        self._size, self._looks = size, looks
        self._recipe = f"size={size}|seed={seed}"

    def made(self, index: int) -> str:
        """What scene `index` is made from."""
        return f"sar_to_optical@{_VERSION}|{self._recipe}|{range(len(self.ids))[index]}"

    def load(self, index: int) -> nb.Sample:
        """Scene `index`: the optical picture, uint8, and that of the radar, float32, each (size, size, 3)."""
        # The scenes of version 1: only the radar's last bits are others.
        drawn = f"sar_to_optical@1|{self._recipe}|{range(len(self.ids))[index]}"
        optical, echo = _scene(nb.keyed_generator(nb.text_key(drawn)), self._size)
        grains = nb.keyed_generator(nb.text_key(f"{drawn}|looks={self._looks}"))
        speckle = grains.standard_gamma(self._looks, echo.shape) / self._looks
        # Exponentials differ in the last bits from processor to processor; on this grid the values do not.
        measured = np.rint(echo * speckle * 2**16) / 2**16
        radar = np.repeat(measured[:, :, None], 3, axis=2).astype(np.float32)
        return nb.Sample(self.ids[index], optical, radar)


@nb.dataset(
    "sar_to_optical",
    version=_VERSION,
    licence="CC0-1.0 (made here)",
    citation="X. Bai, F. Xu, Accelerating diffusion for SAR-to-optical image translation via adversarial consistency "
    "distillation, arXiv 2407.06095",
)
def sar_to_optical(
    *,
    n: Count = 1000,
    size: Size = 64,
    seed: Annotated[int, Ge(0)] = 0,
    looks: Annotated[float, Gt(0), Le(1e6)] = 4.0,
) -> SarToOptical:
    """Land from above as a camera and as a radar see it: pairs for translation, made by key.

    The clean picture is that of the camera, RGB in 8 bit; the own noisy one, for the regime `real`, is the intensity
    that a radar measures, in three equal channels: backscatter times speckle, gamma distributed of mean 1 and variance
    1/looks. Water, roads, soil, crops, forest and roofs have colours, textures and backscatter of their own, which vary
    from patch to patch, so that the radar leaves some of the colour open; what is high is bright towards the radar, at
    the left, and casts a shadow to the right. `seed` makes other scenes, `looks` other speckle on the same ones.
    """
    return SarToOptical(n, size, seed, looks)


def _scene(rng: np.random.Generator, size: int) -> tuple[npt.NDArray[np.uint8], Plane]:
    """The optical picture, uint8 (size, size, 3), and the mean backscatter, (size, size)."""
    side = size * _FINER
    colors, echoes, heights = (np.empty(shape, np.float32) for shape in ((side, side, 3), (side, side), (side, side)))
    texture = _texture(rng, side)
    season = rng.normal(0, 0.03, 3)

    def lay(kind: str, inside: Any) -> None:
        color, color_spread, grain, echo, echo_spread, echo_grain, height = _LAND[kind]
        seen = np.array(color) + season + color_spread * (rng.standard_normal() + 0.3 * rng.standard_normal(3))
        rough = texture[inside]
        colors[inside] = seen + grain * rough[:, None]
        echoes[inside] = echo * np.exp(echo_spread * rng.standard_normal() + echo_grain * rough.astype(np.float64))
        heights[inside] = height

    rows, columns = np.mgrid[:side, :side].astype(np.float32)
    lay("soil" if rng.uniform() < 0.5 else "crops", np.ones((side, side), bool))
    for _ in range(int(rng.integers(8, 15))):  # fields, woods and lakes
        kind = _KINDS[rng.choice(4, p=(0.15, 0.25, 0.35, 0.25))]
        lay(kind, _patch(rng, rows, columns, side, (0.12, 0.35), square=kind in ("soil", "crops")))
    for _ in range(int(rng.integers(0, 3))):
        turn, where = rng.uniform(0, np.pi), rng.uniform(0.2, 0.8, 2) * side
        away = np.cos(turn) * (rows - where[0]) + np.sin(turn) * (columns - where[1])
        lay("road", np.abs(away + 0.04 * side * np.sin(columns / side * 4)) < rng.uniform(1.5, 3) * _FINER)
    for _ in range(int(rng.integers(0, 12))):
        lay("roofs", _patch(rng, rows, columns, side, (0.03, 0.07), square=True))
    # The radar looks from the left: walls that face it answer, and what lies behind them does not.
    rise = np.diff(heights, axis=1, prepend=heights[:, :1])
    behind = np.stack([np.roll(np.minimum(rise, 0), shift, axis=1) for shift in range(1, 3 * _FINER)]).min(axis=0)
    echoes = gaussian_filter(echoes * (1 + 0.8 * behind) + 1.5 * np.maximum(rise, 0), 0.5)
    optical = gaussian_filter(colors, (0.7, 0.7, 0))
    fine = optical.reshape(size, _FINER, size, _FINER, 3).mean(axis=(1, 3))
    return (
        np.rint(np.clip(fine, 0, 1) * 255).astype(np.uint8),
        np.maximum(echoes.reshape(size, _FINER, size, _FINER).mean(axis=(1, 3)), 0).astype(np.float32),
    )


def _patch(
    rng: np.random.Generator, rows: Plane, columns: Plane, side: int, reach: tuple[float, float], *, square: bool
) -> npt.NDArray[np.bool_]:
    """Where an ellipse or a rectangle lies, of half-sides within `reach` times the side of the picture."""
    centre, turn = rng.uniform(0, side, 2), rng.uniform(0, np.pi)
    half = rng.uniform(*reach, 2) * side
    along = (np.cos(turn) * (rows - centre[0]) + np.sin(turn) * (columns - centre[1])) / half[0]
    across = (np.cos(turn) * (columns - centre[1]) - np.sin(turn) * (rows - centre[0])) / half[1]
    inside: npt.NDArray[np.bool_] = (
        np.maximum(np.abs(along), np.abs(across)) <= 1 if square else along * along + across * across <= 1
    )
    return inside


def _texture(rng: np.random.Generator, side: int) -> Plane:
    """Grain of deviation 1, (side, side): noise of which half is fine and half is coarser."""
    parts = [gaussian_filter(rng.standard_normal((side, side)), width * _FINER, mode="wrap") for width in (0.5, 2.0)]
    mixed = sum(part / part.std() for part in parts)
    grain: Plane = (mixed / np.std(mixed)).astype(np.float32)
    return grain
