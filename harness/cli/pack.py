"""`noisebench pack`: what a store holds of one method as an entry that others can verify."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..text.wording import counted
from .options import add_shared, note, note_old, print_json, verb

_EXAMPLES = """  noisebench pack nb-store --method "nlm(h=0.6)" --to nlm.nbz
  noisebench pack nb-store --method my_net --to my_net.nbz --outputs      with outputs, which others can score again
  noisebench pack nb-store --method my_net --to my_net.nbz --sign key.pem
  noisebench verify nlm.nbz"""


def add(verbs: Any) -> None:
    p = verb(verbs, "pack", "pack the results of one method into a file that others can verify", _EXAMPLES, run)
    p.add_argument("store", metavar="STORE", help="a store")
    p.add_argument("--method", metavar="M", required=True, help="the method: its spec, or the name it is shown under")
    p.add_argument("--to", metavar="FILE", required=True, help="the entry to write, such as my_net.nbz")
    p.add_argument("--outputs", action="store_true", help="with the outputs that the run has kept (run --keep all)")
    p.add_argument("--sign", metavar="KEY", help="a private key of Ed25519, of OpenSSL or OpenSSH")
    add_shared(p, "json")


def run(args: argparse.Namespace) -> int:
    from ..data.disk import noticing_full_disk
    from ..submissions.pack import pack

    store, to = Path(args.store), Path(args.to)
    with noticing_full_disk(to):
        packed = pack(store, args.method, to, outputs=args.outputs, key=Path(args.sign) if args.sign else None)
    note_old(store)
    for line in packed.notes:
        note(f"note: {line}")
    size = to.stat().st_size
    if args.json:
        print_json({
            "to": str(to), "cells": packed.cells, "outputs": packed.outputs, "signed": bool(args.sign), "bytes": size,
            "notes": packed.notes,
        })  # fmt: skip
    else:
        parts = counted(packed.cells, "cell") + (f", {counted(packed.outputs, 'output')}" if args.outputs else "")
        print(f"{parts} in {to} ({size / 1024:.0f} KiB){', signed' if args.sign else ''}")
    return 0
