from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Lt
from noisebench.methods.generate._teacher import ModelTeacher, frozen
from noisebench.recipes.objectives._denoising import Drop
from noisebench.recipes.objectives.consistency_model import SEEN, Places, neighbours


def _refuse_other_teacher(teacher: nb.Bound) -> None:
    if teacher.entry.name == "trained" and teacher.kwargs["objective"].entry.name != "denoise":
        raise nb.UsageError(
            "part consistency_teacher: the teacher is trained(objective=denoise, …), as which a student begins, not "
            f"{teacher.display}"
        )


@nb.part("consistency_teacher", cite="Y. Song et al., Consistency models, ICML 2023")
@nb.checked(_refuse_other_teacher)
class ConsistencyTeacher(ModelTeacher):
    """Consistency teacher: a trained model says where the way of a noisy picture leads, a mean of weights to what.

    teacher: `trained(objective=denoise, …)` of the track `generate`, which is trained first, of the same `arch` as
    the network under training, which begins as it is. That has `objective=consistency_model`, whose aim this part
    gives: at one of `places` levels the teacher makes a step of Heun to the next lower one, and a mean of the student's
    weights, of this `decay`, says which picture that is. drop: share of labels that are left out.
    `consistency_distillation` is the same for restorers, with a judge.
    """

    def __init__(
        self,
        *,
        teacher: nb.MethodSpec,
        places: Places = 18,
        decay: Annotated[float, Ge(0), Lt(1)] = 0.95,
        drop: Drop = 0.1,
    ) -> None:
        super().__init__("consistency_teacher", teacher)
        self.places, self.decay, self.drop = places, decay, drop
        self.aiming: Any = None

    def _start(self, *, first: bool) -> None:
        self.begin(first=first)
        self.aiming = frozen(self.net)

    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """The batch with x, its level, and the picture that is aimed at."""
        if not self.begun:
            self._start(first=True)
        noisy = neighbours(batch, self.places, self.drop)
        with torch.no_grad():
            near = self._step_down(noisy)
            noisy["aim"] = SEEN(self.aiming, near, noisy["lower"], noisy.get("labels"))
        return noisy

    def _step_down(self, batch: Any) -> Any:
        """x at the lower level, by Heun's step along the teacher's way."""
        x, sigma, lower, labels = batch["x"], batch["sigma"], batch["lower"], batch.get("labels")
        direction = (x - self.seen(x, sigma, labels)) / sigma
        near = x + (lower - sigma) * direction
        end_direction = (near - self.seen(near, lower, labels)) / lower
        return x + (lower - sigma) * (direction + end_direction) / 2

    @torch.no_grad()
    def after_step(self, net: Any, step: int, steps: int) -> None:
        """The mean follows."""
        for mean, weight in zip(self.aiming.parameters(), self.net.parameters(), strict=True):
            mean.lerp_(weight, 1 - self.decay)

    def state(self) -> dict[str, Any]:
        """The mean."""
        return {} if self.aiming is None else {"aiming": self.aiming.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        if state:
            self._start(first=False)
            self.aiming.load_state_dict(state["aiming"])
