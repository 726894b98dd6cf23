"""A stored cell with its rows. Everything after the store reads `Record`s and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ..text.errors import one_line
from .cell import Cell, CellIdentity, MethodPart, MetricPart, Role
from .old_schemas import OLD_WORDS, old_decimals, old_explains, old_goal, old_metric, old_role

T = TypeVar("T")
WAITED = 1.1
"""Beyond so much `busy` times of two costs are less alike than their processor times are."""
NAMED = ("method", "dataset")
"""Parts of a cell that may be shown under a name of their own."""


@dataclass(frozen=True)
class Panel:
    """One item to look at in the report: PNG or WAV bytes by what they show, such as `clean`, `noisy`, `restored`."""

    item: str
    parts: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Mistake:
    """An item that was got wrong: the truth, the answer, and how likely that was held to be, None where nobody says.

    `picture` is a PNG of what was given, of the first of a cell alone.
    """

    item: str
    truth: str
    answer: str
    likely: float | None = None
    picture: bytes | None = None


@dataclass(frozen=True)
class Plugins:
    """The plug-ins of a cell, as the export of a bundle carries them.

    `loaded` are those that register something, `files` the text of these and of what they import: by their place below
    the folder of plug-ins.
    """

    loaded: tuple[str, ...]
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Record:
    """A stored cell: `cell.json`, its rows by column, and the crops of one picture where kept.

    Columns: `item`, `input_sha256`, `output_sha256`, `note` (text), `seconds` and each metric (float64; NaN
    where the score is not defined, with the reason in `note`; inf is kept). `seal` is what store or export say that all
    this hashes to, empty where it was written before there were seals. `whole` is what the reader of a store found by
    hashing its files; None where the record itself is to be hashed, as those of exports are. `keyed`: it was found to
    be what its key was made from. `asked` is when a run asked for it last, UTC in ISO 8601; empty where that is not
    known. `names` are those that its `method` and `dataset` are shown under, where they have one: like `asked`, outside
    of the cell and its seal. `plugins` has the export of a bundle alone. `mistakes` are the items that were got wrong,
    None where that is not known.
    """

    cell: Cell
    items: list[str] = field(default_factory=list)
    input_sha256: list[str] = field(default_factory=list)
    output_sha256: Sequence[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    scores: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    panel: Panel | None = None
    seal: str = ""
    whole: bool | None = None
    asked: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    plugins: Plugins | None = None
    mistakes: tuple[Mistake, ...] | None = None
    keyed: bool = False

    def __repr__(self) -> str:
        return f"Record({one_line(cell_text(self.cell))} · seed {self.cell.seed}: {self.cell.outcome})"


def item_count(cell: CellIdentity) -> int:
    """How many items were chosen of the dataset."""
    data = cell.dataset
    return data.items if data.items is not None else data.pictures or 0


def dataset_text(cell: Cell) -> str:
    """The dataset as a heading says it: `photos`, or `photos (first 6 of 12)`."""
    data, chosen = cell.dataset, item_count(cell)
    total = chosen if data.total is None else data.total
    return data.display if total == chosen else f"{data.display} (first {chosen} of {total})"


def cost_size(cell: Cell) -> Sequence[int]:
    """The size of the input of a cost; empty where it is not known."""
    # From the inputs of the key first: a cell that did not come to an end holds no cost.
    return cell.inputs.get("size") or (cell.cost.size if cell.cost else ())


def place_text(cell: Cell) -> str:
    """What a cell is on: its dataset, or of a cost that and its size, `cost at 32×32`."""
    if cell.kind != "cost":
        return cell.dataset.display
    size = "×".join(map(str, cost_size(cell)))
    return f"cost at {size}" if size else "cost"


def cell_text(cell: Cell) -> str:
    """What a cell is of: `nlm · photos · gaussian(sigma=25)`."""
    return " · ".join(filter(None, (cell.method.display, place_text(cell), cell.regime.display)))


def used_trainings(cell: Cell) -> list[str]:
    """The keys of the trainings whose networks a cell uses: of what is tuned that of the variant chosen alone."""
    if not cell.trained and not cell.tuned:
        return []
    variants = {variant.key for tuning in cell.tuned for variant in tuning.variants}
    chosen = [tuning.variants[tuning.chosen].key for tuning in cell.tuned if tuning.chosen is not None]
    plain = [key for key in cell.trained.values() if key not in variants]
    return list(dict.fromkeys([*plain, *chosen]))


def with_needed(keys: Iterable[str], cell_of: Callable[[str], Cell | None]) -> list[str]:
    """The keys of trainings, and of all that were needed for them, each once."""
    needed, todo = dict.fromkeys(keys), list(keys)
    while todo:
        cell = cell_of(todo.pop())
        for key in cell.trained.values() if cell is not None else ():
            if key not in needed:
                needed[key] = None
                todo.append(key)
    return list(needed)


def role_of(method: MethodPart) -> Role:
    """What a method is on a board."""
    flags = method.flags or {}
    if "role" in flags:
        role: Role = flags["role"]
        return role
    return old_role(method.name, flags)


def explains(cell: Cell) -> bool:
    """Whether a method gives maps beside the answers of the classifier that it explains."""
    return bool((cell.method.flags or {}).get("explains", old_explains(cell.track, cell.method.name)))


def decimals_of(name: str, part: MetricPart) -> int:
    """How many decimals of a metric are printed."""
    return part.decimals if part.decimals is not None else old_decimals(name, part.unit)


def goal_of(track: str, name: str, part: MetricPart) -> str:
    """What is best by a metric: `higher`, `lower`, `none`, or a number as text."""
    return part.goal or old_goal(track, name) or ("higher" if part.higher else "lower")


def arrow_of(goal: str) -> str:
    """A sign for what is best: an arrow up or down, `→ 1`, or nothing."""
    return {"higher": "↑", "lower": "↓", "none": ""}.get(goal, f"→ {goal}")


def order_of(name: str, part: MetricPart) -> int:
    """Where a metric stands on a board."""
    return part.order if part.order is not None else old_metric(name).order


def gate_of(name: str, part: MetricPart) -> Mapping[str, float]:
    """What a check lets pass of a metric where no rule speaks."""
    return part.gate if part.gate is not None else old_metric(name).gate


def words_of(cell: Cell) -> Mapping[str, str]:
    """What the things of a cell are called."""
    return cell.words or OLD_WORDS
