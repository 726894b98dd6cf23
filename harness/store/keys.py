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
    texts = []
    for name, spelled in _in_order(tuple(inputs)):
        part = inputs[name]
        encoded = known.get(id(part))
        if encoded is None:
            if isinstance(part, dict | list):
                encoded = known[id(part)] = part, _encode(part)
            else:
                encoded = part, _single(part)
        texts.append(spelled + encoded[1])
    return f"{{{','.join(texts)}}}"


@lru_cache(maxsize=4096)
def _in_order(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """The names of parts in their order in JSON, each with how it begins there."""
    return [(name, f"{_encode(name)}:") for name in sorted(names)]


@lru_cache(maxsize=4096, typed=True)
def _single(value: str | float | None) -> str:
    """The JSON of a value that has no parts."""
    return _encode(value)


def output_key(inputs: Mapping[str, Any]) -> str:
    """The key of what the outputs of a cell depend on: all but protocol and metrics."""
    of_scoring = "protocol", "protocol_sources", "metrics", "metric_sources", "sets", "judged_data"
    return key_of({name: value for name, value in inputs.items() if name not in of_scoring})
