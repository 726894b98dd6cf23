"""Verify an entry: run a keyed random sample of its cells again in a sandbox, or score the outputs in it again."""

from __future__ import annotations

import hashlib
import math
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from ..engine.planning_process import plan_in_child
from ..engine.run import RunOptions, Watcher, run, sandbox_of
from ..engine.sandbox import named_paths, need_bubblewrap
from ..planning.cells import PlannedCell
from ..report.bundle.suites import RemadeSuite, suites_of
from ..spec.parsing import parse
from ..spec.paths import is_meant
from ..store.cell import Cell
from ..store.cells import read_record
from ..store.key_changes import differences
from ..store.record import Record, cell_text, decimals_of, item_count
from ..store.results import Results
from ..suite.suite import TIMEOUT, Limits, Suite
from ..text.errors import UsageError, one_line
from .entry import PackedEntry
from .named_programs import starts_program, why_program, words_in
from .rescore import Unscored, scored_again

Verdict = Literal["verified", "scores verified", "not verifiable", "refuted"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
_SET_TOLERANCE = 1e-3
"""How far the value of a set metric may be off, as a share of it: it has no decimals that are printed."""
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]+)?)%|([0-9]{1,9})|all")


@dataclass(frozen=True)
class RerunOptions:
    """How a sample is run again. `method` is the spec that the person names: one with files or programs is run only
    where it is that of the entry. `plugins` are files of code that the person trusts to a sandbox."""

    method: str = ""
    plugins: tuple[str, ...] = ()
    device: str = "cpu"
    jobs: int | None = None
    timeout: float = TIMEOUT


@dataclass(frozen=True)
class CheckedCell:
    """A cell of the sample, its verdict, why, and the largest difference of each score that was made again."""

    cell: Cell
    verdict: Verdict
    why: str
    differences: Mapping[str, float]


@dataclass(frozen=True)
class Verification:
    """What came out for the cells of a sample, drawn by a key of `of` cells that have scores."""

    cells: list[CheckedCell]
    of: int

    @property
    def verdict(self) -> Verdict:
        """`refuted` where one cell is, `verified` where all are; else the weakest of them."""
        verdicts = [one.verdict for one in self.cells]
        if "refuted" in verdicts:
            return "refuted"
        return max(verdicts, key=VERDICTS.index, default="not verifiable")


def read_share(text: str) -> str:
    """How many cells are run again: `5%`, a number from 1, or `all`. Raises ValueError."""
    match = _SHARE.fullmatch(text)
    if match is None or (match[1] and not 0 < float(match[1]) <= 100) or (match[2] and int(match[2]) < 1):
        raise ValueError("a share such as 5%, a whole number from 1, or all")
    return text


def sample(keys: Sequence[str], share: str, key: str) -> set[str]:
    """The cells that a key draws: at least one, and the same ones of the same cells each time."""
    ordered = sorted(keys, key=lambda one: hashlib.sha256(f"{key}|{one}".encode()).hexdigest())
    if share == "all":
        return set(ordered)
    count = math.ceil(len(ordered) * float(share[:-1]) / 100) if share.endswith("%") else int(share)
    return set(ordered[:count])


def verify(entry: PackedEntry, share: str, key: str, options: RerunOptions, watcher: Watcher) -> Verification:
    """Run a sample of the cells of an entry again, and hold what comes out against what it says. Raises `UsageError`.

    A cell that is not at hand here, with the same code and data, is scored again by the outputs of the entry.
    """
    scored = [r for r in entry.results if r.cell.kind == "score" and r.cell.outcome == "ok"]
    chosen = sample([record.cell.key for record in scored], share, key)
    drawn = [record for record in scored if record.cell.key in chosen]
    with tempfile.TemporaryDirectory(prefix="noisebench-verify-") as folder:
        store = Path(folder) / "store"
        away = _not_at_hand(drawn, store, options)
        runnable = [record for record in drawn if record.cell.key not in away]
        for suite in _suites(runnable, options):
            run(suite, store, RunOptions(jobs=options.jobs, sandbox=True), watcher)
        checked = [
            _scored_again(entry, record, away[record.cell.key])
            if record.cell.key in away
            else _run_again(record, store)
            for record in drawn
        ]
    return Verification(checked, len(scored))


# --------------------------------------------------------------------------------------- what is at hand


def _not_at_hand(records: Sequence[Record], store: Path, options: RerunOptions) -> dict[str, str]:
    """Why cells cannot be run again here, by key; the others are planned here with the keys that they have."""
    away = {record.cell.key: why for record in records if (why := _why_not_run(record.cell, options.method))}
    rest = [record for record in records if record.cell.key not in away]
    if not rest:
        return away
    try:
        need_bubblewrap()
    except UsageError as error:
        return away | {record.cell.key: f"no sandbox: {error}" for record in rest}
    planned: dict[str, PlannedCell] = {}
    failed: dict[tuple[str, str, str], str] = {}
    for suite in _suites(rest, options):
        try:
            cells = plan_in_child(suite, (options.device,), sandbox_of(suite, store, RunOptions(sandbox=True)))["cells"]
            planned |= {cell.key: cell for cell in cells}
        except UsageError as error:
            places = ((d, r, str(s)) for d in suite.datasets for r in suite.regimes for s in suite.seeds)
            failed |= dict.fromkeys(places, str(error))
    for record in rest:
        cell = record.cell
        if cell.key not in planned:
            place = cell.dataset.display, cell.regime.display, str(cell.seed)
            away[cell.key] = failed.get(place) or _why_other(cell, list(planned.values()))
    return away


def _why_not_run(cell: Cell, method: str) -> str:
    """Why a cell is not run whatever is here: no program or file is started or opened because an entry names it."""
    if why := why_program(cell):
        return why
    if cell.trained:
        return "its network would be trained anew, to other weights on another processor"
    if is_meant(method, cell.method.spec, cell.method.display):
        return ""
    quoted = any(is_quoted for _, is_quoted in words_in(parse(cell.method.display)))
    if quoted or starts_program(cell.method.display, cell.track) or named_paths(cell.method.display):
        return "its method names files or a program: --method SPEC lets it be run"
    return ""


def _why_other(cell: Cell, planned: Sequence[PlannedCell]) -> str:
    """What of a cell is another one here: its code, its weights, its data."""
    for one in planned:
        same = one.dataset.display == cell.dataset.display and one.regime.spec == cell.regime.spec
        if one.kind == "score" and same and one.seed == cell.seed and one.method.display == cell.method.display:
            return next(iter(differences(cell.inputs, one.inputs)), "its key is another one here")
    return "it cannot be planned here"


def _suites(records: Sequence[Record], options: RerunOptions) -> list[Suite]:
    """Suites that plan just these cells."""
    return [_suite(remade, options) for remade in suites_of(Results.of(records))] if records else []


def _suite(remade: RemadeSuite, options: RerunOptions) -> Suite:
    return Suite(
        suite="verify",
        track=remade.track,
        methods=remade.methods,
        datasets=remade.datasets,
        regimes=remade.regimes,
        protocol=remade.protocol,
        metrics=remade.metrics,
        seeds=remade.seeds,
        rank_by=remade.rank_by,
        limit=remade.limit,
        limits=Limits(timeout=options.timeout, threads=remade.threads),
        plugins=options.plugins,
        device=options.device,
    )


# ---------------------------------------------------------------------------------------------- compare


def _run_again(record: Record, store: Path) -> CheckedCell:
    try:
        again = read_record(store, record.cell.key, {})
    except UsageError:
        return CheckedCell(record.cell, "not verifiable", "the re-run left no result", {})
    if again.cell.outcome != "ok":
        why = f"the re-run is {again.cell.outcome}: {one_line(again.cell.reason, 120)}"
        return CheckedCell(record.cell, "not verifiable", why, {})
    why, apart = difference(record, again)
    if why:
        return CheckedCell(record.cell, "refuted", why, apart)
    same = list(record.output_sha256) == list(again.output_sha256) and not any(apart.values())
    outcome = "equal to the last bit" if same else _accuracy(apart)
    return CheckedCell(record.cell, "verified", f"run again, {outcome}", apart)


def _scored_again(entry: PackedEntry, record: Record, away: str) -> CheckedCell:
    """A cell that is not run, by the outputs that the entry has of it."""
    cell, kept, away = record.cell, entry.outputs_of(record.cell.key), one_line(away, 160)
    if len(record.items) != item_count(cell):
        return CheckedCell(cell, "refuted", f"it has {len(record.items)} of {item_count(cell)} items", {})
    if not kept:
        return CheckedCell(cell, "not verifiable", f"{away}; and it has no outputs", {})
    try:
        again = scored_again(entry, record, kept)
    except Unscored as error:
        return CheckedCell(cell, "not verifiable", f"{away}; and {error}", {})
    why, apart = difference(_rows(record, kept), again)
    if why:
        return CheckedCell(cell, "refuted", f"outputs scored again: {why}", apart)
    if len(kept) < len(record.items):
        why = f"{away}; and it has {len(kept)} of {len(record.items)} outputs, scored as it says"
        return CheckedCell(cell, "not verifiable", why, apart)
    return CheckedCell(cell, "scores verified", f"outputs scored again, {_accuracy(apart)}; {away}", apart)


def _rows(record: Record, rows: Sequence[int]) -> Record:
    """A record with some of its rows."""

    def taken(column: Sequence[str]) -> list[str]:
        return [column[row] for row in rows]

    return replace(
        record,
        items=taken(record.items),
        input_sha256=taken(record.input_sha256),
        output_sha256=taken(record.output_sha256),
        scores={name: values[list(rows)] for name, values in record.scores.items()},
    )


def difference(stated: Record, again: Record) -> tuple[str, dict[str, float]]:
    """Why a result that was made again refutes what is stated, empty where not; the largest difference of each score.

    A score may be off by half of the last decimal that is printed of it here: other processors and libraries are.
    """
    if why := _other_part(stated.cell, again.cell):
        return why, {}
    if stated.items != again.items:
        return "its items are others", {}
    for item, given, anew in zip(stated.items, stated.input_sha256, again.input_sha256, strict=True):
        if given != anew:
            return f"the input of {one_line(item, 60)} is another one", {}
    apart: dict[str, float] = {}
    why = ""
    for name, part in again.cell.metrics.items():
        before, now = stated.scores[name], again.scores[name]
        with np.errstate(invalid="ignore"):  # of infinities
            off = np.abs(before - now)
        off = np.where((before == now) | (np.isnan(before) & np.isnan(now)), 0.0, np.where(np.isnan(off), np.inf, off))
        row = int(np.argmax(off))
        apart[name] = float(off[row])
        if not why and off[row] > 0.5 * 10.0 ** -decimals_of(name, part):
            of = f"{one_line(name, 60)} of {one_line(stated.items[row], 60)}"
            why = f"{of} is {now[row]:.6g}, not {before[row]:.6g} (off by {off[row]:.2g})"
    for name in stated.cell.sets.keys() & again.cell.sets.keys():
        one, two = (cell.sets[name].value for cell in (stated.cell, again.cell))
        alike = one == two or (one is not None and two is not None and math.isclose(one, two, rel_tol=_SET_TOLERANCE))
        if not why and not alike:
            why = f"{one_line(name, 60)} of the set is {two}, not {one}"
    return why, apart


def _other_part(stated: Cell, again: Cell) -> str:
    """What a cell says of its method or metrics that no score shows and that is otherwise here; empty for nothing."""
    for name, value in again.method.flags.items():
        given = stated.method.flags.get(name)
        if given != value and (value or name in stated.method.flags):
            return f"{one_line(name, 40)} of its method is {one_line(value, 80)}, not {one_line(given, 80)}"
    for name, part in again.metrics.items():
        if stated.metrics[name].higher != part.higher:
            return f"{one_line(name, 60)} is best where it is {'high' if part.higher else 'low'}, and not as it says"
    return ""


def _accuracy(apart: Mapping[str, float]) -> str:
    largest = max(apart.items(), key=lambda one: one[1], default=None)
    return f"off by at most {largest[1]:.1e} ({one_line(largest[0], 40)})" if largest and largest[1] else "equal scores"


def line_of(checked: CheckedCell) -> str:
    """A checked cell on a line."""
    return f"{one_line(cell_text(checked.cell), 160)} · seed {checked.cell.seed}: {checked.verdict}: {checked.why}"
