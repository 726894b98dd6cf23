"""What a track may add to a report, a comparison and a study; one that adds nothing has none of these functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ..boards.board import Board
from ..comparing.comparison import Comparison
from ..comparing.difference import ScoreDifference
from ..store.record import Panel
from ..store.results import Results
from .section import Section

if TYPE_CHECKING:
    from .plots.drawing import Plot
    from .plots.sheets import Sheet

Previews = Callable[[str], Sequence[Panel]]
"""What one side of a comparison kept to be looked at, by the key of a cell."""


@runtime_checkable
class HasPanels(Protocol):
    """A track that draws outputs side by side on `sheet`, at most `most` plots; `notes` gets what is left out.

    Names of these plots begin with `panel-` where the viewer of the page shows the same from previews, else with
    `drawing-`; with `answers-` those of what was answered, and with `mistakes-` those of what was got wrong; then comes
    a number of two digits.
    """

    def panels(self, boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]: ...


@runtime_checkable
class HasSections(Protocol):
    """A track that has tables of its own across boards, for `statistics.md` and the page."""

    def sections(self, boards: Sequence[Board]) -> list[Section]: ...


@runtime_checkable
class HasChangedPanels(Protocol):
    """A track that draws the outputs that changed most, of `differences` in their order, from what A and B kept.

    The plots, and a note where there is none. Names of these plots begin with `moved-`.
    """

    def changed_panels(
        self, comparison: Comparison, differences: Sequence[ScoreDifference], a: Previews, b: Previews
    ) -> tuple[list[Plot], str]: ...


@dataclass(frozen=True)
class DrawsSection:
    """How errors split over draws of the noise: lines of Markdown and of LaTeX, a CSV file, and plain values."""

    markdown: Sequence[str]
    latex: Sequence[str]
    csv: str
    values: Mapping[str, Any]


@runtime_checkable
class HasDraws(Protocol):
    """A track that splits errors over draws of the noise. Raises `UsageError` where there is nothing to split."""

    def draws(self, store: Path, records: Results) -> DrawsSection: ...
