from __future__ import annotations

import copy
from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.methods.restore.trained import Steps, TrainedRestorer


@nb.method("inpainter", needs=("mask",))
class Inpainter(TrainedRestorer):
    """A network that is trained here to fill in what is missing, and is told which pixels are known.

    Its parameters are those of `trained`; the regime must disclose a mask. arch: one that takes the mask as a last
    channel, `pepsi`, `two_stage` or `one_stage(of=…)`. Known pixels come back as they were given.
    """

    def __init__(
        self,
        *,
        arch: Annotated[Any, nb.Nested("arch")] = "pepsi",
        objective: Annotated[Any, nb.Nested("objective")] = "inpainting",
        optimizer: Annotated[Any, nb.Nested("optimizer")] = "adam(beta1=0.5, beta2=0.9)",
        schedule: Annotated[Any, nb.Nested("schedule")] = "cosine",
        data: nb.DatasetSpec = "textured_leaves(n=1000)",
        regime: Annotated[Any, nb.Nested("regime")] = "mask(keep=0.75, kind=holes)",
        sampler: Annotated[Any, nb.Nested("sampler")] = "shuffled",
        parts: Annotated[Any, nb.Nested("part", many=True)] = (),
        stop: Annotated[Any, nb.Nested("stop")] = "steps",
        batch: Annotated[int, Ge(1), Le(65_536)] = 8,
        crop: Annotated[int, Ge(8), Le(4096)] = 64,
        steps: Steps = 3000,
        validation: Annotated[int, Ge(1), Le(10_000)] = 16,
        checks: Steps = 10,
        precision: Literal["float32", "bfloat16", "float16"] = "float32",
        compiled: bool = False,
        seed: Annotated[int, Ge(0)] | None = None,
        draws: Literal["fresh", "fixed"] = "fresh",
        keep: Literal["last", "best"] = "last",
    ) -> None:
        super().__init__(**{name: value for name, value in locals().items() if name not in ("self", "__class__")})

    @staticmethod
    def flags(*, data: nb.Bound, regime: nb.Bound, **others: Any) -> dict[str, Any]:
        """Those of `trained`. Raises `UsageError`, before anything is trained, for a regime without a mask."""
        if not any("mask" in part.entry.meta["discloses"] for part in regime.parts):
            raise nb.UsageError(f"inpainter learns from a regime that discloses a mask, not from {regime.display}")
        return nb.TrainedMethod.flags(data=data, regime=regime, **others)

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, C, H, W) → the same."""
        import torch

        known = torch.from_numpy(np.asarray(info.mask) > 0).to(noisy.device)[None, None]
        net, plane = self.net, known.to(noisy.dtype)

        def masked_net(pictures: Any) -> Any:
            return net(torch.cat([pictures, plane.expand(len(pictures), -1, -1, -1)], dim=1))

        # The method without a mask, with a network that is told it: which channels go where is its affair.
        taken = copy.copy(self)
        taken.use(masked_net, self.given)
        return torch.where(known, noisy, TrainedRestorer.restore(taken, noisy, info))
