from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.datasets.generate._waves import WaveLaw, cosines


@nb.method("exact_waves", track="generate")
class ExactWaves:
    """The exact model of textures whose waves are independent: that of `exact`, fast for large pictures.

    of: a set whose law is one of waves, such as `brightness`; its pictures are not looked at. Labels are kinds of its
    pictures. float64 within.
    """

    def __init__(self, *, of: nb.DatasetSpec = "brightness") -> None:
        self.of = of

    @staticmethod
    def flags(*, of: nb.Bound) -> dict[str, Any]:
        """It knows the law of what is compared with."""
        return {"blind": True}

    def setup(self, device: Any) -> None:
        """Read the law. Raises `Skip` where there is none of waves."""
        import torch

        law = getattr(nb.open_dataset(self.of), "law", None)
        if not isinstance(law, WaveLaw):
            raise nb.Skip(f"the law of {self.of.display} is none of waves: name brightness, or take exact")
        self.shape, (height, width) = law.shape, law.shape[1:]
        with np.errstate(divide="ignore"):
            logs = np.log(law.weights)
        flat = law.means[:, 0] * np.sqrt(height * width)
        arrays = (law.covariances, cosines(height), cosines(width), logs, flat)
        self.variances, self.tall, self.wide, self.logs, self.flat = (torch.from_numpy(a).to(device) for a in arrays)

    def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
        """(N, C, H, W) → the same. Raises `Skip` for pictures of another size."""
        import torch

        if tuple(x.shape[1:]) != self.shape:
            raise nb.Skip(f"exact_waves(of={self.of.display}) is for pictures {self.shape}, not {tuple(x.shape[1:])}")
        noise = torch.as_tensor(sigma, dtype=torch.float64, device=x.device).reshape(-1, 1, 1) ** 2
        total = self.variances + noise.clamp(min=1e-12)
        waves = self.tall @ x[:, 0].double() @ self.wide.mT
        logs = self.logs - (waves[:, 0, :1] - self.flat) ** 2 / (2 * total[:, 0, :1])
        if labels is not None:
            other = torch.arange(len(self.flat), device=x.device) != labels[:, None]
            logs = logs.masked_fill(other & (labels >= 0)[:, None], -torch.inf)
        kept = self.variances / total
        estimate = kept * waves
        estimate[:, 0, 0] += (1 - kept[:, 0, 0]) * (logs.softmax(dim=-1) @ self.flat)
        return (self.tall.mT @ estimate @ self.wide)[:, None].to(x.dtype)
