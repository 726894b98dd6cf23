"""What has changed since a cell was stored, and what a run would do about it: for `noisebench why`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..store.cell import NOT_OK, Cell
from ..store.file_changes import changes_of
from ..store.key_changes import differences
from .replan import Replanned

FRESH = "up to date"


@dataclass(frozen=True)
class Changes:
    """What has changed since a cell was stored: inputs of its key, or why it has none now, and files that its method
    opened."""

    inputs: list[str]
    files: list[str]

    @cached_property
    def every(self) -> list[str]:
        """All of it."""
        return [*self.inputs, *self.files]


_NOTHING = Changes([], [])


def changes_since(cell: Cell, plan: Replanned, store: Path) -> Changes:
    """What has changed since a cell was stored, by its plan of now."""
    if plan.error:
        return Changes([plan.error], [])
    inputs, files = differences(cell.inputs, plan.inputs), changes_of(cell, plan.request, store)
    return Changes(inputs, files) if inputs or files else _NOTHING


def state_of(cell: Cell, plan: Replanned, change: Changes, stored: Collection[str], donors: Mapping[str, str]) -> str:
    """What a run would do about a cell; `stored` are the keys of the store, `donors` the cells that are only scored."""
    if plan.error:
        return "cannot be planned now"
    if not change.every:
        return "to be tried again" if cell.outcome in NOT_OK or cell.needs else FRESH
    if change.inputs and plan.key in stored:
        return "stored under its new key"
    return "to be re-scored" if plan.key in donors else "to be run again"
