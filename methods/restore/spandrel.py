from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import noisebench as nb

SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".bin")
NOISE_MAP = ("DRUNet", "FDnCNN")
"""Networks that take the noise level as one more channel. Spandrel itself gives them 15/255, whatever the noise."""


@nb.method("spandrel", requires=("spandrel",), cite="chaiNNer, spandrel")
class SpandrelNetwork:
    """A restoration network from its checkpoint `path`; its architecture is told from the names of its parameters.

    `.safetensors`, or `.pth`, `.pt`, `.ckpt` read by torch's loader for weights alone: nothing in a file is ever
    run. Networks that take a noise level are told the sigma of the regime, those that enlarge need its scale. A
    picture is padded to the size that the network asks for and cut again; the result is clipped to [0, 1]. A
    picture with other channels than the network's is skipped, or with adapt=True a grey network is applied to each
    channel, and a colour network to a grey picture three times over, of which the mean is taken. For large pictures
    see `tiled`.
    """

    def __init__(self, *, path: str, adapt: bool = False) -> None:
        self.path = path
        self.adapt = adapt

    @staticmethod
    def weight_files(path: str, adapt: bool) -> dict[str, str]:
        """File → SHA-256, for the key of a cell."""
        return {Path(path).name: hashlib.sha256(read(path)).hexdigest()}

    def setup(self, device: Any) -> None:
        """Read the file and build its network. Raises `UsageError` for a file that is not one it knows."""
        self.network = load(self.path).to(device).eval()
        # Held by itself too, so that its parameters are counted.
        self.net = self.network.model.requires_grad_(False)
        self.level = bool({self.network.architecture.id, *self.network.tags} & set(NOISE_MAP))

    def restore(self, noisy: Any, info: Any) -> Any:
        """(1, C, H, W) → the same, or `scale` times as large."""
        import torch

        channels, scale = self.network.input_channels, self.network.scale
        if scale != 1 and info.scale != scale:
            reason = "the regime does not make pictures smaller" if info.scale is None else f"here it is {info.scale:g}"
            raise nb.Skip(f"this network enlarges {scale} times; {reason}")
        if self.level and info.sigma is None:
            raise nb.Skip("needs sigma, which the regime does not disclose")
        with torch.no_grad():
            if noisy.shape[1] == channels:
                restored = self.call(noisy, info)
            elif self.adapt and channels == 1:
                restored = torch.cat([self.call(plane, info) for plane in noisy.split(1, dim=1)], dim=1)
            elif self.adapt and noisy.shape[1] == 1:
                restored = self.call(noisy.expand(-1, channels, -1, -1), info).mean(1, keepdim=True)
            else:
                kind = {1: "grey (1 channel)", 3: "RGB (3 channels)"}.get(channels, f"{channels} channels in")
                raise nb.Skip(f"this network is for {kind} pictures, not {noisy.shape[1]} channels: see adapt=")
        height, width = info.shape if scale != 1 else noisy.shape[2:]
        return restored[:, :, :height, :width]

    def call(self, noisy: Any, info: Any) -> Any:
        """A picture with the network's own channels through it, clipped to [0, 1]."""
        if self.level:
            return with_level(self.network, noisy, float(info.sigma)).clamp(0, 1)
        return self.network(noisy)


def with_level(network: Any, noisy: Any, sigma: float) -> Any:
    """The network's answer to the picture with a constant channel of `sigma` (of [0, 1])."""
    import torch
    from torch.nn import functional

    height, width = noisy.shape[2:]
    right, below = network.size_requirements.get_padding(width, height)
    padded = functional.pad(noisy, (0, right, 0, below), mode="replicate")
    level = torch.full_like(padded[:, :1], sigma)
    return network.model(torch.cat((padded, level), dim=1))[:, :, :height, :width]


def read(path: str) -> bytes:
    """The bytes of a checkpoint. Raises `UsageError`."""
    file = Path(path).expanduser()
    if file.suffix.lower() not in SUFFIXES:
        raise nb.UsageError(f"spandrel: {path!r} must end in {', '.join(SUFFIXES)}")
    try:
        return file.read_bytes()
    except OSError as error:
        raise nb.UsageError(f"spandrel: {path!r} cannot be read ({error.strerror}): check the path") from None


def load(path: str) -> Any:
    """A checkpoint as spandrel's description of a network. Raises `UsageError`."""
    import spandrel

    tensors = nb.load_checkpoint(path)
    try:
        network = spandrel.ModelLoader().load_from_state_dict(spandrel.canonicalize_state_dict(tensors))
    except Exception as error:  # an architecture that is taken for another fails in whatever way
        why = "an architecture that spandrel does not know" if _unknown(error) else f"{type(error).__name__}"
        raise nb.UsageError(f"spandrel: {path!r} cannot be built: {why}") from None
    if not isinstance(network, spandrel.ImageModelDescriptor):
        raise nb.UsageError(f"spandrel: {path!r} is a {network.purpose} network, which takes more than a picture")
    return network


def _unknown(error: Exception) -> bool:
    return type(error).__name__ == "UnsupportedModelError"
