"""A method that is called on a stream, batch after batch, and may learn from what came before."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...text.errors import Invalid
from ...track.info import Info
from ...track.posed_case import Case
from ...track.runner import MethodRunner, refuse_not_finite
from .stream import Array, Arrivals


class Adapter(MethodRunner):
    """A method `f(pictures, info, **params)`, or a class with `classify(pictures, info)`: logits (B, K) of a batch.

    `pictures` is a tensor (B, C, H, W), or with `layout="hwc"` an array (B, H, W, C), float32. Batches of a stream come
    one after the other, so that no method sees what is still to come; before the first of them `begin(info)` is called
    where a class has it: there it forgets what it learned of another stream. A method that declares `shows_source`
    gives behind its logits those of the classifier as it was, (B, 2 K).
    """

    verb = "classify"

    def can_use_device(self) -> bool:
        """Whether tensors are passed, or a class sets up a network."""
        return self.meta["layout"] == "tensor" or hasattr(self.bound.entry.obj, "setup")

    def prepare(self, given: Arrivals) -> Arrivals:
        """A private copy of the pictures."""
        return Arrivals(given.pictures.copy(), given.order.copy(), given.batch)

    def call(self, prepared: Arrivals, info: Info) -> Any:
        """Logits of all pictures in their order, (N, K)."""
        if hasattr(self._object, "begin"):
            self._object.begin(info)
        answers = []
        for start in info.each(range(0, len(prepared.order), prepared.batch)):
            batch = prepared.pictures[prepared.order[start : start + prepared.batch]]
            logits = super().call(self._laid_out(batch), info)
            if hasattr(logits, "detach"):
                logits = logits.detach().cpu().float().numpy()
            if not isinstance(logits, np.ndarray) or logits.ndim != 2 or len(logits) != len(batch):
                raise Invalid(
                    f"returned {getattr(logits, 'shape', type(logits).__name__)} for a batch of {len(batch)}: "
                    f"logits ({len(batch)}, {info.classes}) were due"
                )
            answers.append(logits)
        return np.concatenate(answers)

    def _laid_out(self, batch: Array) -> Any:
        if self.meta["layout"] == "hwc":
            return batch
        import torch

        return torch.from_numpy(np.ascontiguousarray(batch.transpose(0, 3, 1, 2))).to(self.device)

    def accept(self, output: Any, case: Case) -> Array:
        """Logits float32 (N, K), or (N, 2 K). Raises `Invalid` for another shape or type, NaN or Inf."""
        pictures, classes = case.wanted
        wanted = (pictures, 2 * classes) if self.meta["shows_source"] else case.wanted
        if output.dtype.kind not in "fiu" or output.shape != wanted:
            raise Invalid(f"returned {output.dtype} {output.shape} where logits {wanted} were due")
        logits = np.ascontiguousarray(output, dtype=np.float32)
        refuse_not_finite(logits)
        return logits

    def untouched(self, prepared: Arrivals, given: Arrivals) -> bool:
        """Whether the method left the pictures as they were."""
        return bool((prepared.pictures == given.pictures).all())
