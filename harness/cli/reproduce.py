"""`noisebench reproduce`: published numbers, run again and judged."""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..text.errors import UsageError, one_line
from ..text.terminal import TextColumn
from ..text.wording import counted
from .options import (
    add_shared,
    note_stopped,
    option_value,
    print_fitted,
    print_json,
    print_table,
    refuse_beside,
    use_data,
    verb,
)

if TYPE_CHECKING:
    from ..claims.numbers import ClaimRow

_EFFECT = ("name", "group", "paper", "url", "where", "says", "cells", "holds", "seeds", "systems", "kind", "over",
           "role", "precondition", "asks", "baseline", "uneven", "widened", "budgets", "size")  # fmt: skip
"""What is listed of an effect, in this order."""
_PLOTS = (".png", ".svg", ".pdf")
_OF_RUNS = ("store", "jobs", "timeout", "device", "retry", "decide", "hours")

_EXAMPLES = """  noisebench reproduce --list
  noisebench reproduce dncnn_s25_set12
  noisebench reproduce dncnn ffdnet --data ~/testsets --weights ~/weights
  noisebench reproduce --kind number --json
  noisebench reproduce speckle --decide --hours 0.5
  noisebench reproduce speckle --decide --from verdicts.json --to more.json
      runs seeds beyond those of the file
  noisebench reproduce dncnn --from results/claims/published.parquet

exit codes: 0 no claim differs, 1 one differs or its cell failed, 2 usage, 130 stopped by Ctrl-C"""


def add(verbs: Any) -> None:
    p = verb(verbs, "reproduce", "run the cells behind published numbers and effects, and judge them", _EXAMPLES, run)
    p.add_argument("names", nargs="*", metavar="NAME", help="claims, or groups of them (default: all)")
    p.add_argument("--kind", choices=("number", "effect", "property"), help="only claims of this kind")
    p.add_argument("--size", choices=("quick", "full"), help="only claims that take minutes (quick), or hours (full)")
    p.add_argument("--system", type=int, metavar="N", help="only claims about this system")
    p.add_argument("--claims", metavar="FILE", action="append", default=[],
                   help="claims of your own, a YAML file (repeatable), instead of the published ones")  # fmt: skip
    p.add_argument("--list", action="store_true", help="list the claims and their sources, run nothing")
    p.add_argument("--from", dest="results", metavar="RESULTS", action="append", default=[],
                   help="judge what this store, export or file of verdicts holds, run nothing (repeatable); with "
                        "--decide: go on from its seeds")  # fmt: skip
    p.add_argument(
        "--to",
        metavar="FILE",
        help="write the verdicts too: a table (.md), rows and a short table beside them (.csv), those of "
        "effects for --from (.json, .json.zst), or a plot of effects by budget (.png, .svg, .pdf)",
    )
    p.add_argument("--decide", action="store_true",
                   help="add seeds to effects that are undecided until they are decided, 100 at most")  # fmt: skip
    p.add_argument("--hours", metavar="H", help="with --decide: begin no seed that would end later")
    p.add_argument("--store", metavar="DIR", help="where results go (default: nb-store)")
    add_shared(p, "jobs", "timeout")
    p.add_argument("--device", metavar="D", help="where methods run (default: cpu)")
    p.add_argument("--retry", choices=("failed", "never", "always"),
                   help="which stored cells are run again (default: failed)")  # fmt: skip
    add_shared(p, "plugin", "data", "weights", "json")


def run(args: argparse.Namespace) -> int:
    """Run; 0 where no claim differs and no cell failed, else 1."""
    from ..claims.discoveries import discoveries_text
    from ..claims.effects import Effect, all_claims, read_file
    from ..claims.numbers import Claim, chosen

    if args.list:
        refuse_beside(args, "--list", "runs and writes nothing", "to", *_OF_RUNS)
    if args.hours and not args.decide:
        raise UsageError("--hours goes with --decide: without it every claim is run on its own seeds")
    if args.results and not args.decide:
        refuse_beside(args, "--from", "runs nothing", *_OF_RUNS)
    every: list[Claim | Effect] = [c for file in args.claims for c in read_file(Path(file))]
    every = every or all_claims()
    claims = chosen(every, args.names, args.kind, args.system, args.size)
    if args.list:
        if args.json:
            print_json([_listed(c) for c in claims])
        else:
            table = [
                [c.name, c.holds, "", "", "", c.paper]
                if isinstance(c, Effect)
                else [c.name, c.value, c.method, c.dataset, c.regime, c.paper]
                for c in claims
            ]
            print_fitted(
                table,
                TextColumn("claim", least=28, middle=True), TextColumn("claimed", least=22),
                TextColumn("method", drop=3, least=16, middle=True), TextColumn("dataset", drop=1, least=10),
                TextColumn("regime", drop=2, least=16, middle=True), TextColumn("source", least=16),
            )  # fmt: skip
            print("one in full: `noisebench reproduce NAME --list --json`")
        return 0
    use_data(args)
    store = args.store or "nb-store"
    to = _verdicts_file(args.to, claims)
    runs_nothing = bool(args.results) and not args.decide
    try:
        rows = _judged(claims, args) if runs_nothing else _run(claims, store, args)
    except KeyboardInterrupt:
        note_stopped(None if runs_nothing else store)
        return 130
    if to is not None:
        from ..data.disk import noticing_full_disk

        with noticing_full_disk(to):
            _write(to, claims, rows, store, args)
    counts = Counter(row["verdict"] for row in rows)
    if args.json:
        shown = [{name: value for name, value in row.items() if name != "rows"} for row in rows]
        print_json({"store": None if runs_nothing else store, "claims": shown, "verdicts": dict(counts)})
    else:
        _print(rows)
        print(f"\n{counted(len(rows), 'claim')}: " + ", ".join(f"{n} {name}" for name, n in sorted(counts.items())))
        if standing := discoveries_text(rows):
            print(standing)
    bad = [r for r in rows if r["verdict"] == "differs" or r.get("outcome") not in ("ok", "skipped", None)]
    return 1 if bad else 0


def _run(claims: list[Any], store: str, args: argparse.Namespace) -> list[ClaimRow]:
    from ..claims.deciding import decide
    from ..claims.reproduce import reproduce
    from ..engine.run import RunOptions
    from .progress import watcher

    seconds = option_value("hours", _seconds_of_hours, args.hours) if args.hours else math.inf
    base, options = _base(args), RunOptions(args.jobs, args.retry or "failed")
    known = _known(claims, args)

    def run_claims(chosen: Sequence[Any]) -> list[ClaimRow]:
        with watcher() as watch:
            return reproduce(
                chosen, Path(store), base, options, watch,
                lambda row: watch.note(f"claim {row['name']}: {_verdict(row)}"), known,
            )  # fmt: skip

    return decide(claims, run_claims, seconds, known) if args.decide else run_claims(claims)


def _seconds_of_hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = math.nan
    if not 0 < hours < math.inf:
        raise ValueError("a number of hours above 0")
    return 3600.0 * hours


def _known(claims: list[Any], args: argparse.Namespace) -> dict[str, ClaimRow]:
    """The rows of effects that `--from` gives by name; one of other code or without a value counts for nothing."""
    rows = _judged(claims, args) if args.results else []
    return {
        row["name"]: row
        for row in rows
        if row.get("values") and row["verdict"] != "not available" and not row.get("stale")
    }


def _judged(claims: list[Any], args: argparse.Namespace) -> list[ClaimRow]:
    from ..claims.stored import judged
    from ..components.plugins import load_plugin

    for file in args.plugin:
        load_plugin(file)
    return judged(claims, [Path(p) for p in args.results])


def _write(to: Path, claims: list[Any], rows: list[ClaimRow], store: str, args: argparse.Namespace) -> None:
    """The verdicts in the form that the name of the file says."""
    from urllib.parse import quote

    from ..claims.verdicts import write_verdicts
    from ..data.disk import write_named
    from ..report.claims import claims_csv, claims_markdown, claims_summary

    if to.suffix == ".md":
        write_named(to, claims_markdown(rows).encode())
    elif to.suffix == ".csv":
        write_named(to, claims_csv(rows).encode())
        write_named(to.with_suffix(".md"), claims_summary(rows, f"[{to.name}]({quote(to.name)})").encode())
    elif to.suffix in _PLOTS:
        write_named(to, _plot(to, claims, rows))
    else:
        write_verdicts(to, _as_json(rows, store, args))


def _plot(to: Path, claims: list[Any], rows: list[ClaimRow]) -> bytes:
    """The effects of claims against their budgets, in the format that the name of the file says."""
    from ..claims.published import judged_claim
    from ..report.plots.budgets import draw_budgets

    plot = draw_budgets([judged_claim(claim, row) for claim, row in zip(claims, rows, strict=True)])
    if plot is None:
        raise UsageError(f"--to {one_line(to)}: no effect could be judged at two budgets, so there is no plot")
    data: bytes = getattr(plot, to.suffix[1:])
    return data


def _as_json(rows: list[ClaimRow], store: str, args: argparse.Namespace) -> str:
    from ..claims.stored import cells_behind
    from ..claims.verdicts import verdicts_text
    from ..engine.environment import environment

    results = [Path(p) for p in args.results]
    if not results or (args.decide and Path(store).exists()):
        results.append(Path(store))
    return verdicts_text(rows, cells_behind(rows, results), environment())


def _verdicts_file(text: str | None, claims: list[Any]) -> Path | None:
    from ..data.disk import refuse_in_store

    if text is None:
        return None
    path = Path(text)
    if path.suffix not in (".md", ".csv", ".json", *_PLOTS) and path.suffixes[-2:] != [".json", ".zst"]:
        raise UsageError(
            f"--to {one_line(path)}: it is Markdown, CSV, JSON or a plot, so name a file that ends in .md, .csv, "
            f".json, .json.zst, {', '.join(_PLOTS)}"
        )
    if path.suffix in _PLOTS and not any(getattr(claim, "budgets", ()) for claim in claims):
        raise UsageError(
            f"--to {one_line(path)}: a plot is of effects by budget, and no claim here has budgets: write a table (.md)"
        )
    if not path.parent.is_dir():
        raise UsageError(f"--to {one_line(path)}: the folder {one_line(path.parent)} is not there")
    refuse_in_store(path)
    return path


def _listed(claim: Any) -> dict[str, Any]:
    if claim.kind != "number":
        shown = {name: getattr(claim, name) for name in _EFFECT}
        return {**shown, "cells": {name: cell.texts for name, cell in claim.cells.items()}}
    return {**vars(claim), "decimals": claim.decimals}


def _base(args: argparse.Namespace) -> Any:
    from dataclasses import replace

    from ..suite.suite import Suite, seconds

    base = Suite(device=args.device or "cpu", plugins=tuple(args.plugin))
    if args.timeout:
        limits = replace(base.limits, timeout=option_value("timeout", seconds, args.timeout))
        base = replace(base, limits=limits)
    return base


def _print(rows: list[ClaimRow]) -> None:
    """Numbers as a table, then each effect and property with what its names stand for on each seed."""
    from ..claims.numbers import interval_text, uneven_text
    from ..report.claims import values_by_name

    table = []
    for row in rows:
        if "decimals" not in row:
            continue
        places = max(4, row["decimals"])
        ours = "-" if row["ours"] is None else f"{row['ours']:.{places}f}"
        off = "-" if row["difference"] is None else f"{row['difference']:+.{places}f}"
        table.append([row["name"], row["claimed"], ours, off, _seconds(row), _verdict(row)])
    if table:
        print_table(table, ["claim", "claimed", "ours", "difference", "seconds", "verdict"])
    blocks = [row for row in rows if "decimals" not in row]
    for place, row in enumerate(blocks):
        print("\n" if table or place else "", end="")
        took = "" if row["seconds"] is None else f" ({_seconds(row)} s)"
        print(f"{row['name']}: {one_line(_verdict(row))}{took}")
        print(f"  claimed  {one_line(row['claimed'], 500)}")
        if interval := interval_text(row):
            print(f"  effect  {one_line(interval, 500)}, on {counted(len(row['seeds']), 'seed')}")
        if row.get("trend"):
            print(f"  budgets  {one_line(row['trend'], 500)}")
        for name, text in values_by_name(row).items():
            print(f"  {name} = {text}")
        if uneven := uneven_text(row):
            print(f"  {one_line(uneven, 500)}")
        for edge in row.get("edges", []):
            print(f"  at an edge of what was tried: {one_line(edge)}")


def _verdict(row: ClaimRow) -> str:
    """The verdict of a row with what is to be said of it."""
    from ..claims.numbers import verdict_text

    return verdict_text(row) + (f": {row['reason']}" if row["reason"] else "")


def _seconds(row: ClaimRow) -> str:
    return "-" if row["seconds"] is None else f"{row['seconds']:.1f}"
