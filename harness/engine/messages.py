"""What passes between the processes of a run: jobs down, events up, and how a cell ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NotRequired, Required, TypedDict

from ..plan import PlannedCell
from ..store.record import Cost, Outcome, Rescored, SetPart


class Job(TypedDict):
    """A cell to be run. `redo` are the stored outcomes that are tried again, `stamp` tells the stored version that the
    plan saw; `donor` is a cell whose kept outputs are scored, and `said` why those of one could not be; `blocked` says
    why the cell cannot be run at all."""

    id: NotRequired[int]
    cell: PlannedCell
    store: str
    keep: str
    device: str
    threads: int
    timeout: float
    memory: int | None
    environment: dict[str, Any]
    redo: list[str]
    afresh: bool
    stamp: list[int] | None
    donor: str | None
    said: NotRequired[str]
    blocked: str


class Event(TypedDict, total=False):
    """What is said of a cell: `ready`, `item` (n of), `end`, `busy` (another run has it), `disk`, `broken`, `gone`."""

    event: Required[str]
    id: int
    n: int
    of: int
    outcome: str
    reason: str
    stored: bool
    rescored: bool
    message: str
    status: int


Tell = Callable[[Event], None]


class Ending(TypedDict, total=False):
    """How a cell ended, as its worker leaves it in `end.json`; what is absent is not known.

    `lost` says why the kept outputs of a donor cannot be used: the method is to make them again.
    """

    outcome: Required[Outcome]
    reason: Required[str]
    needs: str
    traceback: str
    notes: list[str]
    setup_s: float | None
    cost: Cost | None
    environment: dict[str, Any]
    said: str
    lost: str
    rescored: Rescored
    sets: dict[str, SetPart]
