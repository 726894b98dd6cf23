"""Tracks whose methods can be trained here, and the batches that they train on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from ..components.registry import Bound
from .dataset_protocol import Dataset


class Batches(Protocol):
    """Training batches: that of a step depends on the step alone. `given` and `wanted` are shapes of one item of it."""

    given: tuple[int, ...]
    wanted: tuple[int, ...]

    def __call__(self, step: int) -> Mapping[str, Any]:
        """Arrays by name, the batch first: `given`, `wanted` and what else an objective may use."""


class Reader(Protocol):
    """Reads items by their places, and those that it was asked to `expect` ahead of time."""

    def expect(self, indices: Iterable[int]) -> None: ...
    def load(self, index: int) -> Any: ...
    def close(self) -> None: ...


@runtime_checkable
class ReadsItems(Protocol):
    """Batches that read an item when a step first wants it."""

    def read_by(self, reader: Reader, first: int, steps: int) -> None:
        """Have `reader` read them, for the steps from `first` to `steps`; it is closed where all items are held."""


@runtime_checkable
class Trains(Protocol):
    """A track whose methods can be networks that are trained here.

    `order(step)` are places in `chosen`, which are places of the dataset. With `fixed` an item gives the same input and
    truth each time it comes. Items of equal truth have equal `truth_sha256`, so that none is trained on that is
    tested.
    """

    def batches(
        self,
        dataset: Dataset,
        chosen: Sequence[int],
        regime: Bound,
        order: Callable[[int], Sequence[int]],
        *,
        crop: int,
        seed: int,
        fixed: bool = False,
    ) -> Batches: ...
    def truth_sha256(self, item: Any) -> str: ...


@runtime_checkable
class CropsItems(Protocol):
    """A track that trains on square crops."""

    def largest_crop(self, item: Any) -> int:
        """How many pixels a side the largest crop of an item has."""
