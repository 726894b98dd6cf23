"""RDDM: a trained residual diffusion in so many steps, from noise that is drawn for each picture."""

from __future__ import annotations

import copy
from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.restore._wrapping import variants_of


@nb.method("rddm", cite="J. Liu et al., Residual denoising diffusion models, CVPR 2024")
class ResidualDiffusionSteps:
    """RDDM: a trained residual diffusion in so many steps, from noise that is drawn for each picture.

    method: `trained(arch=rddm, objective=rddm, …)`, or one `tuned`. steps: network calls a picture, evenly spaced in
    time. average: the mean of so many pictures from noise of their own, nearer to the posterior mean and less sharp.
    Grey and coloured pictures are taken as `trained` takes them. Nothing is read from `info` but draws.
    """

    def __init__(
        self,
        *,
        method: nb.MethodSpec,
        steps: Annotated[int, Ge(1), Le(10_000)] = 5,
        average: Annotated[int, Ge(1), Le(10_000)] = 1,
    ) -> None:
        _refuse(method)
        self.inner = nb.Restorer(method)
        self.steps, self.average = steps, average

    @staticmethod
    def flags(*, method: nb.Bound, **others: Any) -> dict[str, Any]:
        """None of its own. Raises `UsageError`, before anything is trained, for a network that takes no steps."""
        _refuse(method)
        return {}

    def setup(self, device: Any) -> None:
        """Load the weights that the training gave. Raises `Skip` where there are none."""
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, C, H, W) → the same."""
        import torch

        net, given = self.inner.instance.net, self.inner.instance.given

        def mean(pictures: Any) -> Any:
            total = torch.zeros_like(pictures)
            for _ in range(self.average):
                noise = torch.randn(pictures.shape, generator=info.generator).to(pictures)
                total += net.restored(pictures, noise, self.steps)
            return total / self.average

        # The method within, its network used in so many steps: which channels go where is its affair.
        taken = copy.copy(self.inner.instance)
        taken.use(mean, given)
        return taken.restore(noisy, info)


def _refuse(method: nb.Bound) -> None:
    """Raise `UsageError` for a method that is no residual diffusion."""
    archs = [one.kwargs.get("arch") for one in variants_of(method)]
    if any(arch is None or arch.entry.name != "rddm" for arch in archs):
        raise nb.UsageError(f"rddm is of trained(arch=rddm, objective=rddm, …), not of {method.display}")
