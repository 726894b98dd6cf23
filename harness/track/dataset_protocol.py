"""What a dataset has: items by their ids, and what some say of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable


class Item(Protocol):
    """One unit of a dataset, and of every pairing: what has an id."""

    @property
    def id(self) -> str: ...


class Dataset(Protocol):
    """Items in a fixed order. `ids` is cheap; `load` reads one item and is called when it is needed.

    For example:

        >>> class Flat:
        ...     ids = ("dark", "bright")
        ...     def load(self, index):
        ...         return nb.Sample(self.ids[index], np.full((8, 8), (32, 224)[index], np.uint8))
        >>> flat: nb.Dataset = Flat()
        >>> [(item.id, int(item.clean.max())) for item in map(flat.load, range(len(flat.ids)))]
        [('dark', 32), ('bright', 224)]
    """

    @property
    def ids(self) -> Sequence[str]: ...
    def load(self, index: int) -> Any: ...


@runtime_checkable
class IsMade(Protocol):
    """A dataset whose items are made, not read: each depends on `made(index)` alone, and differs where that does."""

    def made(self, index: int) -> str: ...


@runtime_checkable
class KeepsApart(Protocol):
    """A dataset that names items which are never trained on; validations use the first of them."""

    kept_apart: Sequence[int]
