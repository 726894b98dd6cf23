from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import noisebench as nb
from noisebench.methods.restore._conv_stacks import WEIGHTS, Layers, known_hashes, need_channels, stack


@nb.method(
    "bf_cnn",
    blind=True,
    trained_on=("bsd400",),
    cite="S. Mohan et al., Robust and interpretable blind image denoising via bias-free convolutional neural "
    "networks, ICLR 2020",
)
class BFCNN:
    """Bias-free DnCNN, grey, trained for noise of 0 to 100: 20 convolutions without any additive constant.

    So the network is homogeneous, f(a y) = a f(y) for a > 0, and works beyond the noise it was trained on.
    """

    @staticmethod
    def weight_files() -> dict[str, str]:
        """File → SHA-256, for the key of a cell."""
        return known_hashes("bf_cnn")

    def setup(self, device: Any) -> None:
        """Load the parameters. Raises `Skip` where the file is missing."""
        tensors, _ = nb.load_weights(WEIGHTS["bf_cnn"])
        self.net = stack(bias_free(tensors), [1, *[64] * 19, 1]).to(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, 1, H, W) → the same."""
        import torch

        need_channels(noisy, 1, "bf_cnn")
        with torch.no_grad():
            return noisy - self.net(noisy)


def bias_free(tensors: Mapping[str, Any]) -> Layers:
    """Layers of BF-CNN: its norm divides by √variance + 1e-5 and scales; stored mean and bias are not used."""
    layers: Layers = [(tensors["first_layer.weight"], None)]
    for n in range(18):
        norm = f"bn_layer_list.{n}"
        scale = tensors[f"{norm}.weight"].double() / (tensors[f"{norm}.running_var"].double().sqrt() + 1e-5)
        kernel = tensors[f"hidden_layer_list.{n}.weight"]
        layers.append(((kernel * scale.reshape(-1, 1, 1, 1)).float(), None))
    return [*layers, (tensors["last_layer.weight"], None)]
