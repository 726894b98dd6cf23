"""`noisebench plan-size`: what the items and seeds of a board cannot tell apart, and how many would."""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..text.errors import UsageError, closest, one_line
from ..text.terminal import terminal_width, wrapped
from .options import add_shared, note, option_value, print_json, read_noted, use_data, verb

if TYPE_CHECKING:
    from ..store.results import Results

_PILOT = 8
_EXAMPLES = """  noisebench plan-size nb-store
  noisebench plan-size results/demo.parquet --difference 0.1
  noisebench plan-size nb-store --difference 0.002 --metric ssim --json
  noisebench plan-size nb-store --method nlm my_net          how many pictures would tell the difference that they have
  noisebench plan-size --pilot demo --difference 0.1         runs its methods on 8 items each, and keeps nothing"""


def add(verbs: Any) -> None:
    p = verb(verbs, "plan-size", "say what items and seeds cannot tell apart, and how many would", _EXAMPLES, run)
    p.add_argument("results", nargs="?", metavar="STORE", help="a store or an export")
    p.add_argument("--pilot", metavar="SUITE", help="run the first items of a suite instead, for this plan alone")
    p.add_argument("--difference", type=float, metavar="D", help="the difference to be told, in units of the metric")
    p.add_argument(
        "--method", nargs=2, metavar=("A", "B"), help="this pair alone; without --difference, that of A and B"
    )
    p.add_argument("--metric", metavar="M", help="plan by this metric (default: the one that ranks)")
    add_shared(p, "limit", "jobs", "plugin", "data", "weights", "json")


def run(args: argparse.Namespace) -> int:
    """Say it for each board; 1 where a damaged cell is left out."""
    from ..boards.board import placed_by
    from ..boards.build import boards
    from ..boards.detectable_difference import detectable_differences
    from ..report.plan_size import Labels, plan_lines, plan_values

    if (args.results is None) == (args.pilot is None):
        raise UsageError("name a STORE, or a suite by --pilot, and not both")
    if args.difference is not None and not (args.difference > 0 and math.isfinite(args.difference)):
        raise UsageError(f"--difference must be a number above 0, not {args.difference}")
    if args.results is not None and args.limit is not None:
        raise UsageError("--limit is of --pilot: of a store all items count")
    results, left_out = _pilot(args) if args.pilot is not None else read_noted(Path(args.results))
    pair = args.method and _pair_of(results, args.results or args.pilot, args.method)
    planned = []
    metrics: set[str] = set()
    for board in boards(results):
        rows, column = board.rows, board.rank_by
        if args.metric is not None:
            metrics |= {one.label for one in board.columns}
            column = next((one for one in board.columns if args.metric in (one.label, one.name)), None)
            if column is None:
                continue
            rows = tuple(placed_by(board, column)[0])
        labels = {row.spec: row.label for row in rows}
        if pair is None or (pair[0] in labels and pair[1] in labels):
            asked: Labels | None = pair and (labels[pair[0]], labels[pair[1]])
            planned.append((board, detectable_differences(rows, column, board.units), asked))
    if not planned:
        if pair is not None and not metrics:
            raise UsageError(f"no board has both {' and '.join(map(one_line, args.method))} with scores")
        near = f"metric {one_line(args.metric, 60)!r} is on no board{_hint(args.metric, metrics)}" if metrics else ""
        raise UsageError(near or f"{one_line(args.results or args.pilot)} has no cell with a score: nothing to plan")
    if args.json:
        print_json({"boards": [plan_values(*one, args.difference) for one in planned]})
    else:
        for line in (line for one in planned for line in plan_lines(*one, args.difference)):
            indent = "  " if line.startswith("  ") else ""
            print("\n".join(wrapped(line, terminal_width(), indent, indent)))
    return int(bool(left_out))


def _pair_of(results: Results, source: str, methods: Sequence[str]) -> tuple[str, str]:
    """The specs of two methods. Raises `UsageError` for one that is not there, and for one named twice."""
    from ..comparing.comparison import choose
    from ..report.names import written

    one, other = (choose(results, written(results, name), source)[0].cell.method.spec for name in methods)
    if one == other:
        raise UsageError(f"--method {one_line(methods[0])} twice: name two methods")
    return one, other


def _hint(metric: str, known: set[str]) -> str:
    near = closest(metric, known)
    return f" (did you mean {near!r}?)" if near else f": there are {', '.join(sorted(known))}"


def _pilot(args: argparse.Namespace) -> tuple[Results, list[str]]:
    """The results of the first items of a suite, which are run and not kept."""
    from dataclasses import replace

    from ..engine.run import RunOptions
    from ..engine.run import run as run_suite
    from ..store.reading import read_records
    from ..suite.suite import CostPlan, count, find_suite, read_suite
    from .progress import watcher

    use_data(args)
    limit = option_value("limit", count, _PILOT if args.limit is None else args.limit)
    suite = read_suite(find_suite(args.pilot))
    suite = replace(suite, limit=limit, cost=CostPlan(), plugins=(*suite.plugins, *args.plugin))
    with tempfile.TemporaryDirectory(prefix="noisebench-pilot-") as folder, watcher() as watch:
        summary = run_suite(suite, Path(folder) / "store", RunOptions(args.jobs), watch)
        for cell in summary.cells:
            if summary.outcome.get(cell.key) not in ("ok", "skipped"):
                note(f"{one_line(cell.method.display, 80)}: {one_line(summary.reason.get(cell.key, ''), 200)}")
        return read_records(Path(folder) / "store"), []
