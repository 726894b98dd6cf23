"""The order in which a method is given the items of a cell: by key, so that it says nothing of the items.

A dataset may have its classes by turns: a method that counts its calls would know every label. Rows, and what set
metrics take, come in the order of the dataset again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from .set_metrics import Collector, KeepsFiles

Value = TypeVar("Value")
Again = Callable[[Path, Iterable[Any]], Collector]
"""Makes the collector of a cell anew: of a folder, and of what was taken of each output."""


def presented(ids: Sequence[str], seed: int) -> list[int]:
    """The places of items in the order in which a method is given them, keyed by the seed of the cell and by id."""

    def key(place: int) -> bytes:
        return hashlib.sha256(f"order|{seed}|{ids[place]}".encode("utf-8", "surrogatepass")).digest()

    return sorted(range(len(ids)), key=key)


def in_order(places: Sequence[int], values: Sequence[Value]) -> list[Value]:
    """The values of items that came in the order `places`, in that of the dataset."""
    return [values[n] for n in sorted(range(len(places)), key=places.__getitem__)]


def scored_in_order(
    collector: Collector, again: Again, places: Sequence[int], taken: Sequence[Any], folder: Path
) -> Any:
    """What set metrics say of outputs that were taken in the order `places`, as if it had been that of the dataset.

    `taken` is what was taken of each, in the same order; `folder` is that of the collector.
    """
    order = in_order(places, range(len(places)))
    if order == list(range(len(order))):
        return collector.score()
    if isinstance(collector, KeepsFiles):
        folder = folder / "in_order"
        folder.mkdir(exist_ok=True)
        collector.copy_in_order(order, folder)
    return again(folder, in_order(places, taken)).score()


def copy_rows(file: Path, to: Path, sizes: Sequence[int], order: Sequence[int]) -> None:
    """Copy a file of parts, of so many bytes each, with its parts in another order. Raises OSError."""
    starts = [0]
    for size in sizes:
        starts.append(starts[-1] + size)
    with file.open("rb") as source, to.open("wb") as target:
        for n in order:
            source.seek(starts[n])
            target.write(source.read(sizes[n]))
