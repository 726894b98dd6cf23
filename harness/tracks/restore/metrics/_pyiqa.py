"""Metrics of the package pyiqa, perceptual and no-reference ones among them: imported when one is used, not before.

No run downloads weights: `noisebench weights fetch` does. Their hash and the version of pyiqa are part of the metric:
of the key of a cell, and of what is stored with its scores.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ....components.decorators import metric
from ....components.registry import Bound
from ....spec.parsing import show
from ....text.errors import NotDefined, UsageError, nearest, one_line
from ....text.extras import install_line, is_installed, needs_packages
from ..pairs import Pair
from ._pyiqa_files import lacking_weights, served_files
from ._undefined import nothing_left

F = TypeVar("F", bound=Callable[..., Any])

_SETS = ("fid", "inception_score", "sfid")
LPIPS_NETS = {"alex": "lpips", "vgg": "lpips-vgg"}
_SPECS = {"lpips": "lpips", "lpips-vgg": "lpips(net=vgg)", "dists": "dists", "niqe": "niqe", "brisque": "brisque"}
"""The metrics of pyiqa that have a name of their own here."""


def iqa_metric(name: str, version: int = 1, *, higher: bool, title: str = "") -> Callable[[F], F]:
    """Register a metric that pyiqa computes."""

    return metric(name, version, higher=higher, describe=describe, title=title)


def describe(bound: Bound) -> dict[str, Any]:
    """`higher` of a bound metric of pyiqa, and `made_with`: version of pyiqa and hash of the weights.

    Opens the metric. Raises `UsageError` where the package or weights are missing, or the name is unknown.
    """
    model, made_with = _open(_name_of(bound))
    return {"higher": not model.lower_better, "made_with": made_with}


def pyiqa_score(pair: Pair, name: str) -> float:
    import torch

    model, _ = _open(name)
    shown = _shown(name)
    if pair.x.size == 0:
        return nothing_left()
    if pair.x.shape[2] not in (1, 3):
        return NotDefined(f"{shown} takes 1 or 3 channels, not {pair.x.shape[2]}")
    pictures = [_tensor(p, pair.peak) for p in ((pair.x, pair.y) if model.metric_mode == "FR" else (pair.x,))]
    try:
        with contextlib.redirect_stdout(sys.stderr), torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)
            value = float(model(*pictures))
    except (AssertionError, IndexError, RuntimeError, TypeError, ValueError) as error:
        if "memory" in str(error):
            raise
        return NotDefined(f"{shown} of {pair.x.shape[0]}×{pair.x.shape[1]}: {one_line(error, 200)}")
    return value if np.isfinite(value) else NotDefined(f"{shown} has no finite value for this picture")


def _tensor(picture: Any, peak: float) -> Any:
    import torch

    plain = np.clip(np.asarray(picture, np.float64) / peak, 0, 1).astype(np.float32)
    if plain.shape[2] == 1:
        plain = np.repeat(plain, 3, axis=2)
    return torch.from_numpy(np.ascontiguousarray(plain.transpose(2, 0, 1)))[None]


def fetch_metric(bound: Bound) -> str:
    """Download what a bound metric of pyiqa lacks, asking each host once, and say what it is then made with."""
    _open.cache_clear()
    return _opened(_name_of(bound), download=True)[1]


@lru_cache(maxsize=8)
def _open(name: str) -> tuple[Any, str]:
    """The metric of pyiqa, on the CPU, and what it is made with, by files that are here."""
    return _opened(name, download=False)


def _opened(name: str, download: bool) -> tuple[Any, str]:
    shown = _shown(name)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            package = importlib.import_module("pyiqa")
    except ImportError as error:
        raise UsageError(f"{shown} {_without_package(error)}") from None
    known = package.list_models()
    if name not in known:
        raise UsageError(f"pyiqa has no metric {one_line(name)!r}: {nearest(name, known)}")
    if name.startswith(_SETS):
        raise UsageError(f"{shown} is of a set of pictures: use fid, or fd(features=…)")
    try:
        model = _created(package, name, download)
    except UsageError as error:
        raise UsageError(f"{shown}: {error}") from None
    except ImportError as error:
        raise UsageError(f"{shown} {_without_package(error)}") from None
    except Exception as error:
        why = f"{type(error).__name__}: {one_line(error, 150)}"
        weights = _lacking(package, name, error, download)
        if not weights:
            raise UsageError(f"{shown} cannot be opened ({why})") from None
        spec = shown if shown.isalnum() else f'"{shown}"'
        remedy = f"the download failed ({why})" if download else f"`noisebench weights fetch {spec}` downloads it"
        raise UsageError(f"{shown} needs {weights}: {remedy}") from None
    digest = _weights_sha256(model)
    return model, f"pyiqa {package.__version__}" + (f", weights {digest}" if digest else "")


def _created(package: Any, name: str, download: bool) -> Any:
    """A metric of pyiqa. What pyiqa says is shown where it may download."""
    printed_to = sys.stderr if download else io.StringIO()
    with contextlib.redirect_stdout(printed_to), served_files(download):
        return package.create_metric(name, device="cpu")


def _lacking(package: Any, name: str, error: Exception, download: bool) -> str:
    """The weights for want of which a metric could not be opened, even where their download failed; else empty."""
    weights = lacking_weights(error)
    if weights or not download:
        return weights
    try:
        _created(package, name, download=False)
    except Exception as without:
        return lacking_weights(without)
    return ""


def _without_package(error: ImportError) -> str:
    """The end of a message about an import that failed."""
    package = (error.name or "").partition(".")[0]
    if package and not is_installed(package):
        return needs_packages([package])
    return f"cannot be opened ({one_line(error, 150)}): {install_line('pyiqa')}"


def _name_of(bound: Bound) -> str:
    """What pyiqa calls a bound metric."""
    name = bound.entry.name
    return LPIPS_NETS[bound.kwargs["net"]] if name == "lpips" else str(bound.kwargs.get("name", name))


def _shown(name: str) -> str:
    """The spec of a metric by its name in pyiqa."""
    return _SPECS.get(name) or f"pyiqa(name={show(name)})"


def _weights_sha256(model: Any) -> str:
    """Hash of the parameters of a model, of tensors beside them, by name, and of files that it reads; else empty."""
    import torch

    digest = hashlib.sha256()
    any_weights = False
    beside = (
        (f"{place}.{name}", value)
        for place, module in model.named_modules()
        for name, value in vars(module).items()
        if isinstance(value, torch.Tensor)
    )
    for name, tensor in (*sorted(model.named_parameters()), *sorted(beside)):
        if tensor.numel():
            any_weights = True
            digest.update(f"{name} {tuple(tensor.shape)} ".encode())
            digest.update(np.ascontiguousarray(tensor.detach().cpu().float().numpy()).tobytes())
    files = {v for m in model.modules() for v in vars(m).values() if isinstance(v, str) and Path(v).is_file()}
    for hashed in sorted(hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files):
        any_weights = True
        digest.update(hashed.encode())
    return digest.hexdigest() if any_weights else ""
