"""What components of a track declare, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..text.errors import UsageError, nearest


def checked_declarations(
    kind: str, declared: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """`declared`, completed by defaults. Raises `UsageError` for a name that the track does not know.

    For example:

        >>> known = {"method": {"layout": "hwc", "explains": False}}
        >>> nb.checked_declarations("method", {"explains": True}, known)
        {'layout': 'hwc', 'explains': True}
        >>> nb.checked_declarations("method", {"explain": True}, known)
        Traceback (most recent call last):
        noisebench.text.errors.UsageError: a method declares no 'explain': did you mean 'explains'?
    """
    defaults = known.get(kind, {})
    for name in declared:
        if name not in defaults:
            raise UsageError(f"a {kind} declares no {name!r}: {nearest(name, defaults)}")
    return {**defaults, **declared}
