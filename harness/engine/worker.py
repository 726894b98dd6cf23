"""The work of one cell, inside its own process: load, degrade, restore, score, a durable row a picture."""

from __future__ import annotations

import base64
import json
import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import Invalid, NotDefined, Skip, UsageError, one_line
from ..fingerprint import combined
from ..jsonable import plain
from ..plan import picture_line
from ..regimes.degrade import as_hwc, bytes_sha256, degrade_sample, to_unit
from ..registry import DATASETS, METHODS, METRICS, PROTOCOLS, REGIMES, Bound, bind, load_plugin
from ..scoring.score import score_pair
from ..store.cells import append_row, read_rows, valid_length
from ..store.disk import DiskFull, noticing_full_disk, write_file
from ..tracks.restore import Array, Info, Restorer, Sample, open_dataset

Event = Callable[[dict[str, Any]], None]
PANEL = 96
EXIT_DISK = 74


def synchronise(device: str) -> None:
    """Wait until the device has finished."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize()


def restore_and_score(
    restorer: Restorer,
    sample: Sample,
    regime: Bound,
    protocol: Bound,
    metrics: list[Bound],
    seed: int,
    device: str,
) -> tuple[dict[str, Any], Array, Array, list[str]]:
    """One picture: its row, the input, the restored picture, and what is to be noted. What every run uses."""
    noisy, info = degrade_sample(regime, sample, seed)
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
    values = score_pair(restored, sample.clean, protocol, metrics)
    why = [f"{name}: {v.reason}" for name, v in values.items() if isinstance(v, NotDefined)]
    row = {
        "item": sample.id,
        "input_sha256": bytes_sha256(noisy),
        "output_sha256": bytes_sha256(restored),
        "seconds": elapsed,
        "scores": {name: plain(float(v)) for name, v in values.items()},
        "note": "; ".join(why),
    }
    return row, noisy, restored, notes


def told(restorer: Restorer, info: Info, sample: Sample) -> Info:
    """What this method is told: an oracle sees the sample, a `named` one the picture's id, nobody else does."""
    if restorer.meta["oracle"]:
        return info.replace(sample=sample)
    return info.replace(item=sample.id) if restorer.meta["named"] else info


def _plain(prepared: Any) -> Array:
    array: Array = prepared.detach().cpu().numpy() if hasattr(prepared, "detach") else prepared
    return array


def crop_png(picture: Array, top: int, left: int, size: int) -> str:
    """Base64 of an 8-bit PNG of a crop of an (H, W[, C]) picture on [0, 1]."""
    import cv2

    crop = as_hwc(picture)[top : top + size, left : left + size]
    byte = np.rint(np.clip(crop, 0, 1) * 255).astype(np.uint8)
    if byte.shape[2] not in (1, 3):
        byte = byte[:, :, :1]
    _, data = cv2.imencode(".png", byte[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return base64.b64encode(data.tobytes()).decode()


def panel_of(sample: Sample, noisy: Array, restored: Array) -> dict[str, str]:
    """Crops of the clean, noisy and restored picture, where the clean one has most detail."""
    clean = to_unit(sample.clean)
    height, width = clean.shape[:2]
    size = min(PANEL, height, width)
    best, place = -1.0, (0, 0)
    for top in range(0, height - size + 1, max(1, size // 2)):
        for left in range(0, width - size + 1, max(1, size // 2)):
            detail = float(np.abs(np.diff(clean[top : top + size, left : left + size].mean(2), axis=1)).sum())
            if detail > best:
                best, place = detail, (top, left)
    scale = max(1, round(height / noisy.shape[0]))
    shown = np.repeat(np.repeat(noisy, scale, 0), scale, 1)[:height, :width]
    return {
        "item": sample.id,
        "clean": crop_png(clean, *place, size),
        "noisy": crop_png(shown, *place, size),
        "restored": crop_png(restored, *place, size),
    }


def kept_items(keep: str, n: int) -> set[int]:
    """Indices of the pictures whose output is kept."""
    return {"all": set(range(n)), "sample": {0, n // 2, n - 1}, "none": set()}[keep]


def _score_cell(job: dict[str, Any], folder: Path, event: Event) -> dict[str, Any]:
    cell, key = job["cell"], job["cell"]["key"]
    regime = bind(cell["regime"]["display"], REGIMES)
    protocol = bind(cell["protocol"]["display"], PROTOCOLS)
    metrics = [bind(m, METRICS) for m in cell["metrics"]]
    dataset = open_dataset(bind(cell["dataset"]["display"], DATASETS))
    n = cell["dataset"]["pictures"]
    rows = read_rows(folder, key)
    length = valid_length(folder, rows)
    done = {row["index"] for row in rows}
    keep = kept_items(job["keep"], n)
    device = job["device"]
    restorer = Restorer(bind(cell["method"]["display"], METHODS))
    start = time.perf_counter()
    restorer.setup(device)
    setup = time.perf_counter() - start
    notes: list[str] = []
    lines = {row["index"]: row["picture"] for row in rows}
    for index in range(n):
        if index in done:
            continue
        sample = dataset.load(index)
        row, noisy, restored, new = restore_and_score(restorer, sample, regime, protocol, metrics, job["seed"], device)
        notes += new
        if index in keep:
            with noticing_full_disk(folder):
                (folder / "outputs").mkdir(exist_ok=True)
                np.save(folder / "outputs" / f"{index:05d}.npy", restored)
        if keep and index == min(keep):
            with noticing_full_disk(folder):
                write_file(folder / "panel.json", json.dumps(panel_of(sample, noisy, restored)).encode())
        lines[index] = picture_line(sample)
        row = {"key": key, "index": index, "picture": lines[index], **row}
        append_row(folder, row, length)
        length += len(json.dumps(row)) + 1
        event({"event": "picture", "n": len(lines), "of": n})
    if combined(lines[i] for i in range(n)) != cell["dataset"]["fingerprint"]:
        raise UsageError(f"pictures of {cell['dataset']['display']} changed while the run was under way: run again")
    return {"setup_s": setup, "notes": sorted(set(notes))}


def _cost_cell(job: dict[str, Any], folder: Path, event: Event) -> dict[str, Any]:
    from ..cost.measure import measure

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
        for file in job["plugins"]:
            load_plugin(file)
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
