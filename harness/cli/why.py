"""`noisebench why`: what went into a key, and which input of a cell changed."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..text.errors import UsageError, one_line
from ..text.wording import counted
from .options import add_shared, no_match, note_left_out, note_old, print_json, use_data, verb

if TYPE_CHECKING:
    from ..store.cell import Cell

_EXAMPLES = """  noisebench why nb-store
  noisebench why nb-store nlm
  noisebench why nb-store 3f9c0a"""

_LISTED = 20
"""So many cells are listed one by one; of more, those that changed alike stand as one."""


def add(verbs: Any) -> None:
    p = verb(verbs, "why", "say what went into a cell's key, and what changed since it was stored", _EXAMPLES, run)
    p.add_argument("store", metavar="STORE", help="a folder that a run has filled")
    p.add_argument("filter", nargs="?", default="", metavar="FILTER", help="a key's start, or part of a name")
    add_shared(p, "data", "json")


def run(args: argparse.Namespace) -> int:
    """Explain keys; 1 where a damaged or edited cell is left out."""
    from ..store.cells import existing_store
    from ..store.names import read_names
    from ..store.reading import matching, read_listed
    from ..store.record import place_text
    from ..store.results import in_order

    use_data(args)
    store = existing_store(Path(args.store))
    note_old(store)
    every, left_out = read_listed(store)
    note_left_out(left_out)
    code = 1 if left_out else 0
    if args.filter:
        chosen = matching(every.each_cell(), args.filter, read_names(store))
        cells = in_order(chosen, chosen)
    else:
        cells = [*every.in_reading_order().each_cell()]
    if not cells:
        raise UsageError(no_match(store, args.filter, len(every)))
    document = _entries(cells, store)
    if args.json:
        print_json(document)
        return code
    places = {cell.key: place_text(cell) for cell in cells}
    if len(document) > _LISTED:
        _show_many(document, places)
        return code
    for entry in document:
        _show(entry, places)
        if len(document) <= 3:
            for key, value in entry["inputs"].items():
                text = json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, dict) else value
                print(f"    {one_line(key, 60)}: {one_line(text, 300)}")
    return code


def _entries(cells: Sequence[Cell], store: Path) -> list[dict[str, Any]]:
    """What is said of each cell: what went into its key, what has changed since, and what a run would do."""
    from ..components.unwatched import unwatched
    from ..engine.planning_process import replan_in_child
    from ..planning.stored_state import changes_since, state_of
    from ..store.cell import Request
    from ..store.cells import keys
    from ..store.outputs import find_donors

    now = replan_in_child([cell.request or Request() for cell in cells])
    changes = [changes_since(cell, plan, store) for cell, plan in zip(cells, now, strict=True)]
    others = [plan for plan, one in zip(now, changes, strict=True) if one.every and plan.key]
    stored, donors = set(keys(store)) if others else set(), find_donors(store, others)
    entries: list[dict[str, Any]] = []
    not_watched: dict[tuple[int, int], list[str]] = {}
    for cell, plan, change in zip(cells, now, changes, strict=True):
        folders = plan.request.folders if plan.request else None
        # Cells of one method share these objects.
        alike = id(cell.method.sources), id(folders)
        if alike not in not_watched:
            not_watched[alike] = unwatched(cell.method.sources, folders or {})
        entries.append(
            {
                "key": cell.key,
                "method": cell.method.display,
                "dataset": cell.dataset.display,
                "regime": cell.regime.display,
                "seed": cell.seed,
                "outcome": cell.outcome,
                "reason": cell.reason,
                "inputs": cell.inputs,
                "state": state_of(cell, plan, change, stored, donors),
                "changed": change.every,
                "opened": cell.opened,
                "unwatched": not_watched[alike],
                "rescored_from": cell.rescored.source if cell.rescored is not None else None,
            }
        )
    return entries


def _show(entry: dict[str, Any], places: Mapping[str, str], more: int = 0) -> None:
    """A cell with its state and what changed; `more` others are alike. `places` has what each key is on."""
    place = places[entry["key"]]
    names = " · ".join(filter(None, (entry["method"], place, entry["regime"], f"seed {entry['seed']}")))
    alike = f" and {counted(more, 'more cell')}" if more else ""
    print(f"{entry['key'][:12]}  {one_line(names, 200)}{alike}  {entry['outcome']}  {entry['state']}")
    if entry["rescored_from"]:
        print(f"    re-scored from what cell {entry['rescored_from'][:12]} kept: its method was not run again")
    for line in [
        *entry["changed"],
        *(f"not watched: {name}" for name in entry["unwatched"]),
        *([entry["reason"]] if entry["outcome"] != "ok" and entry["reason"] else []),
    ]:
        print(f"    {one_line(line)}")


def _show_many(document: Sequence[dict[str, Any]], places: Mapping[str, str]) -> None:
    """Cells that changed alike as one, what is up to date as a number."""
    from ..planning.stored_state import FRESH

    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for entry in document:
        if entry["state"] != FRESH:
            alike.setdefault((entry["outcome"], entry["state"], entry["reason"], *entry["changed"]), []).append(entry)
    groups = sorted(alike.values(), key=lambda group: -len(group))
    for group in groups[:_LISTED]:
        _show({**group[0], "rescored_from": None}, places, len(group) - 1)
    if hidden := sum(map(len, groups[_LISTED:])):
        print(f"… and {counted(hidden, 'more cell')} that changed otherwise")
    states = Counter(entry["state"] for entry in document)
    counts = ", ".join(f"{n:,} {state}" for state, n in states.most_common())
    print(f"{counted(len(document), 'cell')}: {counts}; a FILTER or --json shows each of them")
