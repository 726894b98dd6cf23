from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import noisebench as nb
from noisebench.methods.restore._conv_stacks import WEIGHTS, Layers, known_hashes, need_channels, numbered, stack

_ZHANG = "K. Zhang et al., Beyond a Gaussian denoiser, IEEE TIP 26(7), 2017"


@nb.method("dncnn", trained_on=("bsd400",), cite=_ZHANG)
class DnCNNRestorer:
    """DnCNN: 17 or 20 convolutions that predict the noise, which is then subtracted.

    weights: `s15`, `s25`, `s50` are trained for one noise level each, `blind` for 0 to 55 (grey),
    `color_blind` likewise (RGB); `saoyan_…` are trained anew in torch (github.com/SaoYan/DnCNN-PyTorch).
    Nothing is read from `info`: a model for one level is applied whatever the noise.
    """

    def __init__(
        self,
        *,
        weights: Literal[
            "s15", "s25", "s50", "blind", "color_blind",
            "saoyan_s15", "saoyan_s25", "saoyan_s50", "saoyan_blind",
        ] = "s25",
    ):  # fmt: skip
        self.network = f"dncnn_{weights}"
        self.channels = 3 if weights == "color_blind" else 1
        self.depth = 20 if weights.endswith("blind") else 17

    @staticmethod
    def weight_files(*, weights: str) -> dict[str, str]:
        """File → SHA-256, for the key of a cell."""
        return known_hashes(f"dncnn_{weights}")

    @staticmethod
    def flags(*, weights: str) -> dict[str, Any]:
        """A model for all levels is blind; the colour one saw the 432 pictures of the Berkeley set not in CBSD68.

        Grey and colour are one family where both are for all levels.
        """
        trained_on = ("cbsd432",) if weights == "color_blind" else ("bsd400",)
        family = "dncnn(blind)" if weights in ("blind", "color_blind") else ""
        return {"blind": weights.endswith("blind"), "trained_on": trained_on, "family": family}

    def setup(self, device: Any) -> None:
        """Load the parameters. Raises `Skip` where the file is missing."""
        tensors, _ = nb.load_weights(WEIGHTS[self.network])
        normed = any(name.endswith("running_var") for name in tensors)
        layers = dncnn_with_norm(tensors) if normed else numbered(tensors)
        self.net = stack(layers, [self.channels, *[64] * (self.depth - 1), self.channels]).to(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, C, H, W) → the same."""
        import torch

        need_channels(noisy, self.channels, "dncnn")
        with torch.no_grad():
            return noisy - self.net(noisy)


def dncnn_with_norm(tensors: Mapping[str, Any]) -> Layers:
    """Layers of `module.dncnn.N.…`: convolutions without bias, a batch norm (eps 1e-5) right after some."""
    layers: Layers = []
    index = {int(name.split(".")[-2]): name.rpartition(".")[0] for name in tensors}
    for n in sorted(index):
        kernel = tensors[f"{index[n]}.weight"]
        if kernel.ndim != 4:
            continue
        norm = index.get(n + 1)
        if norm is None:
            layers.append((kernel, None))
            continue
        gamma, beta, mean, var = (
            tensors[f"{norm}.{part}"].double() for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / (var + 1e-5).sqrt()
        layers.append(((kernel * scale.reshape(-1, 1, 1, 1)).float(), (beta - mean * scale).float()))
    return layers
