"""The registered components and their descriptions, for `noisebench list`."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from ..spec.parameter_types import type_text
from ..spec.parsing import show
from ..text.errors import UsageError, nearest, one_line
from ..text.extras import is_installed
from .entry import Entry
from .plugins import load_plugin
from .readiness import state_of
from .registry import RECIPE_KINDS, registry
from .tracks import get_track


def catalogue(
    kind: str, track: str, plugins: Sequence[str], only: str = "", *, brief: bool = False
) -> list[dict[str, Any]]:
    """Name, track, version, docstring, parameters and declarations of each entry of a kind, of one track or of all.

    With `only` what is called so, and nothing else is imported. `brief` gives name, track and first line of what can be
    read without an import. Raises `UsageError` for an unknown track or name.
    """
    for file in plugins:
        load_plugin(file)
    if track and kind != "track":
        get_track(track)
    owners = [""] if kind in RECIPE_KINDS or kind == "track" else [track] if track else registry("track", "").names()
    named = {owner: registry(kind, owner).names() for owner in owners}
    if only and not any(only in names for names in named.values()):
        known = nearest(only, [name for names in named.values() for name in names])
        raise UsageError(f"no {kind} {one_line(only, 60)!r}: {known}")
    listed = []
    for owner, names in named.items():
        for name in (name for name in names if only in ("", name)):
            if kind == "track":
                listed.append(_track(name))
                continue
            # Of a metric, and without torch of anything, the import says what is missing.
            if brief and kind != "metric" and is_installed("torch") and (about := registry(kind, owner).about(name)):
                listed.append({"name": name, "track": owner, "about": about})
                continue
            try:
                entry = registry(kind, owner).get(name)
                state = {"state": state_of(entry, owner)} if kind == "metric" else {}
                listed.append({"name": name, "track": owner, **state, **_entry(entry)})
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
