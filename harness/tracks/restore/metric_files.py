"""Files of weights that a metric needs: which one is not here, and those that can be downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...components.registry import Bound, Entry
from ...data.roots import weight_roots
from ...data.weights import find_weights
from ...imaging.features.networks import INCEPTION
from ...text.errors import Skip, UsageError, one_line
from .metrics._pyiqa import describe, fetch_metric
from .metrics._pyiqa_files import found_file, searched_folders

_BY_PYIQA = {
    "lpips": ("alexnet-owt-7be5be79.pth", "LPIPS_v0.1_alex-df73285e.pth"),
    "dists": ("vgg16-397923af.pth", "DISTS_weights-f5e65c96.pth"),
    "niqe": ("niqe_modelparameters.mat",),
    "brisque": ("brisque_svm_weights.pth",),
}
"""The files that pyiqa asks for, by their published names."""
_RELEASE = "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights"


def lacking_file(entry: Entry) -> str:
    """The name of the file, empty where none is lacking or where it depends on a parameter. Nothing is downloaded."""
    folders = searched_folders()
    if lacking := next((name for name in _BY_PYIQA.get(entry.name, ()) if not found_file(name, folders)), ""):
        return lacking
    return INCEPTION.also if _reads_inception(entry, {}) and not _has_inception() else ""


def fetch_files(metric: Bound) -> str:
    """Download the weights that a bound metric lacks, and say what it is made with. Raises `UsageError`."""
    if metric.entry.meta.get("describe") is describe:
        return fetch_metric(metric)
    if not _reads_inception(metric.entry, metric.kwargs):
        return "needs no weights"
    if not _has_inception():
        _download_inception()
    return f"weights {INCEPTION.sha256}"


def _reads_inception(entry: Entry, values: Mapping[str, Any]) -> bool:
    """Whether a metric is in features of Inception; not where that depends on a parameter that is not given."""
    try:
        return bool(entry.meta.get("set") and entry.obj(**values).features == "inception")
    except TypeError:
        return False


def _has_inception() -> bool:
    try:
        return bool(find_weights([INCEPTION]))
    except Skip:
        return False


def _download_inception() -> None:
    from torch.hub import download_url_to_file

    address, folder = f"{_RELEASE}/{INCEPTION.also}", weight_roots()[-1]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        download_url_to_file(address, str(folder / INCEPTION.also), hash_prefix=INCEPTION.sha256)
    except (OSError, RuntimeError) as error:
        raise UsageError(
            f"{address} cannot be downloaded ({one_line(error, 150)}): put it in {one_line(folder)}"
        ) from None
