"""Metrics of the package torchmetrics: imported when one is used, not before; its version is part of the metric."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import typing
import warnings
from functools import lru_cache
from typing import Any

import numpy as np

from ....components.registry import Bound
from ....text.errors import NotDefined, UsageError, nearest, one_line
from ..pairs import Array, Pair
from ._undefined import nothing_left

_DOWNLOADED = ("DeepImageStructureAndTextureSimilarity",)
"""Classes with a network that they do not name as `feature_network`."""
_LOWER = ("SpectralDistortionIndex",)
"""Distances, 0 for equal pictures, that torchmetrics 1.9 says are better the higher."""


def describe(bound: Bound) -> dict[str, Any]:
    """`higher` of a bound metric of torchmetrics, and `made_with`. Raises `UsageError` where it cannot be used."""
    import torchmetrics

    name = bound.kwargs["name"]
    metric = _class_of(name)
    higher = name not in _LOWER and bool(metric.higher_is_better)
    return {"higher": higher, "made_with": f"torchmetrics {torchmetrics.__version__}"}


def torchmetrics_score(pair: Pair, name: str) -> float:
    """The value of a class of `torchmetrics.image` for one pair."""
    metric, pictures = _open(name, pair.peak)
    if pair.x.size == 0:
        return nothing_left()
    try:
        metric.update(*(_tensor(picture) for picture in (pair.x, pair.y)[:pictures]))
        value = float(metric.compute())
    except (AssertionError, IndexError, RuntimeError, TypeError, ValueError) as error:
        if "memory" in str(error):
            raise
        return NotDefined(f"{name} of {pair.x.shape[0]}×{pair.x.shape[1]}: {one_line(error, 200)}")
    finally:
        metric.reset()
    return NotDefined(f"{name} has no value for this picture") if np.isnan(value) else value


def _tensor(picture: Array) -> Any:
    """(H, W, C) → float32 (1, C, H, W)."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32))[None]


@lru_cache(maxsize=8)
def _open(name: str, peak: float) -> tuple[Any, int]:
    """The metric on the CPU for pictures of data range `peak`, and how many pictures it takes."""
    metric = _class_of(name)
    options = {"data_range": peak} if "data_range" in inspect.signature(metric.__init__).parameters else {}
    with warnings.catch_warnings():  # that it keeps all pictures: there is one
        warnings.simplefilter("ignore")
        return metric(**options), len(inspect.signature(metric.update).parameters) - 1


@lru_cache(maxsize=32)
def _class_of(name: str) -> Any:
    """The class of that name. Raises `UsageError` where there is none, or where it takes more than a pair."""
    import torch

    known = _classes()
    if name not in known:
        raise UsageError(f"torchmetrics has no image metric {one_line(name)!r}: {nearest(name, known)}")
    metric = known[name]
    shown = f"torchmetrics(name={name})"
    if name in _DOWNLOADED or getattr(metric, "feature_network", None):
        raise UsageError(
            f"{shown} needs weights that torchmetrics downloads: use lpips, dists or pyiqa(name=…), for sets fid or kid"
        )
    hints = typing.get_type_hints(metric.update)
    hints.pop("return", None)
    if any(kind is not torch.Tensor for kind in hints.values()):
        raise UsageError(f"{shown} takes more than a restored and a clean picture")
    return metric


@lru_cache(maxsize=1)
def _classes() -> dict[str, Any]:
    """The classes of `torchmetrics.image` by name, those too that lack a package."""
    package = importlib.import_module("torchmetrics.image")
    metric = importlib.import_module("torchmetrics").Metric
    classes: dict[str, Any] = {}
    for file in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{file.name}")
        for name, value in vars(module).items():
            if (
                inspect.isclass(value)
                and issubclass(value, metric)
                and value is not metric
                and not name.startswith("_")
            ):
                classes[name] = value
    return classes
