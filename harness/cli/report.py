"""`noisebench report`: boards, tables and plots of a store or of an export."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..errors import UsageError, one_line
from .options import add_json, print_json, verb

_EXAMPLES = """  noisebench report nb-store --to board
  noisebench report results/demo.json --to board"""


def add(verbs: Any) -> None:
    """Add the verb."""
    p = verb(verbs, "report", "write the leaderboard as Markdown, CSV, LaTeX, HTML and plots", _EXAMPLES)
    p.add_argument("store", metavar="STORE", help="a store, or an export file")
    p.add_argument("--to", metavar="DIR", default="board", help="where to write (default: board)")
    add_json(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the report and say where it is."""
    from ..report.page_pictures import Kept
    from ..report.write import write_report
    from ..store.cells import read_records

    to = Path(args.to)
    if to.exists() and not to.is_dir():
        raise UsageError(f"--to {one_line(to)} is a file: name a folder")
    store = Path(args.store)
    files = write_report(read_records(store), to, kept=Kept.in_store(store) if store.is_dir() else None)
    if args.json:
        print_json({"to": str(to), "files": [str(f) for f in files]})
        return 0
    board = to / "leaderboard.md"
    text = board.read_text(encoding="utf-8")
    lines = text.splitlines()
    print("\n".join(lines[:60]))
    if len(lines) > 60:
        print(f"… ({len(lines) - 60} more lines in {board})")
    print(f"\nwritten: {len(files)} files in {to} (start with {to / 'leaderboard.html'})")
    return 0
