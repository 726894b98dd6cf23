"""Which file of weights a metric needs that is not here. Nothing is opened or downloaded."""

from __future__ import annotations

from pathlib import Path

from ...components.registry import Entry
from ...data.weights import find_weights
from ...imaging.features.networks import INCEPTION
from ...text.errors import Skip
from .metrics._pyiqa import caches

_BY_PYIQA = {"lpips": "LPIPS_v0.1_alex", "dists": "DISTS_weights", "niqe": "niqe_modelparameters",
             "brisque": "brisque_svm_weights"}  # fmt: skip
"""How the file of a metric begins in the cache of pyiqa, which downloads it when the metric is first used."""


def lacking_file(entry: Entry) -> str:
    """The name of the file, empty where none is lacking or where it depends on a parameter."""
    if entry.name in _BY_PYIQA:
        begin = _BY_PYIQA[entry.name]
        cached = (path for folder in caches() for path in Path(folder).glob(f"{begin}*"))
        return "" if next(cached, None) else f"{begin}* of pyiqa"
    if not entry.meta.get("set"):
        return ""
    try:
        if entry.obj().features == "inception":
            find_weights([INCEPTION])
    except TypeError:  # which file it needs depends on its parameters
        return ""
    except Skip:
        return INCEPTION.also or INCEPTION.file
    return ""
