from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le

Steps = Annotated[int, Ge(1), Le(10_000_000)]


@nb.method("trained", track="audio")
class TrainedAudioMethod(nb.TrainedMethod):
    """A network that is trained here, by a recipe: done once, stored by its key, and used by every cell that names it.

    arch, objective, optimizer, schedule, parts, sampler, stop: what it is made of (`noisebench list archs`, …); of
    clips are `mask_unet` with `supervised`, `sgmse` with `sgmse`, `signaltrain` with `signaltrain`, and
    `class_mask_unet` with `supervised_separation`, `mix_and_separate` or `bimodal`. data: clips of one rate;
    `validation` of them are kept apart by key. regime: what is trained on; `crop` samples of `batch` clips a step, for
    `steps` steps, validated `checks` times. seed: none is that of the cell. precision, compiled: automatic mixed
    precision, torch.compile. draws: `fresh` parts and noise each time a clip comes, or `fixed`. keep: the network of
    the `last` step, or that of the `best` validation. Give it clips of the rate that it was trained at.

    A network whose class has `asks` is told more: `knobs` of an effect, as further channels of the clip, or the class
    of a `source`, as a second argument (1, K), 1 where it is to be found. Where that is not told, it is skipped.
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

    @staticmethod
    def flags(*, data: nb.Bound, regime: nb.Bound, **others: Any) -> dict[str, Any]:
        """Trained on its data; blind, but for a network that asks for more than the clip."""
        return {"blind": not getattr(others["arch"].entry.obj, "asks", ""), "trained_on": (data.display,)}

    def enhance(self, wave: Any, info: Any) -> Any:
        """(N,) → the same. Raises `Skip` where what the network asks for is not told."""
        import torch

        asks = getattr(self.net, "asks", "")
        if asks == "knobs":
            if info.knobs is None:
                raise nb.Skip("needs the knobs of an effect, which sets such as compressed(…) tell")
            knobs = np.repeat(np.asarray(info.knobs, np.float32)[:, None], len(wave), axis=1)
            return self.made_by(self.net, np.concatenate([wave[None], knobs]))
        if asks != "source":
            return self.made_by(self.net, wave)
        classes: int = self.net.classes
        if info.source is None or not 0 <= info.source < classes:
            raise nb.Skip(
                "is told no class of what is to be found: give it mixtures(…)"
                if info.source is None
                else f"was trained on {classes} classes, and class {info.source} is to be found"
            )
        one_hot = torch.nn.functional.one_hot(torch.tensor([info.source]), classes).float()
        return self.made_by(lambda clip: self.net(clip, one_hot.to(clip.device)), wave)

    def made_by(self, restored: Any, channels: Any) -> Any:
        """What a function of tensors (1, C, N) makes of a clip, (N,) or with further channels (C, N)."""
        import torch

        with torch.no_grad():
            tensor = torch.from_numpy(np.atleast_2d(channels))[None].to(next(self.net.parameters()).device)
            return restored(tensor)[0, 0]
