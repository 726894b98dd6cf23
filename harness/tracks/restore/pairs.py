"""Protocols: what is done to a restored picture and to the clean one before a metric compares them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ...errors import UsageError
from ...imaging.validation import as_picture
from ...registry import Bound

Array = npt.NDArray[Any]
F = TypeVar("F", bound=Callable[..., Any])
_STRIP = 1 << 15


@dataclass(frozen=True)
class Pair:
    """A restored picture `x` and a clean one `y`, (H, W, C), both uint8 or both float64.

    `peak` is the data range. Empty where a border leaves nothing. `residual` is the noisy input less the restored
    picture, float64 (H, W, C) on [0, 1], neither clipped nor rounded nor cut whatever the protocol: for metrics that
    ask for it, None where there is no noisy input of the same size.
    """

    x: Array
    y: Array
    peak: float
    residual: Array | None = None


def prepare(restored: Array, clean: Array, bound: Bound) -> Pair:
    """Both pictures under a protocol. Raises `UsageError` for unequal shapes, a wrong type, NaN or Inf.

    `restored` and `clean`: (H, W) or (H, W, C), uint8, uint16 or float on [0, 1]. What is not 8 bit is
    compared in float64; a `restored` that is the clean picture rounded to float32 counts as identical.
    """
    x, y = as_picture(restored, "restored"), as_picture(clean, "clean")
    if x.shape != y.shape:
        raise UsageError(
            f"restored picture is {shape_text(x.shape)} and clean is {shape_text(y.shape)} (H×W×C): give equal shapes"
        )
    if bound.entry.meta["bits"] == 8:
        x, y = to_8bit(x, "restored"), to_8bit(y, "clean")
    else:
        single = x.dtype == np.float32
        x, y = _to_unit(x, "restored"), _to_unit(y, "clean")
        if single and np.array_equal(y.astype(np.float32), x):
            x = y
    x, y = bound.entry.obj(x, **bound.kwargs), bound.entry.obj(y, **bound.kwargs)
    kind = np.uint8 if x.dtype == np.uint8 and y.dtype == np.uint8 else np.float64
    return Pair(np.ascontiguousarray(x, kind), np.ascontiguousarray(y, kind), float(bound.entry.meta["peak"]))


def residual(noisy: Array, restored: Array) -> Array | None:
    """`noisy` less `restored`, float64 (H, W, C) on [0, 1]; None where their sizes differ. Raises as `prepare`."""
    first, second = as_picture(noisy, "noisy"), as_picture(restored, "restored")
    if first.shape != second.shape:
        return None
    return _to_unit(first, "noisy") - _to_unit(second, "restored")


def to_8bit(picture: Array, who: str = "") -> npt.NDArray[np.uint8]:
    """Clip to [0, 1], ×255, round half to even: uint8. The product is exact, so ties are true ties."""
    if picture.dtype == np.uint8:
        return picture
    if picture.dtype == np.uint16:  # v / 65535 · 255 = v / 257, which is never a tie
        return ((picture.astype(np.uint32) + 128) // 257).astype(np.uint8)
    low, high = _finite_range(picture, who)
    flat = np.ascontiguousarray(picture).reshape(-1)
    out = np.empty(flat.shape, np.uint8)
    for start in range(0, flat.size, _STRIP):
        piece = flat[start : start + _STRIP]
        if low < 0 or high > 1:
            piece = np.clip(piece, 0, 1)
        scaled = np.multiply(piece, 255.0, dtype=np.float64)
        out[start : start + _STRIP] = np.rint(scaled, out=scaled)
    return out.reshape(picture.shape)


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as `512×512×3`."""
    return "×".join(map(str, shape))


def _to_unit(picture: Array, who: str) -> npt.NDArray[np.float64]:
    if picture.dtype == np.uint8:
        return picture / 255.0
    if picture.dtype == np.uint16:
        return picture / 65535.0
    _finite_range(picture, who)
    return picture.astype(np.float64)


def _finite_range(picture: Array, who: str) -> tuple[float, float]:
    low, high = float(picture.min()), float(picture.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        bad = ~np.isfinite(picture)
        row, column, _ = np.argwhere(bad)[0]
        kind = "NaN" if np.isnan(picture).any() else "Inf"
        raise UsageError(
            f"{who} picture has {int(bad.sum())} values that are not finite ({kind}), the first at "
            f"row {row}, column {column}: a score needs numbers"
        )
    return low, high


def require_grey_or_rgb(picture: Array, name: str) -> None:
    if picture.shape[2] not in (1, 3):
        raise UsageError(f"protocol {name} takes 1 or 3 channels, not {picture.shape[2]}: use uint8, float or raw")


def pictures_of(pair: Pair) -> tuple[Array, Array]:
    """Restored and clean under a protocol, (H, W, 3) on 0–255: grey is repeated. `UsageError` for other channels."""
    if pair.y.shape[2] not in (1, 3):
        raise UsageError(f"takes 1 or 3 channels, not {pair.y.shape[2]}")
    scale = 255.0 / pair.peak
    x, y = (np.repeat(p, 3, axis=2) if p.shape[2] == 1 else p for p in (pair.x, pair.y))
    return (x, y) if scale == 1.0 else (x * scale, y * scale)
