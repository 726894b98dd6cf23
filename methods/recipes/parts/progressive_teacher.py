from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Le
from noisebench.methods.generate._few_step_levels import few_levels
from noisebench.methods.generate._teacher import ModelTeacher, frozen
from noisebench.recipes.objectives._denoising import Drop
from noisebench.recipes.objectives.progressive import progressive


def _refuse_misfits(teacher: nb.Bound, begin: int, end: int) -> None:
    if teacher.entry.name == "trained" and teacher.kwargs["objective"].entry.name != "denoise":
        raise nb.UsageError(
            "part progressive_teacher: the teacher is trained(objective=denoise, …), as which a student begins, not "
            f"{teacher.display}"
        )
    rounds = (begin // end).bit_length() - 1
    if rounds < 1 or end << rounds != begin:
        raise nb.UsageError(
            f"part progressive_teacher: begin={begin} is not end={end} doubled once or more: give begin=16, end=1"
        )


@nb.part(
    "progressive_teacher",
    cite="T. Salimans, J. Ho, Progressive distillation for fast sampling of diffusion models, ICLR 2022",
)
@nb.checked(_refuse_misfits)
class ProgressiveTeacher(ModelTeacher):
    """Progressive teacher: in rounds, one step of the network learns what two steps of its teacher do.

    teacher: `trained(objective=denoise, …)` of the track `generate`, which is trained first, of the same `arch` as
    the network under training, which begins as it is. That has `objective=progressive`, whose aim this part gives.
    begin: steps that the teacher takes in the first round, `end` doubled once or more. Each round halves them, its
    teacher being the network of the round before, until a model of `end` steps is learnt; all have as many steps of
    training. Levels are those of `few_steps`. drop: share of labels that are left out.
    """

    def __init__(
        self,
        *,
        teacher: nb.MethodSpec,
        begin: Annotated[int, Ge(2), Le(4096)] = 16,
        end: Annotated[int, Ge(1), Le(2048)] = 1,
        drop: Drop = 0.1,
    ) -> None:
        super().__init__("progressive_teacher", teacher)
        self.rounds = (begin // end).bit_length() - 1
        self.first, self.drop = begin, drop
        self.round = 0
        self.before: Any = None
        """The network as it was at the end of the round before; None in the first, whose teacher is the model."""

    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """The batch with x, its level, and the picture that is aimed at. Raises `UsageError` for too few `steps`."""
        if steps < self.rounds:
            raise nb.UsageError(
                f"part progressive_teacher: {self.rounds} rounds take a step or more each: "
                f"give steps={self.rounds}, not {steps}"
            )
        if not self.begun:
            self.begin(first=True)
        now = min(step * self.rounds // steps, self.rounds - 1)
        if now != self.round:
            self.round, self.before = now, frozen(self.net)
        clean, labels = 2 * batch["wanted"] - 1, batch.get("labels")
        if labels is not None:
            labels = torch.where(torch.rand(len(labels), device=labels.device) < self.drop, -1, labels)
            batch = batch | {"labels": labels}
        ladder = torch.tensor(few_levels(self.first >> now), dtype=clean.dtype, device=clean.device)
        place = 2 * torch.randint(len(ladder) // 2, (len(clean), 1, 1, 1), device=clean.device)
        sigma, middle, lower = (ladder[place + i] for i in range(3))
        x = clean + sigma * torch.randn_like(clean)
        with torch.no_grad():
            return batch | {"x": x, "sigma": sigma, "aim": self._aim(x, sigma, middle, lower, labels)}

    def _aim(self, x: Any, sigma: Any, middle: Any, lower: Any, labels: Any) -> Any:
        """The picture from which one step of DDIM leads to where two of the teacher do."""
        seen = self._seen(x, sigma, labels)
        half = seen + middle / sigma * (x - seen)
        seen = self._seen(half, middle, labels)
        end = seen + lower / middle * (half - seen)
        return (end - lower / sigma * x) / (1 - lower / sigma)

    def _seen(self, x: Any, sigma: Any, labels: Any) -> Any:
        if self.before is None:
            return self.seen(x, sigma, labels)
        return progressive.denoised(self.before, x, sigma, labels)  # type: ignore[attr-defined]

    def state(self) -> dict[str, Any]:
        """The round, and the network as it was before it."""
        if not self.begun:
            return {}
        return {"round": self.round, **({"before": self.before.state_dict()} if self.before is not None else {})}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        if state:
            self.begin(first=False)
            self.round = int(state["round"])
            if "before" in state:
                self.before = frozen(self.net)
                self.before.load_state_dict(state["before"])
