"""Degrade one picture: the key, the chain of regimes, and what is disclosed. Nothing else draws noise."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...errors import Skip, UsageError, one_line
from ...imaging.pixels import DEPTH_OF_TYPE, Array, pixel_sha256, to_unit
from ...imaging.sample import Sample
from ...info import Info
from ...keyed_noise import keyed_generator, noise_key
from ...registry import Bound, bind
from .disclosure import Known, cut, disclose

_FORM = ("shape", "bit_depth")
"""What a picture is, whatever lies in it: the last word counts."""


def degrade_sample(bound: Bound, sample: Sample, seed: int = 0, draw: int = 0) -> tuple[Array, Info]:
    """The input of a run: float32 (H', W', C) and what is disclosed. Raises `Skip` where there is none."""
    clean = to_unit(sample.clean)
    key = noise_key(bound, seed, pixel_sha256(sample.clean), draw)
    rng = keyed_generator(key)
    x = clean
    form: dict[str, Any] = {
        "shape": clean.shape[:2],
        "bit_depth": DEPTH_OF_TYPE.get(sample.clean.dtype.name),
    }
    known: dict[str, Known] = {}
    for place, part in enumerate(bound.parts):
        told: dict[str, Any] = {}
        if part.entry.meta["source"] == "noisy":
            if sample.noisy is None:
                raise Skip(f"regime {part.entry.name} needs a dataset that has noisy pictures of its own")
            if place:
                raise UsageError(f"regime {part.entry.name!r} can only stand first in {bound.display!r}")
            x = to_unit(sample.noisy)
            told = _scale_of_own(clean, x, sample.id)
        if place and _cuts(bound.parts[place - 1]):
            known = cut(known)
        x, new = part.entry.obj(x, rng, **part.kwargs)
        new = {**told, **new}
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
            f"picture {name!r} and its own noisy one are {sizes}: "
            "give one size, or a clean one that is a whole number of times as large"
        )
    return {"scale": scale} if scale > 1 else {}


def _cuts(part: Bound) -> bool:
    """Whether a regime is told to clip or round what it made. What it discloses is the strength before."""
    return any(part.kwargs[name] not in (None, False) for name in part.entry.meta["cuts"])


def _whole(value: Any, name: str) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise UsageError(f"{name} is a whole number, not {one_line(repr(value))}") from None


def degrade(spec: str, clean: Any, seed: int = 0, draw: int = 0) -> tuple[Any, Info]:
    """The noisy version of `clean` under a regime, exactly as a run uses it, and what is disclosed.

    `clean`: (H, W[, C]) uint8, uint16 or float on [0, 1], or a (1, C, H, W) tensor on [0, 1]; the result is
    float32 of the same kind. Raises `UsageError` for a wrong spec or picture.
    """
    bound = bind(spec, "regime")
    seed, draw = _whole(seed, "seed"), _whole(draw, "draw")
    tensor = hasattr(clean, "detach")
    if tensor:
        if clean.ndim != 4 or clean.shape[0] != 1:
            raise UsageError(f"a tensor picture is (1, C, H, W), not {tuple(clean.shape)}")
        values = clean.detach().cpu()
        values = values.float() if values.is_floating_point() else values
        picture = np.ascontiguousarray(values.numpy()[0].transpose(1, 2, 0))
    else:
        picture = np.asarray(clean)
    if picture.dtype.kind == "f":
        picture = picture.astype(np.float32)
    if picture.ndim not in (2, 3) or picture.size == 0:
        raise UsageError(f"a picture is (H, W) or (H, W, C), not {picture.shape}")
    try:
        noisy, info = degrade_sample(bound, Sample("", picture), seed, draw)
    except Skip as skip:
        raise UsageError(str(skip)) from None
    if tensor:
        import torch

        return torch.from_numpy(np.ascontiguousarray(noisy.transpose(2, 0, 1)))[None].to(clean.device), info
    return (noisy[:, :, 0] if picture.ndim == 2 and noisy.shape[2] == 1 else noisy), info
