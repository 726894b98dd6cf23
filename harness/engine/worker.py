"""The work of one cell, inside its own process: load, degrade, restore, score, a durable row a picture."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import Invalid, NotDefined, Skip, UsageError, one_line
from ..fingerprint import combined
from ..jsonable import plain
from ..plan import picture_line
from ..regimes.degrade import as_hwc, bytes_sha256, degrade_sample
from ..registry import DATASETS, METHODS, METRICS, PROTOCOLS, REGIMES, Bound, bind, load_plugin
from ..scoring.score import score_pair
from ..store.cells import append_row, read_rows, valid_length
from ..store.disk import DiskFull, noticing_full_disk, write_file
from ..store.kept import Kept, LostOutput, open_kept, save_output
from ..tracks.restore import Array, Dataset, Info, Restorer, Sample, open_dataset
from .views import leave_view, panel_of

if TYPE_CHECKING:
    from ..scoring.collect import Collector

Event = Callable[[dict[str, Any]], None]
EXIT_DISK = 74


def synchronise(device: str) -> None:
    """Wait until the device has finished."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize()


def restore_one(
    restorer: Restorer, sample: Sample, noisy: Array, info: Info, device: str
) -> tuple[Array, float, list[str]]:
    """One call of the method: the restored picture float32 (H, W, C), its seconds, and what is to be noted."""
    info = told(restorer, info, sample)
    restorer.check(info)
    prepared = restorer.prepare(noisy)
    own = os.getpid()
    synchronise(device)
    start = time.perf_counter()
    output = restorer.call(prepared, info)
    synchronise(device)
    elapsed = time.perf_counter() - start
    if os.getpid() != own:  # a method forked, and its child came back: it must not write rows too
        os._exit(1)
    shape = as_hwc(sample.clean).shape
    if noisy.shape != shape and restorer.gives(output, noisy.shape):
        raise Skip("keeps the size of its input, which this regime makes smaller")
    restored = restorer.collect(output, shape)
    notes = []
    if output is not prepared and not np.array_equal(_plain(prepared), _plain(restorer.prepare(noisy)), equal_nan=True):
        notes.append("edits its input in place (it was given a copy)")
    return restored, elapsed, notes


def row_of(
    sample: Sample, noisy: Array, restored: Array, elapsed: float, protocol: Bound, metrics: list[Bound]
) -> dict[str, Any]:
    """The row of one picture: hashes, seconds, scores, and why a score has no value."""
    values = score_pair(restored, sample.clean, protocol, metrics, noisy)
    why = [f"{name}: {v.reason}" for name, v in values.items() if isinstance(v, NotDefined)]
    return {
        "item": sample.id,
        "input_sha256": bytes_sha256(noisy),
        "output_sha256": bytes_sha256(restored),
        "seconds": elapsed,
        "scores": {name: plain(float(v)) for name, v in values.items()},
        "note": "; ".join(why),
    }


def told(restorer: Restorer, info: Info, sample: Sample) -> Info:
    """What this method is told: an oracle sees the sample, a `named` one the picture's id, nobody else does."""
    if restorer.meta["oracle"]:
        return info.replace(sample=sample)
    return info.replace(item=sample.id) if restorer.meta["named"] else info


def _plain(prepared: Any) -> Array:
    array: Array = prepared.detach().cpu().numpy() if hasattr(prepared, "detach") else prepared
    return array


def kept_items(keep: str, n: int) -> set[int]:
    """Indices of the pictures whose output is kept."""
    return {"all": set(range(n)), "sample": {0, n // 2, n - 1}, "none": set()}[keep]


def _score_cell(job: dict[str, Any], folder: Path, event: Event) -> dict[str, Any]:
    said = ""
    if job["donor"] is not None:
        try:
            return _rescore(job, folder, event)
        except LostOutput as lost:
            said = f"the kept pictures of cell {job['donor'][:12]} cannot be used, {lost}: restored again"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
    _load_plugins(job)
    device = job["device"]
    restorer = Restorer(bind(job["cell"]["method"]["display"], METHODS))
    start = time.perf_counter()
    restorer.setup(device)
    setup = time.perf_counter() - start
    notes: list[str] = []
    if restorer.meta["named"]:
        chosen = job["cell"]["dataset"]
        notes += restorer.expect(open_dataset(bind(chosen["display"], DATASETS)).ids, chosen["pictures"])

    def by_method(_: int, sample: Sample, noisy: Array, info: Info) -> tuple[Array, float]:
        restored, elapsed, new = restore_one(restorer, sample, noisy, info, device)
        notes.extend(new)
        return restored, elapsed

    sets = _rows(job, folder, event, _scoring(job["cell"]), by_method, None)
    return {"setup_s": setup, "notes": sorted(set(notes)), "said": said, "sets": sets}


def _rescore(job: dict[str, Any], folder: Path, event: Event) -> dict[str, Any]:
    """Score what another cell kept. The method is neither imported nor called. Raises `LostOutput`."""
    kept = open_kept(Path(job["store"]), job["donor"])
    try:
        scoring = _scoring(job["cell"])
    except UsageError:  # a dataset, regime, protocol or metric of a plug-in
        _load_plugins(job)
        scoring = _scoring(job["cell"])

    def by_donor(index: int, sample: Sample, noisy: Array, _: Info) -> tuple[Array, float]:
        return kept.read(index, sample.id, bytes_sha256(noisy), as_hwc(sample.clean).shape)

    sets = _rows(job, folder, event, scoring, by_donor, kept)
    donor = kept.record.cell
    return {
        "setup_s": donor["setup_s"],
        "notes": donor["notes"],
        "said": f"re-scored from cell {job['donor'][:12]}",
        "rescored": {"source": job["donor"], "environment": job["environment"]},
        "environment": donor["environment"],
        "sets": sets,
    }


def _load_plugins(job: dict[str, Any]) -> None:
    for file in job["plugins"]:
        load_plugin(file)


def _scoring(cell: dict[str, Any]) -> tuple[Dataset, Bound, Bound, list[Bound]]:
    return (
        open_dataset(bind(cell["dataset"]["display"], DATASETS)),
        bind(cell["regime"]["display"], REGIMES),
        bind(cell["protocol"]["display"], PROTOCOLS),
        [bind(m, METRICS) for m in cell["metrics"]],
    )


def _rows(
    job: dict[str, Any],
    folder: Path,
    event: Event,
    scoring: tuple[Dataset, Bound, Bound, list[Bound]],
    restored_by: Callable[[int, Sample, Array, Info], tuple[Array, float]],
    kept: Kept | None,
) -> dict[str, Any]:
    """A durable row a picture, from where an earlier run stopped; `kept` where nothing is restored anew.

    Returns the set metrics of the cell, complete.
    """
    cell, key = job["cell"], job["cell"]["key"]
    dataset, regime, protocol, metrics = scoring
    n = cell["dataset"]["pictures"]
    # Rows of a run that had its pictures from elsewhere, and all after them, are made again.
    rows = list(itertools.takewhile(lambda row: row.get("donor") == job["donor"], read_rows(folder, key)))
    length = valid_length(folder, rows)
    done = {row["index"] for row in rows}
    keep = kept_items(job["keep"], n)
    lines = {row["index"]: row["picture"] for row in rows}
    taker = _collector(job, folder, protocol, rows)
    for index in range(n):
        if index in done:
            continue
        sample = dataset.load(index)
        noisy, info = degrade_sample(regime, sample, job["seed"])
        restored, elapsed = restored_by(index, sample, noisy, info)
        row = row_of(sample, noisy, restored, elapsed, protocol, metrics)
        if taker is not None:
            row["features"] = taker.take(restored, sample.clean)
        if index in keep:
            with noticing_full_disk(folder):
                if kept is None:
                    save_output(folder, index, restored)
                else:
                    kept.lend(index, folder)
                leave_view(Path(job["store"]), folder / "outputs", index, sample, noisy, restored)
        if keep and index == min(keep):
            with noticing_full_disk(folder):
                write_file(folder / "panel.json", json.dumps(panel_of(sample, noisy, restored)).encode())
        lines[index] = picture_line(sample)
        row = {"key": key, "index": index, "picture": lines[index], "donor": job["donor"], **row}
        append_row(folder, row, length)
        length += len(json.dumps(row)) + 1
        event({"event": "picture", "n": len(lines), "of": n})
    if combined(lines[i] for i in range(n)) != cell["dataset"]["fingerprint"]:
        raise UsageError(f"pictures of {cell['dataset']['display']} changed while the run was under way: run again")
    results = taker.score() if taker is not None else {}
    return {name: {**part, **results[name]} for name, part in cell.get("sets", {}).items()}


def _collector(job: dict[str, Any], folder: Path, protocol: Bound, rows: list[dict[str, Any]]) -> Collector | None:
    """What takes features for the set metrics of a cell, going on after `rows`; None where it has none."""
    cell = job["cell"]
    if not cell.get("sets"):
        return None
    from ..scoring.collect import Collector, planned

    taken = [row["features"] for row in rows]
    metrics, n = planned(cell["sets"]), cell["dataset"]["pictures"]
    return Collector(metrics, folder, n, protocol=protocol, taken=taken)


def _cost_cell(job: dict[str, Any], folder: Path, event: Event) -> dict[str, Any]:
    from ..cost.measure import measure

    _load_plugins(job)
    cell = job["cell"]
    cost = measure(
        bind(cell["method"]["display"], METHODS),
        bind(cell["regime"]["display"], REGIMES),
        tuple(cell["inputs"]["size"]),
        repeats=cell["inputs"]["repeats"],
        device=job["device"],
        threads=job["threads"],
    )
    return {"setup_s": cost["setup_s"], "notes": [], "cost": cost}


def work(job: dict[str, Any], folder: Path, event: Event) -> None:
    """Do the cell and leave `end.json`; the process ends here whatever happens."""
    outcome: dict[str, Any]
    trace = ""
    own = os.getpid()
    try:
        run = _score_cell if job["cell"]["kind"] == "score" else _cost_cell
        outcome = {"outcome": "ok", "reason": "", **run(job, folder, event)}
    except DiskFull as error:
        event({"event": "disk", "message": one_line(error)})
        os._exit(EXIT_DISK)
    except Skip as skip:
        outcome = {"outcome": "skipped", "reason": one_line(skip)}
    except Invalid as error:
        outcome = {"outcome": "invalid", "reason": one_line(error)}
    except BaseException as error:
        trace = "".join(traceback.format_exception(error))[-4000:]
        memory = (
            isinstance(error, MemoryError) or "can't allocate memory" in str(error) or "out of memory" in str(error)
        )
        outcome = {
            "outcome": "oom" if memory else "failed",
            "reason": one_line(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__),
        }
    if os.getpid() != own:
        os._exit(1)
    try:
        with noticing_full_disk(folder):
            write_file(folder / "end.json", json.dumps({"traceback": trace, **outcome}).encode())
    except DiskFull as error:
        event({"event": "disk", "message": one_line(error)})
        os._exit(EXIT_DISK)
    os._exit(0)
