from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.restore._sampling import refuse_others
from noisebench.tracks.audio import Enhancer


@nb.method("sgmse", track="audio", cite="J. Richter et al., SGMSE+, IEEE/ACM TASLP 31, 2023")
class ReverseDiffusion:
    """SGMSE+: a trained diffusion of complex spectra, from the noisy clip to a clean one.

    model: `trained(arch=sgmse, objective=sgmse, …)`. N: places of time from 1 to 0.03, each with a step of a corrector
    and one of a predictor: 2 N calls of the network. r: the step of the corrector over the noise; 0: predictor alone, N
    calls; the authors have 0.5 for noise and 0.33 with N = 50 for reverberation. Drawn for each clip by its key.
    """

    def __init__(
        self,
        *,
        model: nb.MethodSpec,
        N: Annotated[int, Ge(1), Le(10_000), nb.AxisLabel("steps N")] = 30,
        r: Annotated[float, Ge(0), Le(2), nb.AxisLabel("corrector r")] = 0.5,
    ) -> None:
        refuse_others("sgmse", "sgmse", model)
        self.inner, self.steps, self.r = Enhancer(model), N, r

    @staticmethod
    def flags(*, model: nb.Bound, **others: Any) -> dict[str, Any]:
        """None of its own. Raises `UsageError`, before anything is trained, for a network that takes no steps."""
        refuse_others("sgmse", "sgmse", model)
        return {}

    def setup(self, device: Any) -> None:
        """Load the weights that the training gave. Raises `Skip` where there are none."""
        self.inner.setup(device)

    def enhance(self, wave: Any, info: Any) -> Any:
        """(N,) → the same."""
        import torch

        trained = self.inner.instance

        def draw(like: Any) -> Any:
            return torch.randn(like.shape, dtype=like.dtype, generator=info.generator).to(like.device)

        return trained.made_by(lambda clips: trained.net.restored(clips, self.steps, self.r, draw), wave)
