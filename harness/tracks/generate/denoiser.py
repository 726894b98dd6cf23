"""A model as samplers call it: the picture that is expected in a noisy one. Each call is counted."""

from __future__ import annotations

from typing import Any

from ...components.registry import Bound
from ...text.errors import Invalid, UsageError
from ...track.runner import MethodRunner


class _Count:
    """Pictures that models of this process were asked for."""

    pictures = 0


def counted() -> int:
    """How many pictures models of this process were asked for so far."""
    return _Count.pictures


class ModelRunner(MethodRunner):
    """A class with `denoised(x, sigma, labels)`, set up and asked."""

    verb = "denoised"


def model_of(bound: Bound) -> Bound:
    """The method itself, or the one that it chooses."""
    chosen: Bound = bound.entry.obj(**bound.kwargs).chosen() if hasattr(bound.entry.obj, "chosen") else bound
    return chosen


class Denoiser:
    """A model ready to be called by a sampler: a method of `generate` with `denoised(x, sigma, labels)`.

    `x` is a tensor (N, C, H, W): pictures, nominally on [-1, 1], plus normal noise of the deviation `sigma`, a number
    or a tensor (N, 1, 1, 1). `labels` are int64 (N,), an array or a tensor, -1 where none is meant, or None. What comes
    back is the mean of the picture given `x`, of the same shape and type; (x - it) / sigma² is minus the score. One
    picture asked for is one evaluation, and a model made of others costs what it asks of these.
    """

    def __init__(self, model: Bound) -> None:
        bound = model_of(model)
        if not callable(getattr(bound.entry.obj, "denoised", None)):
            raise UsageError(f"{bound.display} is no model: its class has no denoised(x, sigma, labels)")
        self.runner = ModelRunner(bound)

    @property
    def instance(self) -> Any:
        """The instance of the model's class."""
        return self.runner.instance

    def setup(self, device: Any) -> None:
        """Load weights and the like. Raises `Skip` where they are missing."""
        self.runner.setup(device)

    def __call__(self, x: Any, sigma: Any, labels: Any = None) -> Any:
        """The mean of the picture given `x`. Raises `Invalid` for another shape."""
        import torch

        before = _Count.pictures
        labels = None if labels is None else torch.as_tensor(labels, device=x.device)
        denoised = self.runner.instance.denoised(x, sigma, labels)
        if tuple(getattr(denoised, "shape", ())) != tuple(x.shape):
            shape = tuple(getattr(denoised, "shape", ()))
            raise Invalid(f"{self.runner.bound.display} gave shape {shape} where {tuple(x.shape)} was due")
        if _Count.pictures == before:
            _Count.pictures += len(x)
        return denoised
