"""`noisebench export`: a store as one portable JSON file."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..text.errors import UsageError, one_line
from ..text.wording import counted
from .options import add_shared, note_old, print_json, verb

_EXAMPLES = """  noisebench export nb-store --to results/demo.parquet
  noisebench export nb-store --to set12.json --no-pictures
  noisebench export nb-store --to large.json.xz           compressed, an eighth of the size
  noisebench export nb-store --to large.parquet --compact   a fortieth: enough for all boards
  noisebench report results/demo.parquet --to board"""

_OTHER_FORMS = (".gz", ".bz2", ".zst", ".lzma", ".zip", ".7z")
"""Endings of compressed files, which an export has not."""


def add(verbs: Any) -> None:
    p = verb(verbs, "export", "write a store as one file, JSON or Parquet, small enough for git", _EXAMPLES, run)
    p.add_argument("store", metavar="STORE", help="a store, or an export file")
    p.add_argument(
        "--to",
        metavar="FILE",
        required=True,
        help="the file to write: JSON, compressed where it ends in .xz, or .parquet",
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
