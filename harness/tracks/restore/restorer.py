"""A restoration method ready to be called on pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...components.registry import Bound
from ...imaging.pixels import Array
from ...imaging.validation import why_off_scale
from ...text.errors import Invalid, Skip
from ...track.info import Info
from ...track.posed_case import Case
from ...track.runner import refuse_not_finite
from ..pictures.picture_runner import PictureRunner

_SMALLER = "keeps the size of its input, which this regime makes smaller"


def _plain(prepared: Any) -> Array:
    array: Array = prepared.detach().cpu().numpy() if hasattr(prepared, "detach") else prepared
    return array


def _can_use_device(bound: Bound) -> bool:
    wrapped = [inner for inner in bound.inner if "layout" in inner.entry.meta]
    if bound.entry.meta["layout"] == "tensor":
        return True
    if wrapped:
        return any(map(_can_use_device, wrapped))
    return hasattr(bound.entry.obj, "setup") and not getattr(bound.entry.obj, "external", False)


class Restorer(PictureRunner):
    """A method ready to be called on float32 (H, W, C) pictures.

    For example:

        >>> clean = np.full((32, 32, 1), 128, np.uint8)
        >>> noisy, info = nb.degrade("gaussian(sigma=25)", clean)
        >>> restorer = nb.Restorer(nb.bind("nlm", "method"))
        >>> restorer.setup()
        >>> nb.psnr(restorer.restore(noisy, info), clean) > nb.psnr(noisy, clean) + 6
        True
    """

    verb = "restore"

    def can_use_device(self) -> bool:
        """Whether tensors are passed, or a class sets up a network, or one of these is wrapped."""
        return _can_use_device(self.bound)

    def collect(self, output: Any, shape: tuple[int, ...]) -> Array:
        """The output as float32 (H, W, C). Raises `Invalid` for a wrong shape, type or scale, NaN or Inf."""
        hwc = self.meta["layout"] == "hwc"
        if not hwc:
            if not hasattr(output, "detach"):
                raise Invalid(f"returned {type(output).__name__} where a tensor (1, C, H, W) was due")
            output = output.detach().cpu()
            output = (output.float() if output.is_floating_point() else output).numpy()  # numpy has no bfloat16
        elif not isinstance(output, np.ndarray):
            raise Invalid(f"returned {type(output).__name__} where a numpy array (H, W, C) was due")
        want = shape if hwc else (1, shape[2], shape[0], shape[1])
        if hwc and output.ndim == 2 and shape[2] == 1:
            output = output[:, :, None]
        if output.shape != want:
            raise Invalid(f"returned shape {tuple(output.shape)} where {tuple(want)} was due")
        if output.dtype.kind != "f":
            raise Invalid(f"returned dtype {output.dtype}: give float32 on [0, 1]")
        picture = np.ascontiguousarray(output if hwc else output[0].transpose(1, 2, 0), dtype=np.float32)
        refuse_not_finite(picture)
        if why := why_off_scale(picture):
            raise Invalid(f"returned {why}: give float32 on [0, 1]")
        return picture

    def accept(self, output: Any, case: Case) -> Array:
        """The output as float32 (H, W, C) of the shape wanted. Raises `Invalid`; `Skip` for that of the input."""
        if case.given.shape != case.wanted and self.gives(output, case.given.shape):
            raise Skip(_SMALLER)
        return self.collect(output, case.wanted)

    def untouched(self, prepared: Any, given: Array) -> bool:
        """Whether the method left its input as it was."""
        return np.array_equal(_plain(prepared), _plain(self.prepare(given)), equal_nan=True)

    def gives(self, output: Any, shape: tuple[int, ...]) -> bool:
        """Whether `output` is a picture of `shape`."""
        try:
            self.collect(output, shape)
        except Invalid:
            return False
        return True

    def restore(self, noisy: Array, info: Info, shape: tuple[int, ...] | None = None) -> Array:
        """`noisy` float32 (H, W, C) → restored float32 of `shape` (default: the same). Raises `Skip`, `Invalid`."""
        self.check(info)
        output = self.call(self.prepare(noisy), info)
        if shape and shape != noisy.shape and self.gives(output, noisy.shape):
            raise Skip(_SMALLER)
        return self.collect(output, shape or noisy.shape)
