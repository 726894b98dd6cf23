from __future__ import annotations

from pathlib import Path
from typing import Any

import noisebench as nb

GREY, COLOUR = "unet_blind_grey.safetensors.xz", "unet_blind_colour.safetensors.xz"


@nb.method(
    "unet_blind",
    blind=True,
    trained_on=("bsd400", "bsds500_train"),
    weights=[GREY, COLOUR],
    cite="O. Ronneberger, P. Fischer, T. Brox, U-Net, MICCAI 2015; S. Mohan et al., Robust and interpretable blind "
    "image denoising via bias-free convolutional neural networks, ICLR 2020",
)
class BlindUNet:
    """Blind U-Nets: for white noise of any level up to 55/255, with parameters that come with noisebench.

    One restores three channels together, as those of a colour picture; the other restores each channel of any other
    picture by itself. Each has four levels without additive constants and 1.1 million parameters. They were trained
    here, on the 400 grey pictures of DnCNN and on the 200 colour pictures of BSDS500's training set, lastly with black
    and white areas, other sizes and drawn pictures; the recipes stand in the metadata of the files. Kernels are stored
    in 5, 8 and 12 bits, with one step for each output channel. Nothing is read from `info`.
    """

    def setup(self, device: Any) -> None:
        """Load the parameters."""
        self.net, self.colour = (_network(name, channels, device) for name, channels in ((GREY, 1), (COLOUR, 3)))

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, C, H, W) → the same."""
        if noisy.shape[1] == 3:
            return self.colour(noisy)
        return self.net(noisy.transpose(0, 1)).transpose(0, 1)


def _network(name: str, channels: int, device: Any) -> Any:
    from noisebench.methods.restore._rounded_kernels import read_kernels
    from noisebench.recipes.archs.unet import UNet

    shape = (channels, 64, 64)
    net = UNet(shape, shape, width=24, depth=4, bias_free=True)
    net.load_state_dict(read_kernels(Path(__file__).with_name(name)))
    return net.to(device).eval().requires_grad_(False)
