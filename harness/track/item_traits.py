"""Tracks whose items have channels, or a range of values that can be another one."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class HasChannels(Protocol):
    """A track of pictures: costs may be of grey or colour, and a board shows the one that fits its pictures."""

    def channels(self, item: Any) -> int: ...


@runtime_checkable
class HasRange(Protocol):
    """A track whose items can be brought to its own range of values, from one that the caller names."""

    def rescaled(self, item: Any, range: Any) -> Any: ...
