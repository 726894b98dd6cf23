"""Published denoising networks: architectures written from their papers, parameters from the authors' files.

All of them are stacks of 3x3 convolutions with ReLU between. Batch norm, where a file has it, is a fixed scale
and shift at test time, so it is folded into the convolution before it. The files are not in the package: see
`weights.csv` for their names, hashes and origins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import noisebench as nb

_TABLE = nb.read_weight_table(Path(__file__).with_name("weights.csv"))
_ZHANG = "K. Zhang et al., Beyond a Gaussian denoiser, IEEE TIP 26(7), 2017"

Layers = list[tuple[Any, Any]]
"""Kernel (out, in, 3, 3) and bias (out,) or None of each convolution, in order."""


def known_hashes(network: str) -> dict[str, str]:
    """What identifies the parameters of a network in the key of a cell: its preferred file → SHA-256."""
    first = _TABLE[network][0]
    return {first.file: first.sha256}


@nb.method("dncnn", trained_on=("bsd400",), cite=_ZHANG)
class DnCNN:
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
        """A model for all levels is blind; the colour one saw the 432 pictures of the Berkeley set not in CBSD68."""
        trained_on = ("cbsd432",) if weights == "color_blind" else ("bsd400",)
        return {"blind": weights.endswith("blind"), "trained_on": trained_on}

    def setup(self, device: Any) -> None:
        """Load the parameters. Raises `Skip` where the file is missing."""
        tensors, _ = nb.load_weights(_TABLE[self.network])
        normed = any(name.endswith("running_var") for name in tensors)
        layers = dncnn_with_norm(tensors) if normed else numbered(tensors)
        self.net = stack(layers, [self.channels, *[64] * (self.depth - 1), self.channels]).to(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, C, H, W) → the same."""
        import torch

        need_channels(noisy, self.channels, "dncnn")
        with torch.no_grad():
            return noisy - self.net(noisy)


@nb.method(
    "ffdnet",
    needs=("sigma",),
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
        tensors, file = nb.load_weights(_TABLE[self.network])
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
        tensors, _ = nb.load_weights(_TABLE["bf_cnn"])
        self.net = stack(bias_free(tensors), [1, *[64] * 19, 1]).to(device)

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, 1, H, W) → the same."""
        import torch

        need_channels(noisy, 1, "bf_cnn")
        with torch.no_grad():
            return noisy - self.net(noisy)


def need_channels(noisy: Any, channels: int, name: str) -> None:
    """Raise `Skip` for a picture that the network does not take."""
    if noisy.shape[1] != channels:
        kind = "grey (1 channel)" if channels == 1 else "RGB (3 channels)"
        raise nb.Skip(f"{name} with these weights is for {kind} pictures, not {noisy.shape[1]} channels")


def stack(layers: Layers, widths: list[int]) -> Any:
    """3x3 convolutions of these widths with ReLU between them. Raises `UsageError` where the layers differ."""
    from torch import nn

    shapes = [tuple(kernel.shape) for kernel, _ in layers]
    due = [(out, into, 3, 3) for into, out in pairwise(widths)]
    if shapes != due:
        raise nb.UsageError(
            f"the weights hold {len(shapes)} convolutions where {len(due)} of set shapes are due: use their file"
        )
    modules: list[Any] = []
    for kernel, bias in layers:
        conv = nn.Conv2d(kernel.shape[1], kernel.shape[0], 3, padding=1, bias=bias is not None)
        conv.load_state_dict({"weight": kernel} if bias is None else {"weight": kernel, "bias": bias})
        modules += [conv, nn.ReLU()]
    return nn.Sequential(*modules[:-1]).eval().requires_grad_(False)


def numbered(tensors: Mapping[str, Any]) -> Layers:
    """Layers of a file whose convolutions are numbered: `conv03.weight` or `model.6.weight`, with bias."""
    numbers = {int(m[1]): name for name in tensors if (m := re.search(r"(\d+)\.weight$", name))}
    names = [numbers[n].removesuffix("weight") for n in sorted(numbers)]
    return [(tensors[f"{name}weight"], tensors[f"{name}bias"]) for name in names]


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


def bias_free(tensors: Mapping[str, Any]) -> Layers:
    """Layers of BF-CNN: its norm divides by √variance + 1e-5 and scales; stored mean and bias are not used."""
    layers: Layers = [(tensors["first_layer.weight"], None)]
    for n in range(18):
        norm = f"bn_layer_list.{n}"
        scale = tensors[f"{norm}.weight"].double() / (tensors[f"{norm}.running_var"].double().sqrt() + 1e-5)
        kernel = tensors[f"hidden_layer_list.{n}.weight"]
        layers.append(((kernel * scale.reshape(-1, 1, 1, 1)).float(), None))
    return [*layers, (tensors["last_layer.weight"], None)]


def torch_order(layers: Layers, channels: int) -> Layers:
    """MATLAB's SubP numbers the four sub-images down columns, torch's pixel_unshuffle along rows: exchange."""
    order = [4 * c + k for c in range(channels) for k in (0, 2, 1, 3)]
    (first, first_bias), *inner, (last, last_bias) = layers
    first = first[:, [*order, 4 * channels]]
    return [(first, first_bias), *inner, (last[order], last_bias[order])]
