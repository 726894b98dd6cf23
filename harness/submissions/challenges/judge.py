"""Judge submissions to a challenge: each scored by its protocol into a store, paired with all others there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import structs

from ...components.registry import bind
from ...store.cell import Cell
from ...store.cells import commit, open_store
from ...text.errors import UsageError, one_line
from ...track.calling import ItemRow, item_row
from ...track.track_protocol import case_of
from ..archive import Hostile
from .cells import challenge_cell
from .files import Challenge, SealedCell, SealedTruth
from .submission import SubmittedFiles, checked_outputs, read_note

_SHOWN = 5


@dataclass(frozen=True)
class Judgement:
    """What came of a submission: its cells with their rows, or why it is refused, a line each."""

    path: Path
    method: str
    cells: Sequence[Cell] = ()
    rows: Sequence[Sequence[ItemRow]] = ()
    problems: Sequence[str] = field(default_factory=list)


def judge(paths: Sequence[Path], challenge: Challenge, sealed: SealedTruth, store: Path) -> list[Judgement]:
    """Score submissions into a store, which is made where it is not there; one that is refused is a failure in it.

    Nothing is written before all were judged. Raises `UsageError` where two are of one name, and for a store of
    something else.
    """
    judgements = [_judged(path, challenge, sealed) for path in paths]
    names = [one.method for one in judgements]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two submissions are of {name!r}: judge one of them, or pack the other with --name")
    open_store(store)
    for one in judgements:
        for cell, rows in zip(one.cells, one.rows, strict=True):
            commit(store, cell, [dict(row) for row in rows])
    return judgements


def _judged(path: Path, challenge: Challenge, sealed: SealedTruth) -> Judgement:
    try:
        files = SubmittedFiles(path)
        note = read_note(files, challenge)
    except Hostile as error:
        return Judgement(path, one_line(path.stem, 60), problems=[str(error)])
    outputs, problems, digest = checked_outputs(files, challenge)
    cells = [
        challenge_cell(
            challenge.track, one, challenge.protocol, challenge.metrics, challenge.manifest.rank_by, note.method,
            digest, challenge.sha256,
        )
        for one in sealed.truth.cells
    ]  # fmt: skip
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        reason = one_line(f"{'; '.join(problems[:_SHOWN])}{more}")
        refused = [structs.replace(cell, outcome="invalid", reason=reason) for cell in cells]
        return Judgement(path, note.method, refused, [[] for _ in refused], problems)
    rows = [_rows(one, challenge, sealed, outputs) for one in sealed.truth.cells]
    return Judgement(path, note.method, cells, rows)


def _rows(one: SealedCell, challenge: Challenge, sealed: SealedTruth, outputs: Mapping[str, Any]) -> list[ItemRow]:
    """The rows of a cell. Raises `UsageError` where noisebench makes other inputs than it made for the challenge."""
    track = challenge.track
    regime = bind(one.regime, "regime", track.name)
    rows = []
    for name in one.items:
        item = track.unsealed(name, sealed.arrays(name))
        case = case_of(track, regime, item, sealed.truth.seed)
        if case.input_sha256 != sealed.truth.input_sha256[name]:
            raise UsageError(f"{name}: this noisebench makes another input of its truth: judge by the one of `make`")
        rows.append(item_row(track, item, case, outputs[name], 0.0, challenge.protocol, challenge.metrics))
    return rows
