from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Ge
from noisebench.recipes.archs.mlp_probe import MLPProbe

Weight = Annotated[float, Ge(0)]


def off_diagonal(z: Any) -> Any:
    """The sum of squares of the covariances of different features of z (N, D), over D."""
    centred = z - z.mean(dim=0)
    covariance = centred.T @ centred / (len(z) - 1)
    return (covariance.square().sum() - covariance.diagonal().square().sum()) / z.shape[1]


def dominance(z: Any, most: int) -> Any:
    """The mean share of the `most` largest singular values of z (N, D), as it is, in their sum."""
    values = torch.linalg.svdvals(z)
    return values[:most].mean() / values.sum()


@nb.objective(
    "nmtune",
    cite="H. Chen et al., Understanding and mitigating the label noise in pre-training on downstream tasks, ICLR 2024",
)
def nmtune(
    net: Any,
    batch: Any,
    *,
    consistency: Weight = 1.0,
    covariance: Weight = 0.04,
    singular: Weight = 0.001,
    most: Annotated[int, Ge(1)] = 5,
    loss: Annotated[Any, nb.Nested("loss")] = "cross_entropy",
) -> Any:
    """NMTune: a probe of features that were learned with wrong labels, whose moved features are kept in shape.

    The network is `arch=mlp_probe`, as it is, with features F and moved features Z. To the loss of the logits come
    `consistency` times the mean squared difference of their rows, each over its norm; `covariance` times the squares of
    covariances of different features of Z, over their number; and, as a gain, `singular` times the mean of the `most`
    largest singular values of Z over the sum of all. A batch, and the features, are more than `most`.
    """
    probe = getattr(net, "_orig_mod", net)  # what torch.compile has wrapped
    if not isinstance(probe, MLPProbe):
        raise nb.UsageError("objective nmtune needs a network of arch=mlp_probe, and no part that wraps it")
    features = probe.features(batch["given"])
    z = probe.moved(features)
    if min(z.shape) <= most:
        raise nb.UsageError(f"objective nmtune: {len(z)} items of {z.shape[1]} features: give more than most={most}")
    total = loss.entry.obj(probe.head(z), batch["wanted"], **loss.kwargs)
    apart = F.mse_loss(F.normalize(z, dim=1), F.normalize(features, dim=1))
    # Products of features and singular values ask for full precision.
    with torch.autocast(z.device.type, enabled=False):
        shape = covariance * off_diagonal(z.float()) - singular * dominance(z.float(), most)
    return total + consistency * apart + shape
