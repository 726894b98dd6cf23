"""An item of `text`: a passage, the characters that it may have, and where it is known the law of its source."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...text.errors import one_line

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Passage:
    """A passage of characters of `alphabet`, which lists each once in the order of their code points.

    `law` (N - 1, K), where the source is known, holds the probabilities of each character but the first, given all
    characters before it.
    """

    id: str
    text: str
    alphabet: str
    law: Floats | None = None


def as_passage(name: str, text: str, alphabet: str, law: Any = None) -> Passage:
    """A passage. Raises ValueError for fewer than two characters, one that the alphabet lacks, and a wrong law."""
    if list(alphabet) != sorted(set(alphabet)) or len(alphabet) < 2:
        raise ValueError("an alphabet lists two characters or more, each once, in the order of their code points")
    if len(text) < 2:
        raise ValueError(f"a passage has two characters or more, not {len(text)}")
    if unknown := sorted(set(text) - set(alphabet)):
        raise ValueError(f"the alphabet lacks {', '.join(map(repr, unknown[:3]))}")
    if law is not None:
        law = np.ascontiguousarray(law, np.float64)
        if law.shape != (len(text) - 1, len(alphabet)) or not (law >= 0).all():
            raise ValueError(f"a law of shape {law.shape} where {(len(text) - 1, len(alphabet))} was due, none below 0")
        if (
            not np.allclose(law.sum(axis=1), 1)
            or not (law[np.arange(len(law)), codes_of(text[1:], alphabet)] > 0).all()
        ):
            raise ValueError("the probabilities of a law add up to 1, and what is in the passage is possible")
    return Passage(name, text, alphabet, law)


def codes_of(text: str, alphabet: str) -> Ints:
    """The place of each character in the alphabet, int64 (N,). Raises ValueError for one that it lacks."""
    points, known = (np.frombuffer(one.encode("utf-32-le"), "<u4") for one in (text, alphabet))
    places = np.minimum(np.searchsorted(known, points), len(known) - 1).astype(np.int64)
    if (known[places] != points).any():
        raise ValueError(f"the alphabet lacks {one_line(repr(text[int(np.argmax(known[places] != points))]))}")
    return places


def text_sha256(item: Passage) -> str:
    """The hash of the characters: of what a training must not have that is tested on."""
    return hashlib.sha256(item.text.encode()).hexdigest()


def item_sha256(item: Passage) -> str:
    """The hash of the passage, its alphabet and its law."""
    sha = hashlib.sha256(f"{item.alphabet}\n{item.text}".encode())
    if item.law is not None:
        sha.update(item.law.astype("<f8").tobytes())
    return sha.hexdigest()
