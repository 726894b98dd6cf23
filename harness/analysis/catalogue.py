"""What is registered, described: for `noisebench list`."""

from __future__ import annotations

import inspect
from typing import Any, get_args, get_origin

from ..errors import UsageError
from ..registry import REGISTRIES, load_plugin
from ..spec import show


def catalogue(kind: str, plugins: list[str]) -> list[dict[str, Any]]:
    """Name, version, first line, docstring, parameters and declarations of each entry of a kind."""
    for file in plugins:
        load_plugin(file)
    registry = REGISTRIES[kind]
    found = []
    for name in registry.names():
        try:
            entry = registry.get(name)
            parameters = [
                {
                    "name": key,
                    "type": _type(annotation),
                    "default": "(needed)" if default is inspect.Parameter.empty else _show(default),
                }
                for key, (annotation, default) in entry.params().items()
            ]  # fmt: skip
        except UsageError as error:
            found.append(
                {
                    "name": name,
                    "version": 0,
                    "about": f"not available: {error}",
                    "doc": str(error),
                    "parameters": [],
                    "meta": {},
                }
            )  # fmt: skip
            continue
        found.append(
            {
                "name": name,
                "version": entry.version,
                "about": entry.doc,
                "doc": inspect.getdoc(entry.obj) or "",
                "parameters": parameters,
                "meta": {k: list(v) if isinstance(v, tuple) else v for k, v in entry.meta.items()},
            }
        )
    return found


def _show(value: Any) -> str:
    try:
        return show(value)
    except Exception:
        return repr(value)


def _type(annotation: Any) -> str:
    if hasattr(annotation, "__metadata__"):
        inner = get_args(annotation)[0]
        limits = [str(m) for m in annotation.__metadata__ if not isinstance(m, str)]
        return _type(inner) + (f" ({', '.join(limits)})" if limits else "")
    if get_origin(annotation) is not None or not isinstance(annotation, type):
        return str(annotation).replace("typing.", "")
    return annotation.__name__
