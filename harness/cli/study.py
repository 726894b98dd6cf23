"""`noisebench study`: run a suite and draw quality against the level of a regime, a method's parameter, or compute."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..text.errors import UsageError, one_line
from ..text.wording import counted
from .options import (
    add_shared,
    add_style,
    folder_to_write,
    note,
    note_stopped,
    print_json,
    read_noted,
    refuse_beside,
    use_data,
    verb,
)

if TYPE_CHECKING:
    from ..store.results import Results
    from ..suite.study import Axis
    from ..suite.suite import Suite

_EXAMPLES = """  noisebench study levels --to study
  noisebench study study.yaml --store nb-store --to study
  noisebench study matrix_phase --from results/matrix_phase.parquet

a study file is a suite with a list of what to draw:
  study: [{x: gaussian.sigma}, {x: nlm.h, y: ssim}, {x: latency}]
  study: [{x: trained.optimizer.lr, y: training.steps, log: xy}]
{x: draws} splits the error over the seeds into bias² and variance"""


def add(verbs: Any) -> None:
    about = "run a suite and draw quality against the level of a regime, a parameter, or compute"
    p = verb(verbs, "study", about, _EXAMPLES, run)
    p.add_argument("study", metavar="STUDY", help="a study file, or the name of a suite that has a study")
    p.add_argument("--store", metavar="DIR", help="where cells go, shared with run (nb-store)")
    p.add_argument(
        "--from", dest="source", metavar="STORE", help="draw what a store or an export holds, and run nothing"
    )
    p.add_argument("--to", metavar="DIR", default="study", help="where plots and tables go (default: study)")
    add_shared(p, "limit", "jobs", "plugin", "data", "weights")
    add_style(p)
    add_shared(p, "json")


def run(args: argparse.Namespace) -> int:
    """Run what is not stored, then write; with --from only write.

    1 where a cell is not ok, which takes its points off the plots, or where what a plot is of has no value.
    """
    from ..suite.study import read_study
    from ..suite.suite import find_suite

    use_data(args)
    folder_to_write("to", args.to)
    suite, axes = read_study(find_suite(args.study))
    return _run_and_write(args, suite, axes) if args.source is None else _write_stored(args, suite, axes)


def _write_stored(args: argparse.Namespace, suite: Suite, axes: Sequence[Axis]) -> int:
    """Write what a store or an export holds. Data and plug-ins of the suite need not be here."""
    from ..store.versions import newest

    refuse_beside(args, "--from", "runs nothing", "store", "limit", "jobs", "plugin")
    source = Path(args.source)
    records, damaged = read_noted(source)
    records = newest(records)
    _refuse_idle(axes, [(r.cell.regime.spec, r.cell.method.spec) for r in records])
    code = _write(args, suite, axes, records, source if source.is_dir() else None, 0)
    return 1 if damaged else code


def _run_and_write(args: argparse.Namespace, suite: Suite, axes: Sequence[Axis]) -> int:
    """Run the cells that are not stored, then write all of them."""
    from dataclasses import replace

    from ..engine.planning_process import plan_in_child
    from ..engine.run import RunOptions
    from ..engine.run import run as run_suite
    from ..store.cells import read_record
    from ..store.names import named, read_names
    from ..store.request_times import asked_in
    from ..store.results import Results
    from .progress import watcher

    store, options = Path(args.store or "nb-store"), RunOptions(args.jobs)
    if args.limit is not None:
        if args.limit < 1:
            raise UsageError(f"--limit {args.limit}: give a whole number from 1")
        suite = replace(suite, limit=args.limit)
    suite = replace(suite, plugins=(*suite.plugins, *args.plugin))
    _refuse_idle(axes, [(c.regime.spec, c.method.spec) for c in plan_in_child(suite)["cells"]])
    try:
        with watcher() as watch:
            summary = run_suite(suite, store, options, watch)
    except KeyboardInterrupt:
        note_stopped(str(store))
        return 130
    names, noted = read_names(store), asked_in(store)
    records = Results.of(named(read_record(store, c.key, noted), names) for c in summary.cells)
    return _write(args, suite, axes, records, store, len(summary.done))


def _refuse_idle(axes: Sequence[Axis], specs: Iterable[tuple[str, str]]) -> None:
    """Refuse an axis of which no cell has anything, by the specs of regime and method of each."""
    from ..boards.curves import refuse_idle
    from ..suite.study import DRAWS

    refuse_idle([axis for axis in axes if axis.x != DRAWS], [spec for both in specs for spec in both])


def _write(
    args: argparse.Namespace, suite: Suite, axes: Sequence[Axis], records: Results, store: Path | None, done: int
) -> int:
    """Write the study of these cells, and say what it lacks; `done` of them were run now."""
    from ..report.studies import write_study
    from ..store.record import cell_text

    to = Path(args.to)
    files, left_out = write_study(records, axes, to, title=f"Study {suite.suite}", store=store, style=args.style)
    failed = [r.cell for r in records if r.cell.outcome not in ("ok", "skipped")]
    for cell in failed:
        note(one_line(f"{cell.outcome}: {cell_text(cell)}: {cell.reason}"))
    for why in left_out:
        note(f"left out: {one_line(why)}")
    if args.json:
        counts = {"cells": len(records), "not_ok": len(failed)}
        print_json({"to": str(to), "files": [str(f) for f in files], **counts, "left_out": left_out})
    else:
        print((to / "study.md").read_text(encoding="utf-8"))
        cells = counted(len(records), "cell was", "cells were")
        print(f"written: {counted(len(files), 'file')} in {to}; {done} of {cells} run now")
    return 1 if failed or left_out else 0
