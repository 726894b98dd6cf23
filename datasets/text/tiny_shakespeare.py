"""Shakespeare's plays in one file, on which small language models are commonly tried."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Literal

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.tracks.text import Passage, as_passage

_HOME = "https://github.com/karpathy/char-rnn"
_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
_CHARACTERS = 1_115_394
_PARTS = {"train": (0.0, 0.9), "validation": (0.9, 0.95), "test": (0.95, 1.0)}
"""Where each split begins and ends, as shares of the file."""


@lru_cache(maxsize=1)
def _plays() -> tuple[str, str]:
    """The whole text, and its alphabet. Raises `UsageError` where it is not there, or is not the published one."""
    places = [root / "tiny_shakespeare" / "input.txt" for root in nb.data_roots()]
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        looked = " and ".join(nb.one_line(place, 150) for place in places)
        raise nb.UsageError(
            f"dataset tiny_shakespeare is not at {looked}: put it there (from {_HOME}) or give --data DIR"
        )
    data = file.read_bytes()
    if hashlib.sha256(data).hexdigest() != _SHA256:
        raise nb.UsageError(f"{nb.one_line(file)} has other characters than published (SHA-256): get it again")
    text = data.decode("ascii")
    return text, "".join(sorted(set(text)))


class TinyShakespeare:
    """Passages of a split, spread evenly over it."""

    def __init__(self, split: str, n: int | None, length: int) -> None:
        first, end = (round(share * _CHARACTERS) for share in _PARTS[split])
        room = (end - first) // (length + 1)
        count = min(n or room, room)
        self._length = length
        self._starts = [first + (i * room // count) * (length + 1) for i in range(count)]
        self.ids: Sequence[str] = [f"tiny_shakespeare_{start:07d}_{length}" for start in self._starts]

    def load(self, index: int) -> Passage:
        """Passage `index`. Raises `UsageError` where the text is not there."""
        text, alphabet = _plays()
        start = self._starts[index]
        return as_passage(self.ids[index], text[start : start + self._length + 1], alphabet)


@nb.dataset(
    "tiny_shakespeare",
    track="text",
    licence="public domain",
    citation="A. Karpathy, The unreasonable effectiveness of recurrent neural networks, 2015",
    homepage=_HOME,
)
def tiny_shakespeare(
    *,
    split: Literal["test", "train", "validation"] = "test",
    n: Annotated[int, Ge(1)] | None = None,
    length: Annotated[int, Ge(1), Le(10_000)] = 64,
) -> TinyShakespeare:
    """Passages of Shakespeare's plays, 65 characters in use: the first 90 % to train on, then twice 5 %.

    length: so many characters of a passage are predicted, and one comes before them. n: so many passages, spread evenly
    over the split; none is all, one behind the other.

    Public: a method can know its items and their truths.
    """
    return TinyShakespeare(split, n, length)
