"""A separator that is trained here: it takes one source, whose class it is told, out of a mixture."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
from annotated_types import Ge, Le

Steps = Annotated[int, Ge(1), Le(10_000_000)]
_KINDS = ("plucked", "bowed", "flute", "organ", "bell")
_CLIPS = ", ".join(f"instruments(kinds=({kind},), n=100, rate=8000, seed=1000)" for kind in _KINDS)
_DATA = f"mixtures(of=({_CLIPS}), n=400)"


@nb.method(
    "separator",
    track="audio",
    cite="T. Mahmud, S. Amizadeh, K. Koishida, D. Marculescu, ICLR 2024; H. Zhao et al., ECCV 2018",
)
class Separator(nb.TrainedMethod):
    """A separator that is trained here: it takes one source, whose class it is told, out of a mixture.

    arch: `class_mask_unet`. objective: `supervised_separation`, `mix_and_separate` or `bimodal`. data: mixtures, whose
    sources are known to the first of these alone; validations know them too, so that of the others none is to choose
    anything by them. All else is as in `trained`. A mixture whose class is not told is skipped.
    """

    def __init__(
        self,
        *,
        arch: Annotated[Any, nb.Nested("arch")] = "class_mask_unet",
        objective: Annotated[Any, nb.Nested("objective")] = "supervised_separation",
        optimizer: Annotated[Any, nb.Nested("optimizer")] = "adamw(lr=0.001)",
        schedule: Annotated[Any, nb.Nested("schedule")] = "cosine",
        data: nb.DatasetSpec = _DATA,
        regime: Annotated[Any, nb.Nested("regime")] = "none",
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
    def flags(*, data: nb.Bound, regime: nb.Bound, **_: Any) -> dict[str, Any]:
        """Trained on its data; told the class."""
        return {"trained_on": (data.display,)}

    def enhance(self, wave: Any, info: Any) -> Any:
        """(N,) → the same. Raises `Skip` where no class is told, or one that the network has not."""
        import torch

        classes: int = self.net.classes
        if info.source is None or not 0 <= info.source < classes:
            raise nb.Skip(
                "is told no class of what is to be found: give it mixtures(…)"
                if info.source is None
                else f"was trained on {classes} classes, and class {info.source} is to be found"
            )
        with torch.no_grad():
            device = next(self.net.parameters()).device
            asked = torch.zeros(1, classes, device=device)
            asked[0, info.source] = 1
            return self.net(torch.from_numpy(wave)[None, None].to(device), asked)[0, 0]
