"""A sum of products estimated from a few rows: which rows, how they are scaled, and how far the estimate is off."""

from __future__ import annotations

from typing import Any, Literal

import torch

Sampling = Literal["wta", "crs", "topk"]


def draw_rows(weights: Any, k: int, sampling: Sampling) -> tuple[Any, Any]:
    """Rows that stand for all (at most `k`, a row may come twice), and the factor of each.

    `weights` (n,) are not negative; a row is drawn in proportion to its own. Where it is 0 the row must add nothing to
    the sum. `wta` takes the largest |C| as they are and draws k - |C| of the others, `crs` draws all: both are
    unbiased. `topk` takes the largest and is biased. Draws are of torch's generator.
    """
    ordered, order = _fine(weights).sort(descending=True, stable=True)
    rest = _sums_from(ordered)
    present = int((ordered > 0).sum())
    kept = 0 if sampling == "crs" else min(k, present) if sampling == "topk" else _kept(rest, k, present)
    drawn = 0 if kept == present or sampling == "topk" else k - kept
    rows, factors = order[:kept], torch.ones_like(ordered[:kept])
    if drawn:
        places = _draws(ordered[kept:present], drawn) + kept
        rows = torch.cat([rows, order[places]])
        factors = torch.cat([factors, rest[kept] / (drawn * ordered[places])])
    return rows, factors


def relative_errors(inputs: Any, gradients: Any, weights: Any, k: int) -> dict[str, float]:
    """Expected squared error of each estimate of inputsᵀ gradients by `weights`, over the squared norm of the sum.

    Rows are (n, in) and (n, out). Of `wta` and `crs` it is the variance, exactly; of `topk` it is all bias. Empty where
    the sum is 0.
    """
    ordered, order = _fine(weights).sort(descending=True, stable=True)
    x, g = _fine(inputs[order]), _fine(gradients[order])
    whole = _squared_norm(x, g)
    if whole == 0:
        return {}
    rest = _sums_from(ordered)
    present = int((ordered > 0).sum())
    squares = x.square().sum(dim=1) * g.square().sum(dim=1)

    def variance(kept: int) -> float:
        if kept == present:
            return 0.0
        tail = slice(kept, present)
        spread = float(rest[kept] * (squares[tail] / ordered[tail]).sum())
        return (spread - _squared_norm(x[tail], g[tail])) / (k - kept)

    errors = {"wta": variance(_kept(rest, k, present)), "crs": variance(0), "topk": _squared_norm(x[k:], g[k:])}
    return {name: max(error, 0.0) / whole for name, error in errors.items()}


def _fine(values: Any) -> Any:
    """float64, or float32 on a device that has no finer one."""
    return values.float() if values.device.type == "mps" else values.double()


def _kept(rest: Any, k: int, present: int) -> int:
    """How many of the largest are taken as they are: the |C| below k for which (1 - P_C) / (k - |C|) is least."""
    if k >= present:
        return present
    return int((rest[:k] / torch.arange(k, 0, -1, device=rest.device)).argmin())


def _sums_from(ordered: Any) -> Any:
    """The sum from each place on: added from the small end, where a difference from the whole would be rounded away."""
    return ordered.flip(0).cumsum(0).flip(0)


def _draws(weights: Any, count: int) -> Any:
    """Places drawn with replacement, each in proportion to its weight."""
    sums = weights.cumsum(0)
    at = torch.rand(count, dtype=sums.dtype, device=sums.device) * sums[-1]
    return torch.searchsorted(sums, at, right=True).clamp_max(len(weights) - 1)


def _squared_norm(x: Any, g: Any) -> float:
    return float((x.T @ g).square().sum())
