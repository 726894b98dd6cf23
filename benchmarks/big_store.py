"""A store of many cells whose scores are drawn, not measured: what report, compare and check are timed on."""

from __future__ import annotations

import os
from copy import deepcopy
from pathlib import Path

import numpy as np
from noisebench.store.cells import commit, open_store, partial_dir, read_records
from noisebench.store.keys import key_of
from noisebench.store.record import SCHEMA

RESULTS = Path(__file__).parents[1] / "results" / "demo.json"


def make(folder: str, cells: int, pictures: int = 100, *, seed: int = 0) -> Path:
    """`cells` cells, 100 methods on cells/100 noise levels; `seed` moves the scores, not the keys or inputs."""
    os.fsync = os.fdatasync = lambda fd: None  # type: ignore[assignment]
    base = next(r for r in read_records(RESULTS) if r.cell["kind"] == "score")
    store, rng = open_store(Path(folder)), np.random.default_rng(seed)
    for i in range(cells):
        method, level = i % 100, i // 100 + 1
        cell = deepcopy(dict(base.cell))
        cell["inputs"]["i"] = i
        cell |= {"schema": SCHEMA, "key": key_of(cell["inputs"]), "outcome": "ok", "notes": [], "request": {}}
        cell["method"] |= {"name": f"m{method}", "spec": f"m{method}", "display": f"m{method}"}
        cell["regime"] |= {"spec": f"gaussian(sigma={level}.0)", "display": f"gaussian(sigma={level})"}
        cell["dataset"]["items"] = pictures
        rows = [
            {"item": f"p{j}", "input_sha256": f"{level:032}{j:032}", "output_sha256": f"{i:032}{j:032}",
             "note": "", "seconds": 0.1, "scores": {"psnr": 30 + rng.normal(), "ssim": 0.8 + 0.01 * rng.normal()}}
            for j in range(pictures)
        ]  # fmt: skip
        partial_dir(store, cell["key"]).mkdir(parents=True)
        commit(store, cell, rows)
    return store
