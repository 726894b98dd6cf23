"""Tracks with regimes that attack the method that is scored, and runners that give gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from ..components.registry import Bound
from .posed_case import Case


@runtime_checkable
class Attacks(Protocol):
    """A track some of whose regimes attack the method that is scored, by what its runner says of a case."""

    def attacked_together(self, regime: Bound) -> int:
        """How many items are attacked together, at most: 1 where the regime attacks none."""

    def attacked(
        self, regime: Bound, posed: Sequence[tuple[Any, Case]], seed: int, ask: Callable[[Sequence[Case]], Any]
    ) -> list[Case]:
        """The cases that the method is to be called on, of items with theirs; each is the same in any company.

        `ask` gives what `differentiate` of its runner does.
        """


@runtime_checkable
class Differentiates(Protocol):
    """A runner that gives gradients of what its method says of each case."""

    def differentiate(self, cases: Sequence[Case]) -> Any: ...
