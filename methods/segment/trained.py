from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
from annotated_types import Ge, Le

Steps = Annotated[int, Ge(1), Le(10_000_000)]


@nb.method("trained", track="segment")
class TrainedSegmenter(nb.TrainedMethod):
    """A segmentation network that is trained here, by a recipe: done once, stored by its key, used by all that name it.

    arch, objective, optimizer, schedule, parts, sampler, stop: what it is made of (`noisebench list archs`, …).
    data: any dataset of the track, with the maps that annotators gave; `validation` of its pictures are kept apart by
    key, and scored against the true ones. regime: what is trained on, `batch` pictures a step, `crop` pixels a side (0
    takes them whole), for `steps` steps, validated `checks` times. seed: none is that of the cell. precision, compiled:
    automatic mixed precision, torch.compile. draws: of the regime, `fresh` each time a picture comes, or `fixed`. keep:
    the network of the `last` step, or that of the `best` validation.

    Nothing is read from `info`.
    """

    def __init__(
        self,
        *,
        arch: Annotated[Any, nb.Nested("arch")] = "unet(width=8)",
        objective: Annotated[Any, nb.Nested("objective")] = "supervised(loss=cross_entropy)",
        optimizer: Annotated[Any, nb.Nested("optimizer")] = "adamw(lr=0.003)",
        schedule: Annotated[Any, nb.Nested("schedule")] = "cosine",
        data: nb.DatasetSpec = "ellipses(n=300, split=train)",
        regime: Annotated[Any, nb.Nested("regime")] = "none",
        sampler: Annotated[Any, nb.Nested("sampler")] = "shuffled",
        parts: Annotated[Any, nb.Nested("part", many=True)] = (),
        stop: Annotated[Any, nb.Nested("stop")] = "steps",
        batch: Annotated[int, Ge(1), Le(65_536)] = 16,
        crop: Annotated[int, Ge(0), Le(65_536)] = 0,
        steps: Steps = 600,
        validation: Annotated[int, Ge(1), Le(100_000)] = 50,
        checks: Steps = 10,
        precision: Literal["float32", "bfloat16", "float16"] = "float32",
        compiled: bool = False,
        seed: Annotated[int, Ge(0)] | None = None,
        draws: Literal["fresh", "fixed"] = "fresh",
        keep: Literal["last", "best"] = "last",
    ) -> None:
        super().__init__({name: value for name, value in locals().items() if name not in ("self", "__class__")})

    def segment(self, picture: Any, info: Any) -> Any:
        """(1, C, H, W) → logits (1, K, H, W)."""
        import torch

        if picture.shape[1] != self.given[0]:
            raise nb.Skip(f"this network is for pictures of {self.given[0]} channels, not {picture.shape[1]}")
        with torch.no_grad():
            return self.net(picture)
