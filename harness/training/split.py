"""Split a training set: items for validation are chosen by the hash of their ids."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ..planning.recipe import refuse_too_few


def split(ids: Sequence[str], validation: int, name: str) -> tuple[list[int], list[int]]:
    """Places of the items to train on, and of those to validate on: the `validation` items whose hashes are least.

    The split depends on the ids alone: not on the seed, so that recipes and seeds are validated alike. Raises
    `UsageError` where nothing is left to train on.
    """
    refuse_too_few(len(ids), validation, name)
    order = sorted(range(len(ids)), key=lambda i: hashlib.sha256(f"validation|{ids[i]}".encode()).digest())
    kept = set(order[:validation])
    return [i for i in range(len(ids)) if i not in kept], sorted(kept)
