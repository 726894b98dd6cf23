"""Small changes of pictures that a classifier errs by: projected gradient descent on how sure it is of the label."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch.autograd.graph import saved_tensors_hooks

Norm = Literal["linf", "l2"]
Sure = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Logits (B, K) and labels (B,) → how sure they are of the label, (B,): what an attack makes small."""


def log_odds(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """log p / (1 − p) of the label, (B,), in double precision.

    Its gradient has the direction of that of cross-entropy, log(1 + exp(−log odds)), and does not vanish where p is 1.
    """
    of_label, others = _apart(logits, labels)
    return of_label - others.logsumexp(dim=1)


def margin(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The logit of the label less the largest other, (B,), in double precision; below 0 another class is likelier."""
    of_label, others = _apart(logits, labels)
    return of_label - others.amax(dim=1)


def _apart(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The logits of the labels (B,), and all with those of the labels at −inf."""
    exact = logits.double()
    return exact.gather(1, labels[:, None])[:, 0], exact.scatter(1, labels[:, None], -torch.inf)


def worst(
    logits_of: Callable[[torch.Tensor], torch.Tensor],
    given: torch.Tensor,
    labels: torch.Tensor,
    start: torch.Tensor,
    *,
    eps: float,
    norm: Norm,
    steps: int,
    sure: Sure = log_odds,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The pictures (B, C, H, W) within `eps` of `given` of which the margin of the label is least, and those margins.

    Projected gradient descent on `sure`: `steps` steps of 2.5 eps / steps, from `given` and the change `start`; of all
    points met, `start` among them, the one of the least margin is taken. A value stays on [0, 1], or between there and
    where it was. eps is of the largest change of a value (`linf`), or of the Euclidean length of a change (`l2`), on
    the scale of `given`. Raises ValueError where `logits_of` has no finite gradient.
    """
    low, high = given.clamp_max(0), given.clamp_min(1)
    # What an attack keeps for its backward passes is not what the training step keeps.
    with torch.enable_grad(), saved_tensors_hooks(lambda tensor: tensor, lambda tensor: tensor):
        x = (given + start).clamp(low, high).detach()
        pictures, least = x.detach(), torch.full((len(x),), torch.inf, dtype=torch.float64, device=x.device)
        for step in range(steps + 1):
            x = x.detach().requires_grad_(step < steps)
            logits = logits_of(x)
            margins = margin(logits, labels).detach()
            better = margins < least
            pictures = torch.where(_each(better, x), x.detach(), pictures)
            least = torch.where(better, margins, least)
            if step == steps:
                break
            total = sure(logits, labels).sum()
            gradient = torch.autograd.grad(total, x, allow_unused=True)[0] if total.requires_grad else None
            if gradient is None:
                raise ValueError("its result does not depend on its input")
            if not bool(torch.isfinite(gradient).all()):
                raise ValueError("its gradient is not finite")
            change = x.detach() - 2.5 * eps / steps * _steepest(gradient, norm) - given
            x = (given + _projected(change, eps, norm)).clamp(low, high).detach()
    return pictures, least


def random_change(like: torch.Tensor, eps: float, norm: Norm, generator: torch.Generator | None = None) -> torch.Tensor:
    """Changes of that shape (B, …), drawn uniformly within `eps`; by a generator of a CPU, or torch's own."""
    draws = {"generator": generator, "device": "cpu" if generator is not None else like.device}
    if norm == "linf":
        return (eps * (2 * torch.rand(like.shape, **draws) - 1)).to(like)  # type: ignore[arg-type]
    normal = torch.randn(like.shape, **draws)  # type: ignore[arg-type]
    length = torch.rand(len(like), **draws) ** (1 / max(1, like[0].numel()))  # type: ignore[arg-type]
    return (eps * _each(length, normal) * _steepest(normal, "l2")).to(like)


def _steepest(gradient: torch.Tensor, norm: Norm) -> torch.Tensor:
    """The direction of length 1 along which a linear function of that gradient grows most; none where it is 0."""
    if norm == "linf":
        return gradient.sign()
    # Divided by the largest value first: squares of small ones are 0.
    scaled = gradient / _each(gradient.abs().flatten(1).amax(dim=1), gradient).clamp_min(1e-38)
    return scaled / _each(scaled.flatten(1).norm(dim=1), scaled).clamp_min(1e-38)


def _projected(change: torch.Tensor, eps: float, norm: Norm) -> torch.Tensor:
    if norm == "linf":
        return change.clamp(-eps, eps)
    return change * (eps / _each(change.flatten(1).norm(dim=1), change).clamp_min(1e-30)).clamp_max(1.0)


def _each(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """One value an item (B,), to be used with (B, …)."""
    return values.reshape(-1, *(1,) * (like.ndim - 1))
