"""The committed results of boards, where code behind them has changed: runs the cells that have other keys now.

    python benchmarks/renew_boards.py [NAME …]                  how many cells that is; by default of all boards
    python benchmarks/renew_boards.py --store DIR [NAME …]      runs them, and writes results/NAME.parquet

Rows whose keys the suite still plans stay as they are. A cell that needs a network has it trained again. Names come
from the suite, and rows that it no longer plans are left out. `remake_boards.py NAME` follows.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from noisebench.cli.progress import watcher
from noisebench.engine.planning_process import plan_each_in_child
from noisebench.engine.pool import Pool
from noisebench.engine.run import RunOptions, Summary, run_planned
from noisebench.planning.cells import PlannedCell
from noisebench.store.cell import CellIdentity
from noisebench.store.cells import open_store, read_record
from noisebench.store.export import compacted, write_export
from noisebench.store.names import Names, named
from noisebench.store.reading import read_records
from noisebench.store.record import Record
from noisebench.store.results import Results
from noisebench.suite.study import read_suite_or_study
from noisebench.suite.suite import Suite, find_suite, named_suites

RESULTS = Path(__file__).parent.parent / "results"


def lacking(cells: list[PlannedCell], known: dict[str, Record]) -> list[PlannedCell]:
    """The cells that are not known, with those that they need, in the order of the plan."""
    by_key = {cell.key: cell for cell in cells}
    due: set[str] = set()
    todo = [cell.key for cell in cells if cell.key not in known]
    while todo:
        key = todo.pop()
        if key in by_key and key not in due:
            due.add(key)
            todo.extend(by_key[key].after or ())
    return [cell for cell in cells if cell.key in due]


def suite_of(name: str) -> Suite:
    """The suite of a board: that of its name, or the demo of the track that it is named after."""
    return read_suite_or_study(find_suite(name if name in named_suites() else f"demo_{name}"))


def renew(name: str, store: Path | None, jobs: int) -> bool:
    """Run what the results of a board lack into a store, and write them; without one say how many cells that is.

    False where a cell failed, or one was skipped that was ok before: nothing is written then. A skipped cell that had
    no row gets none.
    """
    suite, file = suite_of(name), RESULTS / f"{name}.parquet"
    planned = plan_each_in_child([suite])
    cells = planned["plans"][0]
    if isinstance(cells, str):
        print(f"{name}: {cells}")
        return False
    before = list(read_records(file)) if file.exists() else []
    known = {record.cell.key: record for record in before}
    outcome_before = {_question(record.cell): record.cell.outcome for record in before}
    due = lacking(cells, known)
    gone = len(known.keys() - {cell.key for cell in cells})
    print(f"{name}: {len(due)} of {len(cells)} cells to run, {gone} rows are of other cells", flush=True)
    if store is None:
        return True
    summary = Summary(cells=due)
    if due:
        open_store(store)
        threads = suite.limits.threads
        with watcher() as watch, closing(Pool(threads, suite.track, jobs)) as pool:
            preload, where = planned["preload"][suite.track], planned["environment"]
            run_planned(pool, due, preload, where, summary, suite, store, RunOptions(jobs), watch)
    not_ok = [c for c in due if summary.outcome[c.key] != "ok" and c.key not in known and not c.variant]
    skipped = [c for c in not_ok if summary.outcome[c.key] == "skipped" and outcome_before.get(_question(c)) != "ok"]
    if failed := [c for c in not_ok if c not in skipped]:
        print("\n".join(f"  {summary.outcome[c.key]}: {summary.reason[c.key]}" for c in failed))
        return False
    absent = {cell.key for cell in skipped if _question(cell) not in outcome_before}
    with_pictures = any(record.panel or record.mistakes for record in before)
    run_now = {cell.key for cell in due}
    names = _names_in(cells)
    records = [
        _kept(read_record(store, c.key), with_pictures) if c.key in run_now else replace(known[c.key], names={})
        for c in cells
        if c.key not in absent
    ]
    write_export(file, Results.of([named(record, names) for record in records]))
    return True


def _names_in(cells: list[PlannedCell]) -> Names:
    """The names of a suite; a training of a tuned method has that of none."""
    names: Names = {}
    for cell in cells:
        for kind, spec in (("method", cell.method.spec), ("dataset", cell.dataset.spec)):
            if kind in cell.names and cell.kind != "train":
                names.setdefault(cell.track, {}).setdefault(kind, {})[spec] = cell.names[kind]
    return names


def _question(cell: CellIdentity) -> tuple[str, str, str, str, int | None]:
    """What a cell asks, whatever the code that answers it."""
    return cell.kind, cell.method.spec, cell.dataset.spec, cell.regime.spec, cell.seed


def _kept(record: Record, with_pictures: bool) -> Record:
    """What is kept of a record that was run."""
    return compacted(record if with_pictures else replace(record, panel=None, mistakes=None))


def main(argv: list[str]) -> int:
    """Renew boards; 0 where each was."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", metavar="NAME", help="boards (default: all of results/)")
    parser.add_argument("--store", type=Path, metavar="DIR", help="where cells are run; without it none is")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="cells at once (default: 1)")
    args = parser.parse_args(argv)
    names = args.names or sorted(file.stem for file in RESULTS.glob("*.parquet"))
    return 0 if all([renew(name, args.store and args.store / name, args.jobs) for name in names]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
