"""A classifier ready to be called on pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest import mock

import numpy as np

from ...imaging.pixels import Array
from ...text.errors import Invalid, Skip
from ...track.info import Info
from ...track.protocols import Case
from ..pictures.picture_runner import LogitRunner, accepted_logits
from .explanation import packed, unpacked


class Classifier(LogitRunner):
    """A method `f(picture, info, **params)`, or a class with `classify(picture, info)`: logits (K,) of K classes.

    The picture is float32 (H, W, C), or with `layout="tensor"` a tensor (1, C, H, W); the logits of a tensor may be
    (1, K). Logits are log-probabilities up to a constant. A method that explains gives a tuple of logits and maps
    (K, H, W), of each class what speaks for it, or (H, W), where they are alike; a second map, where it gives one, is
    that of a network without training.
    """

    verb = "classify"

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

    def differentiate(self, case: Case) -> dict[str, Any]:
        """Logits float32 (K,) of a picture and their gradients in it, (K, H, W, C). Raises `Skip` where it has none."""
        if self.meta["layout"] != "tensor":
            raise self._undifferentiable("it takes numpy arrays")
        import torch

        self.check(case.info)
        x, on = self.prepare(case.given).requires_grad_(), torch.enable_grad
        # Most methods say `no_grad` for speed alone.
        with mock.patch.multiple(torch, no_grad=on, inference_mode=lambda mode=True: on()), on():
            output = self.call(x.clone(), case.info)
            logits_tensor = output[0] if isinstance(output, tuple) else output
            if not getattr(logits_tensor, "requires_grad", False):
                raise self._undifferentiable("its result does not depend on its input")
            by_class = logits_tensor.reshape(-1)[: case.wanted[0]]
            logits = accepted_logits(by_class, case.wanted)
            by_logit = [torch.autograd.grad(one, x, retain_graph=True, allow_unused=True)[0] for one in by_class]
        if any(one is None for one in by_logit):
            raise self._undifferentiable("its result does not depend on its input")
        gradients = torch.cat(by_logit).permute(0, 2, 3, 1).cpu().float().numpy()
        if not np.isfinite(gradients).all():
            raise self._undifferentiable("its gradient is not finite")
        return {"logits": logits, "gradients": np.ascontiguousarray(gradients)}

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
