"""What doctors share: checks that are done in turn, of which none takes the others down, and errors in a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from .errors import Skip, one_line
from .track import Finding

Check = Callable[[], tuple[bool | None, str]]
"""What it found: whether that is right, None where it does not apply, and a line."""


def findings_of(checks: Mapping[str, Check], before: Callable[[str], None]) -> Iterator[Finding]:
    """Each check in turn; `before` hears its name first. One that skips does not apply, and one that raises fails."""
    for name, check in checks.items():
        before(name)
        try:
            ok, detail = check()
        except Skip as skip:
            ok, detail = None, one_line(skip)
        except (Exception, SystemExit) as error:
            ok, detail = False, described(error)
        yield Finding(name, ok, detail)


def described(error: BaseException) -> str:
    """An error by its type and what it says, in a line."""
    return f"{type(error).__name__}: {one_line(error, 200)}" if str(error) else type(error).__name__
