"""`noisebench court`: which numbers of a published table compare, and which contradict each other."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .options import add_shared, print_json, verb, write_to

_EXAMPLES = """  noisebench court table.csv
  noisebench court table.tex --to court.md --badge court.svg
  noisebench court published                        rows of public tables, which come with noisebench

a table is .csv, .yaml or .tex: columns method, set, level, value, source, and metric where that is not psnr; or method
and a column a place, such as "Set12, 25"
exit codes: 0 no contradiction, 1 some, 2 no such table"""


def add(verbs: Any) -> None:
    p = verb(verbs, "court", "say which numbers of a published table compare or contradict", _EXAMPLES, run)
    p.add_argument("table", metavar="TABLE", help="numbers of several sources, or `published`")
    p.add_argument("--to", metavar="FILE", help="write the report there, as Markdown")
    p.add_argument("--badge", metavar="FILE.svg", help="write how many contradictions there are there, as a picture")
    add_shared(p, "json")


def run(args: argparse.Namespace) -> int:
    """Report; 0 where nothing contradicts, else 1."""
    from ..claims.court import PUBLISHED_TABLES, citations, judge_table, known_here, read_table
    from ..report.court import court_badge, court_markdown

    shipped = args.table == "published" and not Path(args.table).exists()
    table = PUBLISHED_TABLES if shipped else Path(args.table)
    rows = read_table(table)
    places, known = judge_table(rows), known_here(rows)
    report = court_markdown(table.name, places, known, citations() if shipped else {})
    if args.to:
        write_to(Path(args.to), report.encode("utf-8", "replace"))
    if args.badge:
        write_to(Path(args.badge), court_badge(places).encode())
    if args.json:
        own_verdicts = [{**asdict(row), "says": text} for row, text in known.items()]
        print_json({"places": [asdict(place) for place in places], "here": own_verdicts})
    elif args.to:
        print(f"report: {args.to}")
    else:
        print(report, end="")
    return 1 if any(place.contradictions for place in places) else 0
