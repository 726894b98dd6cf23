"""A section of a report: a heading, and tables under it."""

from __future__ import annotations

from dataclasses import dataclass

from .tables import TextTable


@dataclass(frozen=True)
class Section:
    """A heading, what must be known, and the tables under it with their captions."""

    title: str
    lines: tuple[str, ...]
    tables: tuple[tuple[str, TextTable], ...]
