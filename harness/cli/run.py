"""`noisebench run`: methods × datasets × regimes into a store."""

from __future__ import annotations

import argparse
import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..text.errors import UsageError, one_line
from ..text.terminal import terminal_width
from ..text.wording import counted
from .cell_text import cell_place, cell_values
from .options import add_shared, note, note_stopped, option_value, print_json, use_data, verb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..engine.run import Summary
    from ..planning.cells import PlannedCell

_LISTED = 20
_RANKED, _RANKED_ITEMS = 300, 30_000
"""Cells, and items of all of them, that a run ranks at its end."""

_NEVER_EMPTY = ("track", "protocol", "timeout", "memory", "device", "devices", "shard", "cluster")

_EXAMPLES = """  noisebench run demo
  noisebench run suite.yaml --jobs 2 --keep sample
  noisebench run --methods "nlm(h={0.6,0.8})" --datasets photos --regimes none
  noisebench run demo --methods identity my_net --plugin my_net.py --timeout 10m
  noisebench run suite.yaml --cluster tcp://head:8786      on the workers of a Dask scheduler, which share the store
  noisebench run suite.yaml --shard 3/16             one of 16 tasks of an array job; all may share a store"""


def add(verbs: Any) -> None:
    p = verb(verbs, "run", "run what is not stored yet; resumes where it was stopped", _EXAMPLES, run)
    p.add_argument("suite", nargs="?", metavar="SUITE", help="a suite file, or the name of one (list suites)")
    p.add_argument("--track", metavar="T", help="the field of work (default: restore; see list tracks)")
    p.add_argument("--methods", nargs="+", metavar="M", help="method specs; {a,b} sweeps a value")
    p.add_argument("--datasets", nargs="+", metavar="D", help="dataset specs")
    p.add_argument("--regimes", nargs="+", metavar="R", help="regime specs; a + b composes")
    p.add_argument("--protocol", metavar="P", help="how scores are taken (default: the track's, in restore uint8)")
    p.add_argument(
        "--metrics", nargs="+", metavar="M", help="metric specs (default: the track's, in restore psnr ssim)"
    )
    p.add_argument("--seed", nargs="+", type=int, metavar="N", help="seeds of the noise (default: 0)")
    add_shared(p, "limit")
    p.add_argument("--store", metavar="DIR", default="nb-store", help="where results go (default: nb-store)")
    add_shared(p, "jobs", "timeout")
    p.add_argument("--memory", metavar="GIB", help="memory a cell may take, in GiB, or such as 512MiB")
    p.add_argument("--device", metavar="D", help="where methods run: cpu, cuda, cuda:1, mps (default: cpu)")
    p.add_argument("--devices", metavar="D,D", help="CUDA devices, one for each cell: cuda:0,cuda:1")
    p.add_argument("--retry", choices=("failed", "never", "always"), default="failed",
                   help="which stored cells are run again (default: failed)")  # fmt: skip
    p.add_argument("--keep", choices=("all", "sample", "none"), help="outputs to keep (default: none)")
    p.add_argument(
        "--sandbox",
        action="store_true",
        help="run the code of plug-ins where neither data, store, network nor home is (needs bubblewrap)",
    )
    p.add_argument("--shard", metavar="K/N", help="only the K-th of N parts, as the tasks of an array job run them")
    p.add_argument(
        "--cluster", metavar="C", help="run cells elsewhere: local(workers=4), tcp://host:8786, slurm(…), pbs(…)"
    )
    p.add_argument("--dry-run", action="store_true", help="say what would run, and stop")
    add_shared(p, "plugin", "data", "weights", "json")


def suite_of(args: argparse.Namespace) -> Any:
    """The suite that the arguments mean: the file, overridden by options. Raises `UsageError`."""
    from dataclasses import replace

    from ..suite.study import read_suite_or_study
    from ..suite.suite import Suite, count, find_suite, seconds, size_bytes, whole

    for name in _NEVER_EMPTY:  # as of a variable of the shell that is not set
        if getattr(args, name) == "":
            raise UsageError(f"--{name} is empty: give it a value, or leave it out")
    suite = read_suite_or_study(find_suite(args.suite)) if args.suite else Suite()
    changes: dict[str, Any] = {}
    for name in ("methods", "datasets", "regimes", "metrics"):
        if getattr(args, name):
            changes[name] = tuple(getattr(args, name))
    for name in ("track", "protocol", "keep", "device"):
        if getattr(args, name):
            changes[name] = getattr(args, name)
    if args.devices:
        if args.device:
            raise UsageError("--device and --devices exclude each other: --devices cuda:0,cuda:1 gives each cell one")
        changes["device"] = "cuda"
    if args.seed:
        changes["seeds"] = tuple(option_value("seed", whole, s) for s in args.seed)
    if args.limit is not None:
        changes["limit"] = option_value("limit", count, args.limit)
    limits = suite.limits
    if args.timeout:
        limits = replace(limits, timeout=option_value("timeout", seconds, args.timeout))
    if args.memory:
        limits = replace(limits, memory=option_value("memory", size_bytes, args.memory))
    suite = replace(suite, **changes, limits=limits, plugins=(*suite.plugins, *args.plugin))
    for name in ("methods", "datasets", "regimes"):
        if not getattr(suite, name):
            raise UsageError(f"no {name}: name a suite, or give --{name} …")
    if len(set(suite.seeds)) != len(suite.seeds):
        raise UsageError("--seed: a seed is given twice")
    if suite.rank_by not in suite.metrics and args.metrics:
        suite = replace(suite, rank_by="")
    return suite


def run(args: argparse.Namespace) -> int:
    """Run; 0 where each cell is ok or skipped, 1 where one is not."""
    from ..engine.devices import read_devices
    from ..engine.run import RunOptions
    from ..engine.run import run as run_suite
    from ..engine.shards import read_shard
    from .dry_run import dry_run
    from .progress import watcher

    use_data(args)
    suite = suite_of(args)
    shard = option_value("shard", read_shard, args.shard) if args.shard else None
    devices = option_value("devices", read_devices, args.devices) if args.devices else ()
    options = RunOptions(args.jobs, args.retry, args.sandbox, shard, devices, args.cluster or "")
    store = Path(args.store)
    if args.dry_run:
        dry_run(suite, store, options, as_json=args.json)
        return 0
    try:
        with watcher() as watch:
            summary = run_suite(suite, store, options, watch)
    except KeyboardInterrupt:
        note_stopped(args.store)
        return 130
    if args.json:
        print_json(_summary_values(summary, store))
    elif not summary.cells:
        print(f"0 cells: none falls to shard {args.shard}")
    else:
        for line in _summary_lines(summary, store, ranked=shard is None):
            print(line)
    return 0 if summary.ok else 1


def _summary_values(summary: Summary, store: Path) -> dict[str, Any]:
    """The end of a run, for JSON."""
    cells = [
        {
            **cell_values(cell),
            "outcome": summary.outcome.get(cell.key),
            "reason": summary.reason.get(cell.key, ""),
            "state": summary.state(cell.key),
        }
        for cell in summary.cells
    ]
    return {"store": str(store), "cells": cells, "ok": summary.ok}


def _summary_lines(summary: Summary, store: Path, *, ranked: bool) -> Iterator[str]:
    """The end of a run, as a person reads it: outcomes, why cells failed, the best methods where `ranked`."""
    counts = Counter(summary.outcome.get(cell.key, "?") for cell in summary.cells)
    text = ", ".join(f"{n} {name}" for name, n in sorted(counts.items()))
    rescored = f", {len(summary.rescored)} re-scored" if summary.rescored else ""
    yield f"{counted(len(summary.cells), 'cell')}: {text} ({len(summary.done)} run now{rescored})"
    yield from failure_lines([c for c in summary.cells if summary.outcome.get(c.key) not in ("ok", "skipped")], summary)
    if set(counts) == {"skipped"}:
        yield "no cell has a score: each one was skipped"
        yield from failure_lines(summary.cells, summary)
    elif ranked:
        yield from _ranking(summary, store)
    yield f"next: noisebench report {one_line(shlex.quote(str(store)))} --to board"


def _ranking(summary: Summary, store: Path) -> list[str]:
    """The best methods of each board of a run, none where it is so large that reading it again takes a while."""
    from ..report.terminal import ranking_lines
    from ..store.reading import read_some

    scored = [cell for cell in summary.cells if summary.outcome.get(cell.key) != "skipped"]
    if len(scored) > _RANKED or sum(cell.dataset.items or 0 for cell in scored) > _RANKED_ITEMS:
        return []
    try:
        return ranking_lines(read_some(store, [cell.key for cell in scored]), terminal_width())
    except UsageError as error:
        note(f"no ranking: {one_line(error)}")
        return []


def failure_lines(failed: Sequence[PlannedCell], summary: Summary) -> list[str]:
    """A line for all cells of one outcome and reason, the most numerous first; of very many the last are counted."""
    alike: dict[tuple[str, str], list[PlannedCell]] = {}
    for cell in failed:
        outcome, reason = summary.outcome.get(cell.key, "?"), summary.reason.get(cell.key, "")
        alike.setdefault((outcome, one_line(reason, 200)), []).append(cell)
    groups = sorted(alike.items(), key=lambda group: -len(group[1]))
    lines = []
    for (outcome, reason), cells in groups[:_LISTED]:
        more = f" and {len(cells) - 1} more" if len(cells) > 1 else ""
        lines.append(f"  {outcome}: {one_line(cell_place(cells[0]))}{more}: {reason}")
    if hidden := sum(len(cells) for _, cells in groups[_LISTED:]):
        others = counted(len(groups) - _LISTED, "other reason")
        lines.append(f"  and {hidden} more, with {others}: `noisebench report` lists them")
    return lines
