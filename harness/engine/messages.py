"""What passes between the processes of a run: jobs down, events up, and how a cell ended."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Required, TypedDict

from msgspec import Struct

from ..planning.cells import PlannedCell
from ..store.cell import Cost, Number, Outcome, Rescored, SetPart, TrainingHistory
from ..store.cell_json import checked
from ..store.cells import WEIGHTS, cell_dir, outcome_of
from ..text.json_values import parsed
from .sandbox import Confinement


class Job(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A cell to be run. `redo` are the stored outcomes that are tried again, `stamp` tells the stored version that the
    plan saw; `donor` is a cell whose kept outputs are scored, `remark` says why those of one could not be, `blocked`
    why the cell cannot be run at all. `sandbox` is that of the method, None where it has none. `gpu` is the only CUDA
    device that the method sees. `process` is the method's process, where its cost is measured from outside. `harness`
    is the hash of the noisebench that runs it."""

    cell: PlannedCell
    store: str
    keep: str
    device: str
    threads: int
    timeout: float
    memory: int | None
    environment: dict[str, Any]
    harness: str
    redo: list[str]
    afresh: bool
    stamp: list[int] | None
    donor: str | None
    sandbox: Confinement | None
    blocked: str
    id: int = 0
    gpu: str | None = None
    remark: str = ""
    process: int = 0


class Event(TypedDict, total=False):
    """What is said of a cell: `began`, `item` (n of), `progress` within an item (n of), `message` (how it goes), `end`,
    `busy` (another run has it), `disk`, `broken`, `gone`."""

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
_SIZE = struct.Struct("<Q")


def send_job(line: socket.socket, text: bytes, *descriptors: int) -> None:
    """Send a job, as JSON, and descriptors that belong to it. Raises OSError."""
    socket.send_fds(line, [_SIZE.pack(len(text))], descriptors)
    line.sendall(text)


def next_job(line: socket.socket) -> tuple[Job, list[int]] | None:
    """The next job and the descriptors sent with it; None where the line is closed. Raises OSError."""
    head, descriptors, _, _ = socket.recv_fds(line, _SIZE.size, 1)
    if not head:
        return None
    (length,) = _SIZE.unpack(head)
    text = b""
    while len(text) < length and (more := line.recv(length - len(text))):
        text += more
    return checked(parsed(text), Job), descriptors


def checkpoints_of(job: Job) -> dict[str, str]:
    """Where the checkpoint of each recipe of a cell's method lies; a training that diverged has left none."""
    store, trained = Path(job.store), job.cell.trained
    return {
        recipe: str(cell_dir(store, key) / WEIGHTS)
        for recipe, key in trained.items()
        if outcome_of(store, key) != "diverged"
    }


class Ending(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How a cell ended, as its worker leaves it in `end.json`; what is absent is not known.

    `lost_output` says why the kept outputs of a donor cannot be used: the method is to make them again. `finite`, of an
    `invalid` one: whether something else than a NaN or an Inf is wrong with it.
    """

    outcome: Outcome
    reason: str
    needs: str = ""
    traceback: str = ""
    notes: list[str] = []
    setup_s: Number | None = None
    cost: Cost | None = None
    environment: dict[str, Any] = {}
    remark: str = ""
    lost_output: str = ""
    rescored: Rescored | None = None
    sets: dict[str, SetPart] = {}
    training: TrainingHistory | None = None
    finite: bool = True


class MethodEnded(Exception):
    """The method's process says how the cell ends."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.reason)
        self.ending = ending
