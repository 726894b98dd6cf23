from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import noisebench as nb
from noisebench.methods.restore._conv_stacks import Layers, known_hashes, need_channels, stack

_TABLE = nb.read_weight_table(Path(__file__).with_name("weights.csv"))
_EPSILON = 1e-4


@nb.method(
    "dncnn_keras",
    trained_on=("bsd400",),
    cite="K. Zhang et al., Beyond a Gaussian denoiser, IEEE TIP 26(7), 2017; cszn/DnCNN, TrainingCodes/dncnn_keras",
)
class DnCNNKeras:
    """The 17 layers of DnCNN for sigma 25, grey, from the authors' training in Keras (2018).

    Nothing is read from `info`: it is applied whatever the noise.
    """

    @staticmethod
    def weight_files() -> dict[str, str]:
        """File → SHA-256, for the key of a cell."""
        return known_hashes("dncnn_keras_s25")

    def setup(self, device: Any) -> None:
        """Load the parameters. Raises `Skip` where the file, or the package h5py, is missing."""
        tensors, _ = nb.load_weights(_TABLE["dncnn_keras_s25"])
        self.net = stack(layers_of(tensors), [1, *[64] * 16, 1]).to(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, 1, H, W) → the same."""
        import torch

        need_channels(noisy, 1, "dncnn_keras")
        with torch.no_grad():
            return noisy - self.net(noisy)


def layers_of(tensors: Mapping[str, Any]) -> Layers:
    """`conv3.kernel` (and `conv3.bias`), then `bn4.gamma` … of Keras layers numbered in order → folded layers."""
    numbers = {int(m[1]): name for name in tensors if (m := re.fullmatch(r"conv(\d+)\.kernel", name))}
    layers: Layers = []
    for number in sorted(numbers):
        kernel, bias = tensors[numbers[number]], tensors.get(f"conv{number}.bias")
        norm = f"bn{number + 1}"
        if f"{norm}.gamma" in tensors:
            gamma, beta, mean, variance = (
                tensors[f"{norm}.{part}"].double() for part in ("gamma", "beta", "moving_mean", "moving_variance")
            )
            scale = gamma / (variance + _EPSILON).sqrt()
            shift = beta - mean * scale
            if bias is not None:
                shift = shift + bias * scale
            kernel, bias = (kernel * scale.reshape(-1, 1, 1, 1)).float(), shift.float()
        layers.append((kernel, bias))
    return layers
