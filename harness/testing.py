"""For tests and notebooks: evaluate a method in this process, and throw-away suites made from text."""

from __future__ import annotations

import tempfile
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .errors import UsageError
from .regimes.degrade import degrade_sample
from .registry import DATASETS, METHODS, METRICS, PROTOCOLS, REGIMES, Bound, Entry, bind
from .tracks.restore import Restorer, open_dataset


@dataclass(frozen=True)
class Result:
    """Scores of one method on one dataset under one regime: `rows` a picture, means as attributes (`.psnr`).

    A row has `item`, `input_sha256`, `output_sha256`, `seconds`, `note` and each metric as a float (NaN where the
    score is not defined, with the reason in `note`). `sets` has a `SetPart` (see store/record.py) of each metric of
    the whole set; its value is an attribute too (`.kid`), NaN where it was refused.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    sets: dict[str, dict[str, Any]] = field(default_factory=dict)

    def mean(self, metric: str) -> float:
        """Mean over pictures, or the value of a set metric. Raises `UsageError` for one that was not asked for."""
        if metric in self.sets:
            return _float(self.sets[metric]["value"])
        if not self.rows or metric not in self.rows[0]:
            raise UsageError(f"no metric {metric!r} in this result: name it in metrics=")
        return float(np.mean([row[metric] for row in self.rows]))

    def __getattr__(self, name: str) -> float:
        if name.startswith("_") or name in ("rows", "sets"):
            raise AttributeError(name)
        try:
            return self.mean(name)
        except UsageError as error:
            raise AttributeError(str(error)) from None


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)


def evaluate(
    method: str | Callable[..., Any],
    dataset: str = "photos",
    regime: str = "gaussian(sigma=25)",
    *,
    protocol: str = "uint8",
    metrics: Sequence[str] = ("psnr", "ssim"),
    seed: int = 0,
    limit: int | None = None,
    device: str = "cpu",
) -> Result:
    """Run in this process what `noisebench run` runs in isolation: the same numbers, no limits, nothing stored.

    `method` is a spec, a registered function or class (then with its layout and defaults), or any function
    `f(noisy, info)` on (1, C, H, W) tensors. Raises what the method raises.
    """
    from .engine.worker import restore_one, row_of
    from .scoring.collect import collector

    restorer = Restorer(_bound(method))
    restorer.setup(device)
    data = open_dataset(bind(dataset, DATASETS))
    noise, rules = bind(regime, REGIMES), bind(protocol, PROTOCOLS)
    measures = [bind(m, METRICS) for m in metrics]
    single = [m for m in measures if not m.entry.meta.get("set")]
    whole = [m for m in measures if m.entry.meta.get("set")]
    n = len(data.ids) if limit is None else min(limit, len(data.ids))
    restorer.expect(data.ids, n)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        taker, parts = collector(whole, Path(folder), n, rules)
        for index in range(n):
            sample = data.load(index)
            noisy, info = degrade_sample(noise, sample, seed)
            restored, elapsed, _ = restore_one(restorer, sample, noisy, info, device)
            row = row_of(sample, noisy, restored, elapsed, rules, single)
            scores = row.pop("scores")
            rows.append({**row, **{name: _float(value) for name, value in scores.items()}})
            if whole:
                taker.take(restored, sample.clean)
        return Result(rows, {name: {**parts[name], **found} for name, found in taker.score().items()})


def _bound(method: str | Callable[..., Any]) -> Bound:
    """A spec, a registered function or class with its defaults, or any function as it stands."""
    spec = method if isinstance(method, str) else METHODS.name_of(method)
    if spec or isinstance(method, str):
        return bind(spec, METHODS)
    meta = {"layout": "tensor", "needs": (), "requires": (), "oracle": False, "named": False}
    name = getattr(method, "__name__", "method")
    return Bound(Entry(name, method, 1, meta), {}, name, name)


def throwaway(folder: Path, suite: str, **files: str) -> Path:
    """Write a suite and plug-in modules (name → source) into `folder`; returns the suite's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in files.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
    path = folder / "suite.yaml"
    path.write_text(textwrap.dedent(suite), encoding="utf-8")
    return path
