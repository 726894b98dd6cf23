"""What a runner has: a method of a track, ready to be called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from ..components.registry import Bound
from .info import Info
from .posed_case import Case


class Runner(Protocol):
    """A method ready to be called: `setup`, then for each case `check`, `prepare`, `call` (timed), `accept`.

    For example:

        >>> track, sample = nb.get_track("restore"), nb.Sample("flat", np.full((8, 8), 128, np.uint8))
        >>> case = track.pose(nb.bind("gaussian(sigma=25)", "regime"), sample, seed=0)
        >>> runner: nb.Runner = track.open(nb.bind("gaussian_filter", "method"))
        >>> runner.setup("cpu")
        >>> runner.check(case.info)
        >>> output = runner.accept(runner.call(runner.prepare(case.given), case.info), case)
        >>> output.shape, bool(output.std() < case.given.std() / 2)
        ((8, 8, 1), True)
    """

    bound: Bound
    meta: Mapping[str, Any]

    @property
    def instance(self) -> Any: ...
    def setup(self, device: str = "cpu") -> None: ...
    def expect(self, ids: Sequence[str], chosen: int) -> list[str]: ...
    def check(self, info: Info) -> None: ...
    def prepare(self, given: Any) -> Any: ...
    def call(self, prepared: Any, info: Info) -> Any: ...
    def accept(self, output: Any, case: Case) -> Any: ...
    def untouched(self, prepared: Any, given: Any) -> bool: ...


@runtime_checkable
class RunsTogether(Protocol):
    """A runner that takes `together` items in one call, at most."""

    @property
    def together(self) -> int: ...
    def call_all(self, prepared: Sequence[Any], infos: Sequence[Info]) -> list[Any]: ...


@runtime_checkable
class CallsTogether(Protocol):
    """A runner that gives outputs of several cases by one call, None where it cannot: validations use it."""

    def call_together(self, cases: Sequence[Case]) -> list[Any] | None: ...
