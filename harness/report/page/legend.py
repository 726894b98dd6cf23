"""What a board's regime and flags mean, for a reader who sees one for the first time."""

from __future__ import annotations

import re

from ...boards.board import Board
from ...components.registry import registry
from ...text.errors import UsageError
from ..tables import flags_text

FLAG_MEANINGS = {
    "blind": "not given the noise level",
    "zero-shot": "learns from the test input alone",
    "self-ensemble": "averages over flipped and turned inputs",
    "tiled": "works on parts of an input",
    "oracle": "given the truth",
    "contaminated": "trained on what it is scored on",
    "sanity": "a reference, there to be beaten",
}
"""What a method that has a flag does."""


def regime_names(regime: str) -> tuple[str, ...]:
    """The names of what a regime consists of: `gaussian`, or `downsample` and `gaussian`."""
    return tuple(dict.fromkeys(re.findall(r"(?:^|\+ *)([A-Za-z_]\w*)", regime)))


def legend(board: Board) -> list[str]:
    """A line for each part of the regime that is registered, then one of the flags on the board."""
    flags = dict.fromkeys(flag for row in board.rows for flag in flags_text(row).split(", "))
    meanings = "; ".join(f"{flag}: {FLAG_MEANINGS[flag]}" for flag in flags if flag in FLAG_MEANINGS)
    abouts = {name: _about(board.track, name) for name in regime_names(board.regime)}
    return [*(f"{name}: {about}" for name, about in abouts.items() if about), *([meanings] if meanings else [])]


def _about(track: str, name: str) -> str:
    try:
        return registry("regime", track).about(name)
    except UsageError:
        return ""
