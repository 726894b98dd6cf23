"""A network that is trained here to be an effect, by its knobs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le

Steps = Annotated[int, Ge(1), Le(10_000_000)]


@nb.method(
    "signaltrain",
    track="audio",
    cite="S. H. Hawley et al., Profiling audio compressors with deep neural networks, AES 147, 2019",
)
class SignalTrain(nb.TrainedMethod):
    """A network that is trained here to be an effect: of the dry clip and the knobs it makes what the effect would.

    arch, objective, optimizer, schedule, parts, sampler, stop: what it is made of. data: clips of one effect and one
    rate, as of `compressed(…)`; `validation` of them are kept apart by key. regime: what is laid over dry clips. `crop`
    samples of `batch` clips a step, as many as the network sees or more, for `steps` steps, validated `checks` times.
    seed, precision, compiled, draws, keep: as of `trained`. Skipped where no knobs are told.
    """

    def __init__(
        self,
        *,
        arch: Annotated[Any, nb.Nested("arch")] = "signaltrain(size=256, hop=96)",
        objective: Annotated[Any, nb.Nested("objective")] = "signaltrain",
        optimizer: Annotated[Any, nb.Nested("optimizer")] = "adam(lr=0.001)",
        schedule: Annotated[Any, nb.Nested("schedule")] = "one_cycle",
        data: nb.DatasetSpec = "compressed(of=instruments(n=200, rate=8000, seed=1000))",
        regime: Annotated[Any, nb.Nested("regime")] = "none",
        sampler: Annotated[Any, nb.Nested("sampler")] = "shuffled",
        parts: Annotated[Any, nb.Nested("part", many=True)] = (),
        stop: Annotated[Any, nb.Nested("stop")] = "steps",
        batch: Annotated[int, Ge(1), Le(65_536)] = 20,
        crop: Annotated[int, Ge(64), Le(2**24)] = 2_048,
        steps: Steps = 1_000,
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
    def flags(*, data: nb.Bound, **others: Any) -> dict[str, Any]:
        """Trained on its data, and told the knobs."""
        return {"blind": False, "trained_on": (data.display,)}

    def enhance(self, wave: Any, info: Any) -> Any:
        """(N,) → the same. Raises `Skip` where no knobs are told."""
        import torch

        if info.knobs is None:
            raise nb.Skip("needs the knobs of an effect, which sets such as compressed(…) tell")
        knobs = np.repeat(np.asarray(info.knobs, np.float32)[:, None], len(wave), axis=1)
        with torch.no_grad():
            told = torch.from_numpy(np.concatenate([wave[None], knobs]))[None]
            return self.net(told.to(next(self.net.parameters()).device))[0, 0]
