"""The base of this package's tracks: each is a `DefaultTrack` and defines only what differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..components.calls import metric_value
from ..components.registry import Bound
from ..store.outputs import OutputFiles
from .declarations import checked_declarations
from .defaults import Defaults
from .posed_case import Case
from .words import Words


class DefaultTrack:
    """A `Track` but for `identify`, `pose`, `open`, `probe`, and one of `metric_arguments` and `score`.

    Parts that are long, or that import much, lie in modules beside the track, which names each by a `LazyPart`. What a
    track may have beyond this is in the other files of this folder and in `report/track_protocols.py`.
    """

    name: str
    version: int
    words: Words
    defaults: Defaults
    outputs: OutputFiles
    preload: tuple[str, ...]
    declared: Mapping[str, Mapping[str, Any]] = {}
    """By kind: what a component may declare beyond what every track knows, with the default values."""

    def __repr__(self) -> str:
        return f"Track({self.name})"

    def declare(self, kind: str, declared: Mapping[str, Any]) -> dict[str, Any]:
        """A component's declarations, completed. Raises `UsageError` for an unknown name, ValueError for a value."""
        return checked_declarations(kind, declared, self.declared)

    def score(self, output: Any, item: Any, case: Case, protocol: Bound, metrics: Sequence[Bound]) -> dict[str, float]:
        """Scores by display form of the metric; `NotDefined` where a metric has no value."""
        given = self.metric_arguments(output, item, case, protocol)
        return {metric.display: metric_value(metric, *given) for metric in metrics}

    def metric_arguments(self, output: Any, item: Any, case: Case, protocol: Bound) -> tuple[Any, ...]:
        """The arguments of each metric: the output and the truth as the protocol leaves them."""
        raise NotImplementedError(f"track {self.name} has neither `metric_arguments` nor `score` of its own")
