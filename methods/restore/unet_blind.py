from __future__ import annotations

from pathlib import Path
from typing import Any

import noisebench as nb

_FILE = "unet_blind.safetensors"


@nb.method(
    "unet_blind",
    blind=True,
    trained_on=("bsd400",),
    weights=[_FILE],
    cite="O. Ronneberger, P. Fischer, T. Brox, U-Net, MICCAI 2015; S. Mohan et al., Robust and interpretable blind "
    "image denoising via bias-free convolutional neural networks, ICLR 2020",
)
class BlindUNet:
    """Blind U-Net: for white noise of any level up to 55/255, with 1.1 million parameters that come with noisebench.

    Four levels without additive constants, trained here on the 400 grey pictures of DnCNN; the recipe stands in the
    metadata of the file. Its kernels are stored in 8 bits, with one scale for each output channel. Of a picture with
    several channels each is restored by itself. Nothing is read from `info`.
    """

    def setup(self, device: Any) -> None:
        """Load the parameters."""
        from noisebench.recipes.archs.unet import UNet
        from safetensors.torch import load_file

        stored = load_file(Path(__file__).with_name(_FILE))
        scales = {name.removesuffix(".scale"): stored.pop(name) for name in list(stored) if name.endswith(".scale")}
        self.net = UNet((1, 64, 64), (1, 64, 64), width=24, depth=4, bias_free=True)
        self.net.load_state_dict({name: kernel.float() * scales[name] for name, kernel in stored.items()})
        self.net.to(device).eval().requires_grad_(False)

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, C, H, W) → the same."""
        return self.net(noisy.transpose(0, 1)).transpose(0, 1)
