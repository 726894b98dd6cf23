"""EDiffSR: a trained diffusion that reverts to the enlarged picture, in so many steps, drawn for each picture."""

from __future__ import annotations

import copy
from typing import Annotated, Any, Literal

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.restore._wrapping import variants_of


@nb.method("ediffsr", cite="Y. Xiao et al., EDiffSR, IEEE TGRS 62, 2024")
class MeanRevertingSteps:
    """EDiffSR: a trained diffusion that reverts to the enlarged picture, in so many steps, drawn for each picture.

    method: `trained(arch=ediffsr, objective=ediffsr, …)`, or one `tuned`. steps: network calls a picture, evenly
    spaced in time. sampler: `posterior` draws each step given the clean picture that the network tells, `mean` takes
    the means of these, by which less is drawn and more is smoothed, `euler` is that of Euler and Maruyama, as in the
    public code; it needs about 100 steps. Grey and coloured pictures are taken as `trained` takes them. What it makes
    is cut to `info.shape`. Raises `Skip` where another scale is due than that of the training.
    """

    def __init__(
        self,
        *,
        method: nb.MethodSpec,
        steps: Annotated[int, Ge(1), Le(10_000)] = 20,
        sampler: Literal["posterior", "mean", "euler"] = "posterior",
    ) -> None:
        _refuse(method)
        self.inner = nb.Restorer(method)
        self.steps, self.sampler = steps, sampler

    @staticmethod
    def flags(*, method: nb.Bound, **others: Any) -> dict[str, Any]:
        """None of its own. Raises `UsageError`, before anything is trained, for a network that takes no steps."""
        _refuse(method)
        return {}

    def setup(self, device: Any) -> None:
        """Load the weights that the training gave. Raises `Skip` where there are none."""
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, C, h, w) → (1, C, H, W)."""
        import torch

        net, given = self.inner.instance.net, self.inner.instance.given
        scale = info.scale or 1
        if net.scale != scale:
            raise nb.Skip(f"this network makes pictures {net.scale} times as large; {scale:g} times is due")

        def draw(like: Any) -> Any:
            return torch.randn(like.shape, generator=info.generator).to(like)

        # The method within, its network used in so many steps: which channels go where is its affair.
        taken = copy.copy(self.inner.instance)
        taken.use(lambda pictures: net.restored(pictures, self.steps, self.sampler, draw), given)
        made = taken.restore(noisy, info)
        return made if scale == 1 else made[..., : info.shape[0], : info.shape[1]]


def _refuse(method: nb.Bound) -> None:
    """Raise `UsageError` for a method that is no such diffusion."""
    archs = [one.kwargs.get("arch") for one in variants_of(method)]
    if any(arch is None or arch.entry.name != "ediffsr" for arch in archs):
        raise nb.UsageError(f"ediffsr is of trained(arch=ediffsr, objective=ediffsr, …), not of {method.display}")
