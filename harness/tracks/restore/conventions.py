"""One pair of pictures under the conventions of scoring in common use, computed here without their libraries.

Pictures come as uint8, uint16 or float on [0, 1], (H, W) or (H, W, C). Every PSNR is on 0–255 or an equivalent
scale, so values are comparable; a convention that does not apply to a pair (too small, no colour) is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ...data.folders import pair_folders
from ...imaging.pictures import PICTURE_SUFFIXES, read_picture
from ...imaging.pixels import Array, Float, to_unit
from ...imaging.validation import as_picture, check_item, check_restored
from ...text.errors import UsageError, one_line
from ...text.wording import counted
from .pairs import shape_text, to_8bit
from .protocols.gray8 import GRAY_601
from .protocols.y8 import LUMA_601, rounded_luma


@dataclass(frozen=True)
class Convention:
    """A way of scoring: what it is, who uses it, and the value of a pair (None where it does not apply)."""

    name: str
    metric: str
    steps: str
    who: str
    value: Callable[[Array, Array], float | None]


# ---- pictures: (H, W, C) → what is compared, on 0–255


def _byte(picture: Array) -> Float:
    return to_8bit(picture).astype(np.float64)


def _clipped(picture: Array) -> Float:
    return np.clip(to_unit(picture), 0, 1) * 255.0


def _plain(picture: Array) -> Float:
    return to_unit(picture) * 255.0


def _truncated(picture: Array) -> Float:
    if picture.dtype == np.uint8:
        return picture.astype(np.float64)
    unit = to_unit(picture) if picture.dtype == np.uint16 else picture
    # In the precision that it comes in: so k / 255 gives k again, as it does where this is done.
    whole: Float = np.floor(np.clip(unit, 0, 1) * unit.dtype.type(255)).astype(np.float64)
    return whole


# Of a grey picture the luma is the grey itself.


def _studio(picture: Array) -> Float:
    byte = _byte(picture)
    if byte.shape[2] == 1:
        return byte
    luma: Float = (16 + byte @ np.array(LUMA_601) / 255)[:, :, None]
    return luma


def _studio_rounded(picture: Array) -> Float:
    byte = to_8bit(picture)
    return (byte if byte.shape[2] == 1 else rounded_luma(byte)).astype(np.float64)


def _full(picture: Array) -> Float:
    if picture.shape[2] == 1:
        return _byte(picture)
    luma: Float = (_byte(picture) @ np.array(GRAY_601) / 1000)[:, :, None]
    return luma


def _full_rounded(picture: Array) -> Float:
    return np.rint(_full(picture))


Prepare = Callable[[Array], Float]


Span = Callable[[Float, Float], float]
"""The data range of a restored and a clean picture, on 0–255."""


def _clean_span(restored: Float, clean: Float) -> float:
    return float(np.ptp(clean))


def _wider_span(restored: Float, clean: Float) -> float:
    return float(max(np.ptp(restored), np.ptp(clean)))


def _psnr(
    prepare: Prepare, border: int = 0, extra: float = 0.0, span: Span | None = None
) -> Callable[[Array, Array], float | None]:
    """PSNR after `prepare`; `extra` is added to the MSE on the [0, 1] scale; `span` for another peak than 255."""

    def value(restored: Array, clean: Array) -> float | None:
        x, y = _cut(prepare(restored), border), _cut(prepare(clean), border)
        if x.size == 0:
            return None
        peak = 255.0 if span is None else span(x, y)
        if peak == 0:
            return None
        mse = float(np.mean((x - y) ** 2)) / peak**2 + extra
        return math.inf if mse == 0 else -10 * math.log10(mse)

    return value


def _channel_psnr(restored: Array, clean: Array) -> float | None:
    """The mean of the PSNR of each channel, 8 bit."""
    plain = _psnr(_byte)
    each = [plain(restored[:, :, [c]], clean[:, :, [c]]) for c in range(clean.shape[2])]
    return float(np.mean([v for v in each if v is not None]))


def _cut(picture: Float, border: int) -> Float:
    height, width = picture.shape[:2]
    return picture[border : max(border, height - border), border : max(border, width - border)]


# ---- SSIM, from its definition in float64

_GAUSS = np.exp(-((np.arange(11) - 5.0) ** 2) / (2 * 1.5**2))
_GAUSS /= _GAUSS.sum()
_FLAT = np.full(7, 1 / 7)


def _filter(picture: Float, taps: Float) -> Float:
    """Correlation of (H, W) with odd, symmetric `taps` along both axes, valid region."""
    import cv2

    radius = len(taps) // 2
    whole: Float = np.asarray(cv2.sepFilter2D(np.ascontiguousarray(picture), cv2.CV_64F, taps, taps))
    return whole[radius : whole.shape[0] - radius, radius : whole.shape[1] - radius]


def _plane_ssim(x: Float, y: Float, taps: Float, unbias: float, peak: float = 255.0) -> float:
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    # Variances do not change with an offset: centring keeps digits on bright flats.
    offset = float(x.mean())
    xs, ys = x - offset, y - offset
    mx, my = _filter(xs, taps), _filter(ys, taps)
    vx = unbias * (_filter(xs * xs, taps) - mx * mx)
    vy = unbias * (_filter(ys * ys, taps) - my * my)
    cov = unbias * (_filter(xs * ys, taps) - mx * my)
    mx, my = mx + offset, my + offset
    values = (2 * mx * my + c1) * (2 * cov + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))
    return float(values.mean())


def _ssim(
    prepare: Prepare,
    taps: Float = _GAUSS,
    *,
    border: int = 0,
    sample: bool = False,
    edge: Literal["valid", "reflect", "replicate"] = "valid",
    shrink: Callable[[Float], Float] | None = None,
    span: Span | None = None,
) -> Callable[[Array, Array], float | None]:
    """SSIM after `prepare`: valid region, or with the border continued; `sample` covariance; after `shrink`; `span`."""
    count = float(len(taps) ** 2)
    unbias = count / (count - 1) if sample else 1.0

    def value(restored: Array, clean: Array) -> float | None:
        x, y = _cut(prepare(restored), border), _cut(prepare(clean), border)
        if shrink is not None:
            x, y = shrink(x), shrink(y)
        if min(x.shape[:2]) < len(taps):
            return None
        peak = 255.0 if span is None else span(x, y)
        if peak == 0:
            return None
        if edge != "valid":
            wide = ((len(taps) // 2,) * 2, (len(taps) // 2,) * 2, (0, 0))
            mode: Literal["reflect", "edge"] = "reflect" if edge == "reflect" else "edge"
            x, y = np.pad(x, wide, mode=mode), np.pad(y, wide, mode=mode)
        planes = [_plane_ssim(x[:, :, c], y[:, :, c], taps, unbias, peak) for c in range(x.shape[2])]
        return float(np.mean(planes))

    return value


def _volume_ssim(restored: Array, clean: Array) -> float | None:
    """SSIM of (H, W, C) as a volume: the Gaussian goes across the channels too, and every border is repeated."""
    x, y = _byte(restored), _byte(clean)
    if min(x.shape[:2]) < len(_GAUSS):
        return None
    radius, last = len(_GAUSS) // 2, x.shape[2] - 1
    across = np.zeros((last + 1, last + 1))
    for channel in range(last + 1):
        for place, tap in enumerate(_GAUSS):
            across[channel, min(max(channel + place - radius, 0), last)] += tap

    def mean(volume: Float) -> Float:
        wide = np.pad(volume, ((radius, radius), (radius, radius), (0, 0)), mode="edge")
        planes: Float = np.stack([_filter(wide[:, :, c], _GAUSS) for c in range(last + 1)], axis=2)
        return planes @ across.T

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    values = (2 * mx * my + c1) * (2 * cov + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))
    return float(values.mean())


def _shrunk(picture: Float) -> Float:
    """Wang's ssim.m: mean over f×f and every f-th pixel, f = round(shorter side / 256), at least 1."""
    f = max(1, math.floor(min(picture.shape[:2]) / 256 + 0.5))
    if f == 1:
        return picture
    # MATLAB's imfilter centres an even window on the pixel above and left of its middle.
    before, after = (f - 1) // 2, f // 2
    padded = np.pad(picture, ((before, after), (before, after), (0, 0)), mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (f, f), axis=(0, 1))
    means: Float = windows[::f, ::f].mean(axis=(-1, -2))
    return means


def _pooled(picture: Float) -> Float:
    """piq: the mean of each whole f×f block, f = round(shorter side / 256) half to even, at least 1."""
    height, width, channels = picture.shape
    f = max(1, round(min(height, width) / 256))
    whole = picture[: height // f * f, : width // f * f]
    means: Float = whole.reshape(height // f, f, width // f, f, channels).mean(axis=(1, 3))
    return means


_ALL = "all channels"
_Y = "Y of BT.601, 16–235"

ANY: tuple[Convention, ...] = (
    Convention("psnr uint8", "psnr", f"rounded to 8 bit, {_ALL}", "noisebench uint8; KAIR and BasicSR, border 0; "
               "scikit-image on uint8", _psnr(_byte)),
    Convention("psnr uint8 border 2", "psnr", "as psnr uint8, border 2 cut", "super-resolution x2", _psnr(_byte, 2)),
    Convention("psnr uint8 border 3", "psnr", "as psnr uint8, border 3 cut", "super-resolution x3", _psnr(_byte, 3)),
    Convention("psnr uint8 border 4", "psnr", "as psnr uint8, border 4 cut", "super-resolution x4", _psnr(_byte, 4)),
    Convention("psnr float", "psnr", f"clipped, not rounded, {_ALL}", "noisebench float; many torch test scripts",
               _psnr(_clipped)),
    Convention("psnr raw", "psnr", f"neither clipped nor rounded, {_ALL}", "noisebench raw; scikit-image and "
               "torchmetrics on floats", _psnr(_plain)),
    Convention("psnr truncated", "psnr", f"clipped, cut off to 8 bit, {_ALL}", "scripts that cast to uint8",
               _psnr(_truncated)),
    Convention("psnr + 1e-8", "psnr", "neither clipped nor rounded, 1e-8 added to the MSE", "pyiqa",
               _psnr(_plain, extra=1e-8)),
    Convention("psnr float + 1e-8", "psnr", "clipped, not rounded, 1e-8 added to the MSE", "piq, which takes nothing "
               "outside of [0, 1]", _psnr(_clipped, extra=1e-8)),
    Convention("psnr own range", "psnr", "neither clipped nor rounded, the data range is that of the clean picture",
               "torcheval and torchmetrics 1.0, data_range left out", _psnr(_plain, span=_clean_span)),
    Convention("ssim", "ssim", f"Gaussian 11×11, population, valid region, 8 bit, {_ALL}", "noisebench uint8; "
               "Wang's ssim_index.m per channel; KAIR and BasicSR", _ssim(_byte)),
    Convention("ssim clipped", "ssim", "as ssim, clipped, not rounded", "noisebench float; piq below 384 pixels",
               _ssim(_clipped)),
    Convention("ssim float", "ssim", "as ssim, neither clipped nor rounded", "noisebench raw; pytorch-msssim",
               _ssim(_plain)),
    Convention("ssim truncated", "ssim", "as ssim, clipped, cut off to 8 bit", "scripts that cast to uint8",
               _ssim(_truncated)),
    Convention("ssim border 2", "ssim", "as ssim, border 2 cut", "super-resolution x2", _ssim(_byte, border=2)),
    Convention("ssim border 3", "ssim", "as ssim, border 3 cut", "super-resolution x3", _ssim(_byte, border=3)),
    Convention("ssim border 4", "ssim", "as ssim, border 4 cut", "super-resolution x4", _ssim(_byte, border=4)),
    Convention("ssim uniform", "ssim", f"uniform 7×7, sample covariance, 8 bit, {_ALL}", "scikit-image, defaults",
               _ssim(_byte, _FLAT, sample=True)),
    Convention("ssim uniform float", "ssim", "as ssim uniform, neither clipped nor rounded", "scikit-image on floats, "
               "data_range=1", _ssim(_plain, _FLAT, sample=True)),
    Convention("ssim gaussian sample", "ssim", f"Gaussian 11×11, sample covariance, 8 bit, {_ALL}",
               "scikit-image, gaussian_weights=True alone", _ssim(_byte, sample=True)),
    Convention("ssim reflect", "ssim", "Gaussian 11×11, population, reflected border averaged too, floats",
               "torchmetrics", _ssim(_plain, edge="reflect")),
    Convention("ssim reflect own range", "ssim", "as ssim reflect, the data range is the wider one of the two pictures",
               "torchmetrics, data_range left out", _ssim(_plain, edge="reflect", span=_wider_span)),
    Convention("ssim replicate", "ssim", f"Gaussian 11×11, population, border repeated and averaged too, 8 bit, {_ALL}",
               "MATLAB's own ssim, channel by channel", _ssim(_byte, edge="replicate")),
    Convention("ssim pooled", "ssim", "mean of f×f blocks first, f = shorter side / 256, then as ssim clipped",
               "piq, which halves pictures from 384 pixels up", _ssim(_clipped, shrink=_pooled)),
    Convention("ssim shrunk", "ssim", f"mean of f×f first, f = shorter side / 256, then as ssim, {_ALL}",
               "Wang's ssim.m", _ssim(_byte, shrink=_shrunk)),
)  # fmt: skip


def _studio_conventions(name: str, kind: str, prepare: Prepare, who: str, where: str) -> list[Convention]:
    conventions = []
    for metric, score, of in (("psnr", _psnr, "8 bit,"), ("ssim", _border_ssim, "as ssim, of")):
        conventions.append(Convention(f"{metric} {name}", metric, f"{of} {_Y}, {kind}", who, score(prepare, 0)))
        for border in (2, 3, 4):
            steps = f"as {metric} {name}, border {border} cut"
            used = f"super-resolution x{border}{where}"
            conventions.append(
                Convention(f"{metric} {name} border {border}", metric, steps, used, score(prepare, border))
            )
    return conventions


def _border_ssim(prepare: Prepare, border: int) -> Callable[[Array, Array], float | None]:
    return _ssim(prepare, border=border)


STUDIO: tuple[Convention, ...] = (
    *_studio_conventions("y", "float", _studio, "noisebench y8; on colour BasicSR, test_y_channel", ""),
    *_studio_conventions("y rounded", "rounded", _studio_rounded,
                         "noisebench y8(rounded=True); MATLAB rgb2ycbcr on uint8", " in MATLAB"),
)  # fmt: skip
"""Of the luma on 16–235, which is another scale than that of a grey picture left as it is."""

COLOUR: tuple[Convention, ...] = (
    *STUDIO,
    Convention("psnr of channels", "psnr", "8 bit, mean of the PSNR of each channel", "scripts that score channel by "
               "channel", _channel_psnr),
    Convention("psnr luma", "psnr", "8 bit, full-range luma, float", "Y of YIQ", _psnr(_full)),
    Convention("psnr luma rounded", "psnr", "8 bit, full-range luma, rounded", "noisebench gray8; MATLAB rgb2gray",
               _psnr(_full_rounded)),
    Convention("ssim luma", "ssim", "as ssim, of full-range luma, rounded", "noisebench gray8; pyiqa ssim",
               _ssim(_full_rounded)),
    Convention("ssim luma shrunk", "ssim", "full-range luma, rounded, then as ssim shrunk", "Wang's ssim.m on "
               "rgb2gray", _ssim(_full_rounded, shrink=_shrunk)),
    Convention("ssim luma replicate", "ssim", "full-range luma, rounded, then as ssim replicate",
               "MATLAB's own ssim on rgb2gray", _ssim(_full_rounded, edge="replicate")),
    Convention("ssim volume", "ssim", "as ssim replicate, the Gaussian across the channels too",
               "MATLAB's own ssim on RGB, which it takes for a volume", _volume_ssim),
)  # fmt: skip


DEFAULT_NAMES = ("psnr uint8", "ssim")
"""The conventions of `uint8`, the default protocol."""


def explain_files(restored: str, clean: str, claimed: str | None = None) -> tuple[int, list[dict[str, Any]]]:
    """How many pairs there are of two pictures, or of two folders of them, and the rows of `explain_pairs`.

    Raises `UsageError` for what is not there, cannot be read or has no partner.
    """
    ours, theirs = Path(restored), Path(clean)
    for path in (ours, theirs):
        if not path.exists():
            raise UsageError(f"{one_line(path)} does not exist: check the path")
    if ours.is_dir() != theirs.is_dir():
        raise UsageError("give two pictures or two folders, not one of each")
    files = [(ours, theirs)]
    if ours.is_dir():
        files = [(mine, other) for _, mine, other in pair_folders(ours, theirs, PICTURE_SUFFIXES)]
    pairs = ((read_picture(mine), read_picture(other)) for mine, other in files)
    return len(files), explain_pairs(pairs, claimed, [mine.name for mine, _ in files])


def explain_pairs(
    pairs: Iterable[tuple[Array, Array]], claimed: str | None = None, names: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """A row for each convention: its mean over the pairs, sorted; for several pairs the pooled MSE too.

    `claimed` is a number as printed: `gives` says whether a value rounds to it. Raises `UsageError` for a pair
    of unequal shapes, by its name of `names`.
    """
    values: dict[str, list[float | None]] = {}
    channels: list[int] = []
    squares, sizes = 0.0, 0
    for restored, clean in pairs:
        x, y = as_picture(restored, "restored"), as_picture(clean, "clean")
        of = f"{one_line(names[len(channels)])}: " if names else ""
        if x.shape != y.shape:
            raise UsageError(
                f"{of}restored picture is {shape_text(x.shape)} and clean is {shape_text(y.shape)}: give equal shapes"
            )
        check_item(y, f"{of}clean")
        check_restored(x, f"{of}restored", y, file=True)
        channels.append(x.shape[2])
        for convention in (*ANY, *(COLOUR if x.shape[2] in (1, 3) else ())):
            values.setdefault(convention.name, []).append(convention.value(x, y))
        for convention in STUDIO if x.shape[2] in (1, 3) else ():
            as_rgb = convention.value(_rgb(x), _rgb(y)) if x.shape[2] == 1 else values[convention.name][-1]
            values.setdefault(convention.name + _AS_RGB, []).append(as_rgb)
        difference = _byte(x) - _byte(y)
        squares, sizes = squares + float(np.sum(difference**2)), sizes + difference.size
    count = len(channels)
    rows = []
    for convention in _conventions_for(channels):
        scores = [v for v in values.get(convention.name, []) if v is not None]
        if len(scores) == count:
            rows += _rows(convention, scores, claimed)
    if count > 1 and sizes:
        mse = squares / sizes
        pooled = math.inf if mse == 0 else 10 * math.log10(255**2 / mse)
        convention = Convention(
            "psnr pooled", "psnr", f"8 bit, {_ALL}, MSE pooled over pictures", "torchmetrics over a batch", _psnr(_byte)
        )  # fmt: skip
        rows.append(_row(convention, pooled, claimed))
    return sorted(rows, key=lambda r: (r["metric"], -r["value"], r["name"]))


_AS_RGB = ", grey as RGB"


def _conventions_for(channels: Sequence[int]) -> list[Convention]:
    """The conventions for pictures of so many channels; with grey among colour, each says what it does to grey."""
    grey = channels.count(1)
    if 3 not in channels:
        return list(ANY)
    if not grey:
        return [*ANY, *COLOUR]
    pictures = counted(grey, "grey picture")
    as_grey = [replace(c, steps=f"{c.steps}; {pictures} as {'it is' if grey == 1 else 'they are'}") for c in COLOUR]
    repeated = [
        replace(c, name=c.name + _AS_RGB, steps=f"{c.steps}; {pictures} repeated to three channels",
                who="readers that repeat grey, such as BasicSR's")
        for c in STUDIO
    ]  # fmt: skip
    return [*ANY, *as_grey, *repeated]


def _rgb(grey: Array) -> Array:
    return np.repeat(grey, 3, axis=2)


def _rows(convention: Convention, scores: Sequence[float], claimed: str | None) -> list[dict[str, Any]]:
    """The row of a convention; where some of the scores are infinite also that of the mean without these pictures.

    That one is what noisebench calls its mean.
    """
    row, finite = _row(convention, float(np.mean(scores)), claimed), [v for v in scores if math.isfinite(v)]
    if not 0 < len(finite) < len(scores):
        return [row]
    users = convention.who.split("; ")
    ours = [user for user in users if user.startswith("noisebench")]
    left_out = counted(len(scores) - len(finite), "identical picture")
    without = replace(
        convention, steps=f"{convention.steps}; {left_out} left out of the mean",
        who="; ".join(ours) or "means that leave identical pictures out",
    )  # fmt: skip
    name = f"{convention.name}, identical left out"
    others = "; ".join(user for user in users if user not in ours)
    return [{**row, "who": others, "own": False}, {**_row(without, float(np.mean(finite)), claimed), "name": name}]


def _row(convention: Convention, value: float, claimed: str | None) -> dict[str, Any]:
    return {
        "name": convention.name,
        "metric": convention.metric,
        "value": value,
        "what": convention.steps,
        "who": convention.who,
        "gives": claimed is not None and gives(value, claimed),
        "own": convention.name in DEFAULT_NAMES,
    }


def gives(value: float, claimed: str) -> bool:
    """Whether a value, rounded or cut off to the decimals printed, is the claimed number."""
    if not math.isfinite(value):
        return False
    decimals = len(claimed.partition(".")[2])
    # Half a unit either side, and a whole one above for those who cut off.
    off = (value - float(claimed)) * 10.0**decimals
    return -0.5 - 1e-6 <= off < 1.0
