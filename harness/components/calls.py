"""Calls of regimes, samplers and metrics: an error in what they return names them, and no method."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

from ..text.errors import Invalid, NotDefined, Skip, UsageError, described, raised_at, text_of
from .registry import Bound


def degraded(
    part: Bound,
    values: Any,
    *given: Any,
    resizes: bool = False,
    drops: bool = False,
    besides: Collection[str] = (),
) -> tuple[Any, Mapping[str, Any]]:
    """What one regime makes of an array, and what it discloses. Raises `UsageError` that names the regime.

    Its zeros are made positive: their sign differs between versions of numpy. `resizes`: it may change sides, not the
    number of axes. `drops`: a NaN marks a missing value. `besides`: names that the track discloses, not the regime.
    """
    who = f"regime {part.entry.name}"
    returned = called(who, part, values, *given)
    if not isinstance(returned, tuple) or len(returned) != 2 or not isinstance(returned[1], Mapping):
        kinds = f"({', '.join(map(kind_of, returned))})" if isinstance(returned, tuple) else kind_of(returned)
        raise UsageError(f"{who}: returned {kinds}: return an array, and a dict of what it discloses")
    array, disclosed = returned
    check_floats(who, array, drops=drops)
    if (array.ndim != values.ndim or not array.size) if resizes else array.shape != values.shape:
        raise UsageError(f"{who}: returned shape {array.shape} for an array of shape {values.shape}")
    if missing := [name for name in part.entry.meta["discloses"] if name not in disclosed and name not in besides]:
        names = ", ".join(missing)
        raise UsageError(f"{who}: declares that it discloses {names}, and returned none: return it, None for a secret")
    return array + 0.0, disclosed


def degraded_in_turn(regime: Bound, values: Any, *given: Any, resizes: bool = False) -> tuple[Any, dict[str, Any]]:
    """What the parts of a regime make of an array, one after the other, and what they disclose; as `degraded`.

    A name that two parts disclose is None: neither value is that of both.
    """
    disclosed: dict[str, Any] = {}
    for part in regime.parts:
        values, new = degraded(part, values, *given, resizes=resizes)
        disclosed |= {name: None if name in disclosed else value for name, value in new.items()}
    return values, disclosed


def kind_of(output: Any) -> str:
    """The type of a returned value, in words: of an array that of its numbers."""
    import numpy as np

    return f"an array of {output.dtype}" if isinstance(output, np.ndarray) else type(output).__name__


def check_floats(who: str, array: Any, *, drops: bool = False) -> None:
    """Raise `UsageError` for anything but an array of floats, and for NaN or Inf; with `drops` for Inf alone."""
    import numpy as np

    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise UsageError(f"{who}: returned {kind_of(array)} where an array of floats was due")
    bad = np.isinf(array) if drops else ~np.isfinite(array)
    if bad.any():
        kind = "NaN" if not drops and np.isnan(array).any() else "Inf"
        raise UsageError(f"{who}: returned {int(bad.sum())} values that are not finite ({kind})")


def checked_sampler(sampler: Bound) -> Bound:
    """The sampler, with its batches checked. Raises `UsageError` that names it."""
    who = f"sampler {sampler.display}"

    def checked_order(n: int, batch: int, seed: int, **params: Any) -> Callable[[int], Sequence[int]]:
        order = sampler.entry.obj(n, batch, seed, **params)
        if not callable(order):
            raise UsageError(f"{who}: returned {type(order).__name__} where a function of the step was due")

        def checked(step: int) -> list[int]:
            try:
                places = [operator.index(place) for place in order(step)]
            except TypeError:
                raise UsageError(f"{who}: the places of step {step} are no list of whole numbers") from None
            if not places:
                raise UsageError(f"{who}: gave no place at step {step}")
            if wrong := [place for place in places if not 0 <= place < n]:
                raise UsageError(f"{who}: gave place {wrong[0]} at step {step}: places are 0 to {n - 1}")
            return places

        return checked

    return replace(sampler, entry=replace(sampler.entry, obj=checked_order))


def metric_value(metric: Bound, *given: Any) -> float:
    """The number that a metric returns, `NotDefined` for none or NaN. Raises `UsageError` that names the metric."""
    who = f"metric {metric.display}"
    value = called(who, metric, *given)
    if isinstance(value, NotDefined):
        return value
    plain = value.item() if getattr(value, "ndim", None) == 0 else value
    if not isinstance(plain, Real):
        shape = f" of shape {tuple(value.shape)}" if getattr(value, "ndim", 0) else ""
        raise UsageError(f"{who}: returned {type(value).__name__}{shape} where a number was due")
    return NotDefined("it returned NaN") if plain != plain else float(plain)


def called(who: str, component: Bound, *given: Any) -> Any:
    """Call a component. Raises `UsageError` with its name and line; errors of memory pass unchanged."""
    try:
        return component.entry.obj(*given, **component.kwargs)
    except (UsageError, Skip, Invalid, MemoryError):
        raise
    except Exception as error:
        text = text_of(error)
        if "memory" in text:  # the outcome of the cell depends on this text
            raise
        if isinstance(error, ValueError) and "read-only" in text:
            raise UsageError(f"{who}: writes into its input, which others get too: work on a copy") from error
        raise UsageError(f"{who}: {described(error)}{raised_at(error)}") from error


def read_only(array: Any) -> Any:
    """A read-only view of an array; anything else as it is."""
    import numpy as np

    if not isinstance(array, np.ndarray):
        return array
    view = array.view()
    view.setflags(write=False)
    return view
