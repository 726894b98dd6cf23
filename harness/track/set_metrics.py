"""Tracks with metrics of whole sets of outputs, or with metrics that suit some datasets alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ..components.registry import Bound


class Collector(Protocol):
    """Stores what it needs of each output durably, and scores the whole set at the end."""

    def take(self, output: Any, item: Any) -> Any: ...
    def score(self) -> dict[str, dict[str, Any]]: ...
    def clear(self) -> None: ...


@runtime_checkable
class KeepsFiles(Protocol):
    """A collector that keeps what it takes in files, and not in what `take` returns alone."""

    def copy_in_order(self, order: Sequence[int], folder: Path) -> None:
        """Copy the files to `folder`, as they were if outputs had come in another order. Raises OSError."""


@runtime_checkable
class HasSetMetrics(Protocol):
    """A track with metrics of a whole set of outputs, such as FID."""

    def plan_set(self, metric: Bound) -> tuple[dict[str, Any], dict[str, Any]]: ...
    def collector(
        self, sets: Mapping[str, Any], folder: Path, n: int, *, protocol: Bound, taken: Iterable[Any] = ()
    ) -> Collector: ...


@runtime_checkable
class ChoosesMetrics(Protocol):
    """A track with metrics that suit some datasets alone."""

    def unsuited(self, metric: Bound, dataset: Bound) -> str:
        """Why a metric scores nothing of a dataset; empty where it does."""
