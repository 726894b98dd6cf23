"""A classifier ready to be called on pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np

from ...components.registry import Bound
from ...imaging.pixels import Array
from ...text.errors import Invalid, Skip
from ...track.info import Info
from ...track.posed_case import Case
from ..pictures.picture_runner import LogitRunner, accepted_logits
from .company import batch_size, disclosed, same_in_company
from .explanation import packed, unpacked


class Classifier(LogitRunner):
    """A method `f(picture, info, **params)`, or a class with `classify(picture, info)`: logits (K,) of K classes.

    The picture is float32 (H, W, C), or with `layout="tensor"` a tensor (1, C, H, W); the logits of a tensor may be
    (1, K). Logits are log-probabilities up to a constant. A method that explains gives a tuple of logits and maps
    (K, H, W), of each class what speaks for it, or (H, W), where they are alike; a second map, where it gives one, is
    what the first is compared with, such as that of a network without training.

        >>> @nb.method("by_brightness", track="classify", layout="hwc")
        ... def by_brightness(picture, info):
        ...     '''The brighter a picture, the higher its class.'''
        ...     return np.arange(info.classes, dtype=np.float32) * picture.mean()
        >>> classifier = nb.Classifier(nb.bind("by_brightness", "method", "classify"))
        >>> classifier.classify(np.full((8, 8, 1), 0.5, np.float32), nb.Info({"classes": 4})).tolist()
        [0.0, 0.5, 1.0, 1.5]
    """

    verb = "classify"

    def __init__(self, bound: Bound) -> None:
        super().__init__(bound)
        self._by_themselves: dict[object, bool] = {}

    def accept(self, output: Any, case: Case) -> Array:
        """Logits float32 (K,), of a method that certifies with its radius (K + 1,), of one that explains as `packed`.

        Raises `Invalid` for another shape or type, NaN or Inf.
        """
        if self.meta["explains"]:
            if not isinstance(output, tuple) or len(output) not in (2, 3):
                raise Invalid(f"returned {type(output).__name__} where a tuple of logits and maps was due")
            return packed(self._logits(output[0], case), output[1:], case.given.shape[:2])
        return self._logits(output, case)

    def _logits(self, output: Any, case: Case) -> Array:
        return accepted_logits(output, (case.wanted[0] + 1,) if self.meta["certifies"] else case.wanted)

    def differentiate(self, cases: Sequence[Case]) -> list[dict[str, Any]]:
        """Of each picture logits float32 (K,) and their gradients in it, (K, H, W, C). Raises `Skip` without one.

        Those of a picture are the same bits in any company: pictures go by themselves, or in batches of one size.
        """
        if self.meta["layout"] != "tensor":
            raise self._undifferentiable("it takes numpy arrays")
        first = cases[0]
        size = batch_size(first.given.size * first.wanted[0])
        alike = len({(case.given.shape, case.wanted, disclosed(case.info)) for case in cases}) == 1
        if not alike or not self._goes_in_batches(first, size):
            return [self._with_gradients([case], 1)[0] for case in cases]
        groups = [cases[start : start + size] for start in range(0, len(cases), size)]
        return [answer for group in groups for answer in self._with_gradients(group, size)]

    def _goes_in_batches(self, case: Case, size: int) -> bool:
        """Whether all in a batch of `size` have the gradients that they would have beside any others."""
        key = (case.given.shape, case.wanted, disclosed(case.info), size)
        if key not in self._by_themselves:
            import torch

            def answer(pictures: Any, info: Info) -> Any:
                logits, gradients = self._logits_and_gradients(pictures, replace(case, info=info))
                return torch.cat([logits.detach()[:, :, None], gradients.flatten(2)], dim=2)

            self.check(case.info)
            self._by_themselves[key] = size > 1 and same_in_company(answer, self.prepare(case.given), size, case.info)
        return self._by_themselves[key]

    def _with_gradients(self, cases: Sequence[Case], size: int) -> list[dict[str, Any]]:
        """What is said of at most `size` pictures, of which the first is there again until they are so many."""
        import torch

        for case in cases:
            self.check(case.info)
        pictures = torch.cat([self.prepare(case.given) for case in (*cases, *[cases[0]] * (size - len(cases)))])
        logits, gradients = self._logits_and_gradients(pictures, cases[0])
        arrays = gradients.permute(0, 1, 3, 4, 2).cpu().float().numpy()
        if not np.isfinite(arrays).all():
            raise self._undifferentiable("its gradient is not finite")
        return [
            {"logits": accepted_logits(by_class, case.wanted), "gradients": np.ascontiguousarray(array)}
            for case, by_class, array in zip(cases, logits, arrays, strict=False)
        ]

    def _logits_and_gradients(self, pictures: Any, case: Case) -> tuple[Any, Any]:
        """Logits (B, K) of pictures (B, C, H, W), and their gradients in them (B, K, C, H, W)."""
        import torch

        x, on = pictures.detach().clone().requires_grad_(), torch.enable_grad
        # Most methods say `no_grad` for speed alone.
        with mock.patch.multiple(torch, no_grad=on, inference_mode=lambda mode=True: on()), on():
            output = self.call(x.clone(), case.info)
            logits = output[0] if isinstance(output, tuple) else output
            if not getattr(logits, "requires_grad", False):
                raise self._undifferentiable("its result does not depend on its input")
            logits = logits.reshape(len(x), -1)[:, : case.wanted[0]]
            sums = [logits[:, place].sum() for place in range(logits.shape[1])]
            by_logit = [torch.autograd.grad(one, x, retain_graph=True, allow_unused=True)[0] for one in sums]
        if any(one is None for one in by_logit):
            raise self._undifferentiable("its result does not depend on its input")
        return logits, torch.stack(by_logit, dim=1)

    def _undifferentiable(self, why: str) -> Skip:
        return Skip(f"{self.bound.display} cannot be differentiated: {why}")

    def classify(self, picture: Array, info: Info) -> Array:
        """`picture` float32 (H, W, C) → logits float32 (K,), K as `info.classes` says. Raises `Skip`, `Invalid`."""
        accepted = self._accepted(picture, info)
        return accepted[:, 0] if self.meta["explains"] else accepted

    def explain(self, picture: Array, info: Info) -> tuple[Array, tuple[Array, ...]]:
        """`picture` float32 (H, W, C) → logits (K,) and maps (K, H, W), of a method that explains.

        Raises `Skip`, `Invalid`.
        """
        return unpacked(self._accepted(picture, info), picture.shape[:2])

    def _accepted(self, picture: Array, info: Info) -> Array:
        self.check(info)
        return self.accept(self.call(self.prepare(picture), info), Case(picture, info, "", (info.classes,)))

    def classify_all(self, pictures: Sequence[Array], info: Info) -> Array:
        """Pictures of one shape → logits float32 (N, K), as one batch where the method takes them so."""
        self.check(info)
        cases = [Case(picture, info, "", (info.classes,)) for picture in pictures]
        together = self.call_together(cases) if len(cases) > 1 else None
        return np.stack(together or [self.classify(picture, info) for picture in pictures])

    def call_together(self, cases: Sequence[Case]) -> list[Array] | None:
        """As any `LogitRunner`; None of a method that explains."""
        return None if self.meta["explains"] else super().call_together(cases)
