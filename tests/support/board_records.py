"""Records made by hand for the tests of boards and reports."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from msgspec import structs
from noisebench.store.cell import SCHEMA, Cell
from noisebench.store.cell_json import checked, plain_values
from noisebench.store.keys import key_of
from noisebench.store.record import Panel, Record

METRICS: dict[str, dict[str, Any]] = {
    "psnr": {"version": 1, "higher": True, "unit": "dB", "decimals": 2, "order": 0,
             "gate": {"max_drop": 0.02, "max_drop_item": 0.5}},
    "ssim": {"version": 1, "higher": True, "unit": "", "decimals": 4, "order": 1, "gate": {"max_drop": 0.001}},
    "mse": {"version": 1, "higher": False, "unit": "", "decimals": 4, "order": 100, "gate": {}},
    "rmse": {"version": 1, "higher": False, "unit": "", "decimals": 4, "order": 0, "gate": {"max_drop": 0.001}},
    "sup_norm": {"version": 1, "higher": False, "unit": "", "decimals": 4, "order": 1, "gate": {}},
    "si_sdr": {"version": 1, "higher": True, "unit": "dB", "decimals": 2, "order": 0, "gate": {"max_drop": 0.1}},
    "certified_radius": {"version": 1, "higher": True, "unit": "", "decimals": 4, "order": 31, "gate": {}},
    "accuracy": {"version": 1, "higher": True, "unit": "", "decimals": 4, "order": 0, "gate": {"max_drop": 0.005}},
}  # fmt: skip
ENVIRONMENT = {
    "noisebench": "0.1.0", "python": "3.11.9", "platform": "Linux-x86_64", "cpu": "Some CPU @ 2.4 GHz",
    "packages": {"numpy": "2.0.0", "torch": "2.5.0"}, "hostname": "secret-host",
}  # fmt: skip
FLAGS = {
    "blind": False,
    "zero_shot": False,
    "self_ensemble": False,
    "tiled": False,
    "trained_on": [],
    "oracle": False,
    "family": "",
}
ROLES = {"identity": "baseline", "gaussian_filter": "sanity", "oracle": "sanity", "bayes_optimum": "optimum",
         "mean": "baseline"}  # fmt: skip
WORDS = {
    "restore": {"item": "picture", "items": "pictures", "given": "noisy input", "output": "restored picture",
                "truth": "clean picture", "level": "noise level"},
    "functions": {"item": "function", "items": "functions", "given": "noisy samples", "output": "fit",
                  "truth": "true values", "level": "noise level"},
    "audio": {"item": "clip", "items": "clips", "given": "noisy clip", "output": "restored clip",
              "truth": "true clip", "level": "noise level"},
    "classify": {"item": "picture", "items": "pictures", "given": "noisy picture", "output": "logits",
                 "truth": "label", "level": "noise level"},
}  # fmt: skip


TRAINING_COST = {
    "seconds": 1.0, "cpu_seconds": 1.0, "items_per_second": 40.0, "peak_memory_bytes": None, "parameter_bytes": 8,
    "gradient_bytes": 8, "optimizer_bytes": 8, "saved_bytes": 8, "macs": None, "reasons": {},
}  # fmt: skip


def panel_of(item: str, clean: bytes, noisy: bytes, restored: bytes) -> Panel:
    """Crops of one picture."""
    return Panel(item, {"clean": clean, "noisy": noisy, "restored": restored})


def sha(text: str) -> str:
    """A stand-in for the hash of something."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def cell_of(fields: Mapping[str, Any]) -> Cell:
    """A cell of fields whose parts may be typed or plain."""
    return checked(plain_values(dict(fields)), Cell)


def changed(cell: Cell, **fields: Any) -> Cell:
    """The cell with some fields changed; parts may be typed or plain."""
    return cell_of({**plain_values(cell), **fields})


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
    track: str = "restore",
    panel: Panel | None = None,
    environment: Mapping[str, Any] | None = None,
) -> Record:
    """A score cell; `scores` maps a metric to a value an item, of which the dataset has `pictures`."""
    values = {name: np.array(list(column), dtype=float) for name, column in (scores or {}).items()}
    n = len(next(iter(values.values()))) if values else 0
    names = list(items) if items is not None else [f"p{i:03d}" for i in range(n)]
    shown, place = display or method, "" if track == "restore" else f"{track}|"
    spec = regime.replace("=25)", "=25.0)").replace("=50)", "=50.0)").replace("=15)", "=15.0)")
    cell: dict[str, Any] = {
        "schema": SCHEMA,
        "key": sha(f"{place}{shown}|{dataset}|{regime}|{protocol}|{seed}|{source}|{sorted(values)}"),
        "kind": "score",
        "track": track,
        "words": WORDS[track],
        "method": {"name": method, "spec": shown, "display": shown, "versions": {method: 1},
                   "flags": {**FLAGS, "role": ROLES.get(method, ""), **(flags or {})}, "cite": "", "sources": {},
                   "source_sha256": sha(source + method)},
        "dataset": {"name": dataset, "spec": dataset, "display": dataset, "versions": {dataset: 1},
                    "fingerprint": sha(dataset), "items": n if pictures is None else pictures,
                    "total": n if pictures is None else pictures, "channels": [1]},
        "regime": {"name": regime.split("(")[0], "spec": spec, "display": regime,
                   "versions": {part.split("(")[0].strip(): 1 for part in regime.split("+")}},
        "protocol": {"name": protocol, "spec": protocol, "display": protocol, "versions": {protocol: 1}},
        "metrics": {name: dict(METRICS[name]) for name in values},
        "seed": seed,
        "outcome": outcome,
        "reason": reason,
        "traceback": traceback,
        "notes": list(notes),
        "suite": {"name": "demo", "rank_by": rank_by, "datasets": dataset.partition("(")[0]},
        "setup_s": 0.1,
        "seconds": 1.0,
        "cost": None,
        "environment": dict(environment if environment is not None else ENVIRONMENT),
    }  # fmt: skip
    return Record(
        cell_of(cell),
        names,
        [sha(f"{inputs}{dataset}{regime}{seed}{name}") for name in names],
        # The identity gives back what it is given.
        [
            sha(f"{inputs}{dataset}{regime}{seed}{name}" if method == "identity" else f"{shown}{name}{seed}")
            for name in names
        ],
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
    cost = {
        "size": list(size), "device": "cpu", "threads": 1, "repeats": 10, "setup_s": 0.25,
        "latency_ms": None if p50 is None else {"p50": p50, "p90": p50 * 1.2, "min": p50 * 0.9},
        "latency_cpu_ms": p50, "latency_rel": None if p50 is None else p50 / 4, "reference_ms": 4.0,
        "peak_memory_bytes": peak, "params": params, "macs": None,
        "reasons": dict(reasons or {"macs": "no torch operation was seen"}),
    }  # fmt: skip
    data = structs.replace(base.cell.dataset, total=None, channels=None)
    key = sha(f"cost{display or method}{size}{source}")
    return Record(
        changed(base.cell, kind="cost", dataset=data, key=key, cost=cost if outcome == "ok" else None, metrics={})
    )


def as_schema_1(one: Record) -> Record:
    """The same record as it was stored before tracks: no words, no roles, metrics that say nothing of themselves."""
    cell: dict[str, Any] = {**plain_values(one.cell), "schema": 1}
    del cell["words"]
    method, data = dict(cell["method"]), dict(cell["dataset"])
    flags = dict(method["flags"])
    flags["baseline"] = flags.pop("role") in ("baseline", "sanity")
    data["pictures"] = data.pop("items")
    data.pop("total", None)
    del flags["family"]
    known = ("version", "higher", "unit")
    metrics = {name: {k: part[k] for k in known} for name, part in cell["metrics"].items()}
    inputs = dict(cell.get("inputs") or {})
    if "data" in inputs:
        inputs["pictures"] = inputs.pop("data")
    cell |= {"method": {**method, "flags": flags}, "dataset": data, "metrics": metrics, "inputs": inputs}
    return replace(one, cell=cell_of(cell))


def sealed(one: Record) -> Record:
    """The record with the inputs and the key that a planned cell has."""
    cell = one.cell
    inputs: dict[str, Any] = {"kind": cell.kind, "track": f"{cell.track}@1"}
    inputs["source"] = cell.method.source_sha256
    for name, part in (("method", cell.method), ("regime", cell.regime), ("protocol", cell.protocol)):
        inputs[name] = {"spec": part.spec, "versions": part.versions}
    if cell.kind == "score":
        inputs |= {"seed": cell.seed, "data": cell.dataset.fingerprint}
        inputs["metrics"] = {name: part.version for name, part in cell.metrics.items()}
    else:
        inputs |= {"size": [256, 256], "device": "cpu", "threads": 1}
    return replace(one, cell=structs.replace(cell, inputs=inputs, key=key_of(inputs)))


def training_of(**changes: Any) -> dict[str, Any]:
    """How a training went, with what differs from the usual; of its cost what is given alone."""
    training = {
        "recipe": "", "given": [8, 8, 1], "wanted": [8, 8, 1], "validation": [], "of": 40, "stopped": "",
        "higher": True, "metric": "accuracy", "steps": 40, "score": 0.5, "curve": [], **changes,
    }  # fmt: skip
    return {**training, "cost": {**TRAINING_COST, **changes.get("cost", {})}}


def training_record(
    spec: str, seed: int = 0, *, figures: Mapping[str, float] | None = None, outcome: str = "ok", **changes: Any
) -> Record:
    """The training of a recipe: `figures` are what its parts found, `changes` what differs in how it went."""
    made = record("trained", display=spec, seed=seed, outcome=outcome)
    training = training_of(recipe=spec, figures=dict(figures or {}), **changes)
    return replace(made, cell=changed(made.cell, kind="train", **({"training": training} if outcome == "ok" else {})))
