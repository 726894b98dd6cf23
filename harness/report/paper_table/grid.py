"""The table of a paper as cells in rows and columns, whichever way it runs: what all its written forms share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...text.notation import Notation, notation_of
from .costs import cost_head, cost_text
from .marks import Mark
from .table import Mean, PaperTable

NONE = "–"


Numbers = tuple[tuple[str, Mean], ...]
"""The numbers of a cell, each as it is printed."""


@dataclass(frozen=True)
class Grid:
    """`over` are groups of columns with their widths, none where there are no groups; `head` stands over each column.

    The first column names the rows; it and the costs are in no group: so many columns stand `before` these. `rules` are
    the rows before which a line is drawn.
    """

    over: tuple[tuple[str, int], ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Numbers, ...]], ...]
    rules: frozenset[int]
    before: int = 1


@lru_cache(maxsize=1)
def grid(table: PaperTable) -> Grid:
    """The rows and columns of a table: the same for each written form of the only one, which most reports have."""
    heads = tuple(cost_head(name) for name in table.costs)
    costs = [tuple(map(_cost, line.costs, table.costs)) for line in table.lines]
    notations = [
        notation_of((means[at].value for line in table.lines for means in line.cells), decimals)
        for at, decimals in enumerate(table.digits)
    ]
    cells = [tuple(_cell(means, notations) for means in line.cells) for line in table.lines]
    if table.down == "methods":
        apart = sum(line.apart for line in table.lines)
        return Grid(
            tuple(table.groups),
            ("Method", *heads, *(level.title for level in table.levels)),
            tuple((line.label, (*costs[at], *cells[at])) for at, line in enumerate(table.lines)),
            frozenset({apart} if 0 < apart < len(table.lines) else ()),
            1 + len(heads),
        )
    ends = [sum(size for _, size in table.groups[:place]) for place in range(1, len(table.groups))]
    return Grid(
        (),
        ("", *(line.label for line in table.lines)),
        (
            *((head, tuple(row[at] for row in costs)) for at, head in enumerate(heads)),
            *(
                (f"{level.dataset}, {level.title}", tuple(row[at] for row in cells))
                for at, level in enumerate(table.levels)
            ),
        ),
        frozenset(len(heads) + end for end in ([0] if heads else []) + ends),
    )


def _cell(means: Sequence[Mean], notations: Sequence[Notation]) -> Numbers:
    """The means of a cell; one dash where every metric is missing for the same reason."""
    if all(mean.value is None for mean in means) and len({mean.letter for mean in means}) == 1:
        means = means[:1]
    return tuple(
        (NONE if mean.value is None else notation.text(mean.value), mean)
        for mean, notation in zip(means, notations, strict=False)
    )


def _cost(cost: Mean, name: str) -> Numbers:
    return ((NONE if cost.value is None else cost_text(cost.value, name), cost),)


def cell_text(cell: Numbers, write: Callable[[str, Mark], str], raise_: Callable[[str], str]) -> str:
    """`29.23/0.8284` with marks.

    `write` puts a number and its mark into a written form, `raise_` the letter of a footnote.
    """
    return "/".join(write(text, mean.mark) + (raise_(mean.letter) if mean.letter else "") for text, mean in cell)
