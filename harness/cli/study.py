"""`noisebench study`: run a suite and draw quality against the level of a regime, a method's parameter, or compute."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..errors import UsageError, one_line
from ..wording import counted
from .options import (
    add_data,
    add_json,
    add_plugins,
    add_style,
    add_weights,
    note,
    note_stopped,
    print_json,
    use_data,
    verb,
)

_EXAMPLES = """  noisebench study levels --to study
  noisebench study study.yaml --store nb-store --to study

a study file is a suite with a list of what to draw:
  study: [{x: gaussian.sigma}, {x: nlm.h, y: ssim}, {x: latency}]
  study: [{x: trained.optimizer.lr, y: training.steps, log: xy}]
{x: draws} splits the error over the seeds into bias² and variance"""


def add(verbs: Any) -> None:
    """Add the verb."""
    p = verb(
        verbs, "study", "run a suite and draw quality against the level of a regime, a parameter, or compute", _EXAMPLES
    )
    p.add_argument("study", metavar="STUDY", help="a study file, or the name of a suite that has a study")
    p.add_argument("--store", metavar="DIR", default="nb-store", help="where cells go, shared with run (nb-store)")
    p.add_argument("--to", metavar="DIR", default="study", help="where plots and tables go (default: study)")
    p.add_argument("--limit", type=int, metavar="N", help="only the first N items of each dataset")
    p.add_argument("--jobs", type=int, metavar="N", help="cells at once (default: cores / threads per cell)")
    add_plugins(p)
    add_data(p)
    add_weights(p)
    add_style(p)
    add_json(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run what is not stored, then write.

    1 where a cell is not ok, which takes its points off the plots, or where what a plot is of has no value.
    """
    from dataclasses import replace

    from ..boards.curves import refuse_idle
    from ..engine.planning import plan_in_child
    from ..engine.run import RunOptions
    from ..engine.run import run as run_suite
    from ..report.studies import write_study
    from ..store.cells import read_record
    from ..store.names import named, read_names
    from ..study import DRAWS, read_study
    from ..suite import find_suite
    from .progress import watcher

    use_data(args)
    to, store = Path(args.to), Path(args.store)
    if to.exists() and not to.is_dir():
        raise UsageError(f"--to {one_line(to)} is a file: name a folder")
    options = RunOptions(args.jobs)
    suite, axes = read_study(find_suite(args.study))
    if args.limit is not None:
        if args.limit < 1:
            raise UsageError(f"--limit {args.limit}: give a whole number from 1")
        suite = replace(suite, limit=args.limit)
    suite = replace(suite, plugins=(*suite.plugins, *args.plugin))
    planned = plan_in_child(suite)["cells"]
    drawn = [axis for axis in axes if axis.x != DRAWS]
    refuse_idle(drawn, [c[part]["spec"] for c in planned for part in ("regime", "method")])
    try:
        with watcher() as watch:
            summary = run_suite(suite, store, options, watch)
    except KeyboardInterrupt:
        note_stopped(args.store)
        return 130
    names = read_names(store)
    records = [named(read_record(store, c["key"]), names) for c in summary.cells]
    files, left_out = write_study(records, axes, to, title=f"Study {suite.suite}", store=store, style=args.style)
    lost = [c for c in summary.cells if summary.outcome.get(c["key"]) not in ("ok", "skipped")]
    for cell in lost:
        where = f"{cell['method']['display']} · {cell['dataset']['display']} · {cell['regime']['display']}"
        note(one_line(f"{summary.outcome.get(cell['key'])}: {where}: {summary.reason.get(cell['key'], '')}"))
    for why in left_out:
        note(f"left out: {one_line(why)}")
    if args.json:
        counts = {"cells": len(records), "not_ok": len(lost)}
        print_json({"to": str(to), "files": [str(f) for f in files], **counts, "left_out": left_out})
    else:
        print((to / "study.md").read_text(encoding="utf-8"))
        cells = counted(len(summary.cells), "cell was", "cells were")
        print(f"written: {counted(len(files), 'file')} in {to}; {len(summary.done)} of {cells} run now")
    return 1 if lost or left_out else 0
