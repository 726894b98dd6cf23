"""`noisebench report`: boards, tables and plots of a store or of an export."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ..errors import UsageError, one_line
from .options import add_json, print_json, read_noted, verb

_EXAMPLES = """  noisebench report nb-store --to board
  noisebench report results/demo.json --to board
  noisebench report nb-store --bundle paper              tables, figures, references, suites and results"""


def add(verbs: Any) -> None:
    """Add the verb."""
    p = verb(verbs, "report", "write the leaderboard as Markdown, CSV, LaTeX, HTML and plots", _EXAMPLES)
    p.add_argument("store", metavar="STORE", help="a store, or an export file")
    p.add_argument("--to", metavar="DIR", help="where to write (default: board, unless --bundle is given)")
    p.add_argument("--bundle", metavar="DIR", help="write what a paper needs there: .tex, .pdf, .bib, suites, results")
    p.add_argument("--all-versions", action="store_true",
                   help="show older versions of methods that were edited too, not the newest alone")  # fmt: skip
    add_json(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the report and say where it is; 1 where a cell is left out, because it is damaged or edited by hand."""
    from ..report.bundle.write import write_bundle
    from ..report.page.previews import KeptPreviews
    from ..report.write import write_report

    for option in ("to", "bundle"):
        given = getattr(args, option)
        if given and Path(given).exists() and not Path(given).is_dir():
            raise UsageError(f"--{option} {one_line(given)} is a file: name a folder")
    store = Path(args.store)
    records, left_out = read_noted(store)
    code = 1 if left_out else 0
    document: dict[str, Any] = {"left_out": left_out}
    if args.bundle:
        made, remade = write_bundle(records, Path(args.bundle), all_versions=args.all_versions)
        document["bundle"] = {"to": args.bundle, "files": [str(f) for f in made], "remade": vars(remade)}
        if not args.json:
            print(f"written: {len(made)} files in {args.bundle} (start with {Path(args.bundle) / 'README.md'})")
            print(remade.text)
            for line in remade.lacking:
                print(f"  {line}")
        if not args.to:
            if args.json:
                print_json(document)
            return code
    to = Path(args.to or "board")
    kept = KeptPreviews.in_store(store) if store.is_dir() else None
    files = write_report(records, to, kept=kept, all_versions=args.all_versions)
    if args.json:
        summary = json.loads((to / "summary.json").read_text(encoding="utf-8"))
        print_json({"to": str(to), "files": [str(f) for f in files], **document, "summary": summary})
        return code
    board = to / "leaderboard.md"
    text = board.read_text(encoding="utf-8")
    lines = text.splitlines()
    print("\n".join(lines[:60]))
    if len(lines) > 60:
        print(f"… ({len(lines) - 60} more lines in {board})")
    print(f"\nwritten: {len(files)} files in {to} (start with {to / 'leaderboard.html'})")
    return code
