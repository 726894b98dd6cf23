"""`noisebench trend`: where scores changed over a series of commits."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..text.errors import UsageError
from .options import add_shared, append_summary, folder_to_write, note_left_out, option_value, print_json, verb

_EXAMPLES = """  noisebench trend --history baseline.json               its versions in git
  noisebench trend --history baseline.json nb-store      and what is there now
  noisebench trend monday.parquet tuesday.parquet wednesday.parquet --to trend

a score that is equal before and after is a fact; else a change is told from noise that is normal, with an error \
rate of 5 % over all scores together"""


def add(verbs: Any) -> None:
    p = verb(verbs, "trend", "say where scores changed over commits", _EXAMPLES, run)
    p.add_argument("results", nargs="*", metavar="RESULTS", help="stores, baselines or exports, oldest first")
    p.add_argument("--history", metavar="FILE", help="begin with the versions of FILE that git has")
    p.add_argument("--last", metavar="N", type=int, default=50, help="the newest N versions of FILE (default: 50)")
    p.add_argument("--to", metavar="DIR", help="write trend.md, and trend.svg where a score changed; the Markdown is "
                   "also appended to $GITHUB_STEP_SUMMARY")  # fmt: skip
    add_shared(p, "json")


def run(args: argparse.Namespace) -> int:
    """Say it; always 0, for the gate is `check`."""
    from ..data.disk import refuse_store
    from ..gate.committed import committed
    from ..gate.trend import Commit, trend
    from ..report.files import write_files
    from ..report.trend import draw_trend, trend_lines, trend_markdown, trend_values
    from ..store.reading import read_genuine
    from ..suite.suite import count

    to = folder_to_write("to", args.to)
    if to is not None:
        refuse_store(to)
    if not args.results and not args.history:
        raise UsageError("name results, oldest first, or a file that git has by --history")
    last = option_value("last", count, args.last)
    commits = committed(Path(args.history), last) if args.history else []
    for name in args.results:
        results, left_out = read_genuine(Path(name))
        commits.append(Commit(name, "", results, tuple(left_out)))
    note_left_out([line for commit in commits for line in commit.left_out])
    shown = trend(commits)
    if to is not None:
        text = trend_markdown(shown).encode("utf-8", "replace")
        plot = draw_trend(shown)
        write_files({"trend.md": text, **({"trend.svg": plot.svg} if plot is not None else {})}, to)
        append_summary(text)
    if args.json:
        print_json(trend_values(shown))
    else:
        print("\n".join(trend_lines(shown)))
    return 0
