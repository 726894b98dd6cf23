"""What a method is given: keyed latents as the regime leaves them, or a training picture with noise of many levels."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from ...components.calls import degraded_in_turn
from ...components.keyed_noise import keyed_generator, noise_key, text_key
from ...components.registry import Bound
from ...track.info import Info
from ...track.posed_case import Case
from .items import LatentBatch, TrainingPicture

LEVELS = tuple(float(level) for level in np.geomspace(0.03, 20.0, 8))
"""Deviations of the noise that a model is validated at."""


def latents_of(item: LatentBatch, seed: int, draw: int = 0) -> npt.NDArray[np.float64]:
    """Standard normal values (N, C, H, W) of a batch: they depend on its id, the seed and the draw alone."""
    rng = keyed_generator(text_key(f"latents|{seed}|{item.id}|{draw}"))
    return rng.standard_normal((item.count, *item.shape))


def pose(regime: Bound, item: LatentBatch | TrainingPicture, seed: int, draw: int = 0) -> Case:
    """Latents, keyed by the id of their batch, seed and draw, under the regime; or a picture with its noise."""
    return pose_batch(regime, item, seed, draw) if isinstance(item, LatentBatch) else pose_picture(item)


def pose_batch(regime: Bound, item: LatentBatch, seed: int, draw: int) -> Case:
    """Latents float32 (N, C, H, W) under the regime. `info.labels` (N,) int64; `info.normal`: nothing changed them."""
    plain = latents_of(item, seed, draw)
    key = noise_key(regime, seed, hashlib.sha256(item.id.encode()).hexdigest(), draw)
    x, disclosed = degraded_in_turn(regime, plain, keyed_generator(key))
    given = np.ascontiguousarray(x, dtype=np.float32)
    info = Info(
        {**disclosed, "labels": item.labels, "shape": given.shape, "normal": bool(np.array_equal(x, plain))}, key
    )
    return Case(given, info, _sha256(given, item.labels), given.shape)


def pose_picture(item: TrainingPicture) -> Case:
    """The picture at each of `LEVELS` of noise, float32 (8, C, H, W); `info.sigma` (8,) says them. Keyed by its id."""
    rng = keyed_generator(text_key(f"noised|{item.id}"))
    sigma = np.asarray(LEVELS)
    noise = rng.standard_normal((len(sigma), *item.picture.shape))
    given = np.ascontiguousarray(item.picture + sigma[:, None, None, None] * noise, dtype=np.float32)
    labels = None if item.label < 0 else np.full(len(sigma), item.label, np.int64)
    info = Info({"sigma": sigma, "labels": labels, "shape": given.shape}, text_key(item.id))
    return Case(given, info, _sha256(given, labels), given.shape)


def _sha256(given: npt.NDArray[np.float32], labels: npt.NDArray[np.int64] | None) -> str:
    label_bytes = b"" if labels is None else labels.astype("<i8").tobytes()
    return hashlib.sha256(given.astype("<f4").tobytes() + label_bytes).hexdigest()
