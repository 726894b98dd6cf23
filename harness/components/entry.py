"""A registered component: what it is called, what it declares, its parameters and the check of them."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..text.errors import UsageError, described, one_line, raised_at


@dataclass(frozen=True)
class Entry:
    """A registered component: what to call, its version, its declarations and its keyword parameters."""

    name: str
    obj: Callable[..., Any]
    version: int = 1
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def doc(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.obj) or "").partition("\n")[0]

    @cached_property
    def params(self) -> Mapping[str, tuple[Any, Any]]:
        """Keyword-only parameters as name → (annotation, default or `inspect.Parameter.empty`)."""
        target = self.obj.__init__ if inspect.isclass(self.obj) else self.obj
        if target is object.__init__:
            return {}
        try:
            hints = typing.get_type_hints(target, include_extras=True)
        except Exception as error:
            raise UsageError(f"{self.name!r}: its annotations cannot be read: {one_line(error)}") from None
        return {
            p.name: (hints.get(p.name, Any), p.default)
            for p in inspect.signature(target).parameters.values()
            if p.kind is p.KEYWORD_ONLY
        }

    @cached_property
    def checked(self) -> tuple[str, ...]:
        """The parameters that its check takes by name; none where it has no check of its own."""
        return tuple(p.name for p in parameters_of(self._check)) if self._check is not None else ()

    def refuse_misfits(self, kind: str, kwargs: Mapping[str, Any]) -> None:
        """Raise `UsageError` for parameters that the component's check refuses; the message names the component."""
        if self._check is None:
            return
        who = f"{kind} {self.name!r}"
        try:
            self._check(**{name: kwargs[name] for name in self.checked})
        except UsageError as error:
            named = re.search(rf"\b{self.name}\b", str(error))
            raise error if named else UsageError(f"{who}: {error}") from None
        except (Exception, SystemExit) as error:
            raise UsageError(f"{who}: its check failed: {described(error)}{raised_at(error)}") from error

    @property
    def _check(self) -> Callable[..., object] | None:
        return getattr(self.obj, "__dict__", {}).get("parameter_check")


def parameters_of(check: Callable[..., object]) -> list[inspect.Parameter]:
    """The parameters of a check, without those that a `functools.partial` has set."""
    given = getattr(check, "keywords", None) or {}
    return [p for p in inspect.signature(check).parameters.values() if p.name not in given]


def origin(obj: Callable[..., Any]) -> tuple[str, str]:
    """The module of a component and its name there."""
    return getattr(obj, "__module__", "?"), getattr(obj, "__qualname__", "?")
