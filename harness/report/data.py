"""Everything that a report shows, computed once: each of its files shows a part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import groupby
from pathlib import PurePath
from typing import TYPE_CHECKING

from ..boards.board import Board
from ..boards.build import boards
from ..boards.failures import Failure, failed_costs
from ..boards.order_stability import Evidence, evidence
from ..boards.recipes import Recipes, compare_recipes
from ..boards.row_costs import cost_records
from ..boards.set_metrics import BoardSets, board_sets
from ..boards.together import Overall, overall
from ..components.tracks import DEFAULT, known_track
from ..store.cell import Cell
from ..store.garbage_collection import no_collection
from ..store.record import Record
from ..store.results import Results
from ..store.versions import newest
from ..text.errors import one_line
from ..track.words import Words
from .extra_tables import Extra, of_sections, of_sets
from .names import shown
from .order_stability import sections
from .origin import origin_line, suite_of
from .recipes import decimals_by_metric, recipe_sections
from .section import Section
from .track_protocols import HasSections
from .trainings import training_sections

if TYPE_CHECKING:
    from .plots.drawing import Plot


LARGE, BEST = 20_000, 10
"""Rows of all boards together above which a person reads the best rows of each board alone."""


@dataclass(frozen=True)
class ReportData:
    """Boards and what stands beside them; `evidence` and `sets` are one a board, in the order of the boards.

    `extra` are the tables beside the boards, `recipes` what was trained for them; `traces` the end of the traceback by
    the key of a failed cell, `weights` the SHA-256 of each file of weights by the key of the cell that used it.
    `origin` says which suite the cells are of, when they were run, and how to run them again; `suite` is that of the
    package, empty where they are of none or of several.
    """

    title: str
    boards: Sequence[Board]
    failures: Sequence[Failure]
    costs: Results
    evidence: Sequence[Evidence | None]
    overall: Sequence[Overall]
    sets: Sequence[BoardSets | None]
    sections: Sequence[Section]
    extra: Sequence[Extra]
    recipes: Recipes
    traces: Mapping[str, str]
    weights: Mapping[str, Mapping[str, str]]
    plots: Sequence[Plot] = ()
    notes: Sequence[str] = ()
    origin: str = ""
    suite: str = ""

    @cached_property
    def most_rows(self) -> int | None:
        """How many rows of a board are read, None where all are; `leaderboard.csv` has all in any case."""
        return BEST if sum(len(board.rows) for board in self.boards) > LARGE else None

    @cached_property
    def words(self) -> Mapping[str, str]:
        """What things are called in the whole report: as on its boards, in general where these differ."""
        return common_words(self.boards)


class NamedBoard(Board):
    """A board whose title says its track, because the report has boards of several."""

    @property
    def title(self) -> str:
        """Track, dataset and regime."""
        return f"{self.track}: {super().title}"


def _named(board: Board) -> NamedBoard:
    return NamedBoard(**{field.name: getattr(board, field.name) for field in fields(board)})


def common_words(boards: Sequence[Board]) -> Mapping[str, str]:
    """The words of boards, the general ones where boards do not share them."""
    first = boards[0].words if boards else vars(Words())
    return first if all(board.words == first for board in boards) else vars(Words())


def _weights(cell: Cell) -> dict[str, str]:
    """Files that a method declares as its weights, or was seen to open in its folders, by name: never a whole path."""
    files = {**cell.inputs.get("weights", {}), **cell.opened}
    return {one_line(PurePath(name).name if PurePath(name).is_absolute() else name): sha for name, sha in files.items()}


def _of_tracks(boards: Sequence[Board]) -> Iterator[Section]:
    """The sections that tracks add for their own boards."""
    for name, of_track in groupby(boards, key=lambda board: board.track):
        if isinstance(track := known_track(name), HasSections):
            yield from track.sections(list(of_track))


def report_data(records: Iterable[Record], title: str, *, all_versions: bool = False) -> ReportData:
    """Everything that is computed from `records`; plots are none yet. Tracks stand apart, one after the other.

    Raises `UsageError` where two methods or datasets have one name.
    """
    with no_collection():
        return _report_data(shown(records), title, all_versions)


def _report_data(records: Results, title: str, all_versions: bool) -> ReportData:
    ordered = sorted(boards(records, all_versions=all_versions), key=lambda board: board.track)
    records = records if all_versions else newest(records)
    if len({board.track for board in ordered}) > 1:
        ordered = [board if board.track == DEFAULT else _named(board) for board in ordered]
    failures: dict[str, Failure] = {}
    for failure in [*(f for board in ordered for f in board.failures), *failed_costs(records)]:
        # A cell may stand on the board of its own seeds and on that of fewer ones; it failed once.
        failures.setdefault(failure.key + failure.outcome, failure)
    each, together, sets = evidence(ordered), overall(ordered), board_sets(ordered, records)
    recipes, decimals = compare_recipes(ordered, records), decimals_by_metric(records)
    behind = [
        *sections(ordered, each, together),
        *_of_tracks(ordered),
        *recipe_sections(recipes, decimals),
        *training_sections(records, decimals),
    ]
    keys = records.column("key")
    return ReportData(
        title=title,
        boards=ordered,
        failures=list(failures.values()),
        costs=cost_records(records),
        evidence=each,
        overall=together,
        sets=sets,
        sections=behind,
        extra=[*of_sets(sets, ordered), *of_sections(behind, ordered)],
        recipes=recipes,
        traces={key: text for key, text in zip(keys, records.column("cell.traceback"), strict=True) if text},
        weights={
            key: files
            for key, files in zip(keys, records.each(_weights, "cell.inputs.weights", "cell.opened"), strict=True)
            if files
        },
        origin=origin_line(records, title),
        suite=suite_of(records),
    )
