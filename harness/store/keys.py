"""Keys: the SHA-256 of everything that can change what a cell holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode


def combined(parts: Iterable[str]) -> str:
    """One SHA-256 of several texts, in order."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


Texts = dict[int, tuple[Any, str]]
"""The JSON of parts that inputs of several cells have alike, by the `id` of each part, which is held beside it."""


def key_of(inputs: Mapping[str, Any], known: Texts | None = None) -> str:
    """The content key of what went into a cell.

    Of many cells it takes a tenth of the time with one `known` for all: an object that is a part of several is encoded
    once, and must not change.
    """
    text = _encode(inputs) if known is None else _joined(inputs, known)
    return hashlib.sha256(text.encode()).hexdigest()


def key_form(inputs: Mapping[str, Any], without: Collection[str], known: Texts) -> str:
    """What `key_in` makes keys of: the JSON of inputs that are alike in all but some parts."""

    def escaped(text: str) -> str:
        return text.replace("%", "%%")

    names = sorted(inputs)
    texts = zip(names, _texts([inputs[name] for name in names], known), strict=True)
    parts = (f"{escaped(_encode(name))}:{'%s' if name in without else escaped(text)}" for name, text in texts)
    return f"{{{','.join(parts)}}}"


def parts_of(inputs: Mapping[str, Any], known: Texts) -> tuple[str, ...]:
    """The JSON of the parts that a form is `without`, for `key_in`."""
    return _texts([inputs[name] for name in sorted(inputs)], known)


def key_in(form: str, parts: tuple[str, ...]) -> str:
    """The `key_of` the inputs of a form, with these parts."""
    return hashlib.sha256((form % parts).encode()).hexdigest()


def _joined(inputs: Mapping[str, Any], known: Texts) -> str:
    """The JSON of inputs, of that of their parts."""
    names, form = _in_order(tuple(inputs))
    return form % _texts([inputs[name] for name in names], known)


def _texts(parts: Sequence[Any], known: Texts) -> tuple[str, ...]:
    """The JSON of parts, each encoded once."""
    try:
        return tuple([known[id(part)][1] for part in parts])
    except KeyError:
        for part in parts:
            if id(part) not in known:
                known[id(part)] = part, _encode(part)
    return tuple([known[id(part)][1] for part in parts])


@lru_cache(maxsize=4096)
def _in_order(names: tuple[str, ...]) -> tuple[list[str], str]:
    """The names of parts in their order in JSON, which has the text of each in the place of its `%s`."""
    ordered = sorted(names)
    spelled = (_encode(name).replace("%", "%%") for name in ordered)
    return ordered, f"{{{','.join(f'{name}:%s' for name in spelled)}}}"


def output_key(inputs: Mapping[str, Any]) -> str:
    """The key of what the outputs of a cell depend on: all but protocol and metrics."""
    of_scoring = "protocol", "protocol_sources", "metrics", "metric_sources", "sets", "judged_data"
    return key_of({name: value for name, value in inputs.items() if name not in of_scoring})
