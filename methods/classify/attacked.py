from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.classify._differentiable import logits_of, refuse_numpy, undifferentiable
from noisebench.methods.restore._wrapping import refuse_unwrappable

Eps = Annotated[float, Ge(0.0), Le(1000.0)]
Count = Annotated[int, Ge(1), Le(1000)]


@nb.method("attacked", track="classify", layout="hwc", oracle=True, cite="A. Madry et al., Towards deep learning "
           "models resistant to adversarial attacks, ICLR 2018")  # fmt: skip
class AttackedClassifier:
    """`method` on the picture within `eps` of the given one of which an attacker expects it to err most.

    eps is on the [0, 1] scale: of the largest change of a value (`norm=linf`), or the Euclidean length of a change
    (`l2`). by: the classifiers that the attack is made against, the mean of several; none is `method` itself, another
    gives a transferred attack. kind: `fgsm` is one step (Goodfellow et al., 2015); `pgd` is projected gradient descent
    on the log odds of the true label, which has the direction of cross-entropy, and `cw` on the margin to the next
    class (Carlini and Wagner, 2017), both by `steps` steps of 2.5 eps / steps: once from the picture itself, and from
    `restarts` - 1 random changes. The point of the least margin that was met is taken, so that eps=0.0 is the method.
    Values stay on [0, 1]. Networks are in eval mode. Only the attacker sees the true label (hence `oracle`). Skips
    where torch cannot differentiate what is attacked.
    """

    def __init__(
        self,
        *,
        method: nb.MethodSpec,
        by: Annotated[Any, nb.Nested("method", many=True)] = (),
        kind: Literal["fgsm", "pgd", "cw"] = "pgd",
        eps: Eps = 0.03,
        norm: Literal["linf", "l2"] = "linf",
        steps: Count = 20,
        restarts: Count = 1,
    ) -> None:
        for one in (method, *by):
            refuse_unwrappable("attacked", one)
        self.inner = nb.Classifier(method)
        self.by = [nb.Classifier(one) for one in by]
        self.kind, self.eps, self.norm = kind, eps, norm
        self.steps, self.restarts = (1, 1) if kind == "fgsm" else (steps, restarts)

    @staticmethod
    def weight_files(method: Any, by: tuple[Any, ...], **_: Any) -> dict[str, str]:
        """Nothing of its own. Raises `UsageError` for a method that cannot be wrapped."""
        for one in (method, *by):
            refuse_unwrappable("attacked", one)
        return {}

    def setup(self, device: Any) -> None:
        """Set up all classifiers. Raises `Skip` where weights are missing, or where what is attacked is not torch's."""
        for one in self.by or [self.inner]:
            refuse_numpy(one)
        for one in (self.inner, *self.by):
            one.setup(device)

    def classify(self, picture: Any, info: Any) -> Any:
        """float32 (H, W, C) → logits (K,) of what the attacker made of it."""
        if info.sample is None:
            raise nb.Skip("needs the true label, which is not at hand here")
        blind_info = info.replace(sample=None)
        seen = picture if self.eps == 0 else self._worst(picture, info.sample.label, blind_info)
        # What a method certifies beside its logits is not said of another picture.
        return self.inner.classify(seen, blind_info)[: info.classes]

    def _worst(self, picture: Any, label: int, info: Any) -> Any:
        """The attacked picture (H, W, C) with the smallest margin."""
        import torch
        from noisebench.recipes.objectives._attack import log_odds, margin, random_change, worst

        attacked = self.by or [self.inner]
        given = torch.cat([attacked[0].prepare(picture)] * self.restarts)
        labels = torch.full((len(given),), label, device=given.device)
        start = torch.zeros_like(given)
        if self.restarts > 1:
            start[1:] = random_change(given[1:], self.eps, self.norm, info.generator)
        for one in attacked:
            one.check(info)

        def logits(x: Any) -> Any:
            return torch.stack([logits_of(one, x.to(one.device), info).to(x.device) for one in attacked]).mean(0)

        sure = margin if self.kind == "cw" else log_odds
        try:
            pictures, least = worst(
                logits, given, labels, start, eps=self.eps, norm=self.norm, steps=self.steps, sure=sure
            )
        except ValueError as error:
            raise undifferentiable(attacked[0], error) from None
        return pictures[int(least.argmin())].permute(1, 2, 0).cpu().numpy()
