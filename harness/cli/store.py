"""`noisebench store`: list, verify, remove and tidy stored cells."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..wording import counted
from .options import add_json, no_match, note, note_left_out, note_old, print_json, print_table, verb

if TYPE_CHECKING:
    from ..store.outputs import OutputFiles
    from ..store.record import Cell

_STOPPED = "what is removed is gone, every other cell is whole; the same command goes on"
_EXAMPLES = """  noisebench store ls nb-store
  noisebench store verify nb-store
  noisebench store gc nb-store
  noisebench store gc nb-store --old                 list cells of older versions of methods, which no board shows
  noisebench store gc nb-store --old --yes           remove them
  noisebench store rm nb-store "nlm(h=0.6)"          list the cells whose key starts so, or a name of which holds that
  noisebench store rm nb-store "nlm(h=0.6)" --yes    remove them"""


def add(verbs: Any) -> None:
    """Add the verb."""
    p = verb(verbs, "store", "list, verify or tidy a store, or remove cells of it", _EXAMPLES, _STOPPED)
    p.add_argument("action", choices=("ls", "verify", "gc", "rm"), help="list, check, tidy, or remove cells")
    p.add_argument("store", metavar="STORE", help="a folder that a run has filled")
    p.add_argument("filter", nargs="?", metavar="FILTER", help="of rm: a key's start, or part of a name")
    p.add_argument("--old", action="store_true", help="of gc: older versions of methods too")
    p.add_argument("--yes", action="store_true", help="remove the cells that rm and gc --old list without it")
    add_json(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """List or verify (0 sound, 1 a cell is damaged or edited), tidy or remove (0)."""
    from ..store import cells, upkeep
    from ..store.record import cell_order
    from ..track import known_track

    _refuse_misplaced(args)
    store = cells.existing_store(Path(args.store))
    note_old(store)
    if args.action == "ls":
        found, left_out = cells.read_cells(store)
        found = sorted(found, key=cell_order)
        note_left_out(left_out)
        if args.json:
            print_json(found)
        else:
            if found:
                _list(found)
            outcomes = Counter(c["outcome"] for c in found).most_common()
            told = ", ".join(f"{n:,} {name}" for name, n in outcomes) or "`noisebench run … --store` fills the store"
            note(f"{counted(len(found), 'cell')}: {told}")
        return 1 if left_out else 0
    if args.action == "rm" or args.old:
        return _remove(args, store)

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
        print(f"{counted(n, 'cell')}, " + _outcome(args.action, len(lines)))
    return 1 if args.action == "verify" and lines else 0


def _outcome(action: str, n: int) -> str:
    if action == "verify":
        return counted(n, "problem")
    return f"{counted(n, 'thing')} removed" if n else "nothing to remove"


def _refuse_misplaced(args: argparse.Namespace) -> None:
    """Raise `UsageError` for what an action does not take, or lacks."""
    if args.action == "rm" and not args.filter:
        raise UsageError("store rm needs a FILTER: a key's start, or part of a name; `noisebench store ls` lists both")
    if args.action != "rm" and args.filter is not None:
        raise UsageError(f"store {args.action} takes no FILTER: it is of rm")
    if args.old and args.action != "gc":
        raise UsageError("--old is of store gc")
    if args.yes and args.action != "rm" and not args.old:
        raise UsageError("--yes is of store rm and store gc --old")


def _list(found: Sequence[Cell]) -> None:
    print_table(
        [
            [c["key"][:12], c["kind"], c["outcome"], c["method"]["display"], c["dataset"]["display"] or "-",
             c["regime"]["display"], str(c["seed"])]
            for c in found
        ],
        ["key", "kind", "outcome", "method", "dataset", "regime", "seed"],
    )  # fmt: skip


def _remove(args: argparse.Namespace, store: Path) -> int:
    """List the cells that `rm` or `gc --old` are about, and remove them where the person has said so."""
    from ..store import cells, upkeep
    from ..store.record import cell_order

    if args.action == "rm":
        there = [r.cell for r in upkeep.readable(store)]
        chosen = cells.matching(there, args.filter)
        if not chosen:
            raise UsageError(no_match(store, args.filter, len(there)))
    else:
        chosen = upkeep.old_cells(store)
    chosen = sorted(chosen, key=cell_order)
    removed = upkeep.remove_cells(store, chosen) if args.yes else []
    tidied = upkeep.gc(store) if args.yes and args.old else []
    if args.json:
        print_json({"cells": [c["key"] for c in chosen], "removed": [c["key"] for c in removed], "tidied": tidied})
        return 0
    if chosen:
        _list(chosen)
    if not args.yes:
        print(f"{counted(len(chosen), 'cell')} would be removed: " + ("add --yes" if chosen else "there are none"))
    else:
        busy = f"; {len(chosen) - len(removed)} are left, which a run is at" if len(removed) < len(chosen) else ""
        print(f"{counted(len(removed), 'cell')} removed, {len(cells.keys(store))} are there{busy}")
    return 0
