from __future__ import annotations

import math
from typing import Annotated, Any

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le, Lt
from noisebench.recipes.archs._inner_network import module_in
from noisebench.recipes.archs.twins import Twins
from noisebench.recipes.parts.co_divide import DIVIDEMIX, NEEDED


@nb.objective("divide_mix", cite=DIVIDEMIX)
def divide_mix(
    net: Any,
    batch: Any,
    *,
    threshold: Annotated[float, Gt(0), Lt(1)] = 0.5,
    temperature: Annotated[float, Gt(0), Le(10)] = 0.5,
    alpha: Annotated[float, Gt(0), Le(100)] = 4.0,
    guessed: Annotated[float, Ge(0), Le(1e6)] = 25.0,
) -> Any:
    """DivideMix: each of two networks keeps the labels that the other finds right, and guesses those of the rest.

    Of `clean` (2, B), which the part `co_divide` tells, a label that is right with a probability w of `threshold` or
    more becomes w y + (1 - w) p, p being the network's own probabilities; any other becomes the mean of both networks'.
    Both are sharpened, p ** (1 / temperature). All pictures are then mixed as by `mixup(alpha)`. The loss is the
    cross-entropy of those whose label was kept, `guessed` times the mean square of probabilities of the others, and the
    divergence of the mean prediction from an even one; the sum of both networks. Before the part tells anything it is
    the cross-entropy of both. The authors take the means over two augmented views; here a picture is seen once.
    """
    twins = module_in(net, Twins, NEEDED.format(name="objective divide_mix"))
    given, labels = batch["given"], batch["wanted"]
    net(given)
    logits = [one.float() for one in twins.outputs]
    if "clean" not in batch:
        return torch.stack([F.cross_entropy(one, labels) for one in logits]).sum()
    seen = [one.detach().softmax(dim=1) for one in logits]
    losses = []
    for place, network in enumerate(twins.both):
        clean = batch["clean"][place].to(seen[place])
        kept = clean >= threshold
        wanted = targets(labels, clean, kept, seen[place], (seen[0] + seen[1]) / 2, temperature)
        losses.append(_mixed(network, given, wanted, kept, alpha, guessed))
    return torch.stack(losses).sum()


def targets(labels: Any, clean: Any, kept: Any, probabilities: Any, both: Any, temperature: float) -> Any:
    """What is learned of each picture, (B, K): its label with what the network says, or what both say; sharpened."""
    one_hot = F.one_hot(labels, probabilities.shape[1]).to(probabilities)
    refined = clean[:, None] * one_hot + (1 - clean[:, None]) * probabilities
    powers = torch.where(kept[:, None], refined, both) ** (1 / temperature)
    return powers / powers.sum(dim=1, keepdim=True)


def _mixed(net: Any, given: Any, wanted: Any, kept: Any, alpha: float, guessed: float) -> Any:
    """The loss of one network of mixed pictures; a mixture counts as the picture of which it has more."""
    drawn = torch.distributions.Beta(alpha, alpha).sample()
    share = float(torch.maximum(drawn, 1 - drawn))
    other = torch.randperm(len(given)).to(given.device)
    logits = net(share * given + (1 - share) * given[other]).float()
    wanted = share * wanted + (1 - share) * wanted[other]
    log_p = logits.log_softmax(dim=1)
    entropies = -(wanted * log_p).sum(dim=1)
    squares = (log_p.exp() - wanted).square().mean(dim=1)
    mean = log_p.exp().mean(dim=0)
    uneven = -mean.log().mean() - math.log(len(mean))
    return mean_of(entropies, kept) + guessed * mean_of(squares, ~kept) + uneven


def mean_of(values: Any, chosen: Any) -> Any:
    """The mean of what is chosen; 0 where nothing is."""
    return (values * chosen).sum() / chosen.sum().clamp_min(1)
