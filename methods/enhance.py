"""Published networks for photographs in low light: SCI and Zero-DCE. They make a picture brighter, not cleaner.

Their data has no reference pictures, so what can be said is how they agree with their authors' own output, and what
metrics without a reference (`brightness`, `entropy`, `lightness_order`) find.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import noisebench as nb
from noisebench.methods.networks import known_hashes, need_channels

_TABLE = nb.read_weight_table(Path(__file__).with_name("weights.csv"))


@nb.method(
    "sci",
    blind=True,
    enhances=True,
    cite="L. Ma et al., Toward fast, flexible, and robust low-light image enhancement, CVPR 2022",
)
class SCI:
    """SCI: three 3x3 convolutions of three channels estimate the illumination, which the picture is divided by.

    weights: the difficulty they were trained for, as their authors name it. They are not those of the paper's table
    (so says their repository). The authors save with truncation to 8 bits where we round.
    """

    def __init__(self, *, weights: Literal["easy", "medium", "difficult"] = "medium") -> None:
        self.network = f"sci_{weights}"

    @staticmethod
    def weight_files(*, weights: str) -> dict[str, str]:
        """File → SHA-256, for the key of a cell."""
        return known_hashes(f"sci_{weights}")

    def setup(self, device: Any) -> None:
        """Load the parameters. Raises `Skip` where the file is missing."""
        from torch import nn

        tensors, _ = nb.load_weights(_TABLE[self.network])
        net = nn.ModuleDict({n: nn.Conv2d(3, 3, 3, padding=1) for n in ("in_conv", "conv", "out_conv")})
        net["norm"] = nn.BatchNorm2d(3)
        for part, name in (
            ("in_conv", "in_conv.0"),
            ("conv", "conv.0"),
            ("norm", "conv.1"),
            ("out_conv", "out_conv.0"),
        ):
            net[part].load_state_dict({k: tensors[f"enhance.{name}.{k}"] for k in net[part].state_dict()})
        self.net = net.eval().requires_grad_(False).to(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, 3, H, W) → the same, in [0, 1]."""
        import torch

        need_channels(noisy, 3, "sci")
        net = self.net
        with torch.no_grad():
            features = net["in_conv"](noisy).relu()
            features = features + net["norm"](net["conv"](features)).relu()
            light = (net["out_conv"](features).sigmoid() + noisy).clamp(1e-4, 1)
            return (noisy / light).clamp(0, 1)


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

        tensors, _ = nb.load_weights(_TABLE["zero_dce"])
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
