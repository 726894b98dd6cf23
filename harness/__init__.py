"""noisebench: benchmark and evaluation of image restoration under noise."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "method": "tracks.restore", "dataset": "tracks.restore", "Sample": "tracks.restore", "Info": "tracks.restore",
    "regime": "regimes.degrade", "degrade": "regimes.degrade",
    "metric": "scoring.protocol", "protocol": "scoring.protocol",
    "psnr": "scoring.score", "ssim": "scoring.score", "score": "scoring.score", "score_sets": "scoring.score",
    "features": "scoring.score", "write_reference": "scoring.reference", "evaluate": "testing",
    "frechet_distance": "scoring.frechet", "kernel_distance": "scoring.kernel",
    "read_checkpoint": "tracks.checkpoints", "module_sources": "fingerprint",
    "read_picture": "tracks.pictures", "write_picture": "tracks.pictures", "pixel_sha256": "regimes.degrade",
    "PICTURE_SUFFIXES": "tracks.pictures", "ManifestSet": "tracks.manifest",
    "WeightFile": "tracks.weights", "read_weight_table": "tracks.weights", "load_weights": "tracks.weights",
    "UsageError": "errors", "Skip": "errors", "Invalid": "errors", "NotDefined": "errors",
    "MethodSpec": "registry", "DatasetSpec": "registry", "Dataset": "tracks.restore", "open_dataset": "tracks.restore",
    "Restorer": "tracks.restore", "Spec": "spec",
}  # fmt: skip

__all__ = ["__version__", *sorted(_HOME)]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
