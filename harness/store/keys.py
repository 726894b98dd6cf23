"""Keys: the SHA-256 of everything that can change what a cell holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
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


def _joined(inputs: Mapping[str, Any], known: Texts) -> str:
    """The JSON of inputs, of that of their parts."""
    names, form = _in_order(tuple(inputs))
    parts = [inputs[name] for name in names]
    try:
        return form % tuple([known[id(part)][1] for part in parts])
    except KeyError:
        for part in parts:
            if id(part) not in known:
                known[id(part)] = part, _encode(part)
    return form % tuple([known[id(part)][1] for part in parts])


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
