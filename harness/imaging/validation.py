"""What counts as a picture: type, layout and range. Every entry point checks here, for arrays and for tensors alike.

Floats are on [0, 1]. A clean picture that a caller gives may leave that by `OVERSHOOT`; one of a dataset, such as a
synthetic field, stays within `WIDEST`. A noisy or restored picture may leave it by any amount, for noise and methods
do; it is refused where it can only be on another scale: see `why_off_scale` and `check_restored`.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from ..text.errors import UsageError
from .pixels import DEPTH_OF_TYPE, Array, is_unit

Range = float | tuple[float, float] | None
"""The range of a float picture: (low, high), or high alone for (0, high); None for [0, 1]."""
OVERSHOOT = 0.1
"""How far a clean float picture may leave [0, 1]: about what resampling leaves."""
WIDEST = (-1.0, 2.0)
"""The range that clean float pictures of datasets and files stay within."""
_MOST_CHANNELS = 4
"""The most channels of a picture; an axis that is longer is a side."""


_WHOLE = frozenset(map(np.dtype, DEPTH_OF_TYPE))


def is_tensor(picture: Any) -> bool:
    """Whether this is a torch tensor; imports nothing."""
    return hasattr(picture, "detach")


def channels_first(shape: tuple[int, ...]) -> bool:
    """Whether an array of three axes is (C, H, W) and not (H, W, C)."""
    return len(shape) == 3 and shape[0] <= _MOST_CHANNELS < shape[2]


def as_tensor(picture: Any, who: str) -> Any:
    """A (1, C, H, W) or (C, H, W) tensor as (1, C, H, W). Raises `UsageError` for another shape or type."""
    shape = tuple(picture.shape)
    if not _is_picture_type(picture):
        raise UsageError(f"{who} tensor is {picture.dtype}: give uint8, uint16 or float on [0, 1]")
    batch = picture[None] if picture.ndim == 3 else picture
    if batch.ndim != 4 or batch.shape[0] != 1 or batch.numel() == 0:
        raise UsageError(f"{who} tensor has shape {shape}: give (1, C, H, W) or (C, H, W), one at a time")
    if batch.shape[3] <= _MOST_CHANNELS < batch.shape[1]:
        order = "0, 3, 1, 2" if picture.ndim == 4 else "2, 0, 1"
        raise UsageError(f"{who} tensor has shape {shape}, channels last: call .permute({order}) on it")
    return batch


def as_picture(picture: Any, who: str) -> Array:
    """(H, W) or (H, W, C) → (H, W, C). Raises `UsageError` for another shape or type, and for channels first."""
    try:
        array = np.asarray(picture)
    except (TypeError, ValueError):
        raise UsageError(f"{who} picture is no array: give (H, W) or (H, W, C)") from None
    if np.ma.is_masked(picture):
        raise UsageError(f"{who} picture has masked pixels, which would count: cut them off, or call .filled(value)")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if not _is_picture_type(array):
        raise UsageError(f"{who} picture is {array.dtype}: give uint8, uint16 or float on [0, 1]")
    if array.ndim not in (2, 3) or array.size == 0:
        raise UsageError(f"{who} picture has shape {array.shape}: give (H, W) or (H, W, C)")
    if channels_first(array.shape):
        raise UsageError(f"{who} picture has shape {array.shape}, channels first: transpose it to (H, W, C)")
    return array[:, :, None] if array.ndim == 2 else array


def given_array(picture: Any, who: str) -> Array:
    """A caller's array or tensor as (H, W, C) on the CPU. Raises `UsageError`."""
    if not is_tensor(picture):
        return as_picture(picture, who)
    plain = as_tensor(picture, who).detach().cpu()
    if plain.is_floating_point() and plain.element_size() < 4:
        plain = plain.float()  # numpy has no bfloat16
    return np.ascontiguousarray(plain.numpy()[0].transpose(1, 2, 0))


def mapped(picture: Any, range: Range, who: str) -> Any:
    """A float picture on `range` → on [0, 1]; whole numbers stay as they are. Raises `UsageError`."""
    if range is None:
        return picture
    low, high = _limits(range)
    if not _is_float(picture):
        return picture
    least, most = _extent(picture)
    if high >= 16 and 0 < most <= WIDEST[1] and least >= WIDEST[0]:
        raise UsageError(
            f"{who} picture has values {least:g} … {most:g} where range={range} is said: it is on [0, 1]; multiply it "
            f"by {high:g}, or leave range out"
        )
    if is_tensor(picture):
        wide = picture.float() if picture.element_size() < 4 else picture
    else:
        wide = picture.astype(np.float64)
    return (wide - low) / (high - low)


def _limits(range: Any) -> tuple[float, float]:
    try:
        low, high = (0.0, range) if isinstance(range, Real) else range
        low, high = float(low), float(high)
    except (TypeError, ValueError):
        low, high = 0.0, 0.0
    if isinstance(range, bool) or not (np.isfinite([low, high]).all() and low < high):
        raise UsageError(f"range is 255, (-1, 1) or another (low, high) with low below high, not {range!r:.80}")
    return low, high


def check_pair(restored: Any, clean: Any, *, range_named: bool) -> bool:
    """Raise `UsageError` where one of two pictures is off [0, 1] by its looks, or both are exchanged.

    `range_named`: the caller has named the range of float pictures, which is trusted where possible. Returns whether
    both are seen to lie on [0, 1].
    """
    if all(isinstance(picture, np.ndarray) and lies_on_unit(picture) for picture in (restored, clean)):
        return True
    least, most = _extent(clean)
    if not range_named and least < -OVERSHOOT and most > 1 + OVERSHOOT and _scale(clean, least, most) is None:
        first = _extent(restored)
        if first[0] >= -OVERSHOOT and first[1] <= 1 + OVERSHOOT:
            raise UsageError(
                f"{_off('clean', least, most)}are restored and clean exchanged? (if not, say range=(0, 1))"
            )
    _check_clean(clean, "clean", least, most, range_named)
    if not range_named:
        check_restored(restored, "restored", clean)
    return False


def check_clean(picture: Any, who: str, *, range_named: bool) -> None:
    """Raise `UsageError` for a clean float picture off [0, 1]; as `check_pair`."""
    _check_clean(picture, who, *_extent(picture), range_named)


def _check_clean(picture: Any, who: str, least: float, most: float, range_named: bool) -> None:
    low, high = WIDEST if range_named else (-OVERSHOOT, 1 + OVERSHOOT)
    if least < low or most > high:
        raise UsageError(f"{_off(who, least, most)}{_remedy(picture, least, most)}")


def check_item(picture: Any, who: str) -> None:
    """Raise `UsageError` for the clean float picture of a dataset or file that is on another scale than [0, 1]."""
    least, most = _extent(picture)
    if least < WIDEST[0] or most > WIDEST[1]:
        raise UsageError(f"{_off(who, least, most)}divide it by its peak")
    if least < -0.5 and most <= 1:
        raise UsageError(f"{_off(who, least, most)}it looks like [-1, 1]; take (x + 1) / 2")


def check_restored(picture: Any, who: str, clean: Any = None, *, file: bool = False) -> None:
    """Raise `UsageError` for a noisy or restored float picture that is on 0–255, 0–65535 or [-1, 1].

    For a `file` the caller cannot name the range.

    [-1, 1] is seen beside `clean` alone, a picture on [0, 1] or of whole numbers: some values are below -0.5, and
    (x + 1) / 2 has less than 1/6 of the squared error of x. Of clean + noise it has 1/4 or more, but for chance.
    """
    least, most = _extent(picture)
    top = _scale(picture, least, most)
    if top is not None:
        raise UsageError(f"{_off(who, least, most)}divide it by {top}" + ("" if file else f", or say range={top}"))
    if least < -0.5 and clean is not None and tuple(clean.shape) == tuple(picture.shape):
        truth = _unit(clean)
        if 6 * float((((picture + 1) / 2 - truth) ** 2).mean()) < float(((picture - truth) ** 2).mean()):
            option = "" if file else ", or say range=(-1, 1)"
            raise UsageError(f"{_off(who, least, most)}take (x + 1) / 2{option}")


def why_off_scale(picture: Any) -> str:
    """That a float picture is on 0–255 or 0–65535, else an empty text.

    It is where its mean is above 1/128 of that scale (2 of 255), its greatest value above 1/16 (16 of 255), and no
    value lies further outside than three times the scale: noise and ringing leave the mean where it is, whatever
    their strength.
    """
    least, most = _extent(picture)
    top = _scale(picture, least, most)
    return "" if top is None else f"values {least:g} … {most:g}, as on 0–{top}"


def _scale(picture: Any, least: float, most: float) -> int | None:
    spanned = [t for t in (255, 65535) if -3 * t <= least and t / 16 < most <= 4 * t]
    if not spanned:
        return None
    mean = float(picture.mean())
    return next((t for t in spanned if mean > t / 128), None)


def _off(who: str, least: float, most: float) -> str:
    return f"{who} picture is float with values {least:g} … {most:g}, and floats are on [0, 1]: "


def _remedy(picture: Any, least: float, most: float) -> str:
    top = _scale(picture, least, most)
    if top is not None:
        return f"divide it by {top}, give whole numbers, or say range={top}"
    if least >= -1 - OVERSHOOT and most <= 1 + OVERSHOOT:
        return "take (x + 1) / 2, or say range=(-1, 1)"
    if WIDEST[0] <= least and most <= WIDEST[1]:
        return "clip it, or say range=(0, 1) to have it taken as it stands"
    return "bring it there, or say range=(low, high)"


def _type_of(picture: Any) -> str:
    return str(picture.dtype).removeprefix("torch.") if is_tensor(picture) else str(picture.dtype.name)


def _is_float(picture: Any) -> bool:
    return bool(picture.is_floating_point() if is_tensor(picture) else picture.dtype.kind == "f")


def _is_picture_type(picture: Any) -> bool:
    if is_tensor(picture):
        return _is_float(picture) or _type_of(picture) in DEPTH_OF_TYPE
    # The name of a dtype takes numpy microseconds.
    return picture.dtype.kind == "f" or picture.dtype in _WHOLE


def lies_on_unit(picture: Array) -> bool:
    """Whether a picture is of whole numbers, or of floats that are quickly seen to lie on [0, 1]."""
    return picture.dtype.kind != "f" or is_unit(np.ascontiguousarray(picture))


def _extent(picture: Any) -> tuple[float, float]:
    """Least and greatest value of a float picture; (0, 1) where all lie there, and for whole numbers.

    (0, 1) where a value is not finite, too: another check refuses it.
    """
    if not _is_float(picture) or (isinstance(picture, np.ndarray) and lies_on_unit(picture)):
        return 0.0, 1.0
    least, most = float(picture.min()), float(picture.max())
    return (least, most) if np.isfinite(least) and np.isfinite(most) else (0.0, 1.0)


def _unit(picture: Any) -> Any:
    if _is_float(picture):
        return picture
    return (picture.float() if is_tensor(picture) else picture) / float(2 ** DEPTH_OF_TYPE[_type_of(picture)] - 1)
