"""Progress of a run: one live line a running cell on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..text.errors import one_line
from ..text.wording import counted
from .cell_text import LABEL, label

if TYPE_CHECKING:
    from ..planning.cells import PlannedCell

_ALIKE = 3
"""How many cells that end alike, other than well, have a line of their own."""
_SHORTEST = 20
"""How many characters of a label are shown where a line is too narrow for it."""
_SECONDS_APART = 30.0
"""Seconds between two lines on how far a method is with an item."""


class Plain:
    """A line when a cell starts to be counted and when it ends."""

    def __init__(self) -> None:
        self._total = self._done = 0
        self._begun: dict[str, float] = {}
        self._last_iteration: dict[str, float] = {}
        self._alike: Counter[tuple[str, str]] = Counter()

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        """A line of its own, on what is more than a cell."""
        self._say(one_line(text, 200))

    def plan(self, todo: int, stored: int, forecast: str) -> None:
        """How much a run has to do; several runs add up."""
        self._total += todo
        self._say(f"{counted(todo, 'cell')} to run, {stored} stored already" + (forecast and f"; {forecast}"))

    def start(self, cell: PlannedCell) -> None:
        """A cell starts."""
        self._begun[cell.key] = time.monotonic()

    def item(self, cell: PlannedCell, n: int, of: int) -> None:
        """An item is done."""

    def iteration(self, cell: PlannedCell, n: int, of: int) -> None:
        """An iteration of a method on an item is done; a line now and then."""
        if time.monotonic() - self._last_iteration.get(cell.key, self._begun.get(cell.key, 0.0)) >= _SECONDS_APART:
            self._last_iteration[cell.key] = time.monotonic()
            self._say(f"{label(cell)}: iteration {n} of {of}")

    def message(self, cell: PlannedCell, text: str) -> None:
        """A message from a running cell."""
        self._say(f"{label(cell)}: {one_line(text, 120)}")

    def end(self, cell: PlannedCell, outcome: str, reason: str) -> None:
        """A cell has ended."""
        self._done += 1
        took = time.monotonic() - self._begun.get(cell.key, time.monotonic())
        self._alike[outcome, reason] += 1
        if reason and (times := self._alike[outcome, reason]) > _ALIKE:
            if times == _ALIKE + 1:
                self._say(f"more cells {outcome} for the reason above are counted at the end: {one_line(reason, 80)}")
            return
        start, end = f"[{self._done}/{self._total}] {outcome} ", f" ({took:.1f} s)"
        more = f": {one_line(reason, 120)}" if reason else ""
        self._say(f"{start}{label(cell, self._room(len(start + end)))}{end}{more}")

    def _room(self, taken: int) -> int:
        """So many characters of a cell are on a line on which so many are taken."""
        return LABEL


class Live(Plain):
    """Live lines with rich."""

    def __init__(self, progress: Any) -> None:
        super().__init__()
        self._progress = progress
        self._tasks: dict[str, Any] = {}
        self._all: Any = None

    def _say(self, text: str) -> None:
        from rich.text import Text

        self._progress.console.print(Text(text))

    def _room(self, taken: int) -> int:
        width: int = self._progress.console.width
        return max(_SHORTEST, min(LABEL, width - taken))

    def plan(self, todo: int, stored: int, forecast: str) -> None:
        super().plan(todo, stored, forecast)
        if self._all is not None:
            self._progress.update(self._all, total=self._total)
        elif todo:
            self._all = self._progress.add_task("all cells", total=todo)

    def start(self, cell: PlannedCell) -> None:
        from rich.markup import escape

        super().start(cell)
        total = None if cell.kind == "train" else cell.dataset.items or None
        self._tasks[cell.key] = self._progress.add_task(escape(label(cell)), total=total)

    def item(self, cell: PlannedCell, n: int, of: int) -> None:
        self._progress.update(self._tasks[cell.key], completed=n, total=of)

    def iteration(self, cell: PlannedCell, n: int, of: int) -> None:
        self.message(cell, f"iteration {n} of {of}")

    def message(self, cell: PlannedCell, text: str) -> None:
        from rich.markup import escape

        self._progress.update(self._tasks[cell.key], description=escape(f"{one_line(text, 60)} · {label(cell)}"))

    def end(self, cell: PlannedCell, outcome: str, reason: str) -> None:
        super().end(cell, outcome, reason)
        self._progress.remove_task(self._tasks.pop(cell.key))
        self._progress.advance(self._all)


@contextmanager
def watcher() -> Iterator[Plain]:
    """A display that suits where stderr goes."""
    if not sys.stderr.isatty():
        yield Plain()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    text = TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1))
    columns = (text, BarColumn(bar_width=12), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, expand=True) as progress:
        yield Live(progress)
