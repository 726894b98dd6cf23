"""`noisebench report`: boards, tables and plots of a store or of an export."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..text.errors import UsageError, one_line
from ..text.terminal import terminal_width
from ..text.wording import counted
from .options import add_shared, add_style, folder_to_write, print_json, read_noted, verb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..report.paper_table.table import TableOptions
    from ..store.results import Results

_EXAMPLES = """  noisebench report nb-store --to board
  noisebench report results/demo.parquet --to board
  noisebench report nb-store results/awgn.parquet        your cells beside those of a committed board
  noisebench report nb-store --only board,table          neither page nor previews, of a large store
  noisebench report nb-store --bundle paper              tables, figures, references, suites and results
  noisebench report nb-store --as "DnCNN=dncnn(weights=blind)" --as BSD68=bsd68
  noisebench report nb-store --table-metrics psnr ssim --table-digits 2 4"""


def add(verbs: Any) -> None:
    p = verb(verbs, "report", "write the leaderboard as Markdown, CSV, LaTeX, HTML and plots", _EXAMPLES, run)
    p.add_argument("stores", nargs="+", metavar="STORE", help="a store, or an export file; the cells of several are on "
                   "the same boards")  # fmt: skip
    p.add_argument("--to", metavar="DIR", help="where to write (default: board, unless --bundle is given)")
    p.add_argument("--bundle", metavar="DIR", help="write what a paper needs there: .tex, .pdf, .bib, suites, results")
    p.add_argument("--only", metavar="PART,PART", default="",
                   help="write only these of board, page and table; other files stay as they are (default: all, but of "
                        "very many rows no table)")  # fmt: skip
    p.add_argument("--all-versions", action="store_true",
                   help="show older versions of methods that were edited too, not the newest alone")  # fmt: skip
    p.add_argument("--pages", action="store_true",
                   help="put previews that leaderboard.html has no room for into a folder beside it")  # fmt: skip
    p.add_argument("--as", action="append", dest="names", default=[], metavar="NAME=SPEC",
                   help="show a method or dataset under a name of its own (repeatable)")  # fmt: skip
    table = p.add_argument_group("the table that papers print: table.tex, table.md, table.csv, table.html")
    about = "what stands in a cell, in this order (default: the metric that ranks, and the next)"
    table.add_argument("--table-metrics", nargs="+", default=[], metavar="M", help=about)
    about = "their decimals: one number, or one for each (default: those of the board)"
    table.add_argument("--table-digits", nargs="+", type=int, default=[], metavar="N", help=about)
    about = "what the rows are (default: methods, unless there are many levels)"
    table.add_argument("--table-rows", choices=("methods", "levels"), default="", help=about)
    about = "only these methods, in this order, by name or spec (default: all, the best first)"
    table.add_argument("--table-methods", nargs="+", default=[], metavar="M", help=about)
    about = (
        "what a method costs, before its scores: latency, latency_rel, memory, params, weights, macs (default: none)"
    )
    table.add_argument("--table-costs", nargs="+", default=[], metavar="C", help=about)
    about = "how wide a table of LaTeX may be: column, page, or points such as 345pt (default: page)"
    table.add_argument("--width", default="", metavar="W", help=about)
    add_style(p)
    add_shared(p, "json")


def run(args: argparse.Namespace) -> int:
    """Write the report and say where it is; 1 where a cell is left out, because it is damaged or edited by hand."""
    from ..report.latex_table import read_width
    from ..report.names import with_names
    from ..report.paper_table.table import TableOptions

    only = _parts(args)
    _refuse_places(args)
    results, left_out = _read(list(map(Path, args.stores)))
    results = with_names(results, args.names)
    table = TableOptions(
        tuple(args.table_metrics), tuple(args.table_digits), args.table_rows, tuple(args.table_methods),
        tuple(args.table_costs), read_width(args.width),
    )  # fmt: skip
    document: dict[str, Any] = {"left_out": left_out}
    if args.bundle:
        document["bundle"] = _write_bundle(args, results, table)
    if args.to or not args.bundle:
        document = {**_write_report(args, results, table, only), **document}
    if args.json:
        print_json(document)
    return 1 if left_out else 0


def _read(stores: Sequence[Path]) -> tuple[Results, list[str]]:
    """The cells of all stores, each once, and a line for each that is left out."""
    from ..store.results import Results

    read = [read_noted(store) for store in stores]
    left_out = [line for _, lines in read for line in lines]
    if len(read) == 1:
        return read[0]
    by_key = {record.cell.key: record for results, _ in reversed(read) for record in results}
    return Results.of(by_key.values()), left_out


def _parts(args: argparse.Namespace) -> tuple[str, ...]:
    """The parts of the report that are written. Raises `UsageError`."""
    from ..report.write import PARTS

    only = tuple(args.only.split(",")) if args.only else ()
    for part in only:
        if part not in PARTS:
            raise UsageError(f"--only {one_line(part)!r}: give one or more of {', '.join(PARTS)}, with commas between")
    return only


def _refuse_places(args: argparse.Namespace) -> None:
    """Raise `UsageError` where a folder cannot be written to, and for options of a report that is not written."""
    from ..data.disk import refuse_store

    for option in ("pages", "only"):
        if getattr(args, option) and args.bundle and not args.to:
            raise UsageError(
                f"--{option} is for a report, and --bundle alone writes none: name a folder for it with --to"
            )
    for option in ("to", "bundle"):
        folder = folder_to_write(option, getattr(args, option))
        if folder is not None:
            refuse_store(folder)


def _write_bundle(args: argparse.Namespace, results: Results, table: TableOptions) -> dict[str, Any]:
    """Write what a paper needs, say so, and give it for JSON."""
    from ..report.bundle.write import write_bundle

    to = Path(args.bundle)
    files, remade = write_bundle(results, to, all_versions=args.all_versions, table=table, style=args.style)
    if not args.json:
        print(f"written: {counted(len(files), 'file')} in {args.bundle} (start with {to / 'README.md'})")
        print(remade.text)
        for line in remade.lacking:
            print(f"  {line}")
    return {"to": args.bundle, "files": [str(file) for file in files], "remade": vars(remade)}


def _write_report(
    args: argparse.Namespace, results: Results, table: TableOptions, only: Sequence[str]
) -> dict[str, Any]:
    """Write the parts of the report, say where they are, and give it for JSON."""
    from ..report.page.html import how_to_keep
    from ..report.page.previews import KeptPreviews
    from ..report.terminal import report_lines
    from ..report.write import data_to_report, usual_parts, write_data

    to, store = Path(args.to or "board"), next((Path(one) for one in args.stores if Path(one).is_dir()), None)
    previews = KeptPreviews.in_store(store) if store is not None else None
    data = data_to_report(results, all_versions=args.all_versions)
    files = write_data(data, to, kept=previews, pages=args.pages, table=table, style=args.style, only=only)
    parts = only or usual_parts(data, table)
    if not args.json:
        start = to / ("leaderboard.html" if "page" in parts else "leaderboard.md" if "board" in parts else "table.md")
        whole = one_line(to / "leaderboard.md") if "board" in parts else "a report without --only"
        if tuple(parts) != ("table",):
            print("\n".join(report_lines(data, terminal_width(), whole)), end="\n\n")
        print(f"written: {counted(len(files), 'file')} in {to} (start with {start})")
        if "page" in parts and store is not None and (advice := how_to_keep(data)):
            print(advice)
        if "table" in parts:
            print(f"the table for a paper: {to / 'table.tex'} (and .md, .csv, .html){_parts_text(to / 'table.tex')}")
        elif not only:
            print("of so many rows no table for a paper is written: --only table writes it")
    document = {"to": str(to), "files": [str(file) for file in files]}
    if "board" not in parts or not args.json:
        return document
    return {**document, "summary": json.loads((to / "summary.json").read_text(encoding="utf-8"))}


def _parts_text(file: Path) -> str:
    """What to do about tables that are in several parts, for want of width; empty where each is in one."""
    with file.open(encoding="utf-8") as lines:  # of many levels it has 70 MB
        starts = Counter(line[: line.find("}")] for line in lines if line.startswith(r"\begin{"))
    tables = sum(count for start, count in starts.items() if start.startswith(r"\begin{table"))
    parts = starts[r"\begin{tabular"]
    if parts <= tables:
        return ""
    return f" in {parts} parts: fewer metrics or digits (--table-metrics, --table-digits) make fewer"
