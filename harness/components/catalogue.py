"""The registered components and their descriptions, for `noisebench list`."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from ..spec.parameter_types import type_text
from ..spec.parsing import show
from ..text.errors import UsageError
from .plugins import load_plugin
from .registry import RECIPE_KINDS, Entry, registry
from .tracks import get_track


def catalogue(kind: str, track: str, plugins: Sequence[str]) -> list[dict[str, Any]]:
    """Name, track, version, docstring, parameters and declarations of each entry of a kind, of one track or of all.

    Raises `UsageError` for an unknown track.
    """
    for file in plugins:
        load_plugin(file)
    if kind == "track":
        return [_track(name) for name in registry("track", "").names()]
    if track:
        get_track(track)
    listed = []
    for owner in [""] if kind in RECIPE_KINDS else [track] if track else registry("track", "").names():
        for name in registry(kind, owner).names():
            try:
                listed.append({"name": name, "track": owner, **_entry(registry(kind, owner).get(name))})
            except UsageError as error:
                blank = {
                    "version": 0,
                    "about": f"not available: {error}",
                    "doc": str(error),
                    "parameters": [],
                    "meta": {},
                }
                listed.append({"name": name, "track": owner, **blank})
    return listed


def _track(name: str) -> dict[str, Any]:
    track = get_track(name)
    doc = inspect.getdoc(type(track)) or ""
    meta = {**vars(track.defaults), **vars(track.words)}
    return {
        "name": name, "track": name, "version": track.version, "about": doc.partition("\n")[0], "doc": doc,
        "parameters": [], "meta": {k: list(v) if isinstance(v, tuple) else v for k, v in meta.items()},
    }  # fmt: skip


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "version": entry.version,
        "about": entry.doc,
        "doc": inspect.getdoc(entry.obj) or "",
        "parameters": [
            {
                "name": key,
                "type": type_text(annotation),
                "default": "(needed)" if default is inspect.Parameter.empty else _show(default),
            }
            for key, (annotation, default) in entry.params.items()
        ],
        "meta": {key: _plain(value) for key, value in entry.meta.items() if not callable(value)},
    }


def _plain(value: Any) -> Any:
    """A declared value as JSON has it: of functions by name, the names."""
    if isinstance(value, tuple) or (isinstance(value, dict) and any(map(callable, value.values()))):
        return list(value)
    return value


def _show(value: Any) -> str:
    try:
        return show(value)
    except Exception:
        return repr(value)
