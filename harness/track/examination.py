"""Tracks that try a method on tiny inputs, for doctors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from ..components.registry import Bound
from .posed_case import Case


@dataclass(frozen=True)
class Finding:
    """The result of one check of a method. `ok` is None where it does not apply; `detail` is one line."""

    name: str
    ok: bool | None
    detail: str = ""


@runtime_checkable
class Examines(Protocol):
    """A track that can try a method on tiny inputs. `before` hears the name of each check before it is done.

    `regime` is the one to try it under, or an empty text: the track chooses.
    """

    def examine(self, method: Bound, before: Callable[[str], None], regime: str) -> Iterator[Finding]: ...


@runtime_checkable
class SeesScale(Protocol):
    """A track that can say, for doctors, why an output is on another scale than its input; empty where it is not."""

    def off_scale(self, output: Any, case: Case) -> str: ...
