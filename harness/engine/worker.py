"""The work of one cell, inside its own process: load, pose, call, score, a durable row an item."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..calling import call_on, item_row
from ..components import open_dataset
from ..errors import Invalid, Skip, UsageError, one_line
from ..plan import PlannedCell
from ..registry import Bound, bind, load_plugin
from ..runner import used_device
from ..store.cells import append_row, read_rows, valid_length
from ..store.disk import DiskFull, noticing_full_disk, write_file
from ..store.keys import combined
from ..store.outputs import Kept, LostOutput, open_kept, save_output
from ..store.previews import panel_text
from ..store.record import SetPart
from ..track import Case, Collector, Dataset, HasSetMetrics, Track, get_track
from .messages import Ending, Job, Tell
from .opened_files import noticing_opened_files

EXIT_DISK = 74


@dataclass(frozen=True)
class _Scoring:
    """What a cell is scored by."""

    track: Track
    dataset: Dataset
    regime: Bound
    protocol: Bound
    metrics: Sequence[Bound]


OutputBy = Callable[[int, Any, Case], tuple[Any, float]]
"""Index, item and case → the output and the seconds that it took."""


def kept_items(keep: str, n: int) -> set[int]:
    """Indices of the items whose output is kept."""
    return {"all": set(range(n)), "sample": {0, n // 2, n - 1}, "none": set()}[keep]


def _score_cell(job: Job, folder: Path, tell: Tell) -> Ending:
    said = ""
    if job["donor"] is not None:
        try:
            return _rescore(job, job["donor"], folder, tell)
        except LostOutput as lost:
            said = f"the kept outputs of cell {job['donor'][:12]} cannot be used, {lost}: made again"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
    with noticing_opened_files(job, folder):
        _load_plugins(job["cell"])
    scoring = _scoring(job["cell"])
    with noticing_opened_files(job, folder):
        runner = scoring.track.open(bind(job["cell"]["method"]["display"], "method", scoring.track.name))
        start = time.perf_counter()
        runner.setup(job["device"])
        setup = time.perf_counter() - start
    device = used_device(runner, job["device"])
    notes: list[str] = []
    if runner.meta["named"]:
        notes += runner.expect(scoring.dataset.ids, job["cell"]["dataset"]["items"])

    def by_method(_: int, item: Any, case: Case) -> tuple[Any, float]:
        with noticing_opened_files(job, folder):
            output, elapsed, new = call_on(runner, item, case, device)
        notes.extend(new)
        return output, elapsed

    sets = _rows(job, folder, tell, scoring, by_method, None)
    where = {**job["environment"], "device": device}
    return {"outcome": "ok", "reason": "", "setup_s": setup, "notes": sorted(set(notes)), "said": said, "sets": sets,
            "environment": where}  # fmt: skip


def _rescore(job: Job, source: str, folder: Path, tell: Tell) -> Ending:
    """Score what another cell kept. The method is neither imported nor called. Raises `LostOutput`."""
    try:
        scoring = _scoring(job["cell"])
    except UsageError:  # a track, dataset, regime, protocol or metric of a plug-in
        _load_plugins(job["cell"])
        scoring = _scoring(job["cell"])
    kept = open_kept(Path(job["store"]), source, scoring.track.outputs)

    def by_donor(index: int, item: Any, case: Case) -> tuple[Any, float]:
        return kept.read(index, item.id, case.input_sha256, case.wanted)

    sets = _rows(job, folder, tell, scoring, by_donor, kept)
    donor = kept.record.cell
    return {
        "outcome": "ok",
        "reason": "",
        "setup_s": donor["setup_s"],
        "notes": donor["notes"],
        "said": f"re-scored from cell {source[:12]}",
        "rescored": {"source": source, "environment": job["environment"]},
        "environment": donor["environment"],
        "sets": sets,
    }


def _load_plugins(cell: PlannedCell) -> None:
    for file in cell["request"]["plugins"]:
        load_plugin(file)


def _scoring(cell: PlannedCell) -> _Scoring:
    track = get_track(cell["track"])
    return _Scoring(
        track,
        open_dataset(bind(cell["dataset"]["display"], "dataset", track.name)),
        bind(cell["regime"]["display"], "regime", track.name),
        bind(cell["protocol"]["display"], "protocol", track.name),
        [bind(m, "metric", track.name) for m in cell["metrics"]],
    )


def _rows(
    job: Job, folder: Path, tell: Tell, scoring: _Scoring, output_by: OutputBy, kept: Kept | None
) -> dict[str, SetPart]:
    """A durable row an item, from where an earlier run stopped; `kept` where no output is made anew.

    Returns the set metrics of the cell, complete.
    """
    cell, key, track = job["cell"], job["cell"]["key"], scoring.track
    n = cell["dataset"]["items"]
    # Rows of a run that had its outputs from elsewhere, and all after them, are made again.
    rows = list(itertools.takewhile(lambda row: row.get("donor") == job["donor"], read_rows(folder, key)))
    length = valid_length(folder, rows)
    done = {row["index"] for row in rows}
    keep = kept_items(job["keep"], n)
    lines = {row["index"]: row["line"] for row in rows}
    taker = _collector(job, folder, scoring, rows)
    for index in range(n):
        if index in done:
            continue
        item = scoring.dataset.load(index)
        case = track.pose(scoring.regime, item, cell["seed"])
        output, elapsed = output_by(index, item, case)
        row: dict[str, Any] = {**item_row(track, item, case, output, elapsed, scoring.protocol, scoring.metrics)}
        if taker is not None:
            row["features"] = taker.take(output, item)
        if index in keep:
            with noticing_full_disk(folder):
                if kept is None:
                    save_output(folder, index, output, track.outputs)
                else:
                    kept.lend(index, folder)
                track.outputs.preview(Path(job["store"]), folder / "outputs", index, item, case, output)
        if keep and index == min(keep) and (shown := track.outputs.panel(item, case, output)) is not None:
            with noticing_full_disk(folder):
                write_file(folder / "panel.json", panel_text(item.id, shown).encode())
        lines[index] = track.identify(item)
        row = {"key": key, "index": index, "line": lines[index], "donor": job["donor"], **row}
        append_row(folder, row, length)
        length += len(json.dumps(row)) + 1
        tell({"event": "item", "n": len(lines), "of": n})
    if combined(lines[i] for i in range(n)) != cell["dataset"]["fingerprint"]:
        raise UsageError(
            f"{track.words.items} of {cell['dataset']['display']} changed while the run was under way: run again"
        )
    results = taker.score() if taker is not None else {}
    parts: dict[str, Any] = {name: {**part, **results[name]} for name, part in cell.get("sets", {}).items()}
    return parts


def _collector(job: Job, folder: Path, scoring: _Scoring, rows: list[dict[str, Any]]) -> Collector | None:
    """What takes features for the set metrics of a cell, going on after `rows`; None where it has none."""
    sets = job["cell"].get("sets")
    if not sets or not isinstance(scoring.track, HasSetMetrics):
        return None
    taken = [row["features"] for row in rows]
    n = job["cell"]["dataset"]["items"]
    return scoring.track.collector(sets, folder, n, protocol=scoring.protocol, taken=taken)


def _cost_cell(job: Job, folder: Path, tell: Tell) -> Ending:
    from ..cost.measure import measure

    cell = job["cell"]
    with noticing_opened_files(job, folder):
        _load_plugins(cell)
        track = get_track(cell["track"])
        cost = measure(
            track,
            bind(cell["method"]["display"], "method", track.name),
            bind(cell["regime"]["display"], "regime", track.name),
            tuple(cell["inputs"]["size"]),
            repeats=cell["inputs"]["repeats"],
            device=job["device"],
            threads=job["threads"],
        )
    where = {**job["environment"], "device": cost["device"]}
    return {"outcome": "ok", "reason": "", "setup_s": cost["setup_s"], "notes": [], "cost": cost, "environment": where}


WORK: dict[str, Callable[[Job, Path, Tell], Ending]] = {"score": _score_cell, "cost": _cost_cell}
"""What is done for a cell of each kind."""


def work(job: Job, folder: Path, tell: Tell) -> None:
    """Do the cell and leave `end.json`; the process ends here whatever happens."""
    ending: Ending
    trace = ""
    own = os.getpid()
    try:
        ending = WORK[job["cell"]["kind"]](job, folder, tell)
    except DiskFull as error:
        tell({"event": "disk", "message": one_line(error)})
        os._exit(EXIT_DISK)
    except Skip as skip:
        ending = {"outcome": "skipped", "reason": one_line(skip), "needs": skip.needs}
    except Invalid as error:
        ending = {"outcome": "invalid", "reason": one_line(error)}
    except BaseException as error:
        trace = "".join(traceback.format_exception(error))[-4000:]
        memory = (
            isinstance(error, MemoryError) or "can't allocate memory" in str(error) or "out of memory" in str(error)
        )
        reason = one_line(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
        ending = {"outcome": "oom" if memory else "failed", "reason": reason}
    if os.getpid() != own:
        os._exit(1)
    try:
        with noticing_full_disk(folder):
            write_file(folder / "end.json", json.dumps({"traceback": trace, **ending}).encode())
    except DiskFull as error:
        tell({"event": "disk", "message": one_line(error)})
        os._exit(EXIT_DISK)
    os._exit(0)
