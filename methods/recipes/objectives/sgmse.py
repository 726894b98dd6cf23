"""SGMSE+: denoising score matching of complex spectra, from the noisy to the clean clip."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
import torch
from annotated_types import Gt, Lt
from noisebench.recipes.archs._clips import peak
from noisebench.recipes.archs._inner_network import module_in
from noisebench.recipes.archs.sgmse import ScoreOfSpectra


@nb.objective("sgmse", cite="J. Richter et al., SGMSE+, IEEE/ACM TASLP 31, 2023")
def sgmse(
    net: Any, batch: Any, *, end: Annotated[float, Gt(0), Lt(1)] = 0.03, weight: Literal["score", "even"] = "score"
) -> Any:
    """SGMSE+: |score std + z|² of each bin, of x_t = mean + std z, for a time drawn of [end, 1] for each clip.

    z is complex, of variance 1 in all. Clean and noisy clip are divided by the peak of the noisy one. The mean over
    bins, of which the authors have half the sum. weight: `score` is the authors' loss, in which late times hardly
    count, for there the noise hides what the network does not know: 0.003 at t = 1 against 0.96 at 0.03. `even` divides
    it by what the Gaussian guess has at that time, for a short training. The network is `arch=sgmse`.
    """
    model = module_in(net, ScoreOfSpectra, "objective sgmse needs a network of arch=sgmse")
    level = peak(batch["given"])
    noisy, clean = (model.spectra.of(batch[name] / level) for name in ("given", "wanted"))
    t = end + (1 - end) * torch.rand(len(clean), 1, 1, 1, dtype=torch.float64, device=clean.device)
    z = torch.randn_like(clean)
    spread = model.process.deviation(t).to(clean.real)
    x = noisy + model.process.kept(t).to(clean.real) * (clean - noisy) + spread * z
    loss = (model.score(x, noisy, t) * spread + z).abs().square()
    return (loss if weight == "score" else loss / model.guessed(t).to(clean.real)).mean()
