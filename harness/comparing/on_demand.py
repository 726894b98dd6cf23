"""Sequences of which the objects are made when they are asked for, beside columns by which they are chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Generic, Self, TypeVar, overload

import numpy as np
import numpy.typing as npt

from .pairing import Places

T = TypeVar("T")


@dataclass(frozen=True)
class Columns:
    """Arrays of equal length."""

    def take(self, places: Places) -> Self:
        """The rows of some places."""
        return type(self)(*(getattr(self, field.name)[places] for field in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The rows of several, one after the other."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


C = TypeVar("C", bound=Columns)


class OnDemand(Sequence[T], Generic[T, C]):
    """Objects that are made of their places; of very many a person reads few."""

    def __init__(self, columns: C, make: Callable[[int], T], places: Places) -> None:
        self.columns = columns
        self._make = make
        self._places = places

    def where(self, chosen: npt.NDArray[np.bool_]) -> Self:
        """Those that are chosen."""
        return self.take(np.flatnonzero(chosen))

    def take(self, places: Places) -> Self:
        """Those of some places, in that order."""
        return type(self)(self.columns.take(places), self._make, self._places[places])

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> Self: ...
    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return self.take(np.arange(len(self))[place])
        return self._make(int(self._places[place]))

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Sequence) and [*self] == [*other])

    __hash__ = None  # type: ignore[assignment]
