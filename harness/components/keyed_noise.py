"""Keyed draws: they depend on the input, the regime, the seed and the number of the draw, and on nothing else."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from .registry import Bound


def noise_key(regime: Bound, seed: int, item_sha256: str, draw: int = 0) -> bytes:
    """The 256-bit key of a draw: regime with versions, seed, hash of the item's true values, draw number.

    For example:

        >>> regime, item = nb.bind("gaussian(sigma=25)", "regime"), nb.pixel_sha256(np.zeros((8, 8), np.uint8))
        >>> first, again, other = (nb.noise_key(regime, seed, item) for seed in (0, 0, 1))
        >>> first == again, first == other
        (True, False)
    """
    versions = ",".join(f"{p.entry.name}@{p.entry.version}" for p in regime.parts)
    return hashlib.sha256(f"{regime.canonical}|{versions}|{seed}|{item_sha256}|{draw}".encode()).digest()


def text_key(text: str) -> bytes:
    """The 256-bit key of a text.

    For example:

        >>> nb.text_key("noise 7").hex()[:16]
        '88de4ae7e0668e2b'
    """
    return hashlib.sha256(text.encode()).digest()


def keyed_generator(key: bytes) -> np.random.Generator:
    """A numpy generator (Philox) that depends on the key alone.

    For example:

        >>> first, second = (nb.keyed_generator(nb.text_key("noise 7")).normal() for _ in range(2))
        >>> first == second
        True
    """
    import numpy as np

    return np.random.Generator(np.random.Philox(key=int.from_bytes(key[:16], "little")))
