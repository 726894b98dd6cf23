"""`noisebench export`: a store as one portable file, or its boards as runs of an experiment tracker."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..text.errors import UsageError, one_line
from ..text.wording import counted
from .options import add_shared, note_old, print_json, read_noted, verb

_EXAMPLES = """  noisebench export nb-store --to results/demo.parquet
  noisebench export nb-store --to set12.json --no-pictures
  noisebench export nb-store --to large.json.xz           compressed, an eighth of the size
  noisebench export nb-store --to large.parquet --compact   a fortieth: enough for all boards
  noisebench report results/demo.parquet --to board
  noisebench export nb-store --to mlflow:http://127.0.0.1:5000   a run a row of each board, with its signatures
  noisebench export nb-store --to wandb:denoising"""

_TRACKERS = ("mlflow", "wandb")
"""What stands before the address of an experiment tracker: the package that knows it."""

_OTHER_FORMS = (".gz", ".bz2", ".zst", ".lzma", ".zip", ".7z")
"""Endings of compressed files, which an export has not."""


def add(verbs: Any) -> None:
    p = verb(verbs, "export", "write a store as one file, JSON or Parquet, small enough for git", _EXAMPLES, run)
    p.add_argument("store", metavar="STORE", help="a store, or an export file")
    p.add_argument(
        "--to",
        metavar="FILE",
        required=True,
        help="the file to write: JSON, compressed where it ends in .xz, or .parquet; or mlflow:ADDRESS, wandb:PROJECT",
    )
    p.add_argument("--no-pictures", action="store_true",
                   help="leave out crops and what was got wrong: where pictures must not be passed on")  # fmt: skip
    p.add_argument("--compact", action="store_true",
                   help="leave out what no board needs: the seconds of items, and hashes of outputs")  # fmt: skip
    add_shared(p, "json")


def run(args: argparse.Namespace) -> int:
    from ..data.disk import noticing_full_disk
    from ..store.export import compacted, write_export
    from ..store.reading import read_records
    from ..store.results import Results

    tracker, _, address = args.to.partition(":")
    if tracker in _TRACKERS and not Path(args.to).exists():
        return _track(args, tracker, address)
    to = Path(args.to)
    if not to.parent.is_dir():
        raise UsageError(f"--to {one_line(to)}: the folder {one_line(to.parent)} is not there")
    if to.is_dir():
        raise UsageError(f"--to {one_line(to)} is a folder: name a file in it, such as {one_line(to / 'results.json')}")
    if to.suffix in _OTHER_FORMS:
        raise UsageError(
            f"--to {one_line(to)}: an export is JSON, compressed as .xz alone, or Parquet: name a .json, "
            "a .json.xz or a .parquet"
        )
    results = read_records(Path(args.store))
    note_old(Path(args.store), results)
    if not results:
        raise UsageError(f"{one_line(args.store)} has no cells: `noisebench run … --store` fills it")
    if args.no_pictures:
        results = Results.of(replace(record, panel=None, mistakes=None) for record in results)
    if args.compact:
        results = Results.of(map(compacted, results))
    with noticing_full_disk(to):
        write_export(to, results)
    if args.json:
        print_json({"to": str(to), "cells": len(results), "bytes": to.stat().st_size})
    else:
        print(f"{counted(len(results), 'cell')} in {to} ({to.stat().st_size / 1024:.0f} KiB)")
    return 0


def _track(args: argparse.Namespace, tracker: str, address: str) -> int:
    """Add a run for each row of each board to MLflow or Weights & Biases."""
    from ..boards.build import boards
    from ..report.experiment_trackers import log_to_mlflow, log_to_wandb, tracked_runs
    from ..text.extras import is_installed, needs_packages

    if not address:
        raise UsageError(f"--to {tracker}: an address is due, such as mlflow:http://127.0.0.1:5000 or wandb:denoising")
    if args.compact or args.no_pictures:
        raise UsageError("--compact and --no-pictures are of files: a tracker is given no rows and no pictures")
    if not is_installed(tracker):
        raise UsageError(f"--to {tracker}:… {needs_packages([tracker])}")
    results, left_out = read_noted(Path(args.store))
    runs = tracked_runs(boards(results))
    if not runs:
        raise UsageError(f"{one_line(args.store)} has no cell with a score: `noisebench run … --store` fills it")
    if tracker == "mlflow":
        log_to_mlflow(address, runs)
    else:
        log_to_wandb(address, runs)
    if args.json:
        print_json({"to": args.to, "runs": len(runs)})
    else:
        print(f"{counted(len(runs), 'run')} in {one_line(args.to, 200)}")
    return 1 if left_out else 0
