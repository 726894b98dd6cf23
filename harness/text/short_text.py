"""A value in a few characters, for whoever prints an object: an array is its type and shape."""

from __future__ import annotations

from typing import Any

from .errors import one_line

MAX_VALUES = 4
"""The most numbers that are shown of an array or tuple; a larger array shows its shape."""


def short(value: Any) -> str:
    """Numbers with 4 digits, text on one line, an array as `float32 (7, 7)`; anything else is `…`."""
    if value is None or isinstance(value, bool | int):
        return str(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, str):
        return repr(one_line(value, 60))
    if isinstance(value, tuple | list):
        shown = [short(one) for one in value[:MAX_VALUES]]
        more = [f"… {len(value) - MAX_VALUES} more"] if len(value) > MAX_VALUES else []
        return f"({', '.join(shown + more)}{',' if len(value) == 1 else ''})"
    shape, kind = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is None or kind is None:
        return "…"
    if len(shape) <= 1 and sum(shape) <= MAX_VALUES:
        return f"[{', '.join(map(short, value.tolist()))}]" if shape else short(value.item())
    return f"{str(kind).removeprefix('torch.')} {tuple(shape)}"
