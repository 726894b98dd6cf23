"""One look a method in every figure of a report: its colour, its marker and its dash, given once."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...boards.board import Board
from ...boards.rows import Row
from ...text.wording import by_number

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#882255", "#7F4A21")
"""Okabe and Ito (2008) without the yellow, and a wine and a brown: with any kind of colour vision, in CIELAB, no two of
them are nearer to each other than the nearest two of Okabe and Ito."""
MARKERS = "osD^vP*X<>ph"
DASHES: tuple[str | tuple[int, tuple[int, ...]], ...] = ("-", (0, (5, 2)), (0, (1, 1)), (0, (5, 1, 1, 1)))
GREY = "#6b7280"
GREY_MARKERS = "x+1234|_"


@dataclass(frozen=True)
class Look:
    """How a method is drawn. `number` is that of its colour, None for grey; `again` how often that was given before."""

    colour: str
    marker: str
    dash: str | tuple[int, tuple[int, ...]]
    number: int | None
    again: int = 0

    def line(self, scale: float = 1.0) -> dict[str, Any]:
        """As matplotlib wants a line: hollow markers, so that lines below them show."""
        return {
            "color": self.colour, "marker": self.marker, "linestyle": self.dash,
            "markerfacecolor": "white", "markeredgewidth": 1.0 * scale,
        }  # fmt: skip

    def point(self, scale: float = 1.0, *, hollow: bool = False) -> dict[str, Any]:
        """As matplotlib wants a single point."""
        return {
            "color": self.colour, "marker": self.marker, "linestyle": "none",
            "markerfacecolor": "white" if hollow else self.colour, "markeredgewidth": 1.2 * scale,
        }  # fmt: skip


Looks = Mapping[str, Look]
"""By the label of a method, or the name of a family."""


def looks_of(boards: Sequence[Board]) -> Looks:
    """A look for every method and family on `boards`; the same boards give the same looks.

    A method asks for the colour that its name falls on, those with the best places first; where another has it, it
    takes the next that is free. When all are given, they are given again, with another dash and other markers. Methods
    of one declared family share the colour. What is not there to win (baseline, sanity, optimum, oracle) is grey.
    """
    best: dict[str, int] = {}
    rows: dict[str, Row] = {}
    for board in boards:
        for place, row in enumerate(board.rows):
            rows.setdefault(row.label, row)
            best[row.label] = min(place, best.get(row.label, place))
    ordered = sorted(rows, key=lambda label: (best[label], label))
    grey = [label for label in sorted(rows) if is_sanity(rows[label])]
    looks: dict[str, Look] = {}
    for i, label in enumerate(grey):
        marker, dash = GREY_MARKERS[i % len(GREY_MARKERS)], DASHES[1 + i % (len(DASHES) - 1)]
        looks[label] = Look(GREY, marker, dash, None, i)
    groups: dict[str, list[str]] = defaultdict(list)
    for label in ordered:
        if label not in looks:
            groups[rows[label].family or label].append(label)
    used: dict[int, set[str]] = defaultdict(set)
    for family, (number, again) in _colours(groups).items():
        for j, label in enumerate(groups[family]):
            turn = again + j
            marker = _marker(number + len(COLOURS) * turn, used[number])
            used[number].add(marker)
            looks[label] = Look(COLOURS[number], marker, DASHES[turn % len(DASHES)], number, turn)
        looks.setdefault(family, replace(looks[groups[family][0]]))
    return looks


def looks_of_lines(labels: Iterable[str]) -> Looks:
    """A look for each line of a plot whose lines are no methods, in the order of their names."""
    looks = {}
    for i, label in enumerate(sorted(set(labels), key=by_number)):
        number, again = i % len(COLOURS), i // len(COLOURS)
        looks[label] = Look(COLOURS[number], MARKERS[i % len(MARKERS)], DASHES[again % len(DASHES)], number, again)
    return looks


def is_sanity(row: Row) -> bool:
    """Whether a row is not there to win."""
    return row.oracle or bool(row.role)


def _colours(names: Iterable[str]) -> dict[str, tuple[int, int]]:
    """(number of the colour, how often it was given before) of each name, in their order."""
    given: dict[str, tuple[int, int]] = {}
    for place, name in enumerate(names):
        if place % len(COLOURS) == 0:
            free = list(range(len(COLOURS)))
        wanted = hashlib.sha256(name.encode("utf-8", "replace")).digest()[0] % len(COLOURS)
        number = min(free, key=lambda c: (c - wanted) % len(COLOURS))
        free.remove(number)
        given[name] = number, place // len(COLOURS)
    return given


def _marker(wanted: int, used: set[str]) -> str:
    """The marker at `wanted`, or the first behind it that the colour does not have yet."""
    turned = [MARKERS[(wanted + i) % len(MARKERS)] for i in range(len(MARKERS))]
    return next((marker for marker in turned if marker not in used), turned[0])
