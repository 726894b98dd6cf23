"""Specs and messages without the folders of the machine that they come from: what is published has base names only."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath, PureWindowsPath
from types import MappingProxyType

from ..spec.parsing import Spec, Value, parse, show
from ..text.errors import UsageError

_WINDOWS = re.compile(r"[A-Za-z]:\\|\\\\")
_PATH = re.compile(r"""(?<![\w.</~])(?:~[\w.-]*)?/(?:[^\s/"'<>:,;()]+/)+([^\s/"'<>:,;()]*)""")

BASE_NAMES: Mapping[str, int] = MappingProxyType({})
"""Of each path only the last part."""
_NO_PATH = re.compile(r"</(?=[A-Za-z])|/>|(?<=\s)/(?=\s)")
"""A stroke that parts no folders: of a tag, or between blanks."""


def without_folders(spec: str, tails: Mapping[str, int] = BASE_NAMES) -> str:
    """A spec whose paths are base names: `folder(path='/home/me/out')` is `folder(path=out)`.

    A text that `tails` has is as many last parts of its path.
    """
    for value, short in shortened(spec, tails).items():
        spec = spec.replace(show(value), show(short))
    return spec


def shortened(spec: str, tails: Mapping[str, int] = BASE_NAMES) -> dict[str, str]:
    """Each text inside of a spec that has a folder in it, and what is shown instead; the longest first."""
    try:
        short = {value: (_short(value, 1), _short(value, tails.get(value, 1))) for value in _texts(parse(spec))}
    except UsageError:
        return {}
    longest_first = sorted(short, key=len, reverse=True)
    return {value: tail for value in longest_first for base, tail in [short[value]] if base != value}


def message_without_folders(text: str) -> str:
    """A message or traceback whose absolute paths are base names."""
    return _PATH.sub(r"\1", text)


def _texts(value: Value) -> Iterator[str]:
    """Every text in a value, or in the arguments of a spec."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, Spec):
        for part in (value, *value.then):
            for _, one in part.args:
                yield from _texts(one)


def _short(text: str, parts: int) -> str:
    """A path as its last parts; a command line, which has a {placeholder} among its words, word by word."""
    if "{" in text and " " in text.strip():
        try:
            words = shlex.split(text)
        except ValueError:
            words = text.split()
        return " ".join(_tail(word, parts) for word in words)
    return _tail(text, parts) if "/" in _NO_PATH.sub("", text) or _WINDOWS.match(text) else text


def _tail(word: str, parts: int) -> str:
    """The last parts of a path, also of one behind `--option=`; never where it begins."""
    option, equals, value = word.partition("=")
    if equals and option.startswith("-"):
        return f"{option}={_tail(value, parts)}"
    windows = _WINDOWS.match(word)
    if not windows and "/" not in word:
        return word
    path = PureWindowsPath(word) if windows else PurePosixPath(word)
    return "/".join([part for part in path.parts if part != path.anchor][-parts:]) or word
