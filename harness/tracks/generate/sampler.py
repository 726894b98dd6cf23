"""A sampler, or a model that is validated, ready to be called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

from ...components.registry import Bound
from ...text.errors import Invalid, Skip
from ...track.info import Info
from ...track.posed_case import Case
from ...track.runner import MethodRunner, refuse_not_finite
from .denoiser import counted, model_of


class Drawn(TypedDict):
    """An output: samples float32 (N, C, H, W), and how often a model was asked for each; None where no model was."""

    samples: npt.NDArray[np.float32]
    evaluations: float | None


class Sampler(MethodRunner):
    """A method `f(latents, info, **params)`, or a class with `sample(latents, info)`: pictures (N, C, H, W).

    Latents are a float32 tensor (N, C, H, W), and so are the pictures, nominally on [-1, 1].
    """

    verb = "sample"
    _evaluations: float | None = None

    def prepare(self, given: npt.NDArray[np.float32]) -> Any:
        """A private copy of the latents as a tensor."""
        import torch

        return torch.from_numpy(given.copy()).to(self.device)

    def call(self, prepared: Any, info: Info) -> Any:
        """The bare call; what it asks of models is counted."""
        before = counted()
        answer = super().call(prepared, info)
        asked = counted() - before
        self._evaluations = asked / len(prepared) if asked else None
        return answer

    def accept(self, output: Any, case: Case) -> Drawn:
        """The samples. Raises `Invalid` for another shape or type, NaN or Inf."""
        if hasattr(output, "detach"):
            output = output.detach().cpu()
            output = (output.float() if output.is_floating_point() else output).numpy()
        if not isinstance(output, np.ndarray) or output.dtype.kind != "f":
            kind = output.dtype if isinstance(output, np.ndarray) else type(output).__name__
            raise Invalid(f"returned {kind} where pictures of floats {case.wanted} were due")
        if output.shape != case.wanted:
            raise Invalid(f"returned shape {output.shape} where {case.wanted} was due")
        with np.errstate(over="ignore"):
            samples = np.ascontiguousarray(output, dtype=np.float32)
        refuse_not_finite(samples)
        return {"samples": samples, "evaluations": self._evaluations}

    def untouched(self, prepared: Any, given: npt.NDArray[np.float32]) -> bool:
        """Whether the method left the latents as they were."""
        return bool(np.array_equal(prepared.detach().cpu().numpy(), given))


class Model(Sampler):
    """A model by itself: it takes the noise of a validation away, and makes no samples."""

    verb = "denoised"

    def call(self, prepared: Any, info: Info) -> Any:
        """What it sees in noisy pictures. Raises `Skip` where it is given latents."""
        if info.sigma is None:
            raise Skip(f"{self.bound.entry.name} is a model, not a sampler: give one, such as heun(model=…)")
        return self._denoised(prepared, [info])

    def call_together(self, cases: Sequence[Case]) -> list[Any] | None:
        """What it sees in the pictures of several cases, by one call; None where they are not alike."""
        import torch

        if len({case.given.shape for case in cases}) > 1 or any(case.info.sigma is None for case in cases):
            return None
        given = torch.cat([self.prepare(case.given) for case in cases])
        denoised = self._denoised(given, [case.info for case in cases])
        if getattr(denoised, "shape", ()) != given.shape:
            return None
        parts = denoised.split(len(cases[0].given))
        return [self.accept(part, case) for part, case in zip(parts, cases, strict=True)]

    def _denoised(self, x: Any, infos: Sequence[Info]) -> Any:
        import torch

        sigma = torch.from_numpy(np.concatenate([info.sigma for info in infos])).to(x)[:, None, None, None]
        each = len(x) // len(infos)
        labels = [np.full(each, -1) if info.labels is None else info.labels for info in infos]
        classes = torch.from_numpy(np.concatenate(labels)).to(x.device)
        with torch.no_grad():
            return self._object.denoised(x, sigma, None if bool((classes < 0).all()) else classes)


def open_method(method: Bound) -> Sampler:
    """The method, ready to be set up."""
    bound = model_of(method)
    obj = bound.entry.obj
    is_model = isinstance(obj, type) and not hasattr(obj, "sample") and hasattr(obj, "denoised")
    return Model(bound) if is_model else Sampler(bound)
