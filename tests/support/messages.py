"""What a message lacks of what it must contain: the file, the value, the place, the remedy."""

from __future__ import annotations

from collections.abc import Sequence


def missing_from(message: str, *parts: str) -> list[str]:
    """The parts that are not in a message."""
    return [part for part in parts if part not in message]


def missing_by_line(lines: Sequence[str], *parts: Sequence[str]) -> list[str]:
    """What each line lacks of its parts, in order; all lines where there are more or fewer of them."""
    if len(lines) != len(parts):
        return [f"{len(parts)} lines expected", *lines]
    return [
        f"{part!r} in {line!r}" for line, own in zip(lines, parts, strict=True) for part in missing_from(line, *own)
    ]
