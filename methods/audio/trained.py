"""A network that is trained here, by a recipe: done once, stored by its key, and used by every cell that names it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
from annotated_types import Ge, Le

Steps = Annotated[int, Ge(1), Le(10_000_000)]


@nb.method("trained", track="audio")
class Trained(nb.TrainedMethod):
    """A network that is trained here, by a recipe: done once, stored by its key, and used by every cell that names it.

    arch, objective, optimizer, schedule, parts, sampler, stop: what it is made of (`noisebench list archs`, …); of
    clips are `mask_unet` with `supervised`, and `sgmse` with `sgmse`. data: clips of one rate; `validation` of them are
    kept apart by key. regime: what is trained on; `crop` samples of `batch` clips a step, for `steps` steps, validated
    `checks` times. seed: none is that of the cell. precision, compiled: automatic mixed precision, torch.compile.
    draws: `fresh` parts and noise each time a clip comes, or `fixed`. keep: the network of the `last` step, or that of
    the `best` validation. Nothing is read from `info`: give it clips of the rate that it was trained at.
    """

    def __init__(
        self,
        *,
        arch: Annotated[Any, nb.Nested("arch")] = "mask_unet",
        objective: Annotated[Any, nb.Nested("objective")] = "supervised",
        optimizer: Annotated[Any, nb.Nested("optimizer")] = "adamw(lr=0.002, beta2=0.99)",
        schedule: Annotated[Any, nb.Nested("schedule")] = "cosine",
        data: nb.DatasetSpec = "voices(n=100, rate=8000, seed=1000)",
        regime: Annotated[Any, nb.Nested("regime")] = "white(snr=5)",
        sampler: Annotated[Any, nb.Nested("sampler")] = "shuffled",
        parts: Annotated[Any, nb.Nested("part", many=True)] = (),
        stop: Annotated[Any, nb.Nested("stop")] = "steps",
        batch: Annotated[int, Ge(1), Le(65_536)] = 8,
        crop: Annotated[int, Ge(64), Le(2**24)] = 4_096,
        steps: Steps = 500,
        validation: Annotated[int, Ge(1), Le(10_000)] = 4,
        checks: Steps = 2,
        precision: Literal["float32", "bfloat16", "float16"] = "float32",
        compiled: bool = False,
        seed: Annotated[int, Ge(0)] | None = None,
        draws: Literal["fresh", "fixed"] = "fresh",
        keep: Literal["last", "best"] = "last",
    ) -> None:
        super().__init__({name: value for name, value in locals().items() if name not in ("self", "__class__")})

    def enhance(self, wave: Any, info: Any) -> Any:
        """(N,) → the same."""
        return self.made_by(self.net, wave)

    def made_by(self, restored: Any, wave: Any) -> Any:
        """What a function of tensors (1, 1, N) makes of a clip (N,)."""
        import torch

        with torch.no_grad():
            tensor = torch.from_numpy(wave)[None, None].to(next(self.net.parameters()).device)
            return restored(tensor)[0, 0]
