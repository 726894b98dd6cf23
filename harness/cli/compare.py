"""`noisebench compare`: two stores, or two methods of one, on the same inputs."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..text.errors import UsageError, one_line
from ..text.terminal import TextColumn, fitted, terminal_width, wrapped
from ..text.wording import counted
from .options import add_shared, folder_to_write, print_json, read_noted, verb

if TYPE_CHECKING:
    from ..report.tables import TextTable

_EXAMPLES = """  noisebench compare before-store after-store
  noisebench compare results/demo.parquet nb-store --to comparison
  noisebench compare nb-store --method "nlm(h=0.6)" "nlm(h=0.8)\""""

_MOST = 20
"""Rows of a kind in the terminal, where there are many."""


def add(verbs: Any) -> None:
    p = verb(verbs, "compare", "compare two stores, or two methods, on the same inputs", _EXAMPLES, run)
    p.add_argument("stores", metavar="STORE", nargs="+", help="one or two stores or export files (A, then B)")
    p.add_argument("--method", nargs=2, metavar=("A", "B"), help="compare these two methods instead of like with like")
    p.add_argument("--to", metavar="DIR", help="also write Markdown, CSV, LaTeX, JSON, scatter plots and panels there")
    add_shared(p, "json")


def run(args: argparse.Namespace) -> int:
    """Compare; 0 whatever came out, 1 where a damaged or edited cell is left out, 3 where nothing could be matched."""
    from ..comparing.comparison import choose, compare
    from ..report.comparison import write_comparison
    from ..report.comparison_files import comparison_values
    from ..report.names import written
    from ..report.page.previews import KeptPreviews, previews_of
    from ..submissions.entry import ENDING

    if len(args.stores) > 2:
        raise UsageError(f"{len(args.stores)} stores given: compare takes one with --method A B, or two")
    if len(args.stores) == 1 and not args.method:
        raise UsageError("one store given: name a second one, or two methods with --method A B")
    to = folder_to_write("to", args.to)
    read = [read_noted(Path(store)) for store in args.stores]
    sides, left_out = [records for records, _ in read], [line for _, lines in read for line in lines]
    for records, store in zip(sides, args.stores, strict=True):
        if not records:
            raise UsageError(f"{one_line(store)} has no cells that can be read: there is nothing to compare")
    a, b = sides[0], sides[-1]
    names = [args.stores[0], args.stores[-1]]
    if all(Path(store).suffix == ENDING for store in args.stores) and not args.method:
        # An entry is of one method, and a newer one of another spec may stand in its place.
        args.method = [next(r.cell.method.display for r in side if r.cell.kind != "train") for side in (a, b)]
    if args.method:
        one, other = args.method
        a, b = choose(a, written(a, one), names[0]), choose(b, written(b, other), names[1])
        if a == b:
            raise UsageError(f"--method {one_line(args.method[0])} twice in one store: name two methods")
        names = (
            list(args.method) if len(sides) == 1 else [f"{m} in {s}" for m, s in zip(args.method, names, strict=True)]
        )
    comparison = compare(a, b, *names, across=bool(args.method))
    files = []
    if to is not None:
        kept = [KeptPreviews.in_store(Path(s)) if Path(s).is_dir() else None for s in (args.stores[0], args.stores[-1])]
        files = write_comparison(comparison, to, (previews_of(a, kept[0]), previews_of(b, kept[1])))
    if args.json:
        print_json({**comparison_values(comparison), "left_out": left_out, "files": [str(f) for f in files]})
    else:
        _show(comparison)
        if (
            args.method
            and len(args.stores) == 1
            and not all(one.trained and len(one.seeds) > 1 for one in comparison.differences)
        ):
            words = shlex.join(["noisebench", "plan-size", args.stores[0], "--method", *args.method])
            print(f"\n`{one_line(words)}` says how many items would tell them apart")
        if files:
            print(f"\nwritten: {counted(len(files), 'file')} in {to} (start with {files[0]})")
    return 3 if not (comparison.differences or comparison.sets) else 1 if left_out else 0


def _show(comparison: Any) -> None:
    from ..comparing.difference import reading_text
    from ..comparing.selection import MOVED, selected
    from ..report import comparison as report

    chosen = selected(comparison, _MOST)
    shown = chosen.shown
    print(f"A: {one_line(comparison.name_a)}\nB: {one_line(comparison.name_b)}\n")
    table = report.difference_table(shown)
    if table.rows:
        _print(table)
    elif comparison.differences:
        print(f"none of {counted(len(comparison.differences), 'difference')} moved")
    else:
        print("nothing could be matched")
    for line in report.notes(comparison, _MOST):
        print("\n".join(wrapped(f"note: {line}", terminal_width(), "  ")))
    for title, other in (("set metrics", report.sets_table(shown)), ("speed", report.speed_table(shown))):
        if other.rows:
            print(f"\n{title}:")
            _print(other)
    if shown.unmatched:
        print("\nnot matched:")
    for one in shown.unmatched:
        text = f"{one.method} · {one.where}: {one.reason}"
        print("\n".join(wrapped(text, terminal_width(), "   ", f"{one.side}  ")))
    if chosen.rest:
        print("", *chosen.rest, "--json or --to DIR has all", sep="\n")
    line = "" if chosen.rest else report.tally(shown.differences)
    if line:
        print("", *wrapped(line, terminal_width()), sep="\n")
    if table.rows:
        reading = reading_text(shown.differences) + (f" {MOVED}" if chosen.rest else "")
        print("", *wrapped(reading, terminal_width()), sep="\n")


_FIRST = ("method", "protocol", "seed", "items", "better/same/worse", "McNemar p", "p (all rows)", "dataset", "A", "B")
"""Columns that go where there is no room, in this order; the methods only where one pair is compared, named above."""
_CUT = {"method": 16, "dataset": 10, "regime": 12, "where": 24, "note": 16}


def _print(table: TextTable) -> None:
    """A table in the width of the terminal."""
    one_pair = len({row[0] for row in table.rows}) == 1
    columns = [
        TextColumn(
            title,
            right,
            len(_FIRST) - _FIRST.index(title) if title in _FIRST and (title != "method" or one_pair) else 0,
            _CUT.get(title, 0),
            middle=title in ("method", "dataset", "regime"),
        )
        for title, right in zip(table.header, table.numeric, strict=True)
    ]
    lines = fitted(columns, table.rows, terminal_width())
    print("\n".join(lines))
    hidden = [title for title in table.header if title not in re.split(r"  +", lines[0])]
    if hidden:
        text = f"no room for {', '.join(hidden)}: --to DIR and --json have all columns"
        print("\n".join(wrapped(text, terminal_width(), "  ")))
