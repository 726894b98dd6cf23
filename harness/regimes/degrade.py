"""Degrade one picture: the key, the chain of regimes, and what is disclosed. Nothing else draws noise."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ..errors import Skip, UsageError
from ..registry import REGIMES, Bound, Entry, bind
from ..tracks.restore import Array, Info, Sample

F = TypeVar("F", bound=Callable[..., Any])


def regime(name: str, *, version: int = 1, discloses: Sequence[str] = (), source: str = "clean") -> Callable[[F], F]:
    """Register a regime: `f(x, rng, **params) -> (y, disclosed)`.

    `x` and `y` are float64 (H, W, C), `x` on [0, 1] at the head of a chain; `rng` is a keyed numpy Generator;
    `disclosed` maps names of `Info` to values on the [0, 1] scale. `source="noisy"` takes the dataset's own
    noisy picture as `x`.
    """

    def register(obj: F) -> F:
        REGIMES.add(Entry(name, obj, version, {"discloses": tuple(discloses), "source": source}))
        return obj

    return register


def as_hwc(picture: Array) -> Array:
    """(H, W) or (H, W, C) → (H, W, C)."""
    return picture[:, :, None] if picture.ndim == 2 else picture


def pixel_sha256(picture: Array) -> str:
    """SHA-256 of dtype, shape and pixels; (H, W) and (H, W, 1) are the same picture."""
    flat = picture[:, :, 0] if picture.ndim == 3 and picture.shape[2] == 1 else picture
    little = np.ascontiguousarray(flat, dtype=flat.dtype.newbyteorder("<"))
    head = f"{little.dtype.str.lstrip('<|')} {'x'.join(map(str, little.shape))}\n".encode()
    return hashlib.sha256(head + little.tobytes()).hexdigest()


def bytes_sha256(picture: Array) -> str:
    """SHA-256 of the float32 little-endian pixels in (H, W, C) order: `input_sha256` of a row."""
    return hashlib.sha256(np.ascontiguousarray(picture, dtype="<f4").tobytes()).hexdigest()


def to_unit(picture: Array) -> npt.NDArray[np.float64]:
    """uint8, uint16 or float → float64 on [0, 1], (H, W, C)."""
    hwc = as_hwc(picture)
    if hwc.dtype == np.uint8:
        return hwc / 255.0
    if hwc.dtype == np.uint16:
        return hwc / 65535.0
    if hwc.dtype.kind == "f":
        return hwc.astype(np.float64)
    raise UsageError(f"a picture is uint8, uint16 or float on [0, 1], not {hwc.dtype}")


def noise_key(bound: Bound, seed: int, sha: str, draw: int) -> bytes:
    """The 256-bit key of a draw: regime with versions, seed, picture, draw number; nothing else."""
    versions = ",".join(f"{p.entry.name}@{p.entry.version}" for p in bound.parts)
    return hashlib.sha256(f"{bound.canonical}|{versions}|{seed}|{sha}|{draw}".encode()).digest()


def degrade_sample(bound: Bound, sample: Sample, seed: int = 0, draw: int = 0) -> tuple[Array, Info]:
    """The input of a run: float32 (H', W', C) and what is disclosed. Raises `Skip` where there is none."""
    clean = to_unit(sample.clean)
    key = noise_key(bound, seed, pixel_sha256(sample.clean), draw)
    rng = np.random.Generator(np.random.Philox(key=int.from_bytes(key[:16], "little")))
    x = clean
    disclosed: dict[str, Any] = {
        "shape": clean.shape[:2],
        "bit_depth": {"uint8": 8, "uint16": 16}.get(sample.clean.dtype.name),
    }
    for place, part in enumerate(bound.parts):
        if part.entry.meta["source"] == "noisy":
            if sample.noisy is None:
                raise Skip(f"regime {part.entry.name} needs a dataset that has noisy pictures of its own")
            if place:
                raise UsageError(f"regime {part.entry.name!r} can only stand first in {bound.display!r}")
            x = to_unit(sample.noisy)
        x, new = part.entry.obj(x, rng, **part.kwargs)
        if "sigma" in new and disclosed.get("sigma") is not None:
            new = {**new, "sigma": float(np.hypot(new["sigma"], disclosed["sigma"]))}
        disclosed.update(new)
    noisy = np.ascontiguousarray(x, dtype=np.float32)
    return noisy, Info(disclosed, key)


def degrade(spec: str, clean: Any, seed: int = 0, draw: int = 0) -> tuple[Any, Info]:
    """The noisy version of `clean` under a regime, exactly as a run uses it, and what is disclosed.

    `clean`: (H, W[, C]) uint8, uint16 or float on [0, 1], or a (1, C, H, W) tensor on [0, 1]; the result is
    float32 of the same kind. Raises `UsageError` for a wrong spec or picture.
    """
    bound = bind(spec, REGIMES)
    tensor = hasattr(clean, "detach")
    if tensor:
        if clean.ndim != 4 or clean.shape[0] != 1:
            raise UsageError(f"a tensor picture is (1, C, H, W), not {tuple(clean.shape)}")
        picture = np.ascontiguousarray(clean.detach().cpu().numpy()[0].transpose(1, 2, 0))
    else:
        picture = np.asarray(clean)
    if picture.dtype == np.float64:
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
