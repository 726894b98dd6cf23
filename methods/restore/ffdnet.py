from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.methods.restore._conv_stacks import WEIGHTS, Layers, known_hashes, need_channels, numbered, stack


@nb.method(
    "ffdnet",
    needs=("sigma",),
    family="ffdnet",
    trained_on=("bsd400", "imagenet", "waterloo"),
    cite="K. Zhang et al., FFDNet: toward a fast and flexible solution for CNN-based image denoising, "
    "IEEE TIP 27(9), 2018",
)
class FFDNet:
    """FFDNet: works on four half-size sub-images and a map of the noise level; told sigma by the regime.

    color: the RGB network instead of the grey one. An odd height or width is made even by repeating the last
    row or column, which is cut off again.
    """

    def __init__(self, *, color: bool = False):
        self.network = "ffdnet_color" if color else "ffdnet"
        self.channels = 3 if color else 1
        self.depth, self.width = (12, 96) if color else (15, 64)

    @staticmethod
    def weight_files(*, color: bool) -> dict[str, str]:
        """File → SHA-256, for the key of a cell."""
        return known_hashes("ffdnet_color" if color else "ffdnet")

    def setup(self, device: Any) -> None:
        """Load the parameters. Raises `Skip` where the file is missing."""
        tensors, file = nb.load_weights(WEIGHTS[self.network])
        layers = numbered(tensors)
        if file.form == "matconvnet":
            layers = torch_order(layers, self.channels)
        inner = [self.width] * (self.depth - 1)
        self.net = stack(layers, [4 * self.channels + 1, *inner, 4 * self.channels]).to(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, C, H, W) → the same."""
        import torch
        from torch.nn import functional

        need_channels(noisy, self.channels, "ffdnet")
        height, width = noisy.shape[2:]
        with torch.no_grad():
            even = functional.pad(noisy, (0, width % 2, 0, height % 2), mode="replicate")
            parts = functional.pixel_unshuffle(even, 2)
            level = torch.full_like(parts[:, :1], float(info.sigma))
            clean = functional.pixel_shuffle(self.net(torch.cat((parts, level), dim=1)), 2)
        return clean[:, :, :height, :width]


def torch_order(layers: Layers, channels: int) -> Layers:
    """MATLAB's SubP numbers the four sub-images down columns, torch's pixel_unshuffle along rows: exchange."""
    order = [4 * c + k for c in range(channels) for k in (0, 2, 1, 3)]
    (first, first_bias), *inner, (last, last_bias) = layers
    first = first[:, [*order, 4 * channels]]
    return [(first, first_bias), *inner, (last[order], last_bias[order])]
