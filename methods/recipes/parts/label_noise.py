from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
import torch
from annotated_types import Ge, Le
from noisebench.recipes.parts._example_scores import example_scores

_DIET = "M. Paul et al., Deep learning on a data diet: finding important examples early in training, NeurIPS 2021"


@nb.part("label_noise", cite=_DIET)
class LabelNoise:
    """Label noise: how well a score finds the wrong labels while a network trains on them; it only looks.

    score: `el2n`, the distance of the probabilities from the label, or `grand`, the norm of the gradient of the loss,
    of each item before it is trained on, at each of its first `visits`. For batches that tell `truth` and `index`.

    Figures: `wrong_share`, of the items seen whose label is wrong; where there are right and wrong ones, `auroc_1`,
    `auroc_2`, …: the probability that a wrong label scores higher than a right one at that visit (0.5 is chance; the
    first visit is of a network that has hardly begun), of items that had so many.
    """

    def __init__(self, *, score: Literal["el2n", "grand"] = "el2n", visits: Annotated[int, Ge(1), Le(100)] = 4) -> None:
        self.score, self.visits = score, visits
        self.scores: dict[int, list[float]] = {}
        self.wrong: dict[int, bool] = {}

    def observe(self, net: Any, batch: Any, loss_of: Any, step: int, steps: int) -> None:
        """Score the items of this batch. Raises `UsageError` for batches without labels."""
        if "truth" not in batch or "index" not in batch:
            raise nb.UsageError("part label_noise is for labelled items: its track tells no truth of a batch")
        due = torch.tensor([len(self.scores.get(int(item), ())) < self.visits for item in batch["index"]])
        if not due.any():
            return
        due = due.to(batch["index"].device)
        items, labels = batch["index"][due].tolist(), batch["wanted"][due]
        scores = example_scores(net, batch["given"][due], labels, self.score).tolist()
        for item, value, wrong in zip(items, scores, (labels != batch["truth"][due]).tolist(), strict=True):
            self.scores.setdefault(item, []).append(value)
            self.wrong[item] = wrong

    def state(self) -> dict[str, Any]:
        """What was seen."""
        return {"scores": self.scores, "wrong": self.wrong}

    def load(self, state: Any) -> None:
        """Go on from there."""
        self.scores, self.wrong = state["scores"], state["wrong"]

    def figures(self) -> dict[str, float]:
        """The share of wrong labels, and how well they are found at each visit."""
        from sklearn.metrics import roc_auc_score

        figures = {"wrong_share": sum(self.wrong.values()) / max(len(self.wrong), 1)}
        for visit in range(self.visits):
            seen = [item for item, scores in self.scores.items() if len(scores) > visit]
            wrong = [self.wrong[item] for item in seen]
            if any(wrong) and not all(wrong):
                figures[f"auroc_{visit + 1}"] = float(roc_auc_score(wrong, [self.scores[item][visit] for item in seen]))
        return figures
