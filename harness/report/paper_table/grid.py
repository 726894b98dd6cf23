"""The table of a paper as cells in rows and columns, whichever way it runs: what all its written forms share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..tables import number
from .marks import Mark
from .table import Mean, PaperTable


@dataclass(frozen=True)
class Grid:
    """`over` are groups of columns with their widths, none where there are no groups; `head` stands over each column.

    The first column names the rows. `rules` are the rows before which a line is drawn.
    """

    over: tuple[tuple[str, int], ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[Mean, ...], ...]], ...]
    rules: frozenset[int]


def grid(table: PaperTable) -> Grid:
    """The rows and columns of a table."""
    if table.down == "methods":
        apart = sum(line.apart for line in table.lines)
        return Grid(
            tuple(table.groups),
            ("Method", *(level.title for level in table.levels)),
            tuple((line.label, line.cells) for line in table.lines),
            frozenset({apart} if 0 < apart < len(table.lines) else ()),
        )
    ends = [sum(size for _, size in table.groups[:place]) for place in range(1, len(table.groups))]
    return Grid(
        (),
        ("", *(line.label for line in table.lines)),
        tuple(
            (f"{level.dataset}, {level.title}", tuple(line.cells[at] for line in table.lines))
            for at, level in enumerate(table.levels)
        ),
        frozenset(ends),
    )


def cell_text(
    means: Sequence[Mean], digits: Sequence[int], write: Callable[[str, Mark], str], raise_: Callable[[str], str]
) -> str:
    """`29.23/0.8284` with marks; one dash where every metric is missing for the same reason.

    `write` puts a number and its mark into a written form, `raise_` the letter of a footnote.
    """
    if all(mean.value is None for mean in means) and len({mean.letter for mean in means}) == 1:
        means = means[:1]
    parts = []
    for mean, places in zip(means, digits, strict=False):
        text = "–" if mean.value is None else number(mean.value, places)
        parts.append(write(text, mean.mark) + (raise_(mean.letter) if mean.letter else ""))
    return "/".join(parts)
