"""A trained model of the track `generate` as the teacher of a network, which begins as its copy."""

from __future__ import annotations

import copy
from typing import Any

import noisebench as nb
from noisebench.recipes.objectives.denoise import denoise
from noisebench.tracks.generate import Denoiser
from torch import nn


class ModelTeacher:
    """What the parts share that distil a model: its teacher, loaded at the first step, and how the network begins."""

    def __init__(self, part: str, teacher: nb.Bound) -> None:
        self.part, self.teacher_method = part, teacher
        self.teacher = Denoiser(teacher)
        self.begun = False

    def prepare(self, net: Any) -> Any:
        """Remember the network, which stays as it is."""
        self.net = net
        return net

    def begin(self, *, first: bool) -> None:
        """Load the teacher; at the first step the student gets its weights. Raises `UsageError` for another kind."""
        self.teacher.setup(str(next(self.net.parameters()).device))
        net: Any = getattr(self.teacher.instance, "net", None)
        recipe = getattr(self.teacher.instance, "recipe", None)
        if not isinstance(net, nn.Module) or recipe is None or recipe.objective.entry.obj is not denoise:
            raise nb.UsageError(
                f"part {self.part}: the teacher is trained(objective=denoise, …), as which a student begins, not "
                f"{self.teacher_method.display}"
            )
        net.requires_grad_(False).eval()
        if first:
            try:
                self.net.load_state_dict(net.state_dict())
            except RuntimeError:
                raise nb.UsageError(
                    f"part {self.part}: student and teacher are different networks: give both the same arch=…"
                ) from None
        self.begun = True

    def seen(self, x: Any, sigma: Any, labels: Any) -> Any:
        """The picture that the teacher sees in `x`; its instance is called, for this is no cost of a sample."""
        return self.teacher.instance.denoised(x, sigma, labels)


def frozen(net: Any) -> Any:
    """A copy of a network that learns nothing."""
    return copy.deepcopy(net).requires_grad_(False).eval()
