"""Names of the figures of a training that have an argument, such as `steps_to(28.5)`."""

from __future__ import annotations

import re

_REACHED = re.compile(r"(steps|seconds)_to\(\s*([^()]*?)\s*\)")


def reached_of(name: str) -> tuple[str, str] | None:
    """("steps" or "seconds", V) of `steps_to(V)` and `seconds_to(V)`; None of any other name."""
    match = _REACHED.fullmatch(name)
    return (match[1], match[2]) if match else None
