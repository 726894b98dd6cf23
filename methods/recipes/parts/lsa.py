from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le, Lt
from noisebench.recipes.parts._hidden import called_layers
from noisebench.recipes.parts._noise_detectors import Detected, by_line, by_loss, low_mode, seen_by
from noisebench.recipes.weight_matrices import weight_matrices

_LSA = (
    "P. Albert et al., An accurate detection is not all you need to combat label noise in web-noisy datasets, ECCV 2024"
)


@nb.part("lsa", cite=_LSA)
class LSA:
    """PLS-LSA: two detectors of wrong labels by turns, and a label of the network's own for what they find.

    At the end of each epoch, where an item comes again, from that of number `warmup` on, all items are looked at in
    eval mode. The detector `loss` takes for noisy what is of the mode of high cross-entropy, in a mixture of two
    normals, with a posterior above `threshold`; `linear` what lies beyond the line that best tells these from the rest
    by what goes into a layer: that of number `layer`, counted from 1 in the order of a pass, or the middle one (0).
    `alternating` is linear first, then loss, and so on. A noisy item's label is from then on softmax ** sharpen,
    normalised, of the network as it is, and its weight the posterior that this label has a low loss (PLS). A batch gets
    `soft_labels` (B, K) and `weights` (B,), for objectives that read them, such as `mixup`. Pictures that were seen are
    held in memory.

    Figures, of each detector when it last looked, where a batch tells `truth`: `loss_auroc_outside` and
    `loss_auroc_flipped`, the probability that a picture of no class, or a wrong label, scores higher than a right one;
    `loss_found_outside`, `loss_found_flipped`, the shares of these that are taken for noisy; `loss_clean_lost`, the
    share of right ones; the same of `linear`. `linear_alone_lost`: the share of right ones that linear alone takes.
    """

    def __init__(
        self,
        *,
        detector: Literal["alternating", "loss", "linear"] = "alternating",
        warmup: Annotated[int, Ge(1)] = 1,
        threshold: Annotated[float, Gt(0), Lt(1)] = 0.95,
        sharpen: Annotated[float, Gt(0), Le(100)] = 2.0,
        layer: Annotated[int, Ge(0)] = 0,
    ) -> None:
        self.detector, self.warmup, self.threshold, self.sharpen, self.layer = (
            detector, warmup, threshold, sharpen, layer
        )  # fmt: skip
        self.seen_items: dict[int, dict[str, Any]] = {}
        """Of each item that was seen: `given`, `wanted`, `truth` where it is told, and `guess`, its own label."""
        self.since: set[int] = set()
        self.epochs = 0
        self.weight: dict[int, float] = {}
        """Of each item that is taken for noisy: how far its own label is trusted."""
        self.measurements: dict[str, float] = {}
        self._checked = False

    def prepare(self, net: Any, given: Sequence[int]) -> Any:
        """Find the layer; the network stays as it is. Raises `UsageError` where there are fewer."""
        layers = called_layers(net, weight_matrices(net, given), "lsa")
        if not layers or self.layer > len(layers):
            raise nb.UsageError(
                f"part lsa: layer={self.layer} is beyond the {len(layers)} convolutions and linear layers: "
                "give a lower one"
            )
        at = layers[self.layer - 1 if self.layer else len(layers) // 2]
        self.net, self.at = net, net.get_submodule(at.module)
        return net

    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """Detect where an epoch is over; the batch with the labels and weights that then hold.

        Raises `UsageError` for batches without labels.
        """
        if "index" not in batch or batch["wanted"].ndim != 1:
            raise nb.UsageError("part lsa is for labelled items: its track tells no label and place of each in a batch")
        items = batch["index"].tolist()
        for place, item in enumerate(items):
            old = self.seen_items.get(item, {})
            new = {name: batch[name][place].detach().cpu() for name in ("given", "wanted", "truth") if name in batch}
            self.seen_items[item] = old | new
        again = self.since & {*items}
        if again:
            self.epochs += 1
            if self.epochs >= self.warmup:
                self._detect()
        self.since = again or self.since | {*items}
        if self.epochs < self.warmup - 1:
            return batch
        guesses = self._own_labels(seen_by(self.net, batch["given"], self.at).logits)
        for item, guess in zip(items, guesses, strict=True):
            self.seen_items[item]["guess"] = guess
        if self.epochs < self.warmup:
            return batch
        one_hot = F.one_hot(batch["wanted"], guesses.shape[1]).to(guesses.dtype)
        noisy = torch.tensor([item in self.weight for item in items], device=one_hot.device)
        weights = torch.tensor([self.weight.get(item, 1.0) for item in items], device=one_hot.device)
        return batch | {
            "soft_labels": torch.where(noisy[:, None], guesses.to(one_hot.device), one_hot),
            "weights": weights,
        }

    def observe(self, net: Any, batch: Any, loss_of: Any, step: int, steps: int) -> None:
        """See once whether the objective reads the labels. Raises `UsageError` where it does not."""
        if self._checked or "soft_labels" not in batch:
            return
        self._checked = True
        state, losses = torch.get_rng_state(), []
        for labels in (batch["soft_labels"], batch["soft_labels"].flip(1)):
            torch.set_rng_state(state)
            with torch.no_grad():
                losses.append(float(loss_of(batch | {"soft_labels": labels})))
        if losses[0] == losses[1]:
            raise nb.UsageError(
                "part lsa: the objective reads no labels that a part tells: give objective=mixup, or mixup(alpha=0)"
            )

    def _own_labels(self, logits: Any) -> Any:
        """The network's own labels, (B, K): its probabilities to a power, normalised."""
        return (self.sharpen * logits.double().log_softmax(dim=1)).softmax(dim=1).float()

    def _detect(self) -> None:
        """Take items for noisy, and say how far their own labels are trusted."""
        items = sorted(self.seen_items)
        rows = [self.seen_items[item] for item in items]
        device = next(self.net.parameters()).device
        seen = seen_by(self.net, torch.stack([row["given"] for row in rows]).to(device), self.at)
        labels = torch.stack([row["wanted"] for row in rows])
        losses = F.cross_entropy(seen.logits, labels, reduction="none").numpy()
        detections = {"loss": by_loss(losses, self.threshold)}
        linear = self.detector == "linear" or (self.detector == "alternating" and (self.epochs - self.warmup) % 2 == 0)
        if linear:
            detections["linear"] = by_line(seen.features.numpy(), detections["loss"].noisy)
        noisy = detections["linear" if linear else "loss"].noisy
        own_labels = self._own_labels(seen.logits)
        guesses = torch.stack([row.get("guess", own_label) for row, own_label in zip(rows, own_labels, strict=True)])
        doubts = F.cross_entropy(seen.logits, guesses, reduction="none").numpy()[noisy]
        taken = [item for item, is_noisy in zip(items, noisy, strict=True) if is_noisy]
        self.weight = dict(zip(taken, map(float, low_mode(doubts)), strict=True))
        if "truth" in rows[0]:
            self._judge(detections, labels.numpy(), torch.stack([row["truth"] for row in rows]).numpy())

    def _judge(self, detections: dict[str, Detected], labels: Any, truth: Any) -> None:
        """Figures of detections, by what is true of each item."""
        from sklearn.metrics import roc_auc_score

        clean = labels == truth
        kinds = {"outside": truth < 0, "flipped": (truth >= 0) & ~clean}
        for name, one in detections.items():
            for kind, of_kind in kinds.items():
                if of_kind.any() and clean.any():
                    among = of_kind | clean
                    self.measurements[f"{name}_auroc_{kind}"] = float(roc_auc_score(of_kind[among], one.score[among]))
                if of_kind.any():
                    self.measurements[f"{name}_found_{kind}"] = float(one.noisy[of_kind].mean())
            if clean.any():
                self.measurements[f"{name}_clean_lost"] = float(one.noisy[clean].mean())
        if "linear" in detections and clean.any():
            alone = detections["linear"].noisy & ~detections["loss"].noisy
            self.measurements["linear_alone_lost"] = float(np.mean(alone[clean]))

    def state(self) -> dict[str, Any]:
        """What was seen, and what was found in it."""
        names = {name for row in self.seen_items.values() for name in row}
        return {
            "items": list(self.seen_items),
            "held": {
                name: torch.stack([row[name] for row in self.seen_items.values() if name in row]) for name in names
            },
            "having": {name: [name in row for row in self.seen_items.values()] for name in names},
            "since": sorted(self.since),
            "epochs": self.epochs,
            "weight": self.weight,
            "found": self.measurements,
            "checked": self._checked,
        }

    def load(self, state: Any) -> None:
        """Go on from there."""
        self.seen_items = {item: {} for item in state["items"]}
        for name, values in state["held"].items():
            items = [item for item, has in zip(state["items"], state["having"][name], strict=True) if has]
            for item, value in zip(items, values.cpu(), strict=True):
                self.seen_items[item][name] = value
        self.since, self.epochs, self._checked = {*state["since"]}, state["epochs"], state["checked"]
        self.weight, self.measurements = state["weight"], state["found"]

    def figures(self) -> dict[str, float]:
        """How well each detector did when it last looked."""
        return self.measurements
