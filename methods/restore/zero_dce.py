from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.methods.restore._conv_stacks import known_hashes, need_channels
from noisebench.methods.restore._enhance import WEIGHTS


@nb.method(
    "zero_dce",
    blind=True,
    enhances=True,
    cite="C. Guo et al., Zero-reference deep curve estimation for low-light image enhancement, CVPR 2020",
)
class ZeroDCE:
    """Zero-DCE: seven 3x3 convolutions draw eight curve maps r; eight times x becomes x + r (x² − x).

    With |r| ≤ 1 such a curve rises and keeps 0 and 1 where they are, so that the order of levels is kept wherever r
    is even. Trained without pairs.
    """

    @staticmethod
    def weight_files() -> dict[str, str]:
        """File → SHA-256, for the key of a cell."""
        return known_hashes("zero_dce")

    def setup(self, device: Any) -> None:
        """Load the parameters. Raises `Skip` where the file is missing."""
        from torch import nn

        tensors, _ = nb.load_weights(WEIGHTS["zero_dce"])
        net = nn.ModuleList(
            nn.Conv2d(into, out, 3, padding=1)
            for into, out in ((3, 32), (32, 32), (32, 32), (32, 32), (64, 32), (64, 32), (64, 24))
        )
        for number, layer in enumerate(net, 1):
            layer.load_state_dict({k: tensors[f"e_conv{number}.{k}"] for k in ("weight", "bias")})
        self.net = net.eval().requires_grad_(False).to(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, 3, H, W) → the same."""
        import torch

        need_channels(noisy, 3, "zero_dce")
        net = self.net
        with torch.no_grad():
            first = net[0](noisy).relu()
            second = net[1](first).relu()
            third = net[2](second).relu()
            fourth = net[3](third).relu()
            fifth = net[4](torch.cat((third, fourth), dim=1)).relu()
            sixth = net[5](torch.cat((second, fifth), dim=1)).relu()
            curves = net[6](torch.cat((first, sixth), dim=1)).tanh()
            x = noisy
            for curve in curves.split(3, dim=1):
                x = x + curve * (x * x - x)
            return x
