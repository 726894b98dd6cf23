from __future__ import annotations

from typing import Any, Literal

import noisebench as nb
from noisebench.methods.restore._conv_stacks import known_hashes, need_channels
from noisebench.methods.restore._enhance import WEIGHTS


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

        tensors, _ = nb.load_weights(WEIGHTS[self.network])
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
