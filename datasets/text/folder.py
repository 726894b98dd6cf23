"""Texts of the user: passages of files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.tracks.text import Passage, as_passage

_TRAINED_ON = 0.9
"""The share of each file, from its beginning, that is trained on."""


class TextFiles:
    """Passages of a part of each file, one behind the other, in the order of the names."""

    def __init__(self, files: dict[str, Path], split: str, n: int | None, length: int) -> None:
        texts = {name: _read(file) for name, file in files.items()}
        self._alphabet = "".join(sorted(set().union(*texts.values())))
        self._length = length
        self._places = []
        for name, text in texts.items():
            middle = round(_TRAINED_ON * len(text))
            first, end = (0, middle) if split == "train" else (middle, len(text))
            self._places += [(name, text, start) for start in range(first, end - length, length + 1)]
        if not self._places or len(self._alphabet) < 2:
            raise nb.UsageError(
                f"dataset folder: no file has {length + 1} characters in its part for split={split}: give a shorter "
                "length, or longer texts"
            )
        count = min(n or len(self._places), len(self._places))
        self._places = [self._places[i * len(self._places) // count] for i in range(count)]
        self.ids: Sequence[str] = [f"{name}_{start:07d}" for name, _, start in self._places]

    def load(self, index: int) -> Passage:
        """Passage `index`."""
        _, text, start = self._places[index]
        return as_passage(self.ids[index], text[start : start + self._length + 1], self._alphabet)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise nb.UsageError(f"text {nb.one_line(file)} cannot be read as UTF-8 ({nb.one_line(error, 80)})") from None


@nb.dataset("folder", track="text", licence="the user's own")
def folder(
    *,
    path: str,
    split: Literal["test", "train"] = "test",
    n: Annotated[int, Ge(1)] | None = None,
    length: Annotated[int, Ge(1), Le(10_000)] = 64,
) -> TextFiles:
    """Passages of each `.txt` file of a folder: the first 90 % of a file to train on, the rest for tests.

    The alphabet is all characters of all files. length: so many characters of a passage are predicted, and one comes
    before them. n: so many passages, spread evenly; none is all, one behind the other. Raises `UsageError` where there
    is no such file, or none is long enough.
    """
    return TextFiles(nb.list_files(path, (".txt",)), split, n, length)
