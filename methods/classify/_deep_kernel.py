"""A kernel that is learned to tell two samples apart."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_STEPS, _BATCH, _RATE, _WIDTHS, _SEED = 200, 64, 2e-3, (64, 32), 0


class DeepKernel:
    """[(1 - s) k(f(a), f(b)) + s] q(a, b): Gaussian k and q, a small perceptron f, all learned from two samples.

    What is made large is the unbiased squared discrepancy of natural and attacked ones over its deviation (F. Liu et
    al., Learning deep kernels for non-parametric two-sample tests, ICML 2020).
    """

    def __init__(self, rows: Any, natural: Any, attacked: Any) -> None:
        import torch
        from torch import nn

        self.scale = float(np.sqrt(np.mean(rows**2))) or 1.0
        self.rows = self._tensor(rows)
        two = [self._tensor(one) for one in (natural, attacked)]
        wide = rows.shape[1]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_SEED)
            layers: list[nn.Module] = []
            for width in _WIDTHS:
                layers += [nn.Linear(wide, width), nn.Softplus()]
                wide = width
            self.net = nn.Sequential(*layers, nn.Linear(wide, wide)).double()
            with torch.no_grad():
                start = [_median(self.net(self.rows)), _median(self.rows)]
            self.logs = nn.Parameter(torch.tensor([*map(math.log, start), -2.0], dtype=torch.float64))
            optimizer = torch.optim.Adam([*self.net.parameters(), self.logs], lr=_RATE)
            for _ in range(_STEPS):
                parts = [one[torch.randperm(len(one))[:_BATCH]] for one in two]
                count = min(map(len, parts))
                optimizer.zero_grad()
                torch.autograd.backward(-self._power(*(one[:count] for one in parts)))
                optimizer.step()
        self.net.requires_grad_(False)
        self.logs.requires_grad_(False)

    def away(self, rows: Any) -> Any:
        """Minus the logarithm of the mean kernel with all references, (N,)."""
        logs = self._log(self._tensor(rows), self.rows)
        return (math.log(logs.shape[1]) - logs.logsumexp(dim=1)).numpy()

    def among(self) -> Any:
        """The same of each reference with all others."""
        logs = self._log(self.rows, self.rows)
        logs.fill_diagonal_(-math.inf)
        return (math.log(len(logs) - 1) - logs.logsumexp(dim=1)).numpy()

    def _tensor(self, rows: Any) -> Any:
        import torch

        return torch.from_numpy(np.asarray(rows, np.float64) / self.scale)

    def _log(self, a: Any, b: Any) -> Any:
        """The logarithm of the kernel of all pairs, (N, M)."""
        import torch
        from torch.nn.functional import logsigmoid

        deep = -_squared(self.net(a), self.net(b)) / (2 * self.logs[0].exp())
        flat = -_squared(a, b) / (2 * self.logs[1].exp())
        share = self.logs[2]
        return torch.logaddexp(logsigmoid(-share) + deep, logsigmoid(share)) + flat

    def _power(self, a: Any, b: Any) -> Any:
        """The unbiased squared discrepancy of two samples (N, D) over its deviation, as Liu et al. have it."""
        n = len(a)
        of_a, of_b, between = (self._log(x, y).exp() for x, y in ((a, a), (b, b), (a, b)))
        h = of_a + of_b - between - between.T
        mean = (h.sum() - h.diagonal().sum()) / (n * (n - 1))
        variance = 4 * (h.sum(dim=1).square().sum() / n**3 - (h.sum() / n**2) ** 2)
        return mean / (variance.clamp_min(0) + 1e-8).sqrt()


def _squared(a: Any, b: Any) -> Any:
    return (a.square().sum(dim=1)[:, None] + b.square().sum(dim=1) - 2 * a @ b.T).clamp_min(0)


def _median(rows: Any) -> float:
    squared = _squared(rows, rows)
    return max(float(squared[squared > 0].median()) if bool((squared > 0).any()) else 1.0, 1e-12)
