"""The runner of a bound method, for all tracks: its setup, its needs and its call."""

from __future__ import annotations

import inspect
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ..components.calls import kind_of
from ..components.registry import Bound
from ..text.errors import Invalid, NotFinite, Skip, UsageError
from ..text.extras import is_installed, needs_packages
from .info import Info

if TYPE_CHECKING:
    from .posed_case import Case
    from .runner_protocol import Runner


def missing_packages(bound: Bound) -> list[str]:
    """Import names that the method requires and that are not installed."""
    names = [n for e in bound.entries for n in e.meta.get("requires", ())]
    return [name for name in dict.fromkeys(names) if not is_installed(name)]


def used_device(runner: Runner, requested: str) -> str:
    """The device of a method that was set up for the device `requested`, for the record."""
    return str(getattr(runner, "device", requested))


def refuse_not_finite(values: Any) -> None:
    """Raise `NotFinite` for an array with a NaN or an Inf, or with numbers that are Inf in float32."""
    import numpy as np

    if not np.isfinite(values).all():
        bad = "NaN" if np.isnan(values).any() else "Inf"
        raise NotFinite(f"returned {int((~np.isfinite(values)).sum())} values that are not finite ({bad})")
    if values.dtype.itemsize > 4:  # of float64 the square may be Inf
        largest = max(float(values.max(initial=0)), -float(values.min(initial=0)))
        if largest > float(np.finfo(np.float32).max):
            raise NotFinite(f"returned values up to ±{largest:.3g}, which are not finite in float32")


def accepted_numbers(output: Any, wanted: Any) -> Any:
    """An array or tensor of numbers of shape `wanted`, as float64. Raises `Invalid` for another one, NaN or Inf."""
    import numpy as np

    if hasattr(output, "detach"):
        output = output.detach().cpu().numpy()
    if not isinstance(output, np.ndarray) or output.dtype.kind not in "fiu":
        raise Invalid(f"returned {kind_of(output)} where an array of numbers {wanted} was due")
    if output.shape != wanted:
        raise Invalid(f"returned shape {output.shape} where {wanted} was due")
    values = np.ascontiguousarray(output, dtype=np.float64)
    refuse_not_finite(values)
    return values


def not_disclosed(needs: Sequence[str]) -> str:
    """The message that a regime does not disclose these needs; empty for none."""
    named = ", ".join(need.replace("|", " or ") for need in needs)
    return f"needs {named}, which the regime does not disclose" if needs else ""


class MethodRunner:
    """A function `f(given, info, **params)`, or an instance of a class whose method `verb` takes the same.

    A track adds `prepare`, `accept` and `untouched`: see `Runner` of `runner_protocol.py`.

        >>> class CopyRunner(nb.MethodRunner):
        ...     verb = "restore"
        ...     def prepare(self, given):
        ...         return given.copy()
        >>> runner = CopyRunner(nb.bind("ffdnet", "method"))
        >>> runner.check(nb.Info())
        Traceback (most recent call last):
        noisebench.text.errors.Skip: needs sigma, which the regime does not disclose
    """

    verb: ClassVar[str] = "call"

    def __init__(self, bound: Bound) -> None:
        if hasattr(bound.entry.obj, "chosen"):  # it chooses another method, and that one is called
            bound = bound.entry.obj(**bound.kwargs).chosen()
        if absent := missing_packages(bound):
            raise Skip(needs_packages(absent), needs=f"package {' '.join(absent)}")
        self.bound = bound
        self.meta = bound.entry.meta
        self.device: Any = "cpu"
        if inspect.isclass(bound.entry.obj) and not callable(getattr(bound.entry.obj, self.verb, None)):
            raise UsageError(f"method {bound.entry.name}: its class has no {self.verb}(given, info): add it")
        self._object: Any = bound.entry.obj(**bound.kwargs) if inspect.isclass(bound.entry.obj) else None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.bound.display})"

    @property
    def instance(self) -> Any:
        """The instance of a class-form method, else None: where parameters of a network are looked for."""
        return self._object

    def setup(self, device: str = "cpu") -> None:
        """Load weights and the like; timed apart from the call. Afterwards `device` is where the method works."""
        self.device = device if self.can_use_device() else "cpu"
        if self._object is not None and hasattr(self._object, "setup"):
            self._object.setup(self.device)

    def can_use_device(self) -> bool:
        """Whether the method can work on another device than the CPU; a track says what cannot."""
        return True

    def expect(self, ids: Sequence[str], chosen: int) -> list[str]:
        """Tell a `named` method that the first `chosen` of `ids` come. Returns notes; raises what the method raises."""
        return list(self._object.expect(ids, chosen)) if hasattr(self._object, "expect") else []

    def check(self, info: Info) -> None:
        """Raise `Skip` where the regime does not disclose what the method needs."""
        lacking = [n for n in self.meta["needs"] if not any(a in info for a in n.split("|"))]
        if lacking:
            raise Skip(not_disclosed(lacking))

    def call(self, prepared: Any, info: Info) -> Any:
        """The bare call, whose latency is measured. A child that the method forks, and that comes back, ends here."""
        pid = os.getpid()
        try:
            if self._object is not None:
                return getattr(self._object, self.verb)(prepared, info)
            return self.bound.entry.obj(prepared, info, **self.bound.kwargs)
        finally:
            if os.getpid() != pid:
                os._exit(1)

    @property
    def together(self) -> int:
        """How many items go into one call, at most. Only an oracle, which takes no rank, is given several at once."""
        return int(getattr(self._object, "together", 1)) if self.meta["oracle"] else 1

    def call_all(self, prepared: Sequence[Any], infos: Sequence[Info]) -> list[Any]:
        """One call on several items, of a class with `together`; what it gives for each is as for that item alone."""
        outputs = list(getattr(self._object, f"{self.verb}_all")(prepared, infos))
        if len(outputs) != len(prepared):
            raise Invalid(f"returned {len(outputs)} outputs for {len(prepared)} items")
        return outputs


class ArrayRunner(MethodRunner):
    """The runner of a track whose methods are given numpy arrays, and give one back."""

    def can_use_device(self) -> bool:
        """Whether a class sets up a network."""
        return hasattr(self.bound.entry.obj, "setup")

    def accept(self, output: Any, case: Case) -> Any:
        """The output as float64 of the shape that is wanted. Raises `Invalid` for another one, NaN or Inf."""
        return accepted_numbers(output, case.wanted)
