"""A board: methods of one track, dataset, regime, protocol and set of seeds, with what a reader must know of it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from msgspec import structs

from ..statistics.paired_tests import ALPHA, MIN_ITEMS
from ..store.results import Results
from ..text.errors import one_line
from .copies import COPIED
from .detectable_difference import DetectableDifferences, detectable_differences, detectable_text
from .failures import Failure
from .learned import learned_behind
from .ordering import OTHER_INPUTS, rank
from .rows import Column, Row
from .undecided import undecided
from .units import Units

FEW_ITEMS = 30
"""With fewer, resampling does not see the tail of strongly skewed differences."""


@dataclass(frozen=True)
class Board:
    """All methods of one track, dataset, regime, protocol and set of seeds; ranked `rows` first, best on top.

    `words` are what the track calls its things, by the fields of `Words`. `units` are what tests count, `given` the
    hash of what was given of each item, with the first seed. `chosen` is the dataset as a heading says it, with the
    share that was chosen of it; `identity` is what keys the resamples of a metric that is not `rank_by`, to be followed
    by its label. `optimum_column` is what a row's `below_optimum` is measured by; None where no known
    optimum is on the board. `place` is that of the dataset in its suite, where cells say it: the order of a table.
    """

    track: str
    words: Mapping[str, str]
    dataset: str
    dataset_spec: str
    dataset_written: str
    dataset_name: str
    chosen: str
    fingerprint: str
    regime: str
    regime_spec: str
    protocol: str
    seeds: tuple[int, ...]
    items: tuple[str, ...]
    units: Units
    given: tuple[str, ...]
    columns: tuple[Column, ...]
    rank_by: Column | None
    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    signatures: Mapping[str, str]
    inputs: str
    environment: Mapping[str, tuple[str, ...]]
    cost_setting: str
    optimum_column: Column | None
    identity: str
    place: int = 0

    def __repr__(self) -> str:
        return f"{type(self).__name__}({one_line(self.title)}: {len(self.rows)} rows)"

    @property
    def title(self) -> str:
        """Dataset and regime, as a heading."""
        return f"{self.chosen} · {self.regime}"

    @property
    def setting(self) -> str:
        """What its scores were made under, for the title of a chart."""
        return f"{self.title}, {self.protocol}, {self.seeds_text}"

    @property
    def seeds_text(self) -> str:
        """`seed 0` or `seeds 0,1`."""
        return f"seed{'s' if len(self.seeds) > 1 else ''} {','.join(map(str, self.seeds))}"

    @cached_property
    def trainings_text(self) -> str:
        """What its tests say of trainings, for its head: that they are of other ones too, or not; empty without any."""
        if any(row.trained_anew for row in self.rows):
            return f"tested over {self.units.words(self.words)} and {len(self.seeds)} trainings of each network"
        trained = any(keys for row in self.rows for keys in row.trainings)
        return "speaks of these weights: one training of each network" if trained else ""

    @property
    def shown_columns(self) -> tuple[Column, ...]:
        """Those that a table shows: what is defined for no method has no column, unless it ranks."""
        return tuple(c for c in self.columns if c == self.rank_by or any(_has_value(row, c) for row in self.rows))

    @property
    def has_optimum(self) -> bool:
        """Whether a known optimum is there to be held against."""
        return self.optimum_column is not None

    @property
    def ranked(self) -> tuple[Row, ...]:
        """The rows that take part in the ranking."""
        return tuple(row for row in self.rows if not row.unranked)

    @cached_property
    def undecided(self) -> str:
        """That no two methods are told apart, and how many units would; empty where some are."""
        return undecided(self.rows, self.rank_by, self.units, self.words)

    @property
    def detectable(self) -> DetectableDifferences | None:
        """The differences that its test finds with a chance of 80 %; None where it cannot be said."""
        return detectable_differences(self.rows, self.rank_by, self.units)

    @cached_property
    def detectable_text(self) -> str:
        """The same in a line; empty where it cannot be said."""
        detectable = self.detectable
        return detectable_text(detectable) if detectable else ""

    @cached_property
    def learned_behind(self) -> str:
        """That no learned method is ahead of the best other, for its head; empty where one is."""
        return learned_behind(self.track, self.rows) if self.rank_by else ""


def _has_value(row: Row, column: Column) -> bool:
    return not math.isnan(row.scores[column.label].mean)


def names_text(named: Iterable[tuple[str, str]]) -> str:
    """What each name stands for, of pairs of name and spec; empty where no spec is said."""
    texts = {name: written for name, written in named if written}
    return f"names: {'; '.join(f'{name} is {written}' for name, written in texts.items())}" if texts else ""


def placed_by(board: Board, column: Column) -> tuple[list[Row], list[str]]:
    """The rows of a board ranked by one of its columns, and what must be known of that ranking."""
    if board.rank_by is not None and column.label == board.rank_by.label:
        return list(board.rows), []
    bare = [
        structs.replace(row, unranked=row.unranked if _takes_no_rank(row) else "", ranks=None, apart=frozenset(),
                interval=None, to_others=None, difference=None)
        for row in board.rows
    ]  # fmt: skip
    return rank(bare, column, f"{board.identity}|{column.label}", board.units, board.units.words(board.words))


def _takes_no_rank(row: Row) -> bool:
    """Whether no metric ranks a row."""
    return row.unranked == OTHER_INPUTS or COPIED in row.flags


def environment_of(results: Results) -> dict[str, tuple[str, ...]]:
    """Every version met, by name. Only what is listed here is shown: never a host or user name."""
    values: dict[str, set[str]] = defaultdict(set)
    for environment in results.distinct("cell.environment"):
        for key in ("noisebench", "python", "platform", "cpu"):
            if environment.get(key):
                values[key].add(one_line(environment[key]))
        for name, version in dict(environment.get("packages") or {}).items():
            values[one_line(name)].add(one_line(version))
    return {key: tuple(sorted(values[key])) for key in sorted(values)}


def reading_text(words: Mapping[str, str]) -> str:
    """How the numbers of a board are made, in the words of its track."""
    items = words["items"]
    return (
        f"Scores are means over {items}. Rank range: 1 + methods significantly better to n − methods significantly "
        f"worse; overlapping ranges may be tied. In brackets: the interval of the mean difference to the best. Both "
        f"are of the mean, over all pairs of methods at once (bootstrap-t over {items}, keyed; {ALPHA:.0%}), and over "
        f"trainings too where a method was trained for each seed (Student's t, Holm): an interval leaves 0 out where "
        f"the ranges part a method from the best. Below {MIN_ITEMS} {items} there are none; below {FEW_ITEMS}, where a "
        f"few {items} decide, up to 15 of 100 boards tell equal methods apart. n/d: not defined. inf: exact on all "
        f"{items}; identical: {items} on which a method is exact, which "
        f"count in no mean."
    )
