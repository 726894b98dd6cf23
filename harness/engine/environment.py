"""What a run ran on: versions and hardware. Recorded in each cell, no part of its key."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ..text.errors import UsageError, one_line
from ..training.processor import read_cpuinfo

_PACKAGES = ("numpy", "torch", "opencv-python-headless", "scipy", "scikit-image", "PyWavelets", "bm3d", "pyarrow")


def environment() -> dict[str, Any]:
    """noisebench, python, platform, cpu, cores and package versions."""
    from .. import __version__

    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "noisebench": __version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "packages": packages,
    }


def check_device(device: str) -> None:
    """Raise `UsageError` where methods cannot run on `device` here. Imports torch for any other than `cpu`."""
    if device == "cpu":
        return
    known = re.fullmatch(r"(cuda|mps)(?::(\d+))?", device)
    if known is None:
        raise UsageError(f"unknown device {one_line(device)!r}: give cpu, cuda, cuda:1 or mps")
    import torch

    kind, number = known[1], int(known[2] or 0)
    if kind == "mps":
        count = int(torch.backends.mps.is_available())
    else:
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if number >= count:
        why = f"torch {torch.__version__} finds no {kind}" if not count else f"the last one here is {kind}:{count - 1}"
        raise UsageError(f"device {device} is not there ({why}): give {'cpu' if not count else 'that'}")


def _cpu() -> str:
    for line in read_cpuinfo().splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
