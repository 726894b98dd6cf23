"""Records made by hand for the tests of boards and reports."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from noisebench.store.record import Cell, Cost, Panel, Record

METRICS = {
    "psnr": {"version": 1, "higher": True, "unit": "dB"},
    "ssim": {"version": 1, "higher": True, "unit": ""},
    "mse": {"version": 1, "higher": False, "unit": ""},
}
ENVIRONMENT = {
    "noisebench": "0.1.0", "python": "3.11.9", "platform": "Linux-x86_64", "cpu": "Some CPU @ 2.4 GHz",
    "packages": {"numpy": "2.0.0", "torch": "2.5.0"}, "hostname": "secret-host",
}  # fmt: skip
FLAGS = {"blind": False, "zero_shot": False, "self_ensemble": False, "tiled": False, "trained_on": [],
         "oracle": False, "baseline": False}  # fmt: skip


def sha(text: str) -> str:
    """A stand-in for the hash of something."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def record(
    method: str = "nlm",
    scores: Mapping[str, Sequence[float]] | None = None,
    *,
    display: str = "",
    dataset: str = "photos",
    regime: str = "gaussian(sigma=25)",
    protocol: str = "uint8",
    seed: int = 0,
    items: Sequence[str] | None = None,
    pictures: int | None = None,
    outcome: str = "ok",
    reason: str = "",
    traceback: str = "",
    flags: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
    row_notes: Sequence[str] | None = None,
    rank_by: str = "psnr",
    inputs: str = "",
    source: str = "source",
    panel: Panel | None = None,
    environment: Mapping[str, Any] | None = None,
) -> Record:
    """A score cell; `scores` maps a metric to a value a picture."""
    values = {name: np.array(list(column), dtype=float) for name, column in (scores or {}).items()}
    n = len(next(iter(values.values()))) if values else 0
    names = list(items) if items is not None else [f"p{i:03d}" for i in range(n)]
    shown = display or method
    spec = regime.replace("=25)", "=25.0)").replace("=50)", "=50.0)").replace("=15)", "=15.0)")
    cell: dict[str, Any] = {
        "schema": 1,
        "key": sha(f"{shown}|{dataset}|{regime}|{protocol}|{seed}|{source}|{sorted(values)}"),
        "kind": "score",
        "track": "restore",
        "method": {"name": method, "spec": shown, "display": shown, "versions": {method: 1},
                   "flags": {**FLAGS, **(flags or {})}, "cite": "", "sources": {},
                   "source_sha256": sha(source + method)},
        "dataset": {"name": dataset, "spec": dataset, "display": dataset, "fingerprint": sha(dataset),
                    "pictures": n if pictures is None else pictures},
        "regime": {"name": regime.split("(")[0], "spec": spec, "display": regime,
                   "versions": {part.split("(")[0].strip(): 1 for part in regime.split("+")}},
        "protocol": {"name": protocol, "spec": protocol, "display": protocol, "versions": {protocol: 1}},
        "metrics": {name: dict(METRICS[name]) for name in values},
        "seed": seed,
        "outcome": outcome,
        "reason": reason,
        "traceback": traceback,
        "notes": list(notes),
        "suite": {"suite": "demo", "rank_by": rank_by},
        "setup_s": 0.1,
        "seconds": 1.0,
        "cost": None,
        "environment": dict(environment if environment is not None else ENVIRONMENT),
    }  # fmt: skip
    stored: Cell = cell  # type: ignore[assignment]
    return Record(
        stored,
        names,
        [sha(f"{inputs}{dataset}{regime}{seed}{name}") for name in names],
        [sha(f"{shown}{name}{seed}") for name in names],
        list(row_notes) if row_notes is not None else [""] * n,
        np.full(n, 0.1),
        values,
        panel,
    )


def cost_record(
    method: str = "nlm",
    *,
    display: str = "",
    p50: float | None = 10.0,
    peak: int | None = 2**20,
    params: int | None = 1000,
    size: Sequence[int] = (256, 256, 1),
    outcome: str = "ok",
    reason: str = "",
    reasons: Mapping[str, str] | None = None,
    source: str = "source",
) -> Record:
    """A cost cell."""
    base = record(method, {}, display=display, outcome=outcome, reason=reason, source=source)
    cost: Cost = {
        "size": list(size), "device": "cpu", "threads": 1, "repeats": 10, "setup_s": 0.25,
        "latency_ms": None if p50 is None else {"p50": p50, "p90": p50 * 1.2, "min": p50 * 0.9},
        "latency_cpu_ms": p50, "latency_rel": None if p50 is None else p50 / 4, "reference_ms": 4.0,
        "peak_memory_bytes": peak, "params": params, "macs": None,
        "reasons": dict(reasons or {"macs": "no torch operation was seen"}),
    }  # fmt: skip
    cell: dict[str, Any] = {**base.cell, "kind": "cost", "key": sha(f"cost{display or method}{size}{source}"),
                            "cost": cost if outcome == "ok" else None, "metrics": {}}  # fmt: skip
    stored: Cell = cell  # type: ignore[assignment]
    return Record(stored)
