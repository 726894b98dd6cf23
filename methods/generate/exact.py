from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np


@nb.method("exact", track="generate")
class Exact:
    """The exact model of a law that is known: the mean of the picture given a noisy one, at every level.

    of: a set that has a `law`, such as `mixture_digits`, `gaussian_digits` and `mixture_patches`; its pictures are
    not looked at. With it all that samples are off by is the sampler's. Labels are components of the mixture: the model
    of a class is that of its component. float64 within.
    """

    def __init__(self, *, of: nb.DatasetSpec = "mixture_digits") -> None:
        self.of = of

    @staticmethod
    def flags(*, of: nb.Bound) -> dict[str, Any]:
        """It knows the law of what is compared with."""
        return {"blind": True}

    def setup(self, device: Any) -> None:
        """Read the law. Raises `Skip` where there is none."""
        import torch

        law = getattr(nb.open_dataset(self.of), "law", None)
        if law is None:
            raise nb.Skip(f"the law of {self.of.display} is not known: name mixture_digits, or another with a law")
        variances, axes = law.axes
        with np.errstate(divide="ignore"):
            logs = np.log(law.weights)
        self.means, self.variances, self.logs = (
            torch.from_numpy(array).to(device) for array in (law.means, variances, logs)
        )
        self.axes = torch.from_numpy(np.concatenate(list(axes), axis=1)).to(device)  # (D, K D)
        self.centres = torch.from_numpy((law.means[:, None, :] @ axes)[:, 0]).to(device)  # means along the axes
        self.shape = law.shape

    def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
        """(N, C, H, W) → the same. Raises `Skip` for pictures of another size, `UsageError` for a class beyond."""
        import torch

        if tuple(x.shape[1:]) != self.shape:
            raise nb.Skip(f"exact(of={self.of.display}) is for pictures {self.shape}, not {tuple(x.shape[1:])}")
        noise = torch.as_tensor(sigma, dtype=torch.float64, device=x.device).reshape(-1, 1, 1) ** 2
        along = (x.double().flatten(1) @ self.axes).view(len(x), *self.centres.shape) - self.centres
        total = self.variances + noise.clamp(min=1e-12)
        logs = self.logs - 0.5 * (along**2 / total + total.log()).sum(dim=-1)
        if labels is not None and len(labels) and int(labels.max()) >= len(self.means):
            raise nb.UsageError(
                f"class {int(labels.max())} is beyond exact(of={self.of.display}), which has {len(self.means)}: "
                "give the dataset labels=false, or name a law of as many classes"
            )
        if labels is not None:
            other = torch.arange(len(self.means), device=x.device) != labels[:, None]
            logs = logs.masked_fill(other & (labels >= 0)[:, None], -torch.inf)
        share = logs.softmax(dim=-1)
        kept = share[..., None] * (self.variances / total) * along
        mean = share @ self.means + kept.flatten(1) @ self.axes.mT
        return mean.reshape(x.shape).to(x.dtype)
