from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
from annotated_types import Ge, Le

Steps = Annotated[int, Ge(1), Le(10_000_000)]


@nb.method("trained")
class TrainedRestorer(nb.TrainedMethod):
    """A network that is trained here, by a recipe: done once, stored by its key, and used by every cell that names it.

    arch, objective, optimizer, schedule, parts, sampler, stop: what it is made of (`noisebench list archs`, …).
    data: any dataset; `validation` of its pictures are kept apart by key. regime: what is trained on, `crop` pixels a
    side, `batch` crops a step, for `steps` steps, validated `checks` times. seed: none is that of the cell.
    precision, compiled: automatic mixed precision, torch.compile. draws: `fresh` crops, turns and noise each time a
    picture comes, or `fixed`: of each picture one crop, upright, and one draw. keep: the network of the `last` step, or
    that of the `best` validation.

    Nothing is read from `info`. A network for grey pictures takes each channel of a coloured one by itself; one for
    coloured pictures takes a grey one as three equal channels, and gives the mean of three: train it on pictures of
    both kinds.
    """

    def __init__(
        self,
        *,
        arch: Annotated[Any, nb.Nested("arch")] = "unet",
        objective: Annotated[Any, nb.Nested("objective")] = "supervised",
        optimizer: Annotated[Any, nb.Nested("optimizer")] = "adamw(lr=0.002, beta2=0.99)",
        schedule: Annotated[Any, nb.Nested("schedule")] = "cosine",
        data: nb.DatasetSpec = "textured_leaves(n=1000)",
        regime: Annotated[Any, nb.Nested("regime")] = "gaussian(sigma=25)",
        sampler: Annotated[Any, nb.Nested("sampler")] = "shuffled",
        parts: Annotated[Any, nb.Nested("part", many=True)] = (),
        stop: Annotated[Any, nb.Nested("stop")] = "steps",
        batch: Annotated[int, Ge(1), Le(65_536)] = 12,
        crop: Annotated[int, Ge(8), Le(4096)] = 32,
        steps: Steps = 9000,
        validation: Annotated[int, Ge(1), Le(10_000)] = 16,
        checks: Steps = 20,
        precision: Literal["float32", "bfloat16", "float16"] = "bfloat16",
        compiled: bool = False,
        seed: Annotated[int, Ge(0)] | None = None,
        draws: Annotated[Literal["fresh", "fixed"], nb.Later()] = "fresh",
        keep: Annotated[Literal["last", "best"], nb.Later()] = "last",
    ) -> None:
        super().__init__({name: value for name, value in locals().items() if name not in ("self", "__class__")})

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, C, H, W) → the same, or as large as the network makes it."""
        import torch

        channels = self.given[0]
        with torch.no_grad():
            if channels == 1:
                return self.net(noisy.transpose(0, 1)).transpose(0, 1)
            if noisy.shape[1] == 1 and channels == 3:
                return self.net(noisy.expand(-1, 3, -1, -1)).mean(dim=1, keepdim=True)
            if noisy.shape[1] != channels:
                raise nb.Skip(f"this network is for pictures of {channels} channels, not {noisy.shape[1]}")
            return self.net(noisy)
