"""`noisebench verify`: whether an entry's results come out here again."""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path
from typing import Any

from ..text.errors import one_line
from .options import add_shared, option_value, print_json, use_data, verb

_EXAMPLES = """  noisebench verify nlm.nbz
  noisebench verify nlm.nbz --rerun all --jobs 2
  noisebench verify my_net.nbz --rerun 3 --plugin my_net.py --signer author.pub
  noisebench verify nlm.nbz --sample-key 5c1f               the same sample again

exit codes: 0 verified or scores verified, 1 refuted, 2 no entry, or one that was tampered with, 3 not verifiable"""
_CODES = {"verified": 0, "scores verified": 0, "refuted": 1, "not verifiable": 3}


def add(verbs: Any) -> None:
    p = verb(verbs, "verify", "run a random sample of an entry's cells again, and say whether it holds", _EXAMPLES, run)
    p.add_argument("entry", metavar="ENTRY", help="a file that `noisebench pack` wrote")
    p.add_argument("--rerun", metavar="N", default="5%", help="cells to run again: 5%%, a number, all (default: 5%%)")
    p.add_argument("--sample-key", metavar="K", help="what draws the sample (default: a new one, which is printed)")
    p.add_argument("--signer", metavar="KEY", help="the public key that must have signed: a file, or 64 hex digits")
    p.add_argument("--method", metavar="SPEC", default="", help="its method, where that names files or a program")
    p.add_argument("--device", metavar="D", default="cpu", help="where methods run: cpu, cuda, mps (default: cpu)")
    add_shared(p, "plugin", "data", "weights", "jobs", "timeout", "json")


def run(args: argparse.Namespace) -> int:
    from ..submissions.entry import read_entry
    from ..submissions.signature import public_key
    from ..submissions.verify import RerunOptions, line_of, read_share, verify
    from ..suite.suite import TIMEOUT, seconds
    from .progress import watcher

    use_data(args)
    share = option_value("rerun", read_share, args.rerun)
    timeout = option_value("timeout", seconds, args.timeout) if args.timeout else TIMEOUT
    entry = read_entry(Path(args.entry), public_key(args.signer) if args.signer else "")
    key = args.sample_key or secrets.token_hex(8)
    options = RerunOptions(args.method, tuple(args.plugin), args.device, args.jobs, timeout)
    with watcher() as watch:
        verification = verify(entry, share, key, options, watch)
    if args.json:
        print_json({
            "entry": str(args.entry), "sha256": entry.sha256, "method": entry.method,
            "packed_at": entry.manifest.packed_at, "signer": entry.signer or None, "sample_key": key,
            "verdict": verification.verdict, "cells_with_scores": verification.of,
            "cells": [
                {
                    "key": one.cell.key, "dataset": one.cell.dataset.display, "regime": one.cell.regime.display,
                    "seed": one.cell.seed, "verdict": one.verdict, "why": one.why, "differences": one.differences,
                }
                for one in verification.cells
            ],
        })  # fmt: skip
        return _CODES[verification.verdict]
    signed = f"signed by {entry.signer}" if entry.signer else "not signed"
    print(f"{one_line(args.entry)}: {one_line(entry.method)}, packed {one_line(entry.manifest.packed_at)}, {signed}")
    for one in verification.cells:
        print(line_of(one))
    print(f"{verification.verdict}: {len(verification.cells)} of {verification.of} cells, drawn by --sample-key {key}")
    return _CODES[verification.verdict]
