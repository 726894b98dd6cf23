"""The built-in protocols and metrics in torch, for pictures that are on a device already; in float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ...components.registry import Bound
from ...imaging.validation import as_tensor
from ...text.errors import NotDefined, UsageError
from .metrics._planes import GMSD_SMALLEST, YIQ
from .metrics._structure import K1, K2, WINDOW, gaussian_taps
from .metrics._undefined import nothing_left, too_small
from .metrics.gmsd import GMSD_T
from .metrics.ms_ssim import MS_SMALLEST, MS_WEIGHTS
from .pairs import shape_text
from .protocols.gray8 import GRAY_601
from .protocols.y8 import LUMA_601, LUMA_601_WHOLE

if TYPE_CHECKING:
    from torch import Tensor
else:
    Tensor = Any


_LARGEST_BAND = 1024
"""Pixels a side up to which a filter is a product of matrices: beyond they would be large."""
_PROTOCOLS = ("uint8", "float", "raw", "y8", "gray8")


def supports(protocol: Bound, metrics: Sequence[Bound]) -> bool:
    """Whether `score_tensors` knows the protocol and all the metrics; plug-ins are scored on the CPU."""
    package = f"{__name__.rpartition('.')[0]}.metrics."
    return protocol.entry.name in _PROTOCOLS and all(
        m.entry.name in _METRICS and m.entry.obj.__module__.startswith(package) for m in metrics
    )


def score_tensors(restored: Any, clean: Any, protocol: Bound, metrics: Sequence[Bound]) -> dict[str, float]:
    """As `score_pair`, on (1, C, H, W) tensors on one device, with the same values to 1e-5."""
    import torch

    if restored.device != clean.device:
        raise UsageError(f"restored tensor is on {restored.device} and clean on {clean.device}: move one of them")
    if restored.device.type == "mps":  # has no float64
        restored, clean = restored.cpu(), clean.cpu()
    with torch.no_grad():
        x, y = prepare_tensors(restored, clean, protocol)
        peak = float(protocol.entry.meta["peak"])
        return {m.display: _METRICS[m.entry.name](x, y, peak) for m in metrics}


def prepare_tensors(restored: Any, clean: Any, protocol: Bound) -> tuple[Tensor, Tensor]:
    """Both pictures under a built-in protocol, float64 (1, C, H, W)."""
    import torch

    restored, clean = as_tensor(restored, "restored"), as_tensor(clean, "clean")
    for who, tensor in (("restored", restored), ("clean", clean)):
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise UsageError(f"{who} tensor has values that are not finite (NaN or Inf): a score needs numbers")
    if restored.shape != clean.shape:
        shapes = [shape_text((*t.shape[2:], t.shape[1])) for t in (restored, clean)]
        raise UsageError(f"restored picture is {shapes[0]} and clean is {shapes[1]} (H×W×C): give equal shapes")
    x, y = _to_unit(restored), _to_unit(clean)
    if protocol.entry.meta["bits"] != 8 and restored.dtype == torch.float32 and torch.equal(y.float(), restored):
        x = y
    return _apply(x, protocol), _apply(y, protocol)


def _to_unit(tensor: Tensor) -> Tensor:
    import torch

    scale = {torch.uint8: 255.0, torch.uint16: 65535.0}.get(tensor.dtype, 1.0)
    return tensor.detach().to(torch.float64) / scale


def _apply(unit: Tensor, protocol: Bound) -> Tensor:
    name = protocol.entry.name
    if name == "raw":
        return unit
    if name == "float":
        return unit.clamp(0, 1)
    picture = (unit.clamp(0, 1) * 255).round()  # torch rounds half to even
    if name == "uint8":
        return picture
    channels = picture.shape[1]
    if channels not in (1, 3):
        raise UsageError(f"protocol {name} takes 1 or 3 channels, not {channels}: use uint8, float or raw")
    border = int(protocol.kwargs.get("border", 0))
    height, width = picture.shape[2:]
    picture = picture[:, :, border : max(border, height - border), border : max(border, width - border)]
    if channels == 1:
        return picture
    if name == "y8" and protocol.kwargs["rounded"]:
        return ((_mix(picture, LUMA_601_WHOLE) + 16 * 255_000 + 127_500) / 255_000).floor()
    if name == "y8":
        return 16 + _mix(picture, LUMA_601) / 255
    return (_mix(picture, GRAY_601) / 1000).round()


def _mix(picture: Tensor, weights: Sequence[float]) -> Tensor:
    return weights[0] * picture[:, 0:1] + weights[1] * picture[:, 1:2] + weights[2] * picture[:, 2:3]


def _mean_error(x: Tensor, y: Tensor, power: int) -> float:
    return float((x - y).abs().pow(power).mean())


def _psnr(x: Tensor, y: Tensor, peak: float) -> float:
    if x.numel() == 0:
        return nothing_left()
    error = _mean_error(x, y, 2)
    return math.inf if error == 0 else 10.0 * math.log10(peak**2 / error)


def _mse(x: Tensor, y: Tensor, peak: float) -> float:
    return nothing_left() if x.numel() == 0 else _mean_error(x, y, 2) / peak**2


def _mae(x: Tensor, y: Tensor, peak: float) -> float:
    return nothing_left() if x.numel() == 0 else _mean_error(x, y, 1) / peak


def _ssim(x: Tensor, y: Tensor, peak: float) -> float:
    if min(x.shape[2:]) < WINDOW:
        return too_small(x.shape[2:], "ssim", WINDOW)
    return float(structure_map(x, y, peak, luminance=True).mean())


def _ms_ssim(x: Tensor, y: Tensor, peak: float) -> float:
    if min(x.shape[2:]) < MS_SMALLEST:
        return too_small(x.shape[2:], "ms_ssim", MS_SMALLEST)
    product: Any = 1.0
    for scale, weight in enumerate(MS_WEIGHTS, 1):
        last = scale == len(MS_WEIGHTS)
        term = structure_map(x, y, peak, luminance=last).mean(dim=(0, 2, 3)).clamp(min=0)
        product = product * term**weight
        x, y = (x, y) if last else (halved(x), halved(y))
    return float(product.mean())


def structure_map(x: Tensor, y: Tensor, peak: float, *, luminance: bool, window: int = WINDOW) -> Tensor:
    """The SSIM map of each picture and channel, (B, C, H, W), over the valid region, differentiable.

    Without `luminance` its contrast-structure term. `window` is how many taps it has on a side, an odd number.
    """
    c1, c2 = (K1 * peak) ** 2, (K2 * peak) ** 2
    # The offset of each channel leaves the variances alone and would cost them digits.
    offset_x, offset_y = x.mean(dim=(2, 3), keepdim=True), y.mean(dim=(2, 3), keepdim=True)
    x, y = x - offset_x, y - offset_y
    mx, my = blurred(x, window), blurred(y, window)
    both = blurred(x * x + y * y, window) - mx * mx - my * my
    cross = blurred(x * y, window) - mx * my
    result = (2 * cross + c2) / (both + c2)
    if luminance:
        mx, my = mx + offset_x, my + offset_y
        result = result * (2 * mx * my + c1) / (mx * mx + my * my + c1)
    return result


def blurred(planes: Tensor, window: int = WINDOW) -> Tensor:
    """Means in the window of SSIM, (B, C, H, W), over the valid region."""
    import torch
    from torch.nn.functional import conv2d

    taps = torch.from_numpy(gaussian_taps(window)).to(planes)
    if max(planes.shape[2:]) <= _LARGEST_BAND:
        rows, columns = (_band(taps, side) for side in planes.shape[2:])
        return rows @ planes @ columns.T
    flat = planes.reshape(-1, 1, *planes.shape[2:])
    flat = conv2d(conv2d(flat, taps[None, None, :, None]), taps[None, None, None, :])
    return flat.reshape(*planes.shape[:2], *flat.shape[2:])


def _band(taps: Tensor, side: int) -> Tensor:
    """The matrix that filters a side; on a CPU several times as fast as a convolution of one channel."""
    band = taps.new_zeros(side - len(taps) + 1, side)
    for offset, tap in enumerate(taps):
        band.diagonal(offset).fill_(tap)
    return band


def halved(picture: Tensor) -> Tensor:
    """2×2 averages, (B, C, H, W); an odd last row or column is repeated."""
    from torch.nn.functional import avg_pool2d, pad

    height, width = picture.shape[2:]
    return avg_pool2d(pad(picture, (0, width % 2, 0, height % 2), mode="replicate"), 2)


def _gmsd(x: Tensor, y: Tensor, peak: float) -> float:
    from torch.nn.functional import avg_pool2d, pad

    height, width = x.shape[2:]
    if min(height, width) < GMSD_SMALLEST:
        return too_small(x.shape[2:], "gmsd", GMSD_SMALLEST)
    if x.shape[1] not in (1, 3):
        return NotDefined(f"gmsd takes 1 or 3 channels, not {x.shape[1]}")
    lumas = [_mix(p, YIQ[0]) if p.shape[1] == 3 else p for p in (x, y)]
    halved = [avg_pool2d(pad(p * (255.0 / peak), (0, width % 2, 0, height % 2)), 2) for p in lumas]
    first, second = (_squared_gradient(p) for p in halved)
    similar = (2 * (first * second).sqrt() + GMSD_T) / (first + second + GMSD_T)
    return float(similar.std(unbiased=False))


def _squared_gradient(plane: Tensor) -> Tensor:
    import torch
    from torch.nn.functional import conv2d

    side, flat = plane.new_tensor([-1.0, 0.0, 1.0]), plane.new_full((3,), 1 / 3)
    kernels = torch.stack([torch.outer(flat, side), torch.outer(side, flat)])[:, None]
    return conv2d(plane, kernels, padding=1).pow(2).sum(dim=1, keepdim=True)


_METRICS: dict[str, Callable[[Tensor, Tensor, float], float]] = {
    "psnr": _psnr,
    "ssim": _ssim,
    "ms_ssim": _ms_ssim,
    "mse": _mse,
    "mae": _mae,
    "gmsd": _gmsd,
}
