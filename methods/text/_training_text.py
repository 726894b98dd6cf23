"""The passages of a dataset as places in their alphabet."""

from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.tracks.text import codes_of


class TrainingText:
    """All passages of a dataset, each int64 (N,). Raises `UsageError` where alphabets differ."""

    def __init__(self, data: nb.Bound) -> None:
        dataset = nb.open_dataset(data)
        items: list[Any] = [dataset.load(index) for index in range(len(dataset.ids))]
        self.name, self.alphabet = data.display, items[0].alphabet
        if any(item.alphabet != self.alphabet for item in items):
            raise nb.UsageError(f"dataset {data.display}: passages differ in their alphabets: give a set of one kind")
        self.passages = [codes_of(item.text, self.alphabet) for item in items]

    def refuse_other_alphabet(self, info: Any) -> None:
        """Raise `Skip` for a passage of other characters."""
        refuse_other_alphabet(self.name, self.alphabet, info)


def refuse_other_alphabet(name: str, alphabet: str, info: Any) -> None:
    """Raise `Skip` for a passage of other characters than the data of that name have."""
    if info.alphabet != alphabet:
        raise nb.Skip(f"was trained on {name}, whose alphabet is another: give data with these characters")
