"""A model that is trained here, by a recipe: done once, stored by its key, and asked by every sampler that names it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
from annotated_types import Ge, Le

Steps = Annotated[int, Ge(1), Le(10_000_000)]


@nb.method("trained", track="generate")
class TrainedModel(nb.TrainedMethod):
    """A model that is trained here, by a recipe: done once, stored by its key, and asked by samplers that name it.

    arch, objective: a network that is told the noise, and how it learns: `diffusion_unet` with `denoise`, `eps`, `v` or
    `flow_matching`, or `edm` with `edm`. optimizer, schedule, parts, sampler, stop: what else it is made of
    (`noisebench list archs`, …). data: training pictures, such as `digits(split=train)`; `validation` of them are kept
    apart by key, and given with noise of eight levels. batch, steps, checks: pictures a step, steps, validations. seed:
    none is that of the cell. precision, compiled: automatic mixed precision, torch.compile. keep: the network of the
    `last` step, or that of the `best` validation. regime: of latents, which a training has none of.
    """

    def __init__(
        self,
        *,
        arch: Annotated[Any, nb.Nested("arch")] = "diffusion_unet",
        objective: Annotated[Any, nb.Nested("objective")] = "denoise",
        optimizer: Annotated[Any, nb.Nested("optimizer")] = "adamw(lr=0.002)",
        schedule: Annotated[Any, nb.Nested("schedule")] = "cosine",
        data: nb.DatasetSpec = "digits(split=train)",
        regime: Annotated[Any, nb.Nested("regime")] = "none",
        sampler: Annotated[Any, nb.Nested("sampler")] = "shuffled",
        parts: Annotated[Any, nb.Nested("part", many=True)] = "ema(decay=0.99)",
        stop: Annotated[Any, nb.Nested("stop")] = "steps",
        batch: Annotated[int, Ge(1), Le(65_536)] = 64,
        steps: Steps = 2000,
        validation: Annotated[int, Ge(1), Le(100_000)] = 64,
        checks: Steps = 4,
        precision: Literal["float32", "bfloat16", "float16"] = "float32",
        compiled: bool = False,
        seed: Annotated[int, Ge(0)] | None = None,
        keep: Literal["last", "best"] = "last",
    ) -> None:
        super().__init__({name: value for name, value in locals().items() if name not in ("self", "__class__")})

    def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
        """(N, C, H, W) → the same. Raises `Skip` for pictures of other channels.

        Raises `UsageError` for an untold network, and for a class that the network does not know.
        """
        if x.shape[1] != self.given[0]:
            raise nb.Skip(f"this model is of pictures of {self.given[0]} channels, not {x.shape[1]}")
        if labels is not None and len(labels) and 0 < getattr(self.net, "classes", 0) <= int(labels.max()):
            raise nb.UsageError(
                f"class {int(labels.max())} is beyond this network, whose arch has classes={self.net.classes}: "
                "give the arch more, or take a dataset of fewer classes"
            )
        objective, single = self.recipe.objective, x.float()
        reading = getattr(objective.entry.obj, "denoised", None)
        if reading is not None:
            return reading(self.net, single, sigma, labels).to(x.dtype)
        if not hasattr(self.net, "denoised"):
            raise nb.UsageError(
                f"objective {objective.display} trains no model for samplers: give another, such as objective=denoise"
            )
        # A network of `restore`: pictures on [0, 1], and no class.
        return (2 * self.net.denoised((single + 1) / 2, sigma / 2) - 1).to(x.dtype)
