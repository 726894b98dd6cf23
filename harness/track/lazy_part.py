"""A part of a track that is imported when it is called: loading a track loads no torch and no matplotlib."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


class LazyPart:
    """A function or class of a module beside the file that names it.

    With `open = LazyPart("enhancer.Enhancer")` in `tracks/audio/track.py`, `open(method)` calls the class `Enhancer` of
    `tracks/audio/enhancer.py`. It is given the arguments as they are, and not the track.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._package = ""

    def __set_name__(self, owner: type, attribute: str) -> None:
        self._package = owner.__module__.rpartition(".")[0]

    def __repr__(self) -> str:
        return f"LazyPart({self.name!r})"

    def load(self) -> Callable[..., Any]:
        """The function or class itself."""
        module, _, name = self.name.rpartition(".")
        loaded: Callable[..., Any] = getattr(importlib.import_module(f"{self._package}.{module}"), name)
        return loaded

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.load()(*args, **kwargs)
