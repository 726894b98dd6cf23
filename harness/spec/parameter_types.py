"""Types of parameters: marks for nested specs and later parameters, and each type in words."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from .parsing import show


@dataclass(frozen=True)
class Nested:
    """Marks a parameter that is itself a spec, such as `vst(method=nlm(h=0.8))`: `Annotated[Any, Nested("method")]`.

    The component gets it bound. `track` names another one than that of the component. `many`: it is a tuple of specs,
    or one, and the component gets a tuple. One whose default is None may be left out: the component gets None, and the
    canonical form does not name it.

        >>> from typing import Annotated, Any
        >>> @nb.method("average_of", layout="hwc")
        ... class AverageOf:
        ...     '''The average of what several methods give.'''
        ...     def __init__(self, *, methods: Annotated[Any, nb.Nested("method", many=True)]):
        ...         self.restorers = [nb.Restorer(method) for method in methods]
        ...     def restore(self, noisy, info):
        ...         return np.mean([one.restore(noisy, info) for one in self.restorers], axis=0)
        >>> nb.bind("average_of(methods=(median, gaussian_filter))", "method").kwargs["methods"]
        (Bound(median), Bound(gaussian_filter))
    """

    kind: str
    track: str = ""
    many: bool = False


@dataclass(frozen=True)
class Later:
    """Marks a parameter that came after results were stored: `Annotated[int | None, Later()]`.

    At its default it is left out of the canonical form, so that keys and keyed draws are as they were.

        >>> from typing import Annotated
        >>> @nb.regime("foggy")
        ... def foggy(x, rng, *, depth: float = 0.5, tint: Annotated[float | None, nb.Later()] = None):
        ...     '''The picture through fog, which came in one colour at first.'''
        ...     return x + depth * ((1.0 if tint is None else tint) - x), {}
        >>> nb.bind("foggy(depth=0.2)", "regime").canonical
        'foggy(depth=0.2)'
        >>> nb.bind("foggy(depth=0.2, tint=0.9)", "regime").canonical
        'foggy(depth=0.2, tint=0.9)'
    """


class AxisLabel(str):
    """Marks a parameter with what the axis of a plot calls it, with its unit: `Annotated[float, AxisLabel("σ (dB)")]`.

    Of several the last one counts.

        >>> from typing import Annotated
        >>> @nb.regime("brighter")
        ... def brighter(x, rng, *, gain: Annotated[float, nb.AxisLabel("gain (dB)")] = 6.0):
        ...     '''The picture, brighter by some decibels.'''
        ...     return x * 10 ** (gain / 20), {}
        >>> nb.bind("brighter", "regime").entry.params["gain"]
        (typing.Annotated[float, 'gain (dB)'], 6.0)
    """


MethodSpec = Annotated[Any, Nested("method")]
"""The type of a parameter that takes a method of the same track, which the component gets bound.

For example:

    >>> @nb.method("turned", layout="hwc")
    ... class Turned:
    ...     '''What another method gives for the picture upside down.'''
    ...     def __init__(self, *, method: nb.MethodSpec):
    ...         self.inner = nb.Restorer(method)
    ...     def restore(self, noisy, info):
    ...         return self.inner.restore(noisy[::-1, ::-1], info)[::-1, ::-1]
    >>> nb.bind("turned(method=median)", "method").inner
    (Bound(median),)
"""
DatasetSpec = Annotated[Any, Nested("dataset")]
"""The type of a parameter that takes a dataset of the same track, which the component gets bound.

For example:

    >>> @nb.dataset("first_item", licence="CC0-1.0")
    ... class FirstItem:
    ...     '''The first item of another dataset.'''
    ...     def __init__(self, *, data: nb.DatasetSpec):
    ...         self.opened = nb.open_dataset(data)
    ...         self.ids = self.opened.ids[:1]
    ...     def load(self, index):
    ...         return self.opened.load(index)
    >>> len(nb.open_dataset(nb.bind("first_item(data=photos)", "dataset")).ids)
    1
"""

_NAMES = {
    bool: "true or false", int: "whole number", float: "number", str: "text", type(None): "none",
    tuple: "list", list: "list", Any: "any value",
}  # fmt: skip
_PLURAL = {"number": "numbers", "whole number": "whole numbers", "text": "texts"}
_LIMITS = ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length")


def nested_in(annotation: Any) -> Nested | None:
    """The kind of spec that a parameter takes; None for a plain value."""
    return next((m for m in getattr(annotation, "__metadata__", ()) if isinstance(m, Nested)), None)


def type_text(annotation: Any) -> str:
    """`number from 0 to 255`, `whole number or none`, `one of hard, soft`, `list of numbers`, `a method`."""
    return _text(annotation, {})


def required_text(annotation: Any) -> str:
    """The type as it stands behind `must be`: `a number from 0 to 255`."""
    text = type_text(annotation)
    return f"a {text}" if text.startswith(("number", "whole number", "list")) else text


def _text(annotation: Any, limits: dict[str, Any]) -> str:
    if (nested := nested_in(annotation)) is not None:
        kind = f"{'an' if nested.kind[0] in 'aeiou' else 'a'} {nested.kind}"
        of = f" of track {nested.track}" if nested.track else ""
        return f"{kind}{of}, or several in brackets" if nested.many else kind + of
    if hasattr(annotation, "__metadata__"):
        return _text(get_args(annotation)[0], {**limits, **dict(_limits(annotation.__metadata__))})
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        values = ", ".join("none" if value is None else show(value) for value in parts)
        return f"one of {values}" if len(parts) > 1 else values
    if origin in (Union, types.UnionType):
        texts = [_text(part, limits) for part in sorted(parts, key=lambda part: part is type(None))]
        comma = "," if any(map(_is_long, texts)) else ""
        return f"{comma} or ".join(texts)
    if origin in (tuple, list):
        return _list_text(parts, limits)
    name = _NAMES.get(annotation) or str(getattr(annotation, "__name__", annotation)).replace("typing.", "")
    return name if annotation in (type(None), bool) else name + _limits_text(limits)


def _is_long(text: str) -> bool:
    return " from " in text or " above " in text or "," in text


def _list_text(parts: tuple[Any, ...], limits: dict[str, Any]) -> str:
    each = [type_text(part) for part in parts if part is not Ellipsis]
    least = f", at least {limits['min_length']}" if limits.get("min_length") else ""
    if len(each) != 1:
        return f"list of {', '.join(each)}"
    noun = next((noun for noun in _PLURAL if f"{each[0]} ".startswith(f"{noun} ")), "")
    whole = f"list of {_PLURAL[noun]}{each[0].removeprefix(noun)}" if noun else f"list, each {each[0]}"
    return whole + least


def _limits(marks: Any) -> Iterator[tuple[str, Any]]:
    for mark in marks:
        yield from ((name, value) for name in _LIMITS if (value := getattr(mark, name, None)) is not None)
        yield from _limits(getattr(mark, "metadata", ()))  # pydantic's Field(ge=0)


def _limits_text(limits: dict[str, Any]) -> str:
    """` from 0 to 1`, ` from 0`, ` above 0, up to 1`, ` above 0 and below 1`."""
    low = f" from {show(limits['ge'])}" if "ge" in limits else f" above {show(limits['gt'])}" if "gt" in limits else ""
    high = ""
    if "le" in limits:
        high = f" to {show(limits['le'])}" if "ge" in limits else f"{',' * bool(low)} up to {show(limits['le'])}"
    elif "lt" in limits:
        high = f"{' and' * bool(low)} below {show(limits['lt'])}"
    step = f", a multiple of {show(limits['multiple_of'])}" if "multiple_of" in limits else ""
    length = f", at least {limits['min_length']} characters" if "min_length" in limits else ""
    most = f", at most {limits['max_length']} characters" if "max_length" in limits else ""
    return low + high + step + length + most
