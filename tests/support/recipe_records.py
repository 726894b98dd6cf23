"""Records of trainings and of what they trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from board_records import changed, record, sha
from noisebench.store.record import Record

MIB = 2**20
Curve = Sequence[tuple[int, float, float]]


def training(
    label: str, seed: int, curve: Curve, *, mib: float = 4.0, outcome: str = "ok", metric: str = "psnr"
) -> Record:
    """The cell of a training: its curve, and so much memory, a quarter of it for each of its four parts."""
    made = record("trained", display=label, dataset="dead_leaves", seed=seed, outcome=outcome)
    quarter = int(mib * MIB / 4)
    cost = {
        "seconds": curve[-1][1], "cpu_seconds": curve[-1][1], "items_per_second": 1.0, "peak_memory_bytes": 9 * MIB,
        "parameter_bytes": quarter, "gradient_bytes": quarter, "optimizer_bytes": quarter, "saved_bytes": quarter,
        "macs": 1_000_000, "reasons": {},
    }  # fmt: skip
    done = {
        "recipe": label, "given": [1, 8, 8], "wanted": [1, 8, 8], "validation": ["v0", "v1"], "metric": metric,
        "higher": True, "steps": curve[-1][0], "of": curve[-1][0], "stopped": "", "score": curve[-1][2],
        "curve": [{"step": n, "seconds": s, "loss": None, "score": score} for n, s, score in curve], "cost": cost,
    }  # fmt: skip
    more = {"training": done} if outcome == "ok" else {}
    key = sha(f"train {label} {seed}")
    return replace(made, cell=changed(made.cell, kind="train", key=key, metrics={}, **more))


def scored(label: str, seed: int, scores: Sequence[float], trained: Record, tuned: Any = None) -> Record:
    """The score cell of a method whose network `trained` gave."""
    made = record("tuned" if tuned else "trained", {"psnr": scores}, display=label, seed=seed)
    keys = [variant["key"] for variant in tuned["variants"]] if tuned else [trained.cell.key]
    trainings = {f"{label} {i}": key for i, key in enumerate(keys)}
    return replace(made, cell=changed(made.cell, trained=trainings, after=[], tuned=[tuned] if tuned else []))
