"""Which training items have a wrong label: by the loss of each, and by a line through what a hidden layer gives."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

Array = np.ndarray[Any, Any]
_TOGETHER = 512


@dataclass(frozen=True)
class LayerOutputs:
    """What a network makes of items: the logits (N, K), and what goes into one of its layers, (N, D)."""

    logits: torch.Tensor
    features: torch.Tensor


@dataclass(frozen=True)
class Detected:
    """How noisy each item looks, (N,), higher is noisier; and which are taken for noisy, bool (N,)."""

    score: Array
    noisy: Array


@torch.no_grad()
def seen_by(net: nn.Module, given: torch.Tensor, layer: nn.Module) -> LayerOutputs:
    """Logits of items, and what goes into `layer`, the mean over its places, of length 1; in eval mode, on the CPU.

    The network, its mode and its buffers stay as they are.
    """
    into: list[torch.Tensor] = []
    logits: list[torch.Tensor] = []
    handle = layer.register_forward_pre_hook(lambda _, inputs: into.append(inputs[0].detach().float()))
    training = net.training
    net.eval()
    try:
        for part in torch.split(given, _TOGETHER):
            logits.append(net(part).float().cpu())
    finally:
        handle.remove()
        net.train(training)
    pooled = [one.flatten(2).mean(dim=2) if one.ndim > 2 else one for one in into]
    return LayerOutputs(torch.cat(logits), F.normalize(torch.cat(pooled).cpu(), dim=1))


def low_mode(values: Array) -> Array:
    """The posterior of the mode of the lower mean, in a mixture of two normals fitted to values (N,) brought to [0, 1].

    1 everywhere where all values are equal, or where there are fewer than two.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    spread = np.ptp(values) if len(values) > 1 else 0.0
    if not spread > 0:
        return np.ones(len(values))
    scaled = ((values - values.min()) / spread).reshape(-1, 1)
    mixture = GaussianMixture(2, max_iter=10, tol=1e-2, reg_covar=5e-4, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # ten rounds are the definition
        posterior = mixture.fit(scaled).predict_proba(scaled)
    lower: Array = posterior[:, int(np.argmin(mixture.means_[:, 0]))]
    return lower


def by_loss(losses: Array, threshold: float) -> Detected:
    """Noisy is what is of the mode of high losses (N,) with a posterior above the threshold; the score is the loss."""
    return Detected(losses, 1 - low_mode(losses) > threshold)


def by_line(features: Array, trusted: Array) -> Detected:
    """Noisy is what lies beyond the line that best tells `trusted`, bool (N,): True is noisy, both alike in weight.

    Features (N, D) are standardised. Without two kinds to tell apart nothing is noisy.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    if trusted.all() or not trusted.any():
        return Detected(np.zeros(len(trusted)), np.zeros(len(trusted), bool))
    scaled = StandardScaler().fit_transform(features.astype(np.float64))
    line = LogisticRegression(C=np.inf, max_iter=1000, class_weight="balanced")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        score: Array = line.fit(scaled, trusted).decision_function(scaled)
    return Detected(score, score > 0)
