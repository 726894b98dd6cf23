"""What the training batches of all tracks are made of: the fields that each of them is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass

from ..components.registry import Bound
from .dataset_protocol import Dataset


@dataclass(eq=False)
class ItemBatches:
    """Batches of items of a dataset under a regime; see `Trains` of `training_batches.py` for what each field says.

    A track says the shapes `given` and `wanted`, and makes the batch of a step.
    """

    dataset: Dataset
    chosen: Sequence[int]
    regime: Bound
    order: Callable[[int], Sequence[int]]
    _: KW_ONLY
    crop: int = 0
    seed: int = 0
    fixed: bool = False

    def __post_init__(self) -> None:
        """Read what a track reads before the first step."""
