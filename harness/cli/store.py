"""`noisebench store`: list, verify, remove and tidy stored cells, and merge stores."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..text.errors import UsageError
from ..text.terminal import TextColumn
from ..text.wording import counted
from .options import add_shared, no_match, note, note_left_out, note_old, print_json, print_listing, verb

if TYPE_CHECKING:
    from ..store.cell import Cell
    from ..store.outputs import OutputFiles
    from ..store.results import Results

_STOPPED = "what is removed is gone, what is copied is whole; the same command goes on"
_MEND = (
    "`store gc` removes cells that are damaged or edited, `store rm STORE KEY --yes` one of which an output, a picture "
    "or a checkpoint is; then the run that made them makes them again"
)
_LISTED = ("key", "kind", "outcome", "method", "regime", "seed")
_SECONDS_APART = 5.0
"""Seconds between two lines on how far a merger is."""
_EXAMPLES = """  noisebench store ls nb-store
  noisebench store verify nb-store
  noisebench store gc nb-store
  noisebench store gc nb-store --old                 list cells of older versions of methods, which no board shows
  noisebench store gc nb-store --old --yes           remove them
  noisebench store rm nb-store "nlm(h=0.6)"          list the cells whose key starts so, or a name of which holds that
  noisebench store rm nb-store "nlm(h=0.6)" --yes    remove them
  noisebench store merge node1 node2 --to all        the cells of all in one; where two differ, nothing is written"""


def add(verbs: Any) -> None:
    p = verb(verbs, "store", "list, verify, tidy or merge stores, or remove cells of one", _EXAMPLES, run, _STOPPED)
    p.add_argument(
        "action", choices=("ls", "verify", "gc", "rm", "merge"), help="list, check, tidy, remove cells, or merge"
    )
    p.add_argument("store", metavar="STORE", help="a folder that a run has filled")
    p.add_argument(
        "more",
        nargs="*",
        default=[],
        metavar="FILTER",
        help="of rm: a key's start, or part of a name; of merge: more stores",
    )
    p.add_argument("--to", metavar="DIR", help="of merge: the store that takes the cells, new or there already")
    p.add_argument("--old", action="store_true", help="of gc: older versions of methods too")
    p.add_argument("--yes", action="store_true", help="remove the cells that rm and gc --old list without it")
    add_shared(p, "json")


def run(args: argparse.Namespace) -> int:
    """List or verify (0 sound, 1 a cell is damaged or edited), tidy or remove (0)."""
    from ..components.tracks import known_track
    from ..store import cells, reading, upkeep
    from ..store.cell_json import sorted_values
    from ..store.harness_hash import harness_sha256

    _refuse_misplaced(args)
    if args.action == "merge":
        return _merge(args)
    store = cells.existing_store(Path(args.store))
    note_old(store)
    if args.action == "ls":
        listed, left_out = reading.read_listed(store)
        listed = listed.in_reading_order()
        note_left_out(left_out)
        if args.json:
            print_json(sorted_values([*listed.each_cell()]))
        else:
            if listed:
                _list(listed)
            outcomes = Counter(listed.column("outcome")).most_common()
            counts = ", ".join(f"{n:,} {name}" for name, n in outcomes) or "`noisebench run … --store` fills the store"
            note(f"{counted(len(listed), 'cell')}: {counts}")
        return 1 if left_out else 0
    if args.action == "rm" or args.old:
        return _remove(args, store)

    def files_of(track: str) -> OutputFiles | None:
        known = known_track(track)
        return known.outputs if known is not None else None

    lines = upkeep.verify(store, files_of) if args.action == "verify" else upkeep.gc(store)
    others = upkeep.made_by_another(store) if args.action == "verify" else []
    if args.json:
        verified = {"problems": lines, "other harness": others}
        print_json(verified if args.action == "verify" else {"removed": lines})
    else:
        for line in others:
            print(line)
        if others:
            print(f"{counted(len(others), 'cell')} of another harness; this one is {harness_sha256()[:12]}")
        for line in lines:
            print(line)
        if args.action == "verify" and lines:
            print(_MEND)
        n = len(cells.keys(store))
        print(f"{counted(n, 'cell')}, " + _outcome(args.action, len(lines)))
    return 1 if args.action == "verify" and lines else 0


def _outcome(action: str, n: int) -> str:
    if action == "verify":
        return counted(n, "problem")
    return f"{counted(n, 'thing')} removed" if n else "nothing to remove"


def _refuse_misplaced(args: argparse.Namespace) -> None:
    """Raise `UsageError` for what an action does not take, or lacks."""
    if args.action == "rm" and (len(args.more) != 1 or not args.more[0].strip()):
        raise UsageError("store rm needs a FILTER: a key's start, or part of a name; `noisebench store ls` lists both")
    if args.action not in ("rm", "merge") and args.more:
        raise UsageError(f"store {args.action} takes no FILTER, which is of rm; it takes one STORE: more are of merge")
    if args.action == "merge" and not args.to:
        raise UsageError("store merge needs --to DIR: the store that takes the cells")
    if args.action != "merge" and args.to is not None:
        raise UsageError("--to is of store merge")
    if args.old and args.action != "gc":
        raise UsageError("--old is of store gc")
    if args.yes and args.action != "rm" and not args.old:
        raise UsageError("--yes is of store rm and store gc --old")


def _list(cells: Results) -> None:
    """Print a line a cell; a cost, which has no dataset, has its size there."""
    from ..store.record import cost_size

    def place(cell: Cell) -> str:
        return "x".join(map(str, cost_size(cell))) if cell.kind == "cost" else cell.dataset.display

    datasets = cells.each(lambda cell: place(cell) or "-", "kind", "cell.dataset", "cell.cost", "cell.inputs.size")
    key, kind, outcome, method, regime, seed = map(cells.column, _LISTED)
    print_listing(
        zip((k[:12] for k in key), kind, outcome, method, datasets, regime, map(str, seed), strict=True),
        TextColumn("key"),
        TextColumn("kind", drop=2),
        TextColumn("outcome"),
        TextColumn("method", least=20, middle=True),
        TextColumn("dataset", least=10, middle=True),
        TextColumn("regime", least=10, middle=True),
        TextColumn("seed", drop=1),
    )


def _remove(args: argparse.Namespace, store: Path) -> int:
    """List the cells that `rm` or `gc --old` are about, and remove them where the person has said so."""
    from ..store import cells, reading, upkeep
    from ..store.names import read_names
    from ..store.record import Record
    from ..store.results import Results

    if args.action == "rm":
        stored = [r.cell for r in upkeep.readable(store)]
        chosen = reading.matching(stored, args.more[0], read_names(store))
        if not chosen:
            raise UsageError(no_match(store, args.more[0], len(stored)))
    else:
        chosen = upkeep.old_cells(store)
    listed = Results.of(map(Record, chosen)).in_reading_order()
    chosen = [*listed.each_cell()]
    removed = upkeep.remove_cells(store, chosen) if args.yes else []
    tidied = upkeep.gc(store) if args.yes and args.old else []
    if args.json:
        print_json({"cells": [c.key for c in chosen], "removed": [c.key for c in removed], "tidied": tidied})
        return 0
    if listed:
        _list(listed)
    if not args.yes:
        print(f"{counted(len(chosen), 'cell')} would be removed: " + ("add --yes" if chosen else "there are none"))
    else:
        busy = f"; {len(chosen) - len(removed)} are left, which a run is at" if len(removed) < len(chosen) else ""
        print(f"{counted(len(removed), 'cell')} removed, {len(cells.keys(store))} are there{busy}")
    return 0


def _merge(args: argparse.Namespace) -> int:
    """Merge stores: 0, or 1 where two differ, and nothing is written, or where damaged cells are left out."""
    from ..store import cells, merge

    to = Path(args.to)
    stores = [*([to] if (to / "store.json").is_file() else []), Path(args.store), *map(Path, args.more)]
    merger = merge.plan_merger(stores)
    note_left_out(merger.damaged)
    copied: list[str] = []
    if not merger.conflicts:
        due, last_note = sum(store != to for store in merger.chosen.values()), time.monotonic()
        for key in merge.merge(merger, to):
            copied.append(key)
            if time.monotonic() - last_note > _SECONDS_APART:
                last_note = time.monotonic()
                note(f"{len(copied):,} of {counted(due, 'cell')} copied")
    if args.json:
        print_json({
            "conflicts": merger.conflicts, "copied": copied, "alike": merger.alike, "measured": merger.measured,
            "bettered": merger.bettered, "failed": merger.failed, "unfinished": merger.unfinished,
            "damaged": merger.damaged,
        })  # fmt: skip
    elif merger.conflicts:
        for line in merger.conflicts:
            print(line)
        cell = any(line.startswith("cell ") for line in merger.conflicts)
        mend = ": `noisebench store rm STORE KEY --yes` removes the wrong one of two cells" if cell else ""
        print(f"{counted(len(merger.conflicts), 'conflict')}, nothing was written{mend}")
    else:
        counts = {
            "there with equal results in several": merger.alike,
            "measured in several, of which that of the least busy machine is kept": merger.measured,
            "failed in one and have a result of another": merger.bettered,
            "have no result in any of several": merger.failed,
            "unfinished, and left out": merger.unfinished,
        }
        more = "".join(f"; {n:,} {outcome}" for outcome, n in counts.items() if n)
        print(f"{counted(len(copied), 'cell')} copied, {len(cells.keys(to)):,} are there{more}")
    return 1 if merger.conflicts or merger.damaged else 0
