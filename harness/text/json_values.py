"""Values as JSON has them: the one rule for NaN, infinity and text that UTF-8 lacks, and reading what others wrote."""

from __future__ import annotations

import json
import math
import re
from typing import Any

_PLAIN = frozenset((int, bool, type(None)))
_BEYOND_ASCII = re.compile(r"[^\n -~]")


def plain(value: Any, digits: int | None = None) -> Any:
    """NaN is null, infinity is the text "inf" or "-inf", a lone surrogate is a question mark; all else stays.

    `digits` rounds finite floats to as many significant ones.
    """
    # A big report has millions of values: those of the usual kinds are looked at without another call.
    if isinstance(value, dict):
        return {
            str(k): v
            if (kind := type(v)) in _PLAIN or (kind is str and v.isascii())
            else _number(v, digits)
            if kind is float
            else plain(v, digits)
            for k, v in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [
            v
            if (kind := type(v)) in _PLAIN or (kind is str and v.isascii())
            else _number(v, digits)
            if kind is float
            else plain(v, digits)
            for v in value
        ]
    if isinstance(value, float):
        return _number(float(value), digits)
    if isinstance(value, str):
        return str(value) if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    return value


def _number(value: float, digits: int | None) -> float | str | None:
    if not math.isfinite(value):
        return None if math.isnan(value) else "inf" if value > 0 else "-inf"
    # Places and counts are whole.
    if digits is None or (value.is_integer() and abs(value) < 10**digits):
        return value
    return float(f"{value:.{digits}g}")


def parsed(text: str | bytes) -> Any:
    """Parse a JSON document. Raises ValueError for another text, and for one that is nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def spelled(text: str) -> str:
    """A JSON document with escapes such as `\\u009b` for what is not printable: terminals and YAML would act on it."""
    return _BEYOND_ASCII.sub(lambda match: match[0] if match[0].isprintable() else json.dumps(match[0])[1:-1], text)
