from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Annotated, Any, Literal
from unittest import mock

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.methods.restore._wrapping import refuse_learner, refuse_unwrappable, wrapped

Radius = Annotated[float, Ge(0.0), Le(255.0)]
Steps = Annotated[int, Ge(1), Le(1000)]


@nb.method("attacked", layout="hwc", oracle=True, cite="A. Madry et al., Towards deep learning models resistant to "
           "adversarial attacks, ICLR 2018")  # fmt: skip
@nb.checked(refuse_learner)
class AttackedRestorer:
    """`method` on the input within `radius` of the noisy picture that raises its squared error most.

    radius is in grey levels of 255: of the largest change of a value (`norm=linf`), or of the root mean square
    change (`norm=l2`). Projected gradient descent with `steps` steps of 2.5 radius / steps, from the noisy picture
    itself and without chance; the worst input met is taken, so the error is never below that at radius 0. The input
    is not clipped. The error is to the clean picture, which only the attacker sees (hence `oracle`). Skips where
    torch cannot differentiate the method: numpy inside, or parameters of its own that it hides from autograd.
    """

    def __init__(
        self, *, method: nb.MethodSpec, radius: Radius = 2.0, steps: Steps = 10, norm: Literal["linf", "l2"] = "linf"
    ) -> None:
        self.inner = wrapped("attacked", method)
        self.radius, self.steps, self.norm = radius / 255, steps, norm

    @staticmethod
    def weight_files(method: Any, radius: float, steps: int, norm: str) -> dict[str, str]:
        """Nothing of its own. Raises `UsageError` for a method that cannot be wrapped."""
        refuse_unwrappable("attacked", method)
        return {}

    def setup(self, device: Any) -> None:
        """Set up the method within. Raises `Skip` where its weights are missing, or where it is not torch's."""
        if self.inner.meta["layout"] == "hwc":
            raise nb.Skip(f"{self.inner.bound.display} cannot be differentiated: it takes numpy arrays")
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """float32 (H, W, C) → what the method gives for the worst input that was met."""
        if info.sample is None:
            raise nb.Skip("needs the clean picture, which is not at hand here")
        self.inner.check(info)
        size = info.shape if info.scale else noisy.shape[:2]
        start = self.inner.prepare(noisy)
        clean = self.inner.prepare(unit(info.sample.clean)).to(start.dtype)
        worst, most = start, -np.inf
        change = start * 0
        for step in range(self.steps + 1):
            moved = (start + change).detach().requires_grad_()
            # The last step needs its error only, a radius of 0 the first one only.
            last = step == self.steps or self.radius == 0
            error, gradient = self._error(moved, clean, info, not last)
            if error > most:
                worst, most = moved.detach(), error
            if last:
                break
            change = self._projected(change + 2.5 / self.steps * self._steepest(gradient))
        return self.inner.collect(self.inner.call(worst, unseen(info)), (*size, noisy.shape[2]))

    def _error(self, moved: Any, clean: Any, info: Any, differentiate: bool) -> tuple[float, Any]:
        """Squared error of the method at `moved`, and its gradient."""
        import torch

        with gradients():
            output = self.inner.call(moved.clone(), unseen(info))
        if not hasattr(output, "detach") or output.shape != clean.shape:
            raise nb.Invalid("attacked: the method did not return a picture of the size of the clean one")
        error = ((output - clean) ** 2).sum()
        if not differentiate:
            return float(error.detach()), None
        gradient = torch.autograd.grad(error, moved, allow_unused=True)[0] if error.requires_grad else None
        if gradient is None or not bool(torch.isfinite(gradient).all()):
            why = "its result does not hang on its input" if gradient is None else "its gradient is not finite"
            raise nb.Skip(f"{self.inner.bound.display} cannot be differentiated: {why}")
        return float(error.detach()), gradient

    def _steepest(self, gradient: Any) -> Any:
        """The step of length `radius` that the linearised error grows most by."""
        if self.norm == "linf":
            return self.radius * gradient.sign()
        return self.radius * gradient / rms(gradient).clamp_min(1e-30)

    def _projected(self, change: Any) -> Any:
        if self.norm == "linf":
            return change.clamp(-self.radius, self.radius)
        return change * (self.radius / rms(change).clamp_min(1e-30)).clamp_max(1.0)


def gradients() -> AbstractContextManager[Any]:
    """Let `with torch.no_grad()` inside a method pass: most say it for speed alone, and the attack needs gradients."""
    import torch

    on = torch.enable_grad
    return mock.patch.multiple(torch, no_grad=on, inference_mode=lambda mode=True: on())


def unseen(info: Any) -> Any:
    """What the method within is told: not the picture, and at each step the same draws."""
    return info.replace(sample=None)


def rms(tensor: Any) -> Any:
    """Root mean square."""
    return tensor.pow(2).mean().sqrt()


def unit(clean: Any) -> Any:
    """A clean picture as float32 (H, W, C) on [0, 1]."""
    array = np.asarray(clean)
    array = array[:, :, None] if array.ndim == 2 else array
    return (array / (np.iinfo(array.dtype).max if array.dtype.kind == "u" else 1)).astype(np.float32)
