"""A store of many cells whose scores are drawn, not measured: what the verbs that read whole stores are timed on.

The cells are planned as a run plans them, so that report, compare, check, why, verify and export take them for their
own; no method is called, and the hashes of inputs and outputs stand for pictures that nobody made.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from noisebench.engine.environment import environment
from noisebench.planning.plan import plan
from noisebench.store.cell import SCHEMA, Cell, CellIdentity
from noisebench.store.cells import commit, open_store, partial_dir
from noisebench.suite.suite import Suite

METHODS = 100


def make(folder: str, cells: int, pictures: int = 100, *, seed: int = 0) -> Path:
    """`cells` cells, up to 100 methods on cells/100 noise levels; `seed` moves the scores, not the keys or inputs."""
    os.fsync = os.fdatasync = lambda fd: None  # type: ignore[assignment]
    levels = -(-cells // METHODS)
    suite = Suite(
        suite="big",
        methods=tuple(f"gaussian_filter(width={i})" for i in range(1, min(cells, METHODS) + 1)),
        datasets=(f"piecewise(n={pictures}, size=8)",),
        regimes=tuple(f"gaussian(sigma={level})" for level in range(1, levels + 1)),
    )
    store, rng, made_in = open_store(Path(folder)), np.random.default_rng(seed), environment()
    for number, planned in enumerate(plan(suite)[:cells]):
        level = planned.regime.display
        cell = Cell(
            **{field: getattr(planned, field) for field in CellIdentity.__struct_fields__},
            schema=SCHEMA, outcome="ok", reason="", traceback="", notes=[], setup_s=0.1,
            seconds=0.1 * pictures, cost=None, environment=made_in,
        )  # fmt: skip
        rows = [
            {"item": f"p{j}", "input_sha256": f"{level:>032}{j:032}", "output_sha256": f"{number:032}{j:032}",
             "note": "", "seconds": 0.1, "scores": {"psnr": 30 + rng.normal(), "ssim": 0.8 + 0.01 * rng.normal()}}
            for j in range(pictures)
        ]  # fmt: skip
        partial_dir(store, planned.key).mkdir(parents=True)
        commit(store, cell, rows)
    return store
