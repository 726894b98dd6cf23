"""What goes in the next minor release: each use of it says in one line what to use instead.

A name is marked by `typing_extensions.deprecated("use NEW", category=FutureWarning)`.
"""

from __future__ import annotations

import argparse
import functools
import sys
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def renamed_parameters(**new_names: str) -> Callable[[F], F]:
    """Let a function take parameters by their old names: `@renamed_parameters(old="new")`."""

    def mark(function: F) -> F:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            for old in new_names.keys() & kwargs.keys():
                new = new_names[old]
                if new in kwargs:
                    raise TypeError(f"{function.__name__}() got {new!r} also by its old name, {old!r}")
                note = f"{function.__name__}({old}=…) goes in the next minor release: use {new}=…"
                warnings.warn(note, FutureWarning, stacklevel=2)
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        call.__deprecated_parameters__ = tuple(new_names)  # type: ignore[attr-defined]
        return call  # type: ignore[return-value]

    return mark


class DeprecatedOption(argparse.Action):
    """An option under its old name, not in the help: `add_argument("--old", action=DeprecatedOption, use="--new")`."""

    def __init__(self, option_strings: list[str], dest: str, *, use: str, **options: Any) -> None:
        of_new = use.removeprefix("--").replace("-", "_")
        super().__init__(option_strings, of_new, **{**options, "help": argparse.SUPPRESS, "default": argparse.SUPPRESS})
        self.use = use

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        """Store the value as that of the new option."""
        print(f"{parser.prog}: {option} goes in the next minor release: use {self.use}", file=sys.stderr)
        setattr(namespace, self.dest, values)
