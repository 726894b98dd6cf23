"""Laws of pictures as torch has them: normal ones, and mixtures of these, with noise of any level added."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import noisebench as nb
import numpy as np
import torch
from torch import nn


class NormalLaw(nn.Module):
    """A normal law of pictures of `shape` (C, H, W), D values each, by its `mean` (D,) and `covariance` (D, D).

    `wider` multiplies the deviations of the law and of the noise alike. Levels of noise are (N, 1, 1, 1).
    """

    mean: torch.Tensor
    variances: torch.Tensor
    axes: torch.Tensor

    def __init__(self, mean: Any, covariance: Any, shape: tuple[int, ...]) -> None:
        super().__init__()
        variances, axes = np.linalg.eigh(np.asarray(covariance, np.float64))
        self.shape = tuple(shape)
        for name, value in (("mean", mean), ("variances", np.maximum(variances, 0.0)), ("axes", axes)):
            self.register_buffer(name, torch.as_tensor(np.array(value), dtype=torch.float32), persistent=False)

    def log_density(self, x: Any, sigma: Any, wider: float = 1.0) -> Any:
        """Of pictures (N, C, H, W) with noise `sigma` in them: (N,), in nats."""
        with torch.autocast(x.device.type, enabled=False):
            along = (x.float().flatten(1) - self.mean) @ self.axes
            total = wider**2 * (self.variances + sigma.flatten(1).float() ** 2)
            return -0.5 * (along**2 / total + total.log() + math.log(2 * math.pi)).sum(dim=1)

    def whitened(self, x: Any, sigma: Any) -> Any:
        """Pictures (N, C, H, W) with noise `sigma` in them, made to have mean 0 and the covariance 1; pixels stay."""
        with torch.autocast(x.device.type, enabled=False):
            along = (x.float().flatten(1) - self.mean) @ self.axes
            along = along / (self.variances + sigma.flatten(1).float() ** 2).sqrt()
            return (along @ self.axes.mT).view(x.shape)

    def drawn(self, sigma: Any, wider: float = 1.0) -> Any:
        """A picture with noise for each level of `sigma`, (N, C, H, W); draws are of torch's generator."""
        size = (len(sigma), len(self.mean))
        inner = (torch.randn(size, device=sigma.device) * self.variances.sqrt()) @ self.axes.mT
        noise = sigma.flatten(1) * torch.randn(size, device=sigma.device)
        return (self.mean + wider * (inner + noise)).view(len(sigma), *self.shape)


class NormalMixture(nn.Module):
    """A mixture of normal laws by `weights` (K,)."""

    logs: torch.Tensor

    def __init__(self, weights: Any, laws: list[NormalLaw]) -> None:
        super().__init__()
        with np.errstate(divide="ignore"):
            logs = np.log(weights)
        self.register_buffer("logs", torch.as_tensor(logs, dtype=torch.float32), persistent=False)
        self.laws = nn.ModuleList(laws)

    def log_density(self, x: Any, sigma: Any) -> Any:
        """Of pictures (N, C, H, W) with noise `sigma` (N, 1, 1, 1) in them: (N,), in nats."""
        laws: Any = self.laws
        each = [law.log_density(x, sigma) for law in laws]
        return (torch.stack(each, dim=1) + self.logs).logsumexp(dim=1)


def normal_law(of: nb.Bound, shape: tuple[int, ...], who: str) -> NormalLaw:
    """The normal law with mean and covariance of a set: of its law where that is known, or of its training pictures.

    Raises `UsageError` for a set of pictures of another shape, and for one of which neither is to be had.
    """
    mean, covariance, set_shape = _moments(of.canonical, of.track)
    if set_shape != tuple(shape):
        raise nb.UsageError(f"{who}: {of.display} has pictures of {set_shape}, and those trained on are {tuple(shape)}")
    return NormalLaw(mean, covariance, set_shape)


def mixture_law(of: nb.Bound, who: str) -> tuple[NormalMixture, Any]:
    """The law of a set with noise, and the law as the set has it. Raises `UsageError` where it is not known."""
    law = getattr(nb.open_dataset(of), "law", None)
    if law is None:
        raise nb.UsageError(f"{who}: the law of {of.display} is not known: name mixture_points, or another with a law")
    variances, axes = law.axes
    covariances = np.einsum("kij,kj,klj->kil", axes, variances, axes)
    laws = [NormalLaw(mean, one, law.shape) for mean, one in zip(law.means, covariances, strict=True)]
    return NormalMixture(law.weights, laws), law


@lru_cache(maxsize=4)
def _moments(of: str, track: str) -> tuple[Any, Any, tuple[int, ...]]:
    """Mean (D,), covariance (D, D) and shape of a set."""
    dataset = nb.open_dataset(nb.bind(of, "dataset", track))
    law = getattr(dataset, "law", None)
    if law is not None:
        return *law.moments(), law.shape
    items = [dataset.load(index) for index in range(len(dataset.ids))]
    pictures = [getattr(item, "picture", None) for item in items]
    if len(pictures) < 2 or any(picture is None for picture in pictures):
        raise nb.UsageError(f"{of} has no moments: name two training pictures or more, such as digits(split=train)")
    rows = np.stack([np.asarray(picture, np.float64).ravel() for picture in pictures])
    return rows.mean(axis=0), np.cov(rows.T).reshape(rows.shape[1], -1), tuple(np.asarray(pictures[0]).shape)
