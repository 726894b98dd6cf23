"""Protocols: what is done to a restored picture and to the clean one before a metric compares them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import numpy as np
import numpy.typing as npt
from annotated_types import Ge

from ..errors import UsageError
from ..registry import METRICS, PROTOCOLS, Bound, Entry

Array = npt.NDArray[Any]
F = TypeVar("F", bound=Callable[..., Any])

LUMA_601 = (65.481, 128.553, 24.966)
"""Studio-range BT.601: Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255 with R, G, B on 0–255."""
GRAY_601 = (299, 587, 114)
"""Full-range BT.601 in thousandths."""
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


def protocol(name: str, version: int = 1, *, peak: float = 1.0, bits: int | None = None) -> Callable[[F], F]:
    """Register a protocol: `f(picture, **params) -> picture`, called for the restored and for the clean one.

    With `bits=8` the picture comes clipped and rounded to uint8, else as float64 on [0, 1], unclipped; both
    (H, W, C). The result is (H, W, C), uint8 or float; `peak` is its data range.
    """
    if bits not in (None, 8):
        raise ValueError(f"bits is 8 or None, not {bits!r}")

    def register(obj: F) -> F:
        PROTOCOLS.add(Entry(name, obj, version, {"peak": float(peak), "bits": bits}))
        return obj

    return register


def metric(
    name: str, version: int = 1, *, higher: bool = True, unit: str = "", residual: bool = False
) -> Callable[[F], F]:
    """Register a metric: `f(pair, **params) -> float`, `NotDefined(reason)` where it has no value.

    With `residual` the pair has one, where the noisy input is known.
    """

    def register(obj: F) -> F:
        meta = {"higher": higher, "unit": unit, **({"residual": True} if residual else {})}
        METRICS.add(Entry(name, obj, version, meta))
        return obj

    return register


def metric_part(bound: Bound) -> dict[str, Any]:
    """What is stored of a metric: see `MetricPart` of store/record.py. Raises `UsageError` where it cannot be used."""
    part = {"version": bound.entry.version, "higher": bound.entry.meta["higher"], "unit": bound.entry.meta["unit"]}
    if bound.entry.meta.get("package") == "pyiqa":
        from .iqa import describe

        part.update(describe(bound))
    return part


@protocol("uint8", peak=255, bits=8)
def _uint8(picture: Array) -> Array:
    """Clip to [0, 1], ×255, round half to even, all channels, border 0."""
    return picture


@protocol("float", peak=1)
def _float(picture: Array) -> Array:
    """Clip to [0, 1], no rounding, all channels, border 0."""
    return np.clip(picture, 0.0, 1.0)


@protocol("raw", peak=1)
def _raw(picture: Array) -> Array:
    """Neither clipped nor rounded, all channels, border 0; the data range is 1."""
    return picture


@protocol("y8", peak=255, bits=8)
def _y8(picture: Array, *, border: Annotated[int, Ge(0)] = 0) -> Array:
    """8-bit rounding, `border` cut off, then BT.601 luma on 16–235 in float; grey stays the 8-bit grey."""
    _grey_or_rgb(picture, "y8")
    bottom, right = (max(border, side - border) for side in picture.shape[:2])
    picture = picture[border:bottom, border:right]
    if picture.shape[2] == 1:
        return picture
    luma: Array = 16.0 + picture @ np.array(LUMA_601) / 255.0
    return luma[:, :, None]


@protocol("gray8", peak=255, bits=8)
def _gray8(picture: Array) -> Array:
    """8-bit rounding, one channel: colour becomes 0.299 R + 0.587 G + 0.114 B, rounded half to even."""
    _grey_or_rgb(picture, "gray8")
    if picture.shape[2] == 1:
        return picture
    # Integer sums are exact and one division keeps ties exact, so the rounding is the same everywhere.
    total = picture.astype(np.int32) @ np.array(GRAY_601, np.int32)
    return np.rint(total / 1000.0).astype(np.uint8)[:, :, None]


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


def as_picture(picture: Array, who: str) -> Array:
    """(H, W) or (H, W, C) → (H, W, C). Raises `UsageError` for another shape or type."""
    array = np.asarray(picture)
    if array.dtype not in (np.uint8, np.uint16) and array.dtype.kind != "f":
        raise UsageError(f"{who} picture is {array.dtype}: give uint8, uint16 or float on [0, 1]")
    if array.ndim not in (2, 3) or array.size == 0:
        raise UsageError(f"{who} picture has shape {array.shape}: give (H, W) or (H, W, C)")
    return array[:, :, None] if array.ndim == 2 else array


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


def _grey_or_rgb(picture: Array, name: str) -> None:
    if picture.shape[2] not in (1, 3):
        raise UsageError(f"protocol {name} takes 1 or 3 channels, not {picture.shape[2]}: use uint8, float or raw")
