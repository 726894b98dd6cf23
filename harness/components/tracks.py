"""Tracks by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..text.errors import UsageError
from .registry import registry

if TYPE_CHECKING:
    from ..track.track_protocol import Track

DEFAULT = "restore"
"""The default track."""


def get_track(name: str) -> Track:
    """The track of that name. Raises `UsageError` with the nearest match.

    For example:

        >>> nb.get_track("audio").words.item
        'clip'
    """
    track: Track = registry("track", "").get(name).obj()
    return track


def known_track(name: str) -> Track | None:
    """The track of that name, None where no loaded plug-in has it: for readers of stored results."""
    try:
        return get_track(name)
    except UsageError:
        return None
