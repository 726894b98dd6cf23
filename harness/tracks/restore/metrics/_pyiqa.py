"""Metrics of the package pyiqa, perceptual and no-reference ones among them: imported when one is used, not before.

pyiqa downloads the weights of a network when it is first used. Their hash and the version of pyiqa are part of the
metric: of the key of a cell, and of what is stored with its scores.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import numpy as np

from ....components.decorators import metric
from ....components.registry import Bound
from ....text.errors import NotDefined, UsageError, nearest, one_line
from ..pairs import Pair
from ._undefined import nothing_left

F = TypeVar("F", bound=Callable[..., Any])

_SETS = ("fid", "inception_score", "sfid")
LPIPS_NETS = {"alex": "lpips", "vgg": "lpips-vgg"}
_INSTALL = 'pip install "noisebench[iqa]"'
_WITH_IT = ("pkg_resources", "icecream")
"""Packages that some models of pyiqa import and that it does not ask for: they come with the extra."""
_PATIENCE = 20.0
"""Seconds that a host may take to answer."""


def iqa_metric(name: str, version: int = 1, *, higher: bool, title: str = "") -> Callable[[F], F]:
    """Register a metric that pyiqa computes."""

    return metric(name, version, higher=higher, describe=describe, title=title)


def describe(bound: Bound) -> dict[str, Any]:
    """`higher` of a bound metric of pyiqa, and `made_with`: version of pyiqa and hash of the weights.

    Opens the metric. Raises `UsageError` where the package or weights are missing, or the name is unknown.
    """
    name = bound.entry.name
    name = LPIPS_NETS[bound.kwargs["net"]] if name == "lpips" else bound.kwargs.get("name", name)
    model, made_with = _open(name, bound.display)
    return {"higher": not model.lower_better, "made_with": made_with}


def pyiqa_score(pair: Pair, name: str, shown: str) -> float:
    import torch

    model, _ = _open(name, shown)
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


@lru_cache(maxsize=8)
def _open(name: str, shown: str) -> tuple[Any, str]:
    """The metric of pyiqa, on the CPU, and what it is made with."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            package = importlib.import_module("pyiqa")
    except ImportError as error:
        raise UsageError(f"{shown} needs the package pyiqa ({one_line(error, 100)}): {_INSTALL}") from None
    known = package.list_models()
    if name not in known:
        raise UsageError(f"pyiqa has no metric {one_line(name)!r}: {nearest(name, known)}")
    if name.startswith(_SETS):
        raise UsageError(f"{shown} is of a set of pictures: use fid, or fd(features=…)")
    try:
        with contextlib.redirect_stdout(sys.stderr), _asked_once():
            model = package.create_metric(name, device="cpu")
    except ImportError as error:
        lacking = (error.name or "").partition(".")[0]
        if not lacking:
            raise UsageError(f"{shown} cannot be opened ({one_line(error, 150)}): {_INSTALL}") from None
        remedy = _INSTALL if lacking in _WITH_IT else f"pip install {lacking}"
        raise UsageError(f"{shown} needs the package {lacking} beside pyiqa: {remedy}") from None
    except Exception as error:
        raise UsageError(
            f"{shown} cannot be opened ({type(error).__name__}: {one_line(error, 150)}): pyiqa downloads weights when "
            f"first used; do that once where there is a network, and keep its caches, {' and '.join(caches())}"
        ) from None
    digest = _weights_sha256(model)
    return model, f"pyiqa {package.__version__}" + (f", weights {digest}" if digest else "")


def caches() -> list[str]:
    """The folders that pyiqa keeps weights in: its own, and that of the hub which its backbones come from."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    torch_home = Path(os.environ.get("TORCH_HOME") or home / "torch")
    hub = os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or home / "huggingface") / "hub"
    return [str(torch_home / "hub" / "pyiqa"), str(hub)]


@contextlib.contextmanager
def _asked_once() -> Iterator[None]:
    """Let a host that cannot be found be asked once: what downloads would wait and try again for minutes."""
    find, wait, patience = socket.getaddrinfo, time.sleep, socket.getdefaulttimeout()
    failures: list[OSError] = []

    def ask(*args: Any, **options: Any) -> Any:
        try:
            return find(*args, **options)
        except OSError as error:
            failures.append(error)
            raise

    def give_up(seconds: float) -> None:
        if failures:
            raise failures[0]
        wait(seconds)

    socket.setdefaulttimeout(_PATIENCE)
    with mock.patch("socket.getaddrinfo", ask), mock.patch("time.sleep", give_up):
        try:
            yield
        finally:
            socket.setdefaulttimeout(patience)


def _weights_sha256(model: Any) -> str:
    """Hash of the parameters of a model, by name, and of files that it reads by itself; empty where it has none."""
    digest = hashlib.sha256()
    any_weights = False
    for name, tensor in sorted(model.named_parameters()):
        if tensor.numel():
            any_weights = True
            digest.update(f"{name} {tuple(tensor.shape)} ".encode())
            digest.update(np.ascontiguousarray(tensor.detach().cpu().float().numpy()).tobytes())
    files = {v for m in model.modules() for v in vars(m).values() if isinstance(v, str) and Path(v).is_file()}
    for hashed in sorted(hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files):
        any_weights = True
        digest.update(hashed.encode())
    return digest.hexdigest() if any_weights else ""
