from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.restore._sampling import TrainedSampler, refuse_others


@nb.method("ediffsr", cite="Y. Xiao et al., EDiffSR, IEEE TGRS 62, 2024")
class MeanRevertingSteps(TrainedSampler):
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
        refuse_others("ediffsr", "ediffsr", method)
        super().__init__(method, steps)
        self.sampler = sampler

    @staticmethod
    def flags(*, method: nb.Bound, **others: Any) -> dict[str, Any]:
        """None of its own. Raises `UsageError`, before anything is trained, for a network that takes no steps."""
        refuse_others("ediffsr", "ediffsr", method)
        return {}

    def sampled(self, net: Any, pictures: Any, draw: Callable[[Any], Any]) -> Any:
        """(N, C, h, w) → (N, C, H, W)."""
        return net.restored(pictures, self.steps, self.sampler, draw)

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, C, h, w) → (1, C, H, W)."""
        net, scale = self.inner.instance.net, info.scale or 1
        if net.scale != scale:
            raise nb.Skip(f"this network makes pictures {net.scale} times as large; {scale:g} times is due")
        restored = super().restore(noisy, info)
        return restored if scale == 1 else restored[..., : info.shape[0], : info.shape[1]]
