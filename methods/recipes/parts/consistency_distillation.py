from __future__ import annotations

import copy
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Gt, Le, Lt
from noisebench.recipes.archs._diffusion import LEVELS, step_down
from noisebench.recipes.archs.conditional_diffusion import ConditionalDiffusion
from noisebench.recipes.objectives.consistency import consistency_function_in, noised_at_random
from noisebench.recipes.parts._judge import Judge


def _refuse_other_teacher(teacher: nb.Bound) -> None:
    if teacher.entry.name == "trained" and teacher.kwargs["arch"].entry.name != "conditional_diffusion":
        raise nb.UsageError(
            "part consistency_distillation: the teacher is trained(arch=conditional_diffusion(of=…), …), "
            f"not {teacher.display}"
        )


@nb.part(
    "consistency_distillation",
    cite="X. Bai, F. Xu, Accelerating diffusion for SAR-to-optical image translation via adversarial consistency "
    "distillation, arXiv 2407.06095",
)
@nb.checked(_refuse_other_teacher)
class ConsistencyDistillation:
    """Consistency distillation: a trained diffusion says where its way leads, and a judge whether pictures look true.

    teacher: `trained(arch=conditional_diffusion(of=…), objective=ddpm, …)`, or one `tuned`, which is trained first. The
    network under training is `arch=consistency(of=…)` of the same `of`, begins as the teacher is, and has
    `objective=consistency`, whose aim this part gives: at one of `places` levels the teacher makes one step of DDIM to
    the next lower one, and a mean of the student's weights, of this `decay` and without gradient, says which picture
    that is. adversary: weight of the softplus loss of a judge, a network of its own that sees pictures beside the
    degraded one and learns with rate `lr` (Adam) to tell the student's from true ones; 0 is none, and no judge.
    """

    def __init__(
        self,
        *,
        teacher: nb.MethodSpec,
        places: Annotated[int, Ge(1), Le(LEVELS)] = 50,
        decay: Annotated[float, Ge(0), Lt(1)] = 0.95,
        adversary: Annotated[float, Ge(0), Le(1e6)] = 1.0,
        lr: Annotated[float, Gt(0), Le(1)] = 1e-3,
        width: Annotated[int, Ge(1), Le(4096)] = 16,
    ) -> None:
        self.teacher_method = teacher
        self.places, self.decay, self.adversary, self.lr, self.width = places, decay, adversary, lr, width
        self.aiming: Any = None
        self.judge: Any = None

    def prepare(self, net: Any) -> Any:
        """Know the network, which stays as it is."""
        self.net = net
        return net

    def _begin(self, first: bool) -> None:
        """Load the teacher; at the first step the student becomes what it is. Raises `UsageError` for another kind."""
        self.student = consistency_function_in(self.net)
        device = next(self.student.parameters()).device
        runner = nb.Restorer(self.teacher_method)
        runner.setup(str(device))
        self.teacher: Any = getattr(runner.instance, "net", None)
        if not isinstance(self.teacher, ConditionalDiffusion):
            raise nb.UsageError(
                "part consistency_distillation: the teacher is trained(arch=conditional_diffusion(of=…), …), "
                f"not {self.teacher_method.display}"
            )
        if first:
            try:
                self.student.load_state_dict(self.teacher.state_dict())
            except RuntimeError:
                raise nb.UsageError(
                    "part consistency_distillation: student and teacher are different networks: give both the same of=…"
                ) from None
        self.aiming = copy.deepcopy(self.student).requires_grad_(False).eval()
        if self.adversary:
            self.judge = Judge(self.student.channels, self.width).to(device)
            self.judging = torch.optim.Adam(self.judge.parameters(), lr=self.lr, betas=(0.5, 0.99))

    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """The batch with x, its level, and the picture that is aimed at."""
        if self.aiming is None:
            self._begin(first=True)
        degraded = batch["given"]
        x, level, lower, _ = noised_at_random(batch, self.places)
        with torch.no_grad():
            below = step_down(x, self.teacher.clean_in(x, degraded, level), level, lower)
            aim = self.aiming.clean_at(below, degraded, lower)
        self.last_batch = batch | {"x": x, "level": level, "aim": aim}
        return self.last_batch

    def loss(self, net: Any, loss: Any, step: int, steps: int) -> Any:
        """The objective's loss and the judge's doubt. Raises `UsageError` where the objective made no picture."""
        if self.judge is None:
            return loss
        if "made" not in self.last_batch:
            raise nb.UsageError(
                "part consistency_distillation goes with objective=consistency, and stands last of the parts"
            )
        return loss + self.adversary * self.judge.doubt(self.last_batch["made"], 2 * self.last_batch["given"] - 1)

    @torch.no_grad()
    def after_step(self, net: Any, step: int, steps: int) -> None:
        """The mean follows, and the judge learns."""
        for mean, weight in zip(self.aiming.parameters(), self.student.parameters(), strict=True):
            mean.lerp_(weight, 1 - self.decay)
        for mean, value in zip(self.aiming.buffers(), self.student.buffers(), strict=True):
            mean.copy_(value)
        if self.judge is not None:
            batch = self.last_batch
            with torch.enable_grad():
                mistakes = self.judge.mistakes(2 * batch["wanted"] - 1, batch["made"], 2 * batch["given"] - 1)
            self.judging.zero_grad()
            torch.autograd.backward(mistakes)
            self.judging.step()

    def state(self) -> dict[str, Any]:
        """The mean, the judge and what its optimiser holds."""
        if self.aiming is None:
            return {}
        judged = {"judge": self.judge.state_dict(), "judging": self.judging.state_dict()} if self.judge else {}
        return {"aiming": self.aiming.state_dict(), **judged}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        if state:
            self._begin(first=False)
            self.aiming.load_state_dict(state["aiming"])
            if self.judge is not None:
                self.judge.load_state_dict(state["judge"])
                self.judging.load_state_dict(state["judging"])
