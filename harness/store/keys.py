"""Keys: the SHA-256 of everything that can change what a cell holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode


def combined(parts: Iterable[str]) -> str:
    """One SHA-256 of several texts, in order."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def key_of(inputs: Mapping[str, Any]) -> str:
    """The content key of what went into a cell."""
    return hashlib.sha256(_encode(inputs).encode()).hexdigest()


def output_key(inputs: Mapping[str, Any]) -> str:
    """The key of what the outputs of a cell depend on: all but protocol and metrics."""
    of_scoring = "protocol", "metrics", "sets", "judged_data"
    return key_of({name: value for name, value in inputs.items() if name not in of_scoring})
