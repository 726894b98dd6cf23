"""What parts share that replace the `forward` of layers: one alone may do so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import noisebench as nb


def refuse_replaced(part: str, layers: Iterable[Any]) -> None:
    """Raise `UsageError` where a layer has a `forward` of another part, which this one would undo."""
    if any("forward" in vars(layer) for layer in layers):
        raise nb.UsageError(f"part {part}: another part has replaced the forward of its layers: leave out one of them")
