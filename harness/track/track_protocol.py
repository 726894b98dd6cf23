"""What every track has, and the checks of what a track gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ..components.calls import kind_of
from ..components.entry import Entry
from ..components.registry import Bound, registry
from ..store.outputs import OutputFiles
from ..text.errors import UsageError
from .defaults import Defaults
from .posed_case import Case
from .runner_protocol import Runner
from .words import Words


class Track(Protocol):
    """A field of work: its items, what a regime makes of them, how a method is called, how an output is scored.

    For example:

        >>> track: nb.Track = nb.get_track("audio")
        >>> track.words.items, track.defaults.rank_by, track.defaults.regime
        ('clips', 'si_sdr', 'white(snr=5)')
    """

    name: str
    version: int
    words: Words
    defaults: Defaults

    @property
    def preload(self) -> tuple[str, ...]: ...
    @property
    def outputs(self) -> OutputFiles: ...
    def declare(self, kind: str, declared: Mapping[str, Any]) -> dict[str, Any]: ...
    def identify(self, item: Any) -> str: ...
    def pose(self, regime: Bound, item: Any, seed: int, draw: int = 0) -> Case: ...
    def open(self, method: Bound) -> Runner: ...
    def score(
        self, output: Any, item: Any, case: Case, protocol: Bound, metrics: Sequence[Bound]
    ) -> dict[str, float]: ...
    def probe(self, size: tuple[int, ...]) -> Any: ...


_DUE = (*Track.__annotations__, *(name for name in vars(Track) if not name.startswith("_")))
"""The fields and functions that every track has."""


def add_track(track: Track) -> Track:
    """Register a track. Raises `UsageError` for what it lacks, and where the name is taken by another one.

    For example:

        >>> class Clocks:
        ...     name, version, words = "clocks", 1, nb.Words("clock", "clocks")
        >>> nb.add_track(Clocks())  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        noisebench.text.errors.UsageError: track clocks lacks defaults, preload, outputs, declare, identify, ...
    """
    if lacks := [name for name in _DUE if getattr(track, name, None) is None]:
        who = getattr(track, "name", None) or type(track).__name__
        raise UsageError(f"track {who} lacks {', '.join(lacks)}: docs/add-a-track.md says what each is")

    def get() -> Track:
        return track

    get.__module__, get.__qualname__ = type(track).__module__, f"{type(track).__qualname__}({track.name})"
    registry("track", "").add(Entry(track.name, get, track.version))
    return track


def identified(track: Track, item: Any) -> str:
    """The line by which a track identifies an item. Raises `UsageError` naming the track where it gives no text."""
    line = track.identify(item)
    if not isinstance(line, str):
        raise UsageError(f"track {track.name}: `identify` returned {kind_of(line)}: return one line of text")
    return line


def case_of(track: Track, regime: Bound, item: Any, seed: int) -> Case:
    """Pose an item of a track under a regime. Raises `UsageError` that names a track which gives no case."""
    case = track.pose(regime, item, seed)
    if not isinstance(case, Case):
        raise UsageError(f"track {track.name}: `pose` returned {kind_of(case)}: return nb.Case(given, info, …)")
    return case
