"""`noisebench store`: list, verify and tidy stored cells."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .options import add_json, note_left_out, note_old, print_json, print_table, verb

if TYPE_CHECKING:
    from ..store.outputs import OutputFiles

_EXAMPLES = """  noisebench store ls nb-store
  noisebench store verify nb-store
  noisebench store gc nb-store"""


def add(verbs: Any) -> None:
    """Add the verb."""
    p = verb(verbs, "store", "list, verify or tidy a store", _EXAMPLES)
    p.add_argument("action", choices=("ls", "verify", "gc"))
    p.add_argument("store", metavar="STORE")
    add_json(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """List or verify (0 sound, 1 a cell is damaged or edited) or tidy (0)."""
    from ..store import cells, upkeep
    from ..track import known_track

    store = cells.existing_store(Path(args.store))
    note_old(store)
    if args.action == "ls":
        found, left_out = cells.read_cells(store)
        note_left_out(left_out)
        if args.json:
            print_json(found)
        else:
            print_table(
                [
                    [c["key"][:12], c["kind"], c["outcome"], c["method"]["display"], c["dataset"]["display"] or "-",
                     c["regime"]["display"], str(c["seed"])]
                    for c in found
                ],
                ["key", "kind", "outcome", "method", "dataset", "regime", "seed"],
            )  # fmt: skip
        return 1 if left_out else 0

    def files_of(track: str) -> OutputFiles | None:
        known = known_track(track)
        return known.outputs if known is not None else None

    lines = upkeep.verify(store, files_of) if args.action == "verify" else upkeep.gc(store)
    if args.json:
        print_json({"problems" if args.action == "verify" else "removed": lines})
    else:
        for line in lines:
            print(line)
        n = len(cells.keys(store))
        print(f"{n} cells, {len(lines)} {'problems' if args.action == 'verify' else 'things removed'}")
    return 1 if args.action == "verify" and lines else 0
