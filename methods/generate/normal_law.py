from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.tracks.generate import GaussianLaws


@nb.method("normal_law", track="generate")
class NormalLawDenoiser:
    """The exact model of the normal law that has the mean and the covariance of a set: the least that is learned.

    of: training pictures, such as `digits(split=train)`, or a set whose law is known. What it sees in a noisy picture
    is what the Wiener filter leaves, at every level of noise; no label is heeded. float64 within.
    """

    def __init__(self, *, of: nb.DatasetSpec = "digits(split=train)") -> None:
        self.of = of

    @staticmethod
    def flags(*, of: nb.Bound) -> dict[str, Any]:
        """It was fitted to its set."""
        return {"blind": True, "trained_on": (of.display,)}

    def setup(self, device: Any) -> None:
        """Measure both. Raises `UsageError` for a set without training pictures."""
        import torch

        law = GaussianLaws(self.of).of()
        self.mean, self.variances, self.axes = (
            torch.from_numpy(array).to(device) for array in (law.mean, law.variances, law.axes)
        )
        self.shape = tuple(law.shape)

    def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
        """(N, C, H, W) → the same. Raises `Skip` for pictures of another size."""
        import torch

        if tuple(x.shape[1:]) != self.shape:
            raise nb.Skip(f"normal_law is of pictures {self.shape}, not {tuple(x.shape[1:])}")
        noise = torch.as_tensor(sigma, dtype=torch.float64, device=x.device).reshape(-1, 1) ** 2
        along = (x.double().flatten(1) - self.mean) @ self.axes
        estimate = self.mean + (along * self.variances / (self.variances + noise.clamp(min=1e-300))) @ self.axes.T
        return estimate.reshape(x.shape).to(x.dtype)
