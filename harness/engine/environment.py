"""What a run ran on: versions and hardware. Recorded in each cell, no part of its key."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_PACKAGES = (
    "numpy",
    "torch",
    "opencv-python-headless",
    "scipy",
    "scikit-image",
    "PyWavelets",
    "bm3d",
    "pyarrow",
)


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


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith(("model name", "Model")):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
