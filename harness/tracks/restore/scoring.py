"""Score a restored picture against a clean one: what the engine calls for a row, and the same for users."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...components.calls import metric_value
from ...components.registry import Bound, bind, bind_all
from ...imaging.sample import Sample
from ...imaging.validation import Range, as_tensor, check_pair, check_restored, given_array, mapped
from ...planning.plan import split_metrics
from ...text.errors import NotDefined, UsageError, nearest, one_line
from .own_range import as_share, own_range, refuse_own_range
from .pairs import Array, composed, pictures_of, prepare, residual


def score_pair(
    restored: Array,
    clean: Array,
    protocol: Bound,
    metrics: Sequence[Bound],
    noisy: Array | None = None,
    *,
    mask: Array | None = None,
    unit: bool = False,
) -> dict[str, float]:
    """Scores by display spec of the metric; `NotDefined` (a NaN with a reason) where a metric has no value.

    `restored`: float32 (H, W, C); `clean`: uint8, uint16 or float on [0, 1], (H, W) or (H, W, C); `noisy`, the
    input of the method, likewise, for metrics of the residual; with `mask` (H, W), above 0 where a pixel is known, for
    metrics of the missing ones; `unit` as of `prepare`. Raises `UsageError` for unequal shapes, values that are not
    finite, and a metric that gives no number or writes into a picture.
    """
    pair = prepare(restored, clean, protocol, unit=unit)
    if noisy is not None and any(m.entry.meta.get("residual") for m in metrics):
        pair = replace(pair, residual=residual(noisy, restored))
    filled = None
    if noisy is not None and mask is not None and any(m.entry.meta.get("missing") for m in metrics):
        filled = composed(pair, restored, noisy, mask, protocol)
    pairs = {m.display: filled or pair if m.entry.meta.get("missing") else pair for m in metrics}
    if protocol.entry.meta["own_range"]:
        low, span = own_range(protocol, clean, noisy)
        if span == 0:
            none = NotDefined(f"{protocol.display}: the picture has one value, and no range")
            return {m.display: none for m in metrics}
        pairs = {name: as_share(one, low, span) for name, one in pairs.items()}
    return {m.display: metric_value(m, pairs[m.display]) for m in metrics}


def score(
    restored: Any,
    clean: Any,
    metrics: Sequence[str] | str = ("psnr", "ssim"),
    protocol: str = "uint8",
    *,
    noisy: Any = None,
    mask: Any = None,
    range: Range = None,
) -> dict[str, float]:
    """Several scores of one picture, the same numbers as in a run: metric → value.

    Pictures: (H, W) or (H, W, C) arrays, uint8, uint16 or float on [0, 1], or (1, C, H, W) or (C, H, W) tensors.
    `range` says what float pictures are on instead: 255 for 0–255, (-1, 1), or (0, 1) to have them taken as they
    stand. Tensors that are not on the CPU are scored where they are, within 1e-5 of the same. `noisy` is the input of
    the method, for metrics of the residual such as `residual_whiteness`; with `mask`, an array (H, W) above 0 where a
    pixel is known, for metrics of the others such as `psnr_hole`. A score without a value is `NotDefined`, a NaN with
    its `reason`. Raises `UsageError` for a wrong spec, type, shape or value, and for floats on another scale.

        >>> clean = np.full((8, 8), 100, np.uint8)
        >>> nb.score(clean + np.uint8(51), clean, ["mae", "mse"])
        {'mae': 0.2, 'mse': 0.04}
    """
    chosen = bind_all(metrics, "metric")
    if split_metrics(chosen)[1]:
        from .set_metrics.definition import refuse_sets

        refuse_sets(chosen)
    rules = bind(protocol, "protocol")
    if _on_device(restored) and _on_device(clean):
        from .tensor_scoring import score_tensors, supports

        if supports(rules, chosen):
            x, y = (mapped(as_tensor(p, who), range, who) for p, who in ((restored, "restored"), (clean, "clean")))
            check_pair(x, y, range_named=range is not None)
            return score_tensors(x, y, rules, chosen)
    x, y, unit = given_pair(restored, clean, range)
    if noisy is not None:
        noisy = mapped(given_array(noisy, "noisy"), range, "noisy")
        if range is None:
            check_restored(noisy, "noisy")
    known = None if mask is None else _as_mask(mask)
    return score_pair(x, y, rules, chosen, noisy, mask=known, unit=unit)


def _as_mask(mask: Any) -> Array:
    """A mask as a caller gives it, as an array (H, W). Raises `UsageError`."""
    try:
        known = np.asarray(mask)
    except (RuntimeError, TypeError, ValueError):  # rows of several lengths, or a tensor that numpy cannot hold
        known = np.empty(0)
    if known.ndim != 2 or known.dtype.kind not in "biuf":
        raise UsageError("mask is an array (H, W) of numbers, above 0 where a pixel is known")
    return known


def given_pair(restored: Any, clean: Any, range: Range) -> tuple[Array, Array, bool]:
    """Two pictures as a caller gives them, as arrays (H, W, C), and whether both are seen to lie on [0, 1]."""
    x, y = (mapped(given_array(p, who), range, who) for p, who in ((restored, "restored"), (clean, "clean")))
    return x, y, check_pair(x, y, range_named=range is not None)


def score_sets(
    restored: Iterable[Any],
    clean: Iterable[Any],
    metrics: Sequence[str] | str = ("kid",),
    protocol: str = "uint8",
    *,
    range: Range = None,
) -> dict[str, dict[str, Any]]:
    """Set metrics of restored pictures against clean ones, in pairs: metric → `SetPart` (see store/record.py).

    Pictures and `range` as for `score`; they are read once, in turn, and their features kept on disk meanwhile. Raises
    `UsageError` for a metric of single pictures, for sets of unequal number, and what `score` raises.

        >>> import torch
        >>> clean = [torch.full((1, 32, 32), level) for level in (0.2, 0.8)]
        >>> parts = nb.score_sets(clean, clean, "kid(features=efficientnet_lite0_mid)")
        >>> [(name, abs(round(part["value"], 6)), part["n"]) for name, part in parts.items()]
        [('kid(features=efficientnet_lite0_mid)', 0.0, 2)]
    """
    import tempfile

    from .set_metrics.collector import collector

    chosen = bind_all(metrics, "metric")
    single, _ = split_metrics(chosen)
    if single:
        raise UsageError(f"{', '.join(m.display for m in single)} is of single pictures: call score, not score_sets")
    rules = bind(protocol, "protocol")
    pairs = _several(restored, "restored pictures"), _several(clean, "clean pictures")
    if len(pairs[0]) != len(pairs[1]):
        raise UsageError(f"{len(pairs[0])} restored and {len(pairs[1])} clean pictures: give pairs")
    with tempfile.TemporaryDirectory() as folder:
        taker, parts = collector(chosen, Path(folder), len(pairs[0]), rules)
        for x, y in zip(*pairs, strict=True):
            ours, theirs, _ = given_pair(x, y, range)
            taker.take(ours, Sample("", theirs))
        return {name: {**parts[name], **result} for name, result in taker.score().items()}


def features(
    pictures: Iterable[Any], network: str = "efficientnet_lite0", protocol: str = "uint8", *, range: Range = None
) -> npt.NDArray[np.float32]:
    """Features (N, d) of pictures, as the set metrics take them; pictures and `range` as for `score`.

    Raises `UsageError` for an unknown network, and what `score` raises.

        >>> import torch
        >>> nb.features([torch.zeros(3, 64, 64), torch.ones(3, 64, 64)], "efficientnet_lite0_mid").shape
        (2, 152)
    """
    from ...imaging.features.networks import NETWORKS, extract, open_network

    if not isinstance(network, str) or network not in NETWORKS:
        raise UsageError(f"unknown features {one_line(network, 60)!r}: {nearest(str(network), NETWORKS)}")
    rules = bind(protocol, "protocol")
    refuse_own_range(rules, "features")
    net = open_network(network)
    rows = []
    for picture in _several(pictures, "pictures"):
        array = mapped(given_array(picture, "a"), range, "a")
        if range is None:
            check_restored(array, "a")
        rows.append(extract(net, NETWORKS[network].side, [pictures_of(prepare(array, array, rules))[1]]))
    return np.concatenate(rows) if rows else np.empty((0, NETWORKS[network].width), np.float32)


def psnr(restored: Any, clean: Any, protocol: str = "uint8", *, range: Range = None) -> float:
    """Peak signal-to-noise ratio in dB, inf for identical pictures. Pictures, `range` and errors as for `score`.

    For example:

        >>> clean = np.full((8, 8), 100, np.uint8)
        >>> round(nb.psnr(clean + np.uint8(10), clean), 2)
        28.13
    """
    return score(restored, clean, ("psnr",), protocol, range=range)["psnr"]


def ssim(restored: Any, clean: Any, protocol: str = "uint8", *, range: Range = None) -> float:
    """Structural similarity (Wang et al. 2004), at most 1. Pictures, `range` and errors as for `score`.

    For example:

        >>> clean = np.arange(256, dtype=np.uint8).reshape(16, 16)
        >>> nb.ssim(clean, clean)
        1.0
    """
    return score(restored, clean, ("ssim",), protocol, range=range)["ssim"]


def _several(pictures: Any, name: str) -> list[Any]:
    if not isinstance(pictures, Iterable) or isinstance(pictures, str | bytes):
        raise UsageError(f"{name} are a list of pictures, not {type(pictures).__name__}")
    return list(pictures)


def _on_device(picture: Any) -> bool:
    return hasattr(picture, "detach") and picture.device.type != "cpu"
