from __future__ import annotations

import copy
from typing import Annotated, Any, Literal

import noisebench as nb
import torch
from annotated_types import Ge, Le

_PSEUDO = (
    "L. Wang et al., Annotation-efficient learning for medical image segmentation based on noisy pseudo labels and "
    "adversarial learning, IEEE TMI 40(10), 2021"
)


@nb.part("agreement", cite=_PSEUDO)
class Agreement:
    """Agreement: in rounds, each pixel weighs as its label agrees with the network of the round before.

    The steps are parted into `rounds`, and the network is kept at the end of each. In the first round all pixels weigh
    1, and labels are the annotators'. In each later one the weight of a pixel is the probability that the network of
    the round before gives to its label; with `weigh=hard` it is 1 where that is its likeliest class, and else 0.
    relabel: from the third round on labels are the likeliest classes of the network of two rounds before: the one that
    made a label never weighs it. Batches get `weights` (B, H, W), for objectives that read them, such as `dice`; pixels
    without a label stay so. Of several parts it stands last. The rule is ours: the paper says no more than that weights
    are low where labels look noisy.

    Figures, of the last round: `mean_weight`; where batches tell `truth`, `wrong_before` and `wrong_after`, the shares
    of wrong labels as annotators gave them and as they are trained on, and `weight_right` and `weight_wrong`, the mean
    weights of those right and wrong ones that are trained on, as far as there are any.
    """

    def __init__(
        self,
        *,
        rounds: Annotated[int, Ge(1), Le(100)] = 3,
        relabel: bool = True,
        weigh: Literal["soft", "hard"] = "soft",
    ) -> None:
        self.rounds, self.relabel, self.weigh = rounds, relabel, weigh
        self.kept: list[dict[str, Any]] = []
        """The weights of the network at the end of each round that is needed yet, at most two."""
        self.round = 0
        self.counts: dict[str, float] = {}
        self._nets: list[Any] = []
        self._checked = False

    def prepare(self, net: Any) -> Any:
        """Know the network, which stays as it is."""
        self.net = net
        return net

    @torch.no_grad()
    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """The batch with the labels and weights of its round. Raises `UsageError` where labels are no maps."""
        if batch["wanted"].ndim != 3:
            raise nb.UsageError("part agreement is for label maps: give a method of the track segment")
        now = min(step * self.rounds // steps, self.rounds - 1)
        while self.round < now:
            self._keep()
        given = batch["wanted"]
        if not self.round:
            return batch | {"weights": torch.ones(given.shape, device=given.device)}
        labelled = given >= 0
        labels = given
        if self.relabel and len(self.kept) == 2:
            labels = torch.where(labelled, self._kept_logits(0, batch["given"]).argmax(dim=1), given)
        logits = self._kept_logits(-1, batch["given"])
        if self.weigh == "hard":
            weights = (logits.argmax(dim=1) == labels).float()
        else:
            weights = logits.softmax(dim=1).gather(1, labels.clamp_min(0)[:, None])[:, 0]
        weights = torch.where(labelled, weights, 0)
        self._count(batch, labels, weights, labelled)
        return batch | {"wanted": labels, "weights": weights}

    def observe(self, net: Any, batch: Any, loss_of: Any, step: int, steps: int) -> None:
        """See once whether the objective reads the weights. Raises `UsageError` where it does not."""
        if self._checked:
            return
        self._checked = True
        ramp = torch.linspace(0, 1, batch["weights"].numel(), device=batch["weights"].device)
        state, losses = torch.get_rng_state(), []
        for weights in (ramp, ramp.flip(0)):
            torch.set_rng_state(state)
            with torch.no_grad():
                losses.append(float(loss_of(batch | {"weights": weights.reshape(batch["weights"].shape)})))
        if losses[0] == losses[1]:
            raise nb.UsageError("part agreement: the objective reads no weights of pixels: give objective=dice")

    def _keep(self) -> None:
        """The round is over: keep its network."""
        weights = {name: value.detach().clone() for name, value in self.net.state_dict().items()}
        self.kept, self._nets, self.counts = [*self.kept, weights][-2:], [], {}
        self.round += 1

    def _kept_logits(self, place: int, given: Any) -> Any:
        """Logits of a network that was kept, (B, K, H, W), in float32."""
        if not self._nets:
            for weights in self.kept:
                net = copy.deepcopy(self.net)
                net.load_state_dict(weights)
                self._nets.append(net.eval().requires_grad_(False))
        return self._nets[place](given).float()

    def _count(self, batch: Any, labels: Any, weights: Any, labelled: Any) -> None:
        """Add what the figures are made of."""
        sums = {"pixels": labelled.sum(), "weight": weights.sum()}
        if "truth" in batch:
            # A label that somebody gave where the truth is not known is neither right nor wrong.
            known = labelled & (batch["truth"] >= 0)
            right, wrong = (known & (labels == batch["truth"]), known & (labels != batch["truth"]))
            sums |= {
                "right": right.sum(), "wrong": wrong.sum(), "weight_right": weights[right].sum(),
                "weight_wrong": weights[wrong].sum(), "before": (known & (batch["wanted"] != batch["truth"])).sum(),
            }  # fmt: skip
        for name, value in sums.items():
            self.counts[name] = self.counts.get(name, 0.0) + float(value)

    def state(self) -> dict[str, Any]:
        """The networks that are kept, and what was counted."""
        return {"kept": self.kept, "round": self.round, "counts": self.counts, "checked": self._checked}

    def load(self, state: Any) -> None:
        """Go on from there."""
        self.kept, self.round, self.counts = state["kept"], state["round"], state["counts"]
        self._checked, self._nets = state["checked"], []

    def figures(self) -> dict[str, float]:
        """How labels weighed in the last round, and how many of them were wrong."""
        counts = self.counts
        if not counts.get("pixels"):
            return {}
        figures = {"mean_weight": counts["weight"] / counts["pixels"]}
        for name in ("right", "wrong"):
            if counts.get(name):
                figures[f"weight_{name}"] = counts[f"weight_{name}"] / counts[name]
        known = counts.get("right", 0) + counts.get("wrong", 0)
        if known:
            figures |= {"wrong_before": counts["before"] / known, "wrong_after": counts["wrong"] / known}
        return figures
