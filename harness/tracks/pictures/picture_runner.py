"""A method ready to be called on pictures, in the layout that it declares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...components.calls import kind_of
from ...imaging.pixels import Array
from ...text.errors import Invalid
from ...track.posed_case import Case
from ...track.runner import MethodRunner, refuse_not_finite


class PictureRunner(MethodRunner):
    """A method of pictures float32 (H, W, C), or with `layout="tensor"` of tensors (1, C, H, W)."""

    def can_use_device(self) -> bool:
        """Whether tensors are passed, or a class sets up a network."""
        return self.meta["layout"] == "tensor" or hasattr(self.bound.entry.obj, "setup")

    def prepare(self, given: Array) -> Any:
        """`given` float32 (H, W, C) → a private copy in the layout that the method takes."""
        if self.meta["layout"] == "hwc":
            return np.array(given, dtype=np.float32, order="C")
        import torch

        tensor = torch.from_numpy(np.ascontiguousarray(given.transpose(2, 0, 1), dtype=np.float32).copy())
        return tensor[None].to(self.device)

    def accept(self, output: Any, case: Case) -> Array:
        """The output as the track wants it. Raises `Invalid` for another shape or type, NaN or Inf."""
        raise NotImplementedError

    def untouched(self, prepared: Any, given: Array) -> bool:
        """Whether the method left the picture as it was."""
        if hasattr(prepared, "detach"):
            prepared = prepared.detach().cpu().numpy()[0].transpose(1, 2, 0)
        return bool((prepared == given).all())


class LogitRunner(PictureRunner):
    """A method that gives logits, with the classes first: (K,) of a picture, or (K, H, W) of its pixels."""

    def call_together(self, cases: Sequence[Case]) -> list[Array] | None:
        """Logits of pictures that the method is given as one batch (B, C, H, W).

        None where it cannot have them so, or gives the first picture other logits than by itself. Raises `Invalid`.
        """
        first = cases[0]
        alike = {(case.given.shape, case.wanted, repr(sorted(case.info.disclosed().items()))) for case in cases}
        if self.meta["layout"] != "tensor" or len(alike) > 1:
            return None
        import torch

        alone = self.accept(self.call(self.prepare(first.given), first.info), first)
        outputs = self.call(torch.cat([self.prepare(case.given) for case in cases]), first.info)
        if getattr(outputs, "shape", ()) != (len(cases), *first.wanted):
            return None
        logits = [self.accept(output, case) for output, case in zip(outputs, cases, strict=True)]
        return logits if np.allclose(logits[0], alone, rtol=1e-3, atol=1e-4) else None


def accepted_logits(output: Any, wanted: tuple[int, ...]) -> Array:
    """Logits float32 of shape `wanted`, which may have come as (1, *wanted). Raises `Invalid`."""
    if hasattr(output, "detach"):
        output = output.detach().cpu().float().numpy()
    if not isinstance(output, np.ndarray) or output.dtype.kind not in "fiu":
        raise Invalid(f"returned {kind_of(output)} where logits {wanted} were due")
    if output.shape not in (wanted, (1, *wanted)):
        raise Invalid(f"returned shape {output.shape} where logits {wanted} were due")
    logits = np.ascontiguousarray(output.reshape(wanted), dtype=np.float32)
    refuse_not_finite(logits)
    return logits
