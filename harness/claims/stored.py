"""Claims judged on what stores and exports hold: nothing is run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ..components.datasets import open_dataset
from ..components.registry import Bound, bind
from ..components.tracks import get_track
from ..planning.needs import regime_for
from ..planning.recipe import recipe_of, recipes_in, seed_of
from ..store.cell import Cell
from ..store.reading import read_records
from ..store.record import Record, item_count, with_needed
from ..store.versions import newest
from ..suite.suite import input_size
from ..text.errors import UsageError
from .effects import Effect
from .figures import NOTHING_TRAINED, CellOf, CellResult
from .judging import ABSENT, cells_of, judged_row
from .numbers import Claim, ClaimRow
from .stale import code_of, code_sha256, is_stale
from .verdicts import VerdictCell, Verdicts, read_verdicts, row_of

Place = tuple[Any, ...]


@dataclass
class StoredCells:
    """What results hold: scored cells by what they are of, costs likewise, and trainings by recipe and by key.

    What they are of: track, method, dataset, regime and protocol (canonical) and seed; of a cost the size in place of
    dataset and protocol. A training is named by track, method and seed: its method says what it was trained on.
    """

    scored: dict[Place, list[Record]] = field(default_factory=dict)
    costs: dict[Place, Record] = field(default_factory=dict)
    trained: dict[Place, Cell] = field(default_factory=dict)
    by_key: dict[str, Cell] = field(default_factory=dict)


def judged(claims: Sequence[Claim | Effect], results: Sequence[Path]) -> list[ClaimRow]:
    """A row for each claim, as `reproduce` gives it; what was not run is `not available`. Raises `UsageError`.

    One whose cells would have other keys today is `stale`. Verdicts in files that are not go before the cells of stores
    and exports, which are read only where one is looked for.
    """
    files, others = _verdicts_in(results) if claims else ([], [])
    stored = cache(lambda: cells_by_input(others))
    return [_row(claim, stored, files) for claim in claims]


def _row(claim: Claim | Effect, stored: Callable[[], StoredCells], files: Sequence[Verdicts]) -> ClaimRow:
    """The row of a claim by a file of verdicts, by the cells that are held where it has none, or a stale one."""
    judged_before = row_of(claim, files) if isinstance(claim, Effect) else None
    if judged_before is not None and not judged_before["stale"]:
        return judged_before
    row = judged_row(claim, lambda of, seed: find(of, seed, stored()))
    if row["verdict"] == "not available":
        return judged_before or row
    cells = {cell.key: cell for _, of, seed in cells_of(claim) for cell in find(of, seed, stored()).cells}
    stale = any(map(is_stale, cells.values()))
    return judged_before if judged_before is not None and stale else row | {"stale": stale}


def _verdicts_in(results: Sequence[Path]) -> tuple[list[Verdicts], list[Path]]:
    """What the files of verdicts among the results hold, and which of the results are stores and exports."""
    read = [(path, read_verdicts(path)) for path in results]
    return [file for _, file in read if file is not None], [path for path, file in read if file is None]


def cells_behind(rows: Sequence[ClaimRow], results: Sequence[Path]) -> dict[str, VerdictCell]:
    """The cells that rows name, by key: those that stores and exports hold, and those that files of verdicts name."""
    files, others = _verdicts_in(results)
    wanted = {key for row in rows for key in keys_of(row)}
    named = {key: behind for file in files for key, behind in file["cells"].items()}
    stored = (record.cell for path in others for record in read_records(path))
    return named | {
        cell.key: {"of": code_of(cell), "code": "" if is_stale(cell) else code_sha256(code_of(cell))}
        for cell in stored
        if cell.key in wanted
    }


def keys_of(row: ClaimRow) -> list[str]:
    """The keys of the cells that a row is judged by; of a number there is one."""
    key = row.get("key")
    return [key] if key else row.get("keys", [])


def cells_by_input(results: Sequence[Path]) -> StoredCells:
    """Every cell that a claim can be judged by of the results given, a later one last. Raises `UsageError`."""
    stored = StoredCells()
    for path in results:
        for record in newest(read_records(path)):
            cell = record.cell
            track, method, regime = cell.track, cell.method.spec, cell.regime.spec
            if cell.kind == "train" and cell.outcome in ("ok", "diverged"):
                stored.trained[track, method, cell.seed] = stored.by_key[cell.key] = cell
            elif cell.kind == "cost" and cell.outcome == "ok" and cell.cost:
                stored.costs[track, method, regime, tuple(cell.cost.size), cell.seed] = record
            elif cell.kind == "score" and cell.outcome == "ok":
                of = (track, method, cell.dataset.spec, regime, cell.protocol.spec, cell.seed)
                stored.scored.setdefault(of, []).append(record)
    return stored


def find(of: CellOf, seed: int, stored: StoredCells) -> CellResult:
    """What the results hold of a cell on a seed; a scored cell must be of all items of its dataset."""
    if not (stored.scored or stored.costs or stored.trained):
        return CellResult(reason=ABSENT)
    try:
        method = bind(of.method, "method", of.track)
        record = None if of.training else _record(of, method, seed, stored)
    except UsageError as error:
        return CellResult(reason=str(error))
    trainings = list(_trainings(method, seed, record, stored))
    own_keys = [cell.key for cell in trainings]
    needed = with_needed(own_keys, stored.by_key.get)
    before = [stored.by_key[key] for key in needed if key in stored.by_key and key not in own_keys]
    trains = any(True for _ in recipes_in(method))
    result = CellResult(
        trainings=trainings, before=before, reason=ABSENT if trains or not of.training else NOTHING_TRAINED
    )
    return result if record is None else result.scored(record)


def _record(of: CellOf, method: Bound, seed: int, stored: StoredCells) -> Record | None:
    """The cell that was scored by the metric, or measured."""
    track = get_track(of.track)
    usual = track.defaults
    regime = bind(of.regime or usual.regime, "regime", of.track)
    if of.cost:
        size = input_size(of.size) if of.size else usual.size
        drawn = seed if any(True for _ in recipes_in(method)) else 0
        used = regime_for(method, [regime], track).canonical
        return stored.costs.get((of.track, method.canonical, used, tuple(size), drawn))
    dataset, protocol = (
        bind(of.dataset, "dataset", of.track),
        bind(of.protocol or usual.protocol, "protocol", of.track),
    )
    place = (of.track, method.canonical, dataset.canonical, regime.canonical, protocol.canonical, seed)
    for record in reversed(stored.scored.get(place, [])):
        scored = of.scored_by in record.scores or of.scored_by in record.cell.sets
        if scored and item_count(record.cell) == _total(record.cell, dataset):
            return record
    return None


def _total(cell: Cell, dataset: Bound) -> int:
    total = cell.dataset.total
    return len(open_dataset(dataset).ids) if total is None else total


def _trainings(method: Bound, seed: int, record: Record | None, stored: StoredCells) -> Iterator[Cell]:
    """The trainings of a method that are held: those that its cell names, else those of its seed."""
    named = record.cell.trained if record is not None else {}
    for bound in recipes_in(method):
        recipe = recipe_of(bound.kwargs)
        key = named.get(recipe.text)
        cell = (
            stored.by_key.get(key) if key else stored.trained.get((bound.track, bound.canonical, seed_of(recipe, seed)))
        )
        if cell is not None:
            yield cell
