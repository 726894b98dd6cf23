from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from noisebench.recipes.archs._inner_network import module_in
from noisebench.recipes.archs._mean_reverting import euler_mean, faded, kept, posterior_mean, spread
from noisebench.recipes.archs.ediffsr import MeanReverting


@nb.objective("ediffsr", cite="Y. Xiao et al., EDiffSR, IEEE TGRS 62, 2024; Z. Luo et al., IR-SDE, ICML 2023")
def ediffsr(net: Any, batch: Any, *, loss: Annotated[Any, nb.Nested("loss")] = "l1") -> Any:
    """EDiffSR: a step back in time, by the network's score, against the best one, that of who knows the clean picture.

    Each item is at one of the network's times, all being as likely; the loss is that of the mean of a step of Euler
    from there to the time before, against the mean of the posterior. The network is `arch=ediffsr`.
    """
    model = module_in(net, MeanReverting, "objective ediffsr needs a network of arch=ediffsr")
    clean = batch["wanted"]
    mean = model.mean(batch["given"])
    time = torch.randint(1, model.times + 1, (len(clean), 1, 1, 1), device=clean.device).double()
    now, then = (faded(one / model.times, model.eps) for one in (time, time - 1))
    x = mean + kept(now).to(clean) * (clean - mean) + (model.noise * spread(now)).to(clean) * torch.randn_like(clean)
    step = euler_mean(x, model.predict(x, mean, now), mean, now, then)
    return loss.entry.obj(step, posterior_mean(x, clean, mean, now, then), **loss.kwargs)
