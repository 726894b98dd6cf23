"""A store of many cells whose scores are drawn, not measured: what the verbs that read whole stores are timed on.

The cells are planned as a run plans them, so that report, compare, check, why, verify and export take them for their
own; no method is called, and the hashes of inputs and outputs stand for pictures that nobody made.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from noisebench.engine.environment import environment
from noisebench.planning.plan import plan
from noisebench.store.cell import SCHEMA, Cell, CellIdentity
from noisebench.store.cells import cell_dir, commit, open_store, partial_dir
from noisebench.store.index import WATCHED, stamped, stamps, write_tables
from noisebench.store.record import Record
from noisebench.store.request_times import now
from noisebench.store.tables import joined
from noisebench.suite.suite import Suite

METHODS = 100


def make(folder: str, cells: int, pictures: int = 100, *, seed: int = 0) -> Path:
    """`cells` cells, up to 100 methods on cells/100 noise levels; `seed` moves the scores, not the keys or inputs."""
    os.fsync = os.fdatasync = lambda fd: None  # type: ignore[assignment]
    store = open_store(Path(folder))
    for cell, rows in _drawn(cells, pictures, seed):
        partial_dir(store, cell.key).mkdir(parents=True)
        commit(store, cell, rows)
    return store


def make_indexed(folder: str, cells: int, pictures: int, *, seed: int = 0) -> Path:
    """The same with an index, and empty files in the folders of cells: a fiftieth of the time and of the disk.

    Verbs that read whole stores look at the times of these files alone. No cell can be read from them.
    """
    store = open_store(Path(folder))
    parts, asked, drawn = [], now(), _drawn(cells, pictures, seed)
    while some := [_record(*one, asked) for one in itertools.islice(drawn, 10_000)]:
        for record in some:
            home = cell_dir(store, record.cell.key)
            home.mkdir(parents=True)
            for name in WATCHED:
                (home / name).touch()
        parts.append(stamped(some, stamps(store, [record.cell.key for record in some])))
    write_tables(store, joined(parts))
    return store


def _drawn(cells: int, pictures: int, seed: int) -> Iterator[tuple[Cell, list[dict[str, Any]]]]:
    """Each cell with its rows."""
    levels = -(-cells // METHODS)
    suite = Suite(
        suite="big",
        methods=tuple(f"gaussian_filter(width={i})" for i in range(1, min(cells, METHODS) + 1)),
        datasets=(f"piecewise(n={pictures}, size=8)",),
        regimes=tuple(f"gaussian(sigma={level})" for level in range(1, levels + 1)),
    )
    rng, made_in = np.random.default_rng(seed), environment()
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
        yield cell, rows


def _record(cell: Cell, rows: list[dict[str, Any]], asked: str) -> Record:
    """The record of a cell with the seal of nobody."""
    items, inputs, outputs, notes = (
        [row[name] for row in rows] for name in ("item", "input_sha256", "output_sha256", "note")
    )
    scores = {name: np.array([row["scores"][name] for row in rows]) for name in cell.metrics}
    seconds = np.array([row["seconds"] for row in rows])
    return Record(cell, items, inputs, outputs, notes, seconds, scores, seal=cell.key, whole=True, asked=asked)
