"""Reference statistics in a file: mean and covariance, or the features themselves, of a set that others scored."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UsageError, one_line
from .features import NETWORKS, network_sha256
from .moments import Moments
from .resize import NAME as RESIZE

if TYPE_CHECKING:
    from .sets import SetMetric


@dataclass(frozen=True, eq=False)
class Reference:
    """A file of reference statistics; `said` whether it names its network."""

    name: str
    sha256: str
    moments: Moments
    features: Any | None
    said: bool

    def side(self, metric: SetMetric) -> Any:
        """What the distance of `metric` is taken to."""
        return self.features if metric.distance == "kernel" else self.moments


def read_reference(metric: SetMetric) -> Reference:
    """The reference of a metric: an `.npz` with `mu` and `sigma`, or with `features`. Raises `UsageError`."""
    path = Path(metric.reference).expanduser()
    try:
        status = path.stat()
        found = _read(str(path), metric.features, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise UsageError(f"reference {one_line(path)}: {error.strerror}") from None
    if metric.distance == "kernel" and found.features is None:
        raise UsageError(
            f"reference {one_line(path)} has mu and sigma alone, and kid needs the features: write them with "
            "noisebench.write_reference"
        )
    return found


@lru_cache(maxsize=4)
def _read(path: str, network: str, size: int, stamp: int) -> Reference:
    data = Path(path).read_bytes()
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, AttributeError, KeyError) as error:
        raise UsageError(f"reference {one_line(path)} is not an .npz of arrays ({one_line(error, 80)})") from None
    said = "network_sha256" in held
    if said and (str(held["network_sha256"]), str(held.get("resize"))) != (network_sha256(network), RESIZE):
        raise UsageError(
            f"reference {one_line(path)} is of other features than {network} ({RESIZE}): make it again with "
            "noisebench.write_reference"
        )
    width = NETWORKS[network].width
    if "features" in held:
        features = held["features"]
        if features.ndim != 2 or features.shape[1] != width or len(features) < 2:
            raise UsageError(f"reference {one_line(path)}: features have shape {features.shape}, due is (N, {width})")
        moments = Moments.of(features, f"reference {one_line(path)}")
    elif "mu" in held and "sigma" in held:
        features = None
        mean, cov = np.asarray(held["mu"], np.float64), np.asarray(held["sigma"], np.float64)
        if (
            mean.shape != (width,)
            or cov.shape != (width, width)
            or not (np.isfinite(mean).all() and np.isfinite(cov).all())
        ):
            raise UsageError(
                f"reference {one_line(path)}: mu has shape {mean.shape} and sigma {cov.shape}, due are ({width},) and "
                f"({width}, {width}) of numbers"
            )
        moments = Moments(2, mean, cov)
    else:
        raise UsageError(f"reference {one_line(path)} has neither `features` nor `mu` and `sigma`")
    return Reference(Path(path).name, hashlib.sha256(data).hexdigest(), moments, features, said)


def write_reference(path: str | Path, features: Any, network: str) -> None:
    """Write (N, d) features of a network as a reference file, with what they were made by. Raises `UsageError`.

    A later metric names it: `fd(features=efficientnet_lite0, reference='stats.npz')`.
    """
    from ..store.disk import write_file

    if network not in NETWORKS:
        raise UsageError(f"unknown features {one_line(network)!r}: known: {', '.join(NETWORKS)}")
    array = np.asarray(features, np.float32)
    if array.ndim != 2 or array.shape[1] != NETWORKS[network].width:
        raise UsageError(f"features have shape {array.shape}: due is (N, {NETWORKS[network].width}) of {network}")
    moments = Moments.of(array)
    buffer = io.BytesIO()
    np.savez(
        buffer, features=array, mu=moments.mean, sigma=moments.cov, network=network,
        network_sha256=network_sha256(network), resize=RESIZE,
    )  # fmt: skip
    write_file(Path(path), buffer.getvalue())
