from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np


@nb.method("exact_prior", needs=("sigma",))
class ExactPrior:
    """The posterior mean of white Gaussian noise for someone who knows the law of the pictures, as of synthetic sets.

    of: a set whose items have the `spectrum` of a Gaussian field, or the `weights`, `means` and `covariances` of a
    mixture; one item is enough. No picture is looked at. It is the prior of `red_diff`, `dps`, `ddrm` and
    `plug_and_play` where these are to be compared without a network's error. Skips for pictures of another size.
    """

    def __init__(self, *, of: nb.DatasetSpec) -> None:
        self.of = of

    def setup(self, device: Any) -> None:
        """Read the law. Raises `Skip` where there is none."""
        import torch

        meta = nb.open_dataset(self.of).load(0).meta
        self.spectrum: Any = None
        if "spectrum" in meta:
            self.spectrum = torch.from_numpy(np.asarray(meta["spectrum"], np.float64)).to(device)
            self.mean, self.shape = float(meta["mean"]), tuple(self.spectrum.shape)
        elif "covariances" in meta:
            weights, means, covariances = (
                torch.from_numpy(np.asarray(meta[name], np.float64)).to(device)
                for name in ("weights", "means", "covariances")
            )
            self.shape = tuple(means.shape[1:])
            self.logs, self.means = weights.log(), means.flatten(1)
            variances, self.axes = torch.linalg.eigh(covariances)
            self.variances = variances.clamp(min=0)
        else:
            raise nb.Skip(
                "the law is known for synthetic data only (gaussian_field, gaussian_mixture, gaussian_digits)"
            )

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, C, H, W) → the same."""
        import torch

        with torch.no_grad():
            return self.denoised(noisy, float(info.sigma))

    def denoised(self, x: Any, sigma: float) -> Any:
        """Without noise of this deviation, (1, C, H, W) → the same, with gradients where `x` has them."""
        if tuple(x.shape[2:]) != self.shape:
            size = "x".join(map(str, self.shape))
            raise nb.Skip(f"exact_prior is for pictures of {size}: this one has another size")
        noise = max(sigma, 1e-6) ** 2
        estimate = (
            self._of_field(x.double(), noise) if self.spectrum is not None else self._of_mixture(x.double(), noise)
        )
        return estimate.to(x.dtype)

    def _of_field(self, x: Any, noise: float) -> Any:
        import torch

        gain = self.spectrum / (self.spectrum + noise)
        return self.mean + torch.fft.ifft2(gain * torch.fft.fft2(x - self.mean)).real

    def _of_mixture(self, x: Any, noise: float) -> Any:
        """Each component's mean given the pixels, weighed by how likely the component is given them."""
        off = x.flatten(2)[0, :, None, :] - self.means  # (C, K, D)
        along = (self.axes.mT @ off[..., None])[..., 0]
        total = self.variances + noise
        logs = self.logs - 0.5 * (along**2 / total + total.log()).sum(dim=-1)
        means = self.means + (self.axes @ (self.variances / total * along)[..., None])[..., 0]
        return (logs.softmax(dim=-1)[..., None] * means).sum(dim=1).reshape(x.shape)
