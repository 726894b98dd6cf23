from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
import torch
import torch.nn.functional as F
from annotated_types import Ge
from noisebench.recipes.archs._inner_network import module_in
from noisebench.recipes.archs.twins import Twins
from noisebench.recipes.parts._noise_detectors import low_mode

DIVIDEMIX = "J. Li, R. Socher, S. Hoi, DivideMix: learning with noisy labels as semi-supervised learning, ICLR 2020"
NEEDED = "{name} needs two networks: give arch=twins(of=…)"
_TOGETHER = 512


@nb.part("co_divide", cite=DIVIDEMIX)
class CoDivide:
    """Co-divide: how likely each label is right, told to each of two networks by the losses of the other.

    At the end of each epoch, where an item comes again, from that of number `warmup` on, both networks of `arch=twins`
    look at all items in eval mode. The probability is the posterior of the mode of low cross-entropy, in a mixture of
    two normals. A batch gets `clean` (2, B), for `objective=divide_mix`. Pictures that were seen are held in memory.

    Figures, where a batch tells `truth`: `clean_auroc`, the probability that a right label of a shown class has a
    higher value than any other, the mean over both networks when they last looked.
    """

    def __init__(self, *, warmup: Annotated[int, Ge(1)] = 5) -> None:
        self.warmup = warmup
        self.seen_items: dict[int, dict[str, Any]] = {}
        """Of each item that was seen: `given`, `wanted`, and `truth` where it is told."""
        self.since: set[int] = set()
        self.epochs = 0
        self.clean: dict[int, list[float]] = {}
        """Of each item the probability that its label is right, for the first and the second network."""
        self.measurements: dict[str, float] = {}

    def prepare(self, net: Any) -> Any:
        """Know the networks, which stay as they are. Raises `UsageError` where there are not two."""
        self.twins = module_in(net, Twins, NEEDED.format(name="part co_divide"))
        return net

    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """The batch, after the warm-up with probabilities. Raises `UsageError` for batches without labels."""
        if "index" not in batch or batch["wanted"].ndim != 1:
            raise nb.UsageError("part co_divide is for labelled pictures: give a method of the track classify")
        items = batch["index"].tolist()
        again = self.since & {*items}
        if again:
            self.epochs += 1
            if self.epochs >= self.warmup:
                self._divide()
        self.since = again or self.since | {*items}
        for place, item in enumerate(items):
            names = [name for name in ("given", "wanted", "truth") if name in batch]
            self.seen_items[item] = {name: batch[name][place].detach().cpu() for name in names}
        if self.epochs < self.warmup:
            return batch
        unseen = [1.0, 1.0]
        clean = torch.tensor([self.clean.get(item, unseen) for item in items], device=batch["given"].device)
        return batch | {"clean": clean.T}

    def _divide(self) -> None:
        items = sorted(self.seen_items)
        rows = [self.seen_items[item] for item in items]
        given, labels = (torch.stack([row[name] for row in rows]) for name in ("given", "wanted"))
        posteriors = [low_mode(losses_of(net, given, labels)) for net in self.twins.both]
        for_each = np.stack(posteriors[::-1], axis=1)
        self.clean = dict(zip(items, for_each.tolist(), strict=True))
        if "truth" in rows[0]:
            right = torch.stack([row["truth"] for row in rows]).numpy() == labels.numpy()
            if right.any() and not right.all():
                from sklearn.metrics import roc_auc_score

                self.measurements["clean_auroc"] = float(np.mean([roc_auc_score(right, one) for one in posteriors]))

    def state(self) -> dict[str, Any]:
        """What was seen, and what is thought of it."""
        return {
            "items": self.seen_items, "since": sorted(self.since), "epochs": self.epochs, "clean": self.clean,
            "found": self.measurements,
        }  # fmt: skip

    def load(self, state: Any) -> None:
        """Go on from there."""
        self.seen_items, self.since, self.epochs = state["items"], {*state["since"]}, state["epochs"]
        self.clean, self.measurements = state["clean"], state["found"]

    def figures(self) -> dict[str, float]:
        """How well right labels are told."""
        return self.measurements


@torch.no_grad()
def losses_of(net: Any, given: Any, labels: Any) -> np.ndarray[Any, Any]:
    """The cross-entropy of each item, (N,), in eval mode; the network and its mode stay as they are."""
    training, device = net.training, next(net.parameters()).device
    net.eval()
    try:
        logits = torch.cat([net(part.to(device)).float().cpu() for part in torch.split(given, _TOGETHER)])
    finally:
        net.train(training)
    losses: np.ndarray[Any, Any] = F.cross_entropy(logits, labels, reduction="none").double().numpy()
    return losses
