"""`noisebench check`: the gate of a continuous integration; its exit code says what came of it."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..text.errors import UsageError, one_line
from ..text.wording import counted
from .options import add_shared, append_summary, folder_to_write, note_old, print_json, verb

if TYPE_CHECKING:
    from ..store.results import Results

_EXAMPLES = """  noisebench check results/baseline.json nb-store
  noisebench check results/baseline.json nb-store --rules rules.yaml --to check
  noisebench check results/baseline.json nb-store --update     accept what is there now

without --rules: fails on a mean drop above 0.02 dB PSNR or 0.001 SSIM, or above 0.5 dB on one picture, \
and by what other metrics declare (`gate` of `noisebench list metrics NAME`)
rules.yaml: a list; later rules win over earlier ones and over these defaults, limit by limit
  - {metric: ssim, dataset: "photos*", max_drop: 0.002}
  - {metric: psnr, method: "my_*", max_drop_item: .inf, min_above_baseline: 5}
  - {method: my_net, max_latency_rel: 1.25, must_not_be_slower_than: "nlm*"}
  - {metric: psnr, method: my_net, must_stay_first: true}

exit codes: 0 no regression, 1 regression (a missing or newly failing cell is one; with --strict also what is \
not comparable or was not ok in the baseline, with --strict-speed an undecided speed), 2 usage, 3 nothing \
comparable, or a cell that was edited by hand"""


def add(verbs: Any) -> None:
    p = verb(verbs, "check", "fail where scores dropped against a baseline", _EXAMPLES, run)
    p.add_argument("baseline", metavar="BASELINE", help="an export file, or a store")
    p.add_argument("current", metavar="CURRENT", help="a store, or an export file")
    p.add_argument("--rules", metavar="FILE", help="a YAML list of rules")
    p.add_argument("--to", metavar="DIR", help="write check.md and check.xml (JUnit) there; the Markdown is also "
                   "appended to $GITHUB_STEP_SUMMARY")  # fmt: skip
    p.add_argument("--strict", action="store_true", help="what is not comparable, such as a picture that is no "
                   "longer there, or was not ok in the baseline, is red: exit code 1")  # fmt: skip
    p.add_argument("--strict-speed", action="store_true", help="a speed that stays undecided, as a machine was busy "
                   "or is another one, is red: exit code 1")  # fmt: skip
    p.add_argument("--update", action="store_true", help="write CURRENT as the new BASELINE, an export file")
    add_shared(p, "json")


def run(args: argparse.Namespace) -> int:
    """Check, or update the baseline (0)."""
    from ..data.disk import refuse_store
    from ..gate.check import check
    from ..report.files import write_files
    from ..report.verdict import verdict_junit, verdict_lines, verdict_markdown, verdict_values
    from ..store.reading import read_every
    from ..store.results import Results
    from ..store.versions import newest
    from ..suite.rules import read_rules

    to = folder_to_write("to", args.to)
    if to is not None:
        refuse_store(to)
    baseline = Path(args.baseline)
    rules = read_rules(Path(args.rules)) if args.rules else ()
    if args.update and baseline.is_dir():
        raise UsageError(f"--update writes an export file, and {one_line(baseline)} is a folder: name a .json file")
    if args.strict_speed and not any(rule.max_latency_rel or rule.must_not_be_slower_than for rule in rules):
        raise UsageError("--strict-speed needs a rule on speed: give --rules a file with max_latency_rel")
    current = read_every(Path(args.current))
    first = args.update and not baseline.exists()
    if not first and not baseline.exists():
        command = f"noisebench check {shlex.quote(args.baseline)} {shlex.quote(args.current)} --update"
        raise UsageError(f"no baseline {one_line(baseline)}: `{one_line(command)}` makes it")
    before = Results.of([]) if first else read_every(baseline)
    for side, records in ((baseline, before), (Path(args.current), current)):
        note_old(side, records)
    names = args.baseline, args.current
    verdict = check(before, current, rules, names, strict_speed=args.strict_speed, strict=args.strict)
    lines = verdict_lines(verdict)
    if not first and os.path.samefile(baseline, args.current):
        lines.insert(-1, "BASELINE and CURRENT are the same results: nothing can have changed between them")
    if not first and baseline.is_dir() and Path(args.current).is_file():
        lines.insert(-1, "BASELINE is a store and CURRENT a file: if the file is the baseline, name it first")
    if not first and not before:
        lines.insert(-1, f"{one_line(baseline)}, the baseline, has no cells: nothing is guarded")
    more: dict[str, Any] = {}
    if args.update:
        latest = newest(current)
        current = latest.take([n for n, kind in enumerate(latest.column("kind")) if kind != "train"])
        _update(baseline, current)
        are = counted(len(current), "cell is", "cells are")
        lines[-1:] = [*_dropped(before, current), f"{are} the new baseline in {one_line(baseline)}"]
        more["updated"] = str(baseline)
    if to is not None:
        text = verdict_markdown(verdict).encode("utf-8", "replace")
        files = write_files({"check.md": text, "check.xml": verdict_junit(verdict).encode("utf-8", "replace")}, to)
        more["files"] = [str(f) for f in files]
        append_summary(text)
    if args.json:
        print_json({**verdict_values(verdict), **more})
    else:
        print("\n".join(lines))
    return 0 if args.update else verdict.exit_code


def _update(path: Path, current: Results) -> None:
    """Write the new baseline, but never one that could not be checked against."""
    from ..data.disk import noticing_full_disk
    from ..store.baseline import write_baseline
    from ..store.export import write_export
    from ..store.seals import refuse_nan, why_each_edited

    if not current.where(kind="score", outcome="ok"):
        raise UsageError("--update: CURRENT has no cell that is ok, so it would guard nothing: run the suite first")
    refuse_nan(current, "CURRENT")
    for record, why in zip(current, why_each_edited(current), strict=True):
        if why is not None:
            raise UsageError(f"--update: cell {one_line(record.cell.key, 12)} of CURRENT was {why}")
    if not path.parent.is_dir():
        raise UsageError(f"--update: the folder {one_line(path.parent)} is not there: make it first")
    with noticing_full_disk(path):
        (write_export if path.suffix in (".parquet", ".xz") else write_baseline)(path, current)


_LISTED = 20
"""Cells that came or went which are named."""


def _dropped(before: Results, current: Results) -> list[str]:
    """What the new baseline no longer guards, and which cells came and went."""
    from ..store.record import cell_text

    old = {r.cell.key: r for r in before if r.cell.kind != "train"}
    new = {r.cell.key: r for r in current}
    kept, gone = len(old.keys() & new.keys()), len(old.keys() - new.keys())
    lines = [f"{counted(kept, 'cell')} kept, {len(new) - kept} new, {gone} gone"]
    lines += [*_named("new", new, old), *_named("gone", old, new)]
    for record in [r for r in current if r.cell.outcome != "ok"][:10]:
        cell = record.cell
        lines.append(one_line(f"warning: {cell_text(cell)} is {cell.outcome}, so the new baseline does not guard it"))
    return lines


def _named(word: str, some: Mapping[str, Any], others: Mapping[str, Any]) -> list[str]:
    """A line for each cell that the other side lacks, with the start of its key: an edited method is on both sides."""
    from ..store.record import cell_text
    from ..store.results import in_order

    apart = [record.cell for key, record in some.items() if key not in others]
    lines = []
    for cell in in_order(apart, apart)[:_LISTED]:
        more = f" · {cell.protocol.display} · seed {cell.seed}" if cell.kind == "score" else ""
        lines.append(one_line(f"{word}: {cell_text(cell)}{more} [{cell.key[:8]}]", 300))
    return [*lines, *([f"{word}: and {counted(len(apart) - _LISTED, 'more cell')}"] if len(apart) > _LISTED else [])]
