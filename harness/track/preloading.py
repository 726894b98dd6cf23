"""Modules that are imported before the cells of a track."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from ..components.registry import Bound


@runtime_checkable
class PreloadsMore(Protocol):
    """A track some of whose components need more than `preload`, such as torch: what these do, by module."""

    def preload_for(self, components: Iterable[Bound]) -> tuple[str, ...]: ...


def torch_where_used(components: Iterable[Bound], declared: Sequence[str] = ()) -> tuple[str, ...]:
    """Modules to preload: torch, if a method takes tensors or declares one of `declared`, or a plug-in imported it."""
    metas = [entry.meta for bound in components for entry in bound.entries]
    used = any(meta.get("layout") == "tensor" or any(meta.get(name) for name in declared) for meta in metas)
    return ("torch",) if used or "torch" in sys.modules else ()
