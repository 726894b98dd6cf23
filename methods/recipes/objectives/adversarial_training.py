from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Gt, Le
from noisebench.recipes.objectives._attack import Norm, random_change, worst


@nb.objective("adversarial_training", cite="A. Madry et al., Towards deep learning models resistant to adversarial "
              "attacks, ICLR 2018")  # fmt: skip
def adversarial_training(
    net: Any,
    batch: Any,
    *,
    eps: Annotated[float, Gt(0), Le(1000)] = 0.1,
    norm: Norm = "linf",
    steps: Annotated[int, Ge(1), Le(1000)] = 5,
    loss: Annotated[Any, nb.Nested("loss")] = "cross_entropy",
) -> Any:
    """Adversarial training: a classifier is told the label of the worst picture that is near each one.

    eps: how near, on the [0, 1] scale of pictures: the largest change of a value (`linf`) or the Euclidean length of a
    change (`l2`). The worst is what projected gradient descent on the log odds of the label finds in so many steps from
    a random start, with the network in eval mode; its loss is made small in training mode. A step takes 2 steps + 2
    passes. Values stay on [0, 1]. Raises `UsageError` where the network gives no logits (B, K), K of 2 or more.
    """
    given, labels = batch["given"], batch["wanted"]

    def logits_of(x: Any) -> Any:
        logits = net(x)
        if logits.ndim != 2 or logits.shape[1] < 2 or labels.ndim != 1:
            raise nb.UsageError("objective adversarial_training is for classifiers: logits (B, K) and labels are due")
        return logits

    training = net.training
    net.eval()
    try:
        start = random_change(given, eps, norm)
        near, _ = worst(logits_of, given, labels, start, eps=eps, norm=norm, steps=steps)
    except ValueError as error:
        raise nb.UsageError(f"objective adversarial_training cannot attack this network: {error}") from None
    finally:
        net.train(training)
    return loss.entry.obj(net(near), labels, **loss.kwargs)
