"""Degrade one picture: the key, the chain of regimes, and what is disclosed. Nothing else draws noise."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...components.calls import degraded
from ...components.decorators import refuse_own_input_behind
from ...components.keyed_noise import keyed_generator, noise_key
from ...components.registry import Bound, bind
from ...imaging.pixels import Array, canonical, depth_of, pixel_sha256, to_unit
from ...imaging.sample import Sample
from ...imaging.validation import (
    Range,
    as_picture,
    check_clean,
    check_item,
    check_restored,
    given_array,
    is_tensor,
    mapped,
)
from ...text.errors import Skip, UsageError, one_line
from ...track.info import Info
from .disclosure import Known, cut, disclose

_FORM = ("shape", "bit_depth")
"""What a picture is, whatever lies in it: the last word counts."""


def degrade_sample(bound: Bound, sample: Sample, seed: int = 0, draw: int = 0) -> tuple[Array, Info]:
    """The input of a run: float32 (H', W', C) and what is disclosed. Raises `Skip` where there is none.

    All of it depends on the values of the picture, not on the type that holds them. Raises `UsageError` for what is
    no picture, of the dataset or of a regime.
    """
    refuse_own_input_behind(bound)
    values = canonical(clean_of(sample))
    clean = to_unit(values)
    key = noise_key(bound, seed, pixel_sha256(values), draw)
    rng = keyed_generator(key)
    x = clean
    form: dict[str, Any] = {
        "shape": clean.shape[:2],
        "bit_depth": depth_of(values),
    }
    known: dict[str, Known] = {}
    for place, part in enumerate(bound.parts):
        disclosed: dict[str, Any] = {}
        own_noise = part.entry.meta["source"] == "noisy"
        if own_noise:
            if sample.noisy is None:
                raise Skip(f"regime {part.entry.name} needs a dataset that has noisy pictures of its own")
            real = as_picture(sample.noisy, f"{one_line(sample.id, 60)!r}: noisy")
            check_finite(real, f"{one_line(sample.id, 60)!r}: noisy")
            check_restored(real, f"{one_line(sample.id, 60)!r}: noisy", clean, file=True)
            x = to_unit(canonical(real))
            disclosed = _scale_of_own(clean, x, sample.id)
        if place and _cuts(bound.parts[place - 1]):
            known = cut(known)
        x, new = degraded(part, x, rng, resizes=True, besides=("scale",) if own_noise else ())
        new = {**disclosed, **new}
        form |= {name: new[name] for name in _FORM if name in new}
        known = disclose(known, part, {name: value for name, value in new.items() if name not in _FORM})
    noisy = np.ascontiguousarray(x, dtype=np.float32)
    return noisy, Info({**form, **{name: one.value for name, one in known.items()}}, key)


def _scale_of_own(clean: Array, noisy: Array, name: str) -> dict[str, Any]:
    """How many times as large the clean picture is as its own noisy one, where it is larger. Raises `UsageError`."""
    scale = clean.shape[0] // noisy.shape[0]
    if clean.shape[:2] != tuple(scale * side for side in noisy.shape[:2]):
        sizes = " and ".join("×".join(map(str, picture.shape[:2])) for picture in (clean, noisy))
        raise UsageError(
            f"picture {name!r} and its noisy one are {sizes}: "
            "give both one size, or a clean one that is a whole number of times as large"
        )
    return {"scale": scale} if scale > 1 else {}


def _cuts(part: Bound) -> bool:
    """Whether a regime is told to clip or round what it made. What it discloses is the strength before."""
    return any(part.kwargs[name] not in (None, False) for name in part.entry.meta["cuts"])


def clean_of(sample: Sample) -> Array:
    """The clean picture of an item, (H, W, C). Raises `UsageError` for what is no picture, or on another scale."""
    who = f"{one_line(sample.id, 60)!r}: clean" if sample.id else "clean"
    clean = as_picture(sample.clean, who)
    check_finite(clean, who)
    check_item(clean, who)
    return clean


def check_finite(picture: Array, who: str) -> None:
    """Raise `UsageError` for NaN or Inf in a picture of a dataset."""
    if picture.dtype.kind == "f" and not np.isfinite(picture).all():
        raise UsageError(f"{who} picture holds NaN or Inf: give float values on [0, 1]")


def _whole(value: Any, name: str) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if number < 0 or isinstance(value, bool):
        raise UsageError(f"{name} must be a whole number from 0, not {one_line(repr(value), 80)}")
    return number


def degrade(spec: str, clean: Any, seed: int = 0, draw: int = 0, *, range: Range = None) -> tuple[Any, Info]:
    """The noisy version of `clean` under a regime, exactly as a run uses it, and what is disclosed.

    `clean`: (H, W[, C]) uint8, uint16 or float on [0, 1], or a (1, C, H, W) or (C, H, W) tensor of these; `range` says
    what a float picture is on instead: 255 for 0–255, (-1, 1), or (0, 1) to have it taken as it stands. The noise
    depends on the values of the picture: the same picture in 8 bits and as float of /255 gets the same. The result is
    float32 on [0, 1] (not clipped), of the same kind. Raises `UsageError` for a wrong spec or picture.

        >>> noisy, info = nb.degrade("gaussian(sigma=25)", np.full((64, 64), 128, np.uint8), seed=0)
        >>> noisy.dtype, noisy.shape, round(info.sigma * 255)
        (dtype('float32'), (64, 64), 25)
    """
    if not isinstance(spec, str):
        raise UsageError(f"the regime comes first, as text, not {type(spec).__name__}: degrade(regime, clean)")
    bound = bind(spec, "regime")
    seed, draw = _whole(seed, "seed"), _whole(draw, "draw")
    picture = mapped(given_array(clean, "clean"), range, "clean")
    check_clean(picture, "clean", range_named=range is not None)
    try:
        noisy, info = degrade_sample(bound, Sample("", picture), seed, draw)
    except Skip as skip:
        raise UsageError(str(skip)) from None
    if is_tensor(clean):
        import torch

        tensor = torch.from_numpy(np.ascontiguousarray(noisy.transpose(2, 0, 1))).to(clean.device)
        return (tensor[None] if clean.ndim == 4 else tensor), info
    return (noisy[:, :, 0] if np.ndim(clean) == 2 and noisy.shape[2] == 1 else noisy), info
