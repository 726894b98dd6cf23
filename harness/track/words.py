"""The words of a track on boards, pages and plots."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """The words of a track on boards, pages and plots.

    For example:

        >>> nb.Words("signal", "signals").items
        'signals'
    """

    item: str = "item"
    items: str = "items"
    given: str = "input"
    output: str = "output"
    truth: str = "truth"
    level: str = "level"
