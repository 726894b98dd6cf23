from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.classify._differentiable import logits_of, refuse_numpy, undifferentiable
from noisebench.methods.restore._wrapping import refuse_unwrappable
from noisebench.tracks.classify.company import TOGETHER, batch_size, disclosed, same_in_company

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

    together = TOGETHER

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
        self._by_themselves: dict[object, bool] = {}
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
        return self.classify_all([picture], [info])[0]

    def classify_all(self, pictures: Sequence[Any], infos: Sequence[Any]) -> list[Any]:
        """As `classify` of each, with the same bits in any company: they are attacked by themselves, or in batches of
        one size."""
        if any(info.sample is None for info in infos):
            raise nb.Skip("needs the true label, which is not at hand here")
        blind_infos = [info.replace(sample=None) for info in infos]
        labels = [info.sample.label for info in infos]
        seen = pictures if self.eps == 0 else self._worst(pictures, labels, blind_infos)
        # What a method certifies beside its logits is not said of another picture.
        return [self.inner.classify(one, info)[: info.classes] for one, info in zip(seen, blind_infos, strict=True)]

    def _worst(self, pictures: Sequence[Any], labels: Sequence[int], infos: Sequence[Any]) -> list[Any]:
        """The attacked pictures (H, W, C) with the smallest margins."""
        size = max(1, batch_size(pictures[0].size) // self.restarts)
        alike = len({(picture.shape, disclosed(info)) for picture, info in zip(pictures, infos, strict=True)}) == 1
        if not alike or not self._goes_in_batches(pictures[0], infos[0], size):
            size = 1
        places = [range(start, min(start + size, len(infos))) for start in range(0, len(infos), size)]
        # A batch that is not full has its first picture again.
        full = [[*part, *[part[0]] * (size - len(part))] for part in places]
        batches = [[[each[i] for i in part] for each in (pictures, labels, infos)] for part in full]
        worst_ones = [one for batch in batches for one in self._worst_of_batch(*batch)]
        return [worst_ones[number * size + i] for number, part in enumerate(places) for i in range(len(part))]

    def _worst_of_batch(self, pictures: Sequence[Any], labels: Sequence[int], infos: Sequence[Any]) -> list[Any]:
        import torch
        from noisebench.recipes.objectives._attack import log_odds, margin, random_change, worst

        attacked = self.by or [self.inner]
        for one in attacked:
            one.check(infos[0])
        givens, starts = [], []
        for picture, info in zip(pictures, infos, strict=True):
            given = torch.cat([attacked[0].prepare(picture)] * self.restarts)
            start = torch.zeros_like(given)
            if self.restarts > 1:
                start[1:] = random_change(given[1:], self.eps, self.norm, info.generator)
            givens.append(given)
            starts.append(start)
        given, start = torch.cat(givens), torch.cat(starts)
        true = torch.tensor(labels, device=given.device).repeat_interleave(self.restarts)
        sure = margin if self.kind == "cw" else log_odds
        try:
            changed, least = worst(
                lambda x: self._logits(x, infos[0]), given, true, start,
                eps=self.eps, norm=self.norm, steps=self.steps, sure=sure,
            )  # fmt: skip
        except ValueError as error:
            raise undifferentiable(attacked[0], error) from None
        each = changed.reshape(len(infos), self.restarts, *changed.shape[1:])
        best = least.reshape(len(infos), self.restarts).argmin(dim=1)
        return [one[int(place)].permute(1, 2, 0).cpu().numpy() for one, place in zip(each, best, strict=True)]

    def _logits(self, x: Any, info: Any) -> Any:
        import torch

        attacked = self.by or [self.inner]
        return torch.stack([logits_of(one, x.to(one.device), info).to(x.device) for one in attacked]).mean(0)

    def _goes_in_batches(self, picture: Any, info: Any, size: int) -> bool:
        """Whether all in a batch of `size` have the logits and gradients that they would have beside any others."""
        key = (picture.shape, disclosed(info), size)
        if key not in self._by_themselves:

            def answer(pictures: Any, info: Any) -> Any:
                import torch
                from noisebench.recipes.objectives._attack import log_odds

                x = pictures.detach().repeat_interleave(self.restarts, 0).requires_grad_()
                with torch.enable_grad():
                    logits = self._logits(x, info)
                    sure = log_odds(logits, torch.zeros(len(x), dtype=torch.int64, device=x.device))
                gradient = torch.autograd.grad(sure.sum(), x)[0]
                answers = torch.cat([logits.detach().double(), gradient.flatten(1).double()], dim=1)
                return answers.reshape(len(pictures), -1)

            like = (self.by or [self.inner])[0].prepare(picture)
            self._by_themselves[key] = size > 1 and same_in_company(answer, like, size, info)
        return self._by_themselves[key]
