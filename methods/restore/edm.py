from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.methods.restore._wrapping import variants_of


@nb.method("edm", needs=("sigma",), cite="T. Karras et al., Elucidating the design space of diffusion-based generative "
           "models, NeurIPS 2022")  # fmt: skip
class DiffusionDenoiser:
    """EDM: the denoiser of a diffusion that was trained here, for white Gaussian noise of any strength that it is told.

    method: `trained(arch=edm, objective=edm, …)`, or one `tuned`. It is the prior of `red_diff`, `dps`, `ddrm` and
    `plug_and_play`, as `denoiser=edm(method=…)`, and is no better beyond the noise that its objective drew. Grey and
    coloured pictures are taken as `trained` takes them.
    """

    def __init__(self, *, method: nb.MethodSpec) -> None:
        _refuse(method)
        self.inner = nb.Restorer(method)

    @staticmethod
    def flags(*, method: nb.Bound) -> dict[str, Any]:
        """Not blind. Raises `UsageError`, before anything is trained, for a network that is not told sigma."""
        _refuse(method)
        return {"blind": False}

    def setup(self, device: Any) -> None:
        """Load the weights that the training gave. Raises `Skip` where there are none."""
        self.inner.setup(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, C, H, W) → the same."""
        import torch

        with torch.no_grad():
            return self.denoised(noisy, max(float(info.sigma), 1e-4))

    def denoised(self, x: Any, sigma: float) -> Any:
        """Without noise of this deviation, (1, C, H, W) → the same, with gradients where `x` has them."""
        net, channels = self.inner.instance.net, self.inner.instance.given[0]
        if channels == 1:
            return net.denoised(x.transpose(0, 1), sigma).transpose(0, 1)
        if x.shape[1] == 1 and channels == 3:
            return net.denoised(x.expand(-1, 3, -1, -1), sigma).mean(dim=1, keepdim=True)
        if x.shape[1] != channels:
            raise nb.Skip(f"this network is for pictures of {channels} channels, not {x.shape[1]}")
        return net.denoised(x, sigma)


def _refuse(method: nb.Bound) -> None:
    """Raise `UsageError` for a method whose network is not told the noise."""
    archs = [one.kwargs.get("arch") for one in variants_of(method)]
    if any(arch is None or arch.entry.name != "edm" for arch in archs):
        raise nb.UsageError(f"edm takes trained(arch=edm, objective=edm, …), not {method.display}")
