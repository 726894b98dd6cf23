"""A component of a recipe as its spec says, made without a training."""

from __future__ import annotations

from typing import Any

from noisebench.components.registry import bind


def built(spec: str, kind: str, *given: Any, track: str = "restore") -> Any:
    """What the component gives, or its instance, of `given` and the parameters of the spec."""
    bound = bind(spec, kind, track)
    return bound.entry.obj(*given, **bound.kwargs)


def built_part(spec: str) -> Any:
    """The part of a recipe that a spec names."""
    return built(spec, "part")
