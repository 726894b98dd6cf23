"""A classifier ready to be called on pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...components.calls import kind_of
from ...imaging.pixels import Array
from ...text.errors import Invalid
from ...track.info import Info
from ...track.protocols import Case
from ...track.runner import MethodRunner, refuse_not_finite
from .explanation import packed, unpacked


class Classifier(MethodRunner):
    """A method `f(picture, info, **params)`, or a class with `classify(picture, info)`: logits (K,) of K classes.

    The picture is float32 (H, W, C), or with `layout="tensor"` a tensor (1, C, H, W); the logits of a tensor may be
    (1, K). Logits are log-probabilities up to a constant. A method that explains gives a tuple of logits and maps
    (K, H, W), of each class what speaks for it, or (H, W), where they are alike; a second map, where it gives one, is
    that of a network without training.
    """

    verb = "classify"

    def can_use_device(self) -> bool:
        """Whether tensors are passed, or a class sets up a network."""
        return self.meta["layout"] == "tensor" or hasattr(self.bound.entry.obj, "setup")

    def prepare(self, given: Array) -> Any:
        """A private copy of the picture in the layout that the method takes."""
        if self.meta["layout"] == "hwc":
            return np.array(given, dtype=np.float32, order="C")
        import torch

        return torch.from_numpy(np.ascontiguousarray(given.transpose(2, 0, 1)).copy())[None].to(self.device)

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
        wanted = (case.wanted[0] + 1,) if self.meta["certifies"] else case.wanted
        if hasattr(output, "detach"):
            output = output.detach().cpu().float().numpy()
        if not isinstance(output, np.ndarray) or output.dtype.kind not in "fiu":
            raise Invalid(f"returned {kind_of(output)} where logits {wanted} were due")
        if output.shape not in (wanted, (1, *wanted)):
            raise Invalid(f"returned shape {output.shape} where logits {wanted} were due")
        logits = np.ascontiguousarray(output.reshape(wanted), dtype=np.float32)
        refuse_not_finite(logits)
        return logits

    def classify(self, picture: Array, info: Info) -> Array:
        """`picture` float32 (H, W, C) → logits float32 (K,), K as `info.classes` says. Raises `Skip`, `Invalid`."""
        made = self._accepted(picture, info)
        return made[:, 0] if self.meta["explains"] else made

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
        """Logits of pictures that the method is given as one batch (B, C, H, W).

        None where it cannot have them so, or gives the first picture other logits than by itself. Raises `Invalid`.
        """
        first = cases[0]
        alike = {(case.given.shape, case.wanted, repr(sorted(case.info.disclosed().items()))) for case in cases}
        if self.meta["layout"] != "tensor" or self.meta["explains"] or len(alike) > 1:
            return None
        import torch

        own = self.accept(self.call(self.prepare(first.given), first.info), first)
        outputs = self.call(torch.cat([self.prepare(case.given) for case in cases]), first.info)
        if getattr(outputs, "shape", ()) != (len(cases), *first.wanted):
            return None
        logits = [self.accept(output, case) for output, case in zip(outputs, cases, strict=True)]
        return logits if np.allclose(logits[0], own, rtol=1e-3, atol=1e-4) else None

    def untouched(self, prepared: Any, given: Array) -> bool:
        """Whether the method left the picture as it was."""
        if hasattr(prepared, "detach"):
            prepared = prepared.detach().cpu().numpy()[0].transpose(1, 2, 0)
        return bool((prepared == given).all())
