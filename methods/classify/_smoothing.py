"""What randomised smoothing shares: votes of a classifier on noisy copies of a picture, and what they make certain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import noisebench as nb
import numpy as np
from scipy.stats import beta, norm

_TOGETHER = 250
"""Noisy copies that are held at once."""


def votes(
    inner: nb.Classifier, picture: Any, sigma: float, n: int, info: Any, seen: Callable[[Any], Any] = lambda copy: copy
) -> Any:
    """How often each class is the likeliest of n copies of a picture (H, W, C) with noise of `sigma`; (K,).

    `seen` makes of a noisy copy what the classifier is given.
    """
    counts = np.zeros(info.classes, np.int64)
    for start in range(0, n, _TOGETHER):
        noise = info.rng.standard_normal((min(_TOGETHER, n - start), *picture.shape), np.float32)
        copies = [seen(picture + np.float32(sigma) * one) for one in noise]
        counts += np.bincount(inner.classify_all(copies, info).argmax(axis=1), minlength=info.classes)
    return counts


def least_share(k: int, n: int, alpha: float) -> float:
    """The lower Clopper-Pearson bound of a share of which k of n were met, wrong with a chance of at most alpha."""
    return float(beta.ppf(alpha, k, n - k + 1)) if k else 0.0


def margin(share: float) -> float:
    """How many standard deviations a share of 1/2 is away; -inf for a share of 0."""
    return float(norm.ppf(share))


def certified(shares: Any, radius: float) -> Any:
    """Logits (K,) of shares of votes, and behind them the radius, or -1 where nothing is certain: float32 (K + 1,)."""
    return np.append(np.log(shares), radius if radius >= 0 else -1.0).astype(np.float32)


def shares_of(counts: Any) -> Any:
    """Shares of votes, none of them 0, as Laplace's rule has it."""
    return (counts + 1) / (counts.sum() + len(counts))
