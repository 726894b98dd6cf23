"""Checks of a method, for doctors: done in turn, each error one line, and none ends the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from ..components.plugins import described_at
from ..text.errors import Skip, one_line
from .examination import Finding
from .runner_protocol import Runner

R = TypeVar("R", bound=Runner)
T = TypeVar("T")
Check = Callable[[], tuple[bool | None, str]]
"""Gives whether the method passes (None: does not apply), and one line."""


def findings_of(checks: Mapping[str, Check], before: Callable[[str], None]) -> Iterator[Finding]:
    """Each check in turn; `before` hears its name first. One that skips does not apply, and one that raises fails."""
    for name, check in checks.items():
        before(name)
        result = tried(name, check)
        yield result if isinstance(result, Finding) else Finding(name, *result)


def tried(name: str, make: Callable[[], T]) -> T | Finding:
    """What `make` returns, or the finding of its error; a skip means that the check does not apply."""
    try:
        return make()
    except Skip as skip:
        return Finding(name, None, one_line(skip))
    except (Exception, SystemExit) as error:
        return Finding(name, False, described_at(error))


def set_up(runner: R) -> R:
    """The runner, set up on a CPU."""
    runner.setup("cpu")
    return runner
