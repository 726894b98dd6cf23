"""A section of a report: a heading, and tables under it."""

from __future__ import annotations

from dataclasses import dataclass

from .tables import TextTable


@dataclass(frozen=True)
class Section:
    """A heading, what must be known, and the tables under it with their captions.

    `board` is the title of the board that it is about, where the heading says more; `recipes`: it compares recipes.
    """

    title: str
    lines: tuple[str, ...]
    tables: tuple[tuple[str, TextTable], ...]
    board: str = ""
    recipes: bool = False
