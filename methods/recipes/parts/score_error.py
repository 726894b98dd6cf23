from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
import torch
from annotated_types import Gt, Le
from noisebench.recipes.archs._energy import energy_in
from noisebench.recipes.archs._normal import mixture_law

_POINTS, _ALL = 512, 8192
"""Points at which the score is compared, and those of which its size is the mean."""


@nb.part("score_error")
class ScoreError:
    """Score error: how far the score of an energy is from that of a known law, at each step; it only looks.

    of: a set whose law is known, such as `mixture_points`. The error is E|s - s*|² / E|s*|² of the score s and that of
    the law with noise of `level`, s*, at 512 keyed draws: 0.01 of a normal law in one dimension is a mean that is off
    by a tenth of the deviation. Figures: `score_error` of the network as the parts before this one leave it at the end;
    `first_below`, the steps until the error was less than `below`; `settled_below`, until it was so for good. Both are
    all steps where it never was.
    """

    def __init__(
        self,
        *,
        of: Annotated[Any, nb.Nested("dataset", "generate")],
        level: Annotated[float, Gt(0), Le(1e6)] = 0.03,
        below: Annotated[float, Gt(0)] = 0.01,
    ) -> None:
        self.of, self.level, self.below = of, level, below
        self.first: int | None = None
        self.settled, self.steps, self.last = 0, 0, float("inf")
        self.reference: tuple[Any, Any, Any, float] | None = None

    def observe(self, net: Any, batch: Any, loss_of: Any, step: int, steps: int) -> None:
        """Take the error before this step."""
        error = self._error(net)
        self.steps = steps
        if not error < self.below:
            self.settled = step + 1
        elif self.first is None:
            self.first = step

    def finish(self, net: Any) -> None:
        """Take it at the end. Raises `UsageError` for a network that is no energy."""
        self.last = self._error(net)

    def figures(self) -> dict[str, float]:
        """The three."""
        return {
            "score_error": self.last,
            "first_below": float(self.steps if self.first is None else self.first),
            "settled_below": float(self.settled),
        }

    def state(self) -> dict[str, Any]:
        """What was seen."""
        return {"first": self.first, "settled": self.settled}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.first, self.settled = state["first"], state["settled"]

    def _error(self, net: Any) -> float:
        energy = energy_in(net, "part score_error")
        x, sigma, due, size = self._due(next(energy.buffers()).device)
        if tuple(x.shape[1:]) != energy.base.shape:
            raise nb.UsageError(
                f"part score_error: {self.of.display} has points {tuple(x.shape[1:])}, "
                f"and those trained on are {energy.base.shape}"
            )
        training = energy.training
        energy.eval()
        score = energy.score(x, sigma)
        energy.train(training)
        return float((score - due).square().sum()) / _POINTS / size

    def _due(self, device: Any) -> tuple[Any, Any, Any, float]:
        """Points with noise, the level of each, the score there, and the mean of its square."""
        if self.reference is None:
            mixture, law = mixture_law(self.of, "part score_error")
            rng = nb.keyed_generator(nb.text_key(f"score_error|{law.sha256}|{self.level!r}"))
            kinds = rng.choice(len(law.weights), _ALL, p=law.weights)
            drawn = law.drawn(rng.standard_normal((_ALL, law.means.shape[1])), kinds)
            drawn = drawn + self.level * rng.standard_normal(drawn.shape)
            x = torch.from_numpy(drawn.astype(np.float32)).view(_ALL, *law.shape).to(device).requires_grad_()
            sigma = torch.full((_ALL, 1, 1, 1), self.level, device=device)
            with torch.enable_grad():
                (due,) = torch.autograd.grad(mixture.to(device).log_density(x, sigma).sum(), x)
            size = float(due.square().sum()) / _ALL
            self.reference = x.detach()[:_POINTS], sigma[:_POINTS], due[:_POINTS], size
        return self.reference
