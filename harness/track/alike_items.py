"""Tracks that see which items are alike, which truths a training set shows, and which outputs are copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from ..components.registry import Bound
from .posed_case import Case


@runtime_checkable
class SeesAlike(Protocol):
    """A track that finds items that are no independent evidence. A sketch is small and depends on its item alone."""

    def sketch(self, item: Any) -> Any: ...
    def alike(self, sketches: Sequence[Any]) -> tuple[list[list[int]], list[tuple[int, int]]]:
        """Places of items whose truths are equal, and pairs of places that show the same thing in part."""


@runtime_checkable
class SketchesTruths(Protocol):
    """A track that sees whether a training set shows items that are tested: cut, moved, saved anew or with faint noise.

    `sketches` is what is sketched: a training of one track is compared with tests of another that sketches the same.
    """

    sketches: str

    def truth_sketch(self, item: Any) -> Any:
        """The sketch of the truth of an item; None where its input stands for the truth, which a training may see."""

    def shown(self, trained: Sequence[Any], tested: Sequence[Any]) -> dict[int, int]:
        """Places of tested sketches that show the same as one that is trained on, with the place of that one."""


@runtime_checkable
class HoldsItems(Protocol):
    """A track each of whose items holds several of another track, such as a stream of pictures."""

    holds: str

    def items_in(self, item: Any) -> Sequence[Any]: ...


COPIES = "copies: "
"""What a note of an item begins with whose output is a copy of what no method is shown: a board ranks no such row."""


@runtime_checkable
class SeesCopies(Protocol):
    """A track that sees which outputs are copies of what no method is shown.

    A track whose methods cannot be exact by work of their own says so by `never_exact = True`: a method that is exact
    on more than half of the items then takes no rank. In every track a method takes none whose outputs are copies on
    half of them; with `one_copy_is_enough = True`, of a track whose items are batches, one is enough.
    """

    def copied(self, output: Any, item: Any, case: Case, protocol: Bound) -> str:
        """What an output is a copy of, in words; empty where it is none."""
