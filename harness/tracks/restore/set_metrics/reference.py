"""Reference statistics in a file: mean and covariance, or the features themselves, of a set that others scored."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ....data.folders import path_of
from ....distances.frechet import symmetric
from ....distances.moments import Float, Moments, feature_rows
from ....imaging.features.networks import NETWORKS, network_sha256
from ....imaging.features.resize import NAME as RESIZE
from ....text.errors import UsageError, one_line


@dataclass(frozen=True, eq=False)
class ReferenceFile:
    """A file of reference statistics; `names_network` whether it names its network."""

    name: str
    sha256: str
    moments: Moments
    features: Any | None
    names_network: bool

    def side(self, distance: str) -> Any:
        """What a distance of this kind is taken to."""
        return self.features if distance == "kernel" else self.moments


def read_reference(file: str, network: str, distance: str) -> ReferenceFile:
    """An `.npz` with `mu` and `sigma`, or with `features` of a network, for such a distance. Raises `UsageError`."""
    path = Path(file).expanduser()
    try:
        status = path.stat()
        reference = _read(str(path), network, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise UsageError(f"reference {one_line(path)}: {error.strerror}") from None
    if distance == "kernel" and reference.features is None:
        raise UsageError(
            f"reference {one_line(path)} has mu and sigma alone, and kid needs the features: write them with "
            "noisebench.write_reference"
        )
    return reference


@lru_cache(maxsize=4)
def _read(path: str, network: str, size: int, stamp: int) -> ReferenceFile:
    data = Path(path).read_bytes()
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    # A lone .npy is an array, which is no context: TypeError.
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, AttributeError, KeyError, TypeError) as error:
        raise UsageError(f"reference {one_line(path)} is not an .npz of arrays ({one_line(error, 80)})") from None
    names_network = "network_sha256" in arrays
    made_by = [str(arrays.get(name)) for name in ("network", "network_sha256", "resize")]
    if names_network and made_by != [network, network_sha256(network), RESIZE]:
        raise UsageError(
            f"reference {one_line(path)} was not made with {network} ({RESIZE}): make it again with "
            "noisebench.write_reference"
        )
    width = NETWORKS[network].width
    if "features" in arrays:
        features = arrays["features"]
        if features.ndim != 2 or features.shape[1] != width or len(features) < 2:
            raise UsageError(f"reference {one_line(path)}: features have shape {features.shape}, due is (N, {width})")
        moments = Moments.of(features, f"reference {one_line(path)}")
    elif "mu" in arrays and "sigma" in arrays:
        features = None
        moments = Moments(2, *checked_statistics(arrays["mu"], arrays["sigma"], width, f"reference {one_line(path)}"))
    else:
        raise UsageError(f"reference {one_line(path)} has neither `features` nor `mu` and `sigma`")
    return ReferenceFile(Path(path).name, hashlib.sha256(data).hexdigest(), moments, features, names_network)


def checked_statistics(mu: Any, sigma: Any, width: int, who: str) -> tuple[Float, Float]:
    """Mean (d,) and covariance (d, d) in float64. Raises `UsageError` for what is none, before anything is scored."""
    if mu.shape != (width,) or sigma.shape != (width, width) or {mu.dtype.kind, sigma.dtype.kind} - set("fiu"):
        raise UsageError(
            f"{who}: mu has shape {mu.shape} and sigma {sigma.shape}, due are ({width},) and ({width}, {width}) of "
            "numbers"
        )
    mean, cov = symmetric(mu, sigma, who)
    if float(np.diag(cov).min()) < 0:
        raise UsageError(f"{who}: sigma has a variance below 0: it is no covariance")
    return mean, cov


def write_reference(path: str | Path, features: Any, network: str) -> None:
    """Write (N, d) features of a network as a reference file, with what they were made by. Raises `UsageError`.

    A later metric names it: `fd(features=efficientnet_lite0, reference='stats.npz')`.

        >>> features = np.random.default_rng(0).normal(size=(4, 152))
        >>> nb.write_reference("stats.npz", features, "efficientnet_lite0_mid")
        >>> np.load("stats.npz")["mu"].shape
        (152,)
    """
    from ....data.disk import write_file

    target = path_of(path, "a reference")
    if not isinstance(network, str) or network not in NETWORKS:
        raise UsageError(f"unknown features {one_line(network)!r}: known: {', '.join(NETWORKS)}")
    array = feature_rows(features, "features").astype(np.float32)
    if array.shape[1] != NETWORKS[network].width:
        raise UsageError(f"features have shape {array.shape}: due is (N, {NETWORKS[network].width}) of {network}")
    moments = Moments.of(array)
    buffer = io.BytesIO()
    np.savez(
        buffer, features=array, mu=moments.mean, sigma=moments.cov, network=network,
        network_sha256=network_sha256(network), resize=RESIZE,
    )  # fmt: skip
    try:
        write_file(target, buffer.getvalue())
    except OSError as error:
        raise UsageError(f"reference {one_line(path)} cannot be written: {error.strerror}") from None
