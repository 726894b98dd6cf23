"""Protocols: what is done to a restored picture and to the clean one before a metric compares them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ...components.calls import called, check_floats, kind_of, read_only
from ...components.registry import Bound
from ...imaging.pixels import is_unit
from ...imaging.validation import as_picture
from ...text.errors import UsageError

Array = npt.NDArray[Any]
F = TypeVar("F", bound=Callable[..., Any])
_STRIP = 1 << 15


@dataclass(frozen=True)
class Pair:
    """A restored picture `x` and a clean one `y`, (H, W, C), both uint8 or both float64.

    `peak` is the data range. Empty where a border leaves nothing. `residual` is the noisy input less the restored
    picture, float64 (H, W, C) on [0, 1], neither clipped nor rounded nor cut whatever the protocol: for metrics that
    ask for it, None where there is no noisy input of the same size. `missing` is (H, W), true where the input told
    nothing; there alone `x` is what was restored, elsewhere it is the input. For metrics that ask for it, None where
    no mask was disclosed.

    None of them can be written into: all metrics are given one pair.

    `unfinished` are both pictures before `finish`, which is the rest of the protocol and works on each value by itself;
    None where they are as `x` and `y` are. So a metric that adds up over values takes `blocks`, and needs no picture in
    float64 as a whole.
    """

    unfinished: tuple[Array, Array]
    peak: float
    residual: Array | None = None
    missing: Array | None = None
    finish: Callable[[Array], Array] | None = None

    def __post_init__(self) -> None:
        for name, value in {
            "unfinished": tuple(map(read_only, self.unfinished)),
            "residual": read_only(self.residual),
            "missing": read_only(self.missing),
        }.items():
            object.__setattr__(self, name, value)

    @cached_property
    def x(self) -> Array:
        return self._whole(0)

    @cached_property
    def y(self) -> Array:
        return self._whole(1)

    @property
    def size(self) -> int:
        """Number of values of each picture."""
        return self.unfinished[0].size

    def blocks(self) -> Iterator[tuple[Array, Array]]:
        """Both pictures in pieces (1, N) of one type: uint8, float64, or float32 where both are exactly that."""
        x, y = (picture.reshape(1, -1) for picture in self.unfinished)
        alike = x.dtype == y.dtype and x.dtype in (np.float32, np.float64)
        if self.finish is None or (alike and self.finish is _as_is):
            yield x, y
            return
        for start in range(0, x.size, _STRIP):
            a, b = (picture[:, start : start + _STRIP] for picture in (x, y))
            yield (self.finish(a), self.finish(b)) if alike else (self._finished(a), self._finished(b))

    def _whole(self, place: int) -> Array:
        whole: Array = read_only(self._finished(self.unfinished[place]))
        return whole

    def _finished(self, picture: Array) -> Array:
        return picture if self.finish is None else self.finish(_to_unit(picture))


def prepare(restored: Array, clean: Array, bound: Bound, *, unit: bool = False) -> Pair:
    """Both pictures under a protocol. Raises `UsageError` for unequal shapes, a wrong type, NaN or Inf, given or made.

    `restored` and `clean`: (H, W) or (H, W, C), uint8, uint16 or float on [0, 1]; `unit` says that all values are known
    to lie there. What is not 8 bit is
    compared in float64; a `restored` that is the clean picture rounded to float32 counts as identical.
    """
    x, y = as_picture(restored, "restored"), as_picture(clean, "clean")
    if x.shape != y.shape:
        raise UsageError(
            f"restored picture is {shape_text(x.shape)} and clean is {shape_text(y.shape)} (H×W×C): give equal shapes"
        )
    meta = bound.entry.meta
    peak = float(meta["peak"])
    if meta["bits"] == 8:
        x, y = _both(bound, to_8bit(x, "restored"), to_8bit(y, "clean"))
        kind = np.uint8 if x.dtype == np.uint8 and y.dtype == np.uint8 else np.float64
        return Pair((np.ascontiguousarray(x, kind), np.ascontiguousarray(y, kind)), peak)
    x, y = np.ascontiguousarray(x), np.ascontiguousarray(y)
    low, high = meta["keeps"] or (0.0, 0.0)
    unit = unit and low <= 0.0 and high >= 1.0
    kept = [unit or _is_on_range(picture, low, high, who) for picture, who in ((x, "restored"), (y, "clean"))]
    if x.dtype == np.float32 != y.dtype and _is_rounded(x, y):
        x = y
    if meta["keeps"]:
        return Pair((x, y), peak, finish=_as_is if all(kept) else partial(_applied, bound))
    x, y = _both(bound, _to_unit(x), _to_unit(y))
    return Pair((np.ascontiguousarray(x, np.float64), np.ascontiguousarray(y, np.float64)), peak)


def _both(bound: Bound, restored: Array, clean: Array) -> tuple[Array, Array]:
    """What a protocol makes of two pictures. Raises `UsageError` that names it where they are not of one shape."""
    x, y = _applied(bound, restored), _applied(bound, clean)
    if x.shape != y.shape:
        raise UsageError(
            f"protocol {bound.display}: returned {shape_text(x.shape)} for the restored picture and "
            f"{shape_text(y.shape)} for the clean one (H×W×C): cut both alike"
        )
    return x, y


def _applied(bound: Bound, picture: Array) -> Array:
    """What a protocol makes of values, on as many axes. Raises `UsageError` that names it for what is no picture."""
    who = f"protocol {bound.display}"
    result: Any = called(who, bound, picture)
    if not isinstance(result, np.ndarray) or result.dtype.kind not in "buif":
        raise UsageError(f"{who}: returned {kind_of(result)}: return a picture (H, W, C)")
    keeps = bound.entry.meta["keeps"]
    if result.ndim != picture.ndim or (keeps and result.shape != picture.shape):
        due = "each value by itself, as it declares `keeps`" if keeps else "(H, W, C)"
        raise UsageError(f"{who}: returned shape {result.shape} for a picture of shape {picture.shape}: return {due}")
    if result.dtype.kind == "f" and not keeps:  # what keeps values is called for each strip of a picture
        check_floats(who, result)
    return result


def _as_is(picture: Array) -> Array:
    return picture


def _is_on_range(picture: Array, low: float, high: float, who: str) -> bool:
    """Whether all values, as they are on [0, 1], lie within. Raises `UsageError` for NaN or Inf."""
    if low <= 0.0 and high >= 1.0 and (picture.dtype.kind != "f" or is_unit(picture)):
        return True
    least, most = _finite_range(picture, who)
    return low <= least and most <= high


def _is_rounded(x: Array, y: Array) -> bool:
    """Whether float32 `x` is `y` in that precision."""
    flat = x.reshape(-1), y.reshape(-1)
    for start in range(0, x.size, _STRIP):
        a, b = (picture[start : start + _STRIP] for picture in flat)
        if not np.array_equal(_to_unit(b).astype(np.float32), a):
            return False
    return True


def residual(noisy: Array, restored: Array) -> Array | None:
    """`noisy` less `restored`, float64 (H, W, C) on [0, 1]; None where their sizes differ. Raises as `prepare`."""
    first, second = as_picture(noisy, "noisy"), as_picture(restored, "restored")
    if first.shape != second.shape:
        return None
    for picture, who in ((first, "noisy"), (second, "restored")):
        _is_on_range(picture, 0.0, 1.0, who)
    return _to_unit(first) - _to_unit(second)


def composed(pair: Pair, restored: Array, noisy: Array, mask: Array, bound: Bound) -> Pair | None:
    """`pair`, of `restored`, with the pixels of `noisy` where `mask` (H, W) is above 0, and with its `missing` ones.

    None where they are not of one size. Raises as `prepare`.
    """
    given, known = as_picture(noisy, "noisy"), np.asarray(mask) > 0
    if given.shape != as_picture(restored, "restored").shape or known.shape != given.shape[:2]:
        return None
    # The protocol itself says which pixels it cuts away.
    place = known[:, :, None].astype(np.float32)
    cut, other = prepare(place, place, bound), prepare(given, given, bound)
    missing = cut.x[:, :, 0] * 2.0 < cut.peak
    return Pair((np.where(missing[:, :, None], pair.x, other.x), pair.y), pair.peak, missing=missing)


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


def _to_unit(picture: Array) -> npt.NDArray[np.float64]:
    """float64 on [0, 1]; what is float64 already is not copied."""
    if picture.dtype == np.uint8:
        return picture / 255.0
    if picture.dtype == np.uint16:
        return picture / 65535.0
    return picture.astype(np.float64, copy=False)


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
