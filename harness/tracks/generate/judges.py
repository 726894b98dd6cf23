"""Classifiers that say what samples show, made of the training pictures of a set without a training of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ...components.keyed_noise import keyed_generator, text_key
from ...data.made_once import made_once
from ...distances.pairwise import pairwise_distances
from .items import Labels
from .scored import Compared, Floats

Judge = Literal["neighbours", "convolutions"]
_NEAREST = 5
_FILTERS, _LEARNED, _PARTS = 64, 5000, 4
_VERSION = 1
_SHRUNK = 0.01
"""Ridge, relative to the variance of a feature."""


def shown(judge: Judge, rows: Floats, shape: tuple[int, ...], reference: Compared) -> npt.NDArray[np.int64]:
    """The class of each picture (N, D) of `shape` (C, H, W), (N,), by one of two classifiers that share no step.

    `neighbours`: most of the five nearest training pictures. `convolutions`: a linear classifier (ridge) of how much
    filters respond in each of 4 x 4 parts of the picture; the filters are squares of training pictures, drawn by key
    (Coates & Ng, 2012). The reference has labelled training pictures.
    """
    return (
        by_neighbours(rows, reference, _NEAREST) if judge == "neighbours" else _by_convolutions(reference, shape)(rows)
    )


def by_neighbours(rows: Floats, reference: Compared, k: int) -> npt.NDArray[np.int64]:
    """The class of most of the k nearest training pictures, (N,); of classes with as many of them the first."""
    assert reference.trained is not None and reference.trained_labels is not None
    most = min(k, len(reference.trained))
    classes = []
    for i in range(0, len(rows), 256):
        near = np.argpartition(pairwise_distances(rows[i : i + 256], reference.trained), most - 1, axis=1)[:, :most]
        classes += [int(np.bincount(row).argmax()) for row in reference.trained_labels[near]]
    return np.array(classes, np.int64)


@lru_cache(maxsize=2)
def _by_convolutions(reference: Compared, shape: tuple[int, ...]) -> Callable[[Floats], npt.NDArray[np.int64]]:
    assert reference.trained is not None and reference.trained_labels is not None
    pictures, labels = reference.trained, reference.trained_labels
    named = [str(_VERSION), str(shape), *(hashlib.sha256(a.tobytes()).hexdigest() for a in (pictures, labels))]
    linear = made_once("judge", named, lambda say: _learned(pictures, labels, shape))
    features = _responses(linear["filters"], shape)
    return lambda rows: ((features(rows) - linear["middle"]) @ linear["weights"] + linear["mean"]).argmax(axis=1)


def _learned(pictures: Floats, labels: Labels, shape: tuple[int, ...]) -> dict[str, npt.NDArray[Any]]:
    """The classifier: its filters, and what it makes of their responses less `middle`."""
    rng = keyed_generator(text_key(f"convolutions|{shape}"))
    chosen = rng.permutation(len(pictures))[:_LEARNED]
    filters = _filters(pictures[chosen], shape, rng)
    known = _responses(filters, shape)(pictures[chosen])
    middle, spread = known.mean(axis=0), known.std(axis=0) + 1e-6
    known = (known - middle) / spread
    wanted = np.eye(int(labels.max()) + 1)[labels[chosen]]
    mean = wanted.mean(axis=0)
    gram = known.T @ known + _SHRUNK * len(known) * np.eye(known.shape[1])
    weights = np.linalg.solve(gram, known.T @ (wanted - mean)) / spread[:, None]
    return {"filters": filters, "middle": middle, "weights": weights, "mean": mean}


def _filters(pictures: Floats, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Squares (F, C, s, s) of pictures, of mean 0 and length 1; those without contrast are passed over."""
    channels, height, width = shape
    side = min(5 if min(height, width) >= 12 else 3, height, width)
    planes = pictures.reshape(-1, *shape)
    filters = []
    for _ in range(100 * _FILTERS):
        one, top, start = (int(rng.integers(n)) for n in (len(planes), height - side + 1, width - side + 1))
        square = planes[one, :, top : top + side, start : start + side]
        square = square - square.mean()
        if (length := float(np.linalg.norm(square))) > 0.1:
            filters.append(square / length)
        if len(filters) == _FILTERS:
            break
    return np.stack(filters or [np.zeros((channels, side, side))])


def _responses(filters: Floats, shape: tuple[int, ...]) -> Callable[[Floats], Floats]:
    """Pictures (N, D) → how much each filter responds in each part, (N, F 4 4): what is above a quarter alone."""
    import torch
    import torch.nn.functional as F

    kernel = torch.from_numpy(filters).float()
    parts = min(_PARTS, shape[1]), min(_PARTS, shape[2])

    def respond(rows: Floats) -> Floats:
        responses: list[Any] = []
        with torch.no_grad():
            for i in range(0, len(rows), 256):
                pictures = torch.from_numpy(np.asarray(rows[i : i + 256], np.float32)).reshape(-1, *shape)
                answer = F.conv2d(F.pad(pictures, (kernel.shape[-1] // 2,) * 4, mode="replicate"), kernel)
                responses.append(F.adaptive_avg_pool2d(F.relu(answer - 0.25), parts).flatten(1).numpy())
        return np.concatenate(responses).astype(np.float64)

    return respond
