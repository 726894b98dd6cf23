"""A progress display that keeps what it is told."""

from __future__ import annotations

from typing import Any


class Diary:
    """What a progress display is told, in order."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def plan(self, todo: int, stored: int, forecast: str) -> None: ...

    def item(self, cell: Any, n: int, of: int) -> None: ...

    def start(self, cell: Any) -> None:
        self.said.append(("start", cell.key))

    def end(self, cell: Any, outcome: str, reason: str) -> None:
        self.said.append(("end", cell.key))
