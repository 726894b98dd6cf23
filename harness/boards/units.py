"""Which items are one unit of every test and interval: equal inputs, equal truths, and declared groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from ..statistics.paired_tests import Floats
from ..store.cell import Cell
from ..store.record import Record, words_of
from ..text.wording import counted


@dataclass(frozen=True)
class Units:
    """`of` (n,): the unit of each item, numbered from 0 in the order of their first items; `grouped` by declaration."""

    of: tuple[int, ...]
    grouped: bool = False

    @cached_property
    def count(self) -> int:
        """How many units there are: the n of every test and interval."""
        return max(self.of, default=-1) + 1

    @property
    def merged(self) -> bool:
        """Whether a unit has several items."""
        return self.count < len(self.of)

    def average(self, values: Floats) -> Floats:
        """Scores (…, n) → the mean of each unit (…, units); where each item is a unit, the scores as they are."""
        if not self.merged:
            return values
        of = np.array(self.of)
        total = np.zeros((self.count, *values.shape[:-1]))
        with np.errstate(invalid="ignore"):
            np.add.at(total, of, np.moveaxis(values, -1, 0))
        mean: Floats = np.moveaxis(total, 0, -1) / np.bincount(of)
        return mean

    def firsts(self) -> list[int]:
        """The place of the first item of each unit."""
        places: dict[int, int] = {}
        for place, unit in enumerate(self.of):
            places.setdefault(unit, place)
        return list(places.values())

    def words(self, words: Mapping[str, str]) -> str:
        """What is counted: `pictures`, `distinct pictures` or `groups of pictures`."""
        items = words["items"]
        return items if not self.merged else f"groups of {items}" if self.grouped else f"distinct {items}"

    def number(self, n: int, words: Mapping[str, str]) -> str:
        """`n` units in words: `12 pictures`, `1 distinct picture`, `1 group of pictures`."""
        if n != 1:
            return f"{n} {self.words(words)}"
        item = words["item"]
        return (
            f"1 {item}" if not self.merged else f"1 group of {words['items']}" if self.grouped else f"1 distinct {item}"
        )

    def text(self, words: Mapping[str, str]) -> str:
        """`12 pictures`, `12 pictures, 3 of them distinct` or `12 pictures in 3 groups`."""
        whole = counted(len(self.of), words["item"], words["items"])
        if not self.merged:
            return whole
        if not self.grouped:
            return f"{whole}, {self.count} of them distinct"
        return f"{whole} in {counted(self.count, 'group')}"

    def remark(self, words: Mapping[str, str]) -> str:
        """How units count, to be said where the scores are."""
        why = f"{words['items']} of one group" if self.grouped else f"equal {words['items']}"
        return f"{why} count once: their scores are averaged before every mean, test and interval (n = {self.count})"


def units_of(records: tuple[Record, ...], places: Sequence[Sequence[int]]) -> Units:
    """The units of items that `places` finds in each record: (records, n) rows. Each record is of the same items.

    Items are one unit where a record has the same input for them, or where its cell says that their truths are
    equal or that they are of one group.
    """
    if not any(_declares(r.cell) or len({r.input_sha256[row] for row in rows}) < len(rows)
               for r, rows in zip(records, places, strict=True)):  # fmt: skip
        return _single_items(len(places[0]) if places else 0)
    tokens: list[set[Hashable]] = [set() for _ in (places[0] if places else ())]
    for record, rows in zip(records, places, strict=True):
        declared, seed = _declared(record.cell), record.cell.seed
        for tokens_of_row, row in zip(tokens, rows, strict=True):
            tokens_of_row.add((seed, record.input_sha256[row]))
            tokens_of_row.update(declared.get(record.items[row], ()))
    return Units(tuple(joined(tokens)), any(r.cell.dataset.groups for r in records))


@lru_cache(maxsize=16)
def _single_items(n: int) -> Units:
    """Units of one item each."""
    return Units(tuple(range(n)))


def _declares(cell: Cell) -> bool:
    return bool(cell.dataset.groups or cell.dataset.same)


def _declared(cell: Cell) -> dict[str, list[tuple[str, str]]]:
    """Item → what it shares with others: (`group`, its name), (`same`, the first item of equal truth)."""
    data = cell.dataset
    declared: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for kind, groups in (("group", data.groups), ("same", {members[0]: members for members in data.same})):
        for name, items in groups.items():
            for item in items:
                declared[item].append((kind, name))
    return declared


def joined(tokens: Sequence[Iterable[Hashable]]) -> list[int]:
    """A number for each element, from 0 in order; elements with a token in common, or a chain of such, have one."""
    parent = list(range(len(tokens)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    owner: dict[Hashable, int] = {}
    for place, tokens_of_row in enumerate(tokens):
        for token in tokens_of_row:
            first, second = root(owner.setdefault(token, place)), root(place)
            parent[max(first, second)] = min(first, second)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(root(place), len(numbers)) for place in range(len(tokens))]


def overlap_remark(cell: Cell) -> str:
    """That items show the same thing in part; empty where none was seen to."""
    pairs = cell.dataset.overlaps
    if not pairs:
        return ""
    words = words_of(cell)
    shown = "; ".join(" and ".join(pair) for pair in pairs[:3])
    more = f"; and {counted(len(pairs) - 3, 'more pair')}" if len(pairs) > 3 else ""
    count = len({item for pair in pairs for item in pair})
    return (
        f"{count} {words['items']} show parts of one another ({shown}{more}) and are not independent: "
        "intervals are too narrow until the dataset says which are one group"
    )
