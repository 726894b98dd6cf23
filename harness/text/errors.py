"""Errors by type: a user's mistake, a method that does not apply, a score that has no value."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from .extras import absent_extra, needs_packages
from .wording import by_number

_LISTED = 20
_LENGTH = 300
"""Letters of the names that an error lists, so that it stays readable."""
_DOUBLE = re.compile(r"\bfloat\b.*\b(bias|but|!=|and).*\bdouble\b", re.IGNORECASE | re.DOTALL)
"""Torch's message where float32 meets weights of float64."""
_TO_FLOAT = ": inputs are float32, so call .float() on the network"


class UsageError(Exception):
    """A mistake in what the user gave. Its message is one line: what, where, and how to mend it. Exit code 2.

    For example:

        >>> try:
        ...     nb.bind("gausian(sigma=25)", "regime")
        ... except nb.UsageError as error:
        ...     print(error)
        unknown regime 'gausian': did you mean 'gaussian'?
    """

    def _render_traceback_(self) -> list[str]:
        """The line that IPython shows in place of a traceback."""
        return [f"{type(self).__name__}: {message_of(self)}"]


class Skip(Exception):
    """Raised by a method or a regime that does not apply to an input. The cell is `skipped`, with this reason.

    `needs` names what is missing here and may be there later, such as a package or a file: then the cell is tried
    again by the next run.

        >>> raise nb.Skip("for grey pictures")
        Traceback (most recent call last):
        noisebench.text.errors.Skip: for grey pictures
    """

    def __init__(self, reason: str = "", *, needs: str = "") -> None:
        super().__init__(reason)
        self.needs = needs


class Invalid(Exception):
    """A method returned something that is not an output of its track (wrong shape, NaN, Inf).

    For example:

        >>> @nb.method("without_border", layout="hwc")
        ... def without_border(noisy, info):
        ...     '''The picture without a border, and so of another size.'''
        ...     return noisy[1:-1, 1:-1]
        >>> restorer = nb.Restorer(nb.bind("without_border", "method"))
        >>> restorer.restore(np.zeros((32, 32, 1), np.float32), nb.Info())
        Traceback (most recent call last):
        noisebench.text.errors.Invalid: returned shape (30, 30, 1) where (32, 32, 1) was due
    """


class NotFinite(Invalid):
    """A method returned a NaN or an Inf."""


class NotDefined(float):
    """A score that has no value for this input: a NaN that carries its `reason`.

    For example:

        >>> value = nb.NotDefined("the picture is flat")
        >>> value != value, value.reason
        (True, 'the picture is flat')
    """

    reason: str

    def __new__(cls, reason: str) -> NotDefined:
        value = super().__new__(cls, "nan")
        value.reason = reason
        return value

    def __repr__(self) -> str:
        return f"NotDefined({self.reason!r})"

    def __reduce__(self) -> tuple[type[NotDefined], tuple[str]]:
        return NotDefined, (self.reason,)


def raised_at(error: BaseException, file: str = "") -> str:
    """Where in `file` an error was raised, as ` (net.py, line 3)`; by default in the file of what the caller called.

    Empty where no frame is of that file, and for a `SyntaxError`, whose message has the place.
    """
    import traceback

    frames = list(traceback.walk_tb(error.__traceback__))
    file = file or (frames[1][0].f_code.co_filename if len(frames) > 1 else "")
    lines = [line for frame, line in frames if frame.f_code.co_filename == file]
    return f" ({os.path.basename(file)}, line {lines[-1]})" if lines and not isinstance(error, SyntaxError) else ""


def described(error: BaseException, limit: int = 200) -> str:
    """An error's type and message in one line, with the remedy for a network of float64; or what is to be installed."""
    if package := absent_extra(error):
        return needs_packages([package])
    text, name = text_of(error), type(error).__name__
    double = isinstance(error, RuntimeError) and _DOUBLE.search(text)
    return (f"{name}: {one_line(text, limit)}" if text else name) + (_TO_FLOAT if double else "")


class ItemNote(str):
    """A note of an error: the item that it is of, such as `clip 'a'`."""


@contextmanager
def noting_item(word: str, name: object) -> Iterator[None]:
    """Note the item on an error that passes; not on a skip, which is of the method."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, Skip):
            error.add_note(ItemNote(f"{word} {one_line(name, 60)!r}"))
        raise


def message_of(error: BaseException) -> str:
    """The message of an error, with its item where that is known and not in the message."""
    return with_item(error, text_of(error))


def with_item(error: BaseException, text: str) -> str:
    """`text` about an error, with the item of the error where that is known and not in `text`."""
    notes = [note for note in getattr(error, "__notes__", ()) if isinstance(note, ItemNote)]
    return f"{text} ({notes[0]})" if notes and notes[0].partition(" ")[2] not in text else text


def refuse_all(mistakes: Sequence[str], of: int, items: str) -> None:
    """Raise one `UsageError` for all mistakes in `of` items, each named once; nothing for no mistakes."""
    named = list(dict.fromkeys(mistakes))
    if len(named) == 1:
        raise UsageError(named[0])
    if named:
        more = f"; and {len(named) - _LISTED} more" if len(named) > _LISTED else ""
        raise UsageError(f"{len(mistakes)} of {of} {items} cannot be used: {'; '.join(named[:_LISTED])}{more}")


def text_of(thing: object) -> str:
    """The text of an error or of another object; where `str` fails, why."""
    try:
        return str(thing)
    except (Exception, SystemExit) as error:
        return f"its message cannot be shown ({type(error).__name__})"


def one_line(text: object, limit: int = 400) -> str:
    """`text` on one line of printable characters, at most `limit` long: safe to show in a terminal.

    For example:

        >>> nb.one_line("a text\\nof two lines")
        'a text of two lines'
    """
    plain = text if isinstance(text, str) else text_of(text)
    # The usual text is one line already, and a big board has a million of them.
    if len(plain) <= limit and plain.isprintable() and "  " not in plain and plain == plain.strip():
        return plain
    flat = " ".join(plain.split())
    flat = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in flat)
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def closest(name: str, known: Iterable[str]) -> str:
    """The known name that is most like `name`, empty where none is."""
    lower = {known_name.lower(): known_name for known_name in known}
    close = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.65)
    return lower[close[0]] if close else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of an error message about an unknown name: the nearest match, or what there is."""
    names = sorted(set(known), key=by_number)
    if close := closest(name, names):
        return f"did you mean {close!r}?"
    shown = names[:_LISTED]
    while len(shown) > 1 and sum(map(len, shown)) > _LENGTH:
        shown.pop()
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return f"known: {', '.join(shown)}{more}" if names else "none is known"
