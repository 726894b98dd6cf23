"""Words of a made-up language, each of which says how likely the next is: a source whose entropy is known exactly."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.tracks.text import Passage, as_passage

WEIGHTS = (4, 4, 2, 2, 1, 1, 1, 1)
"""Of the words that may follow a word, in sixteenths."""
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"


class Language:
    """Words (W,), each with a space at its end, and the probabilities (W, W) of the next one.

    Rows and columns add up to 1: in the long run all words are equally frequent.
    """

    def __init__(self, count: int) -> None:
        rng = nb.keyed_generator(nb.text_key(f"word chain|{count}"))
        words: dict[str, None] = {}
        while len(words) < count:
            syllables = int(rng.integers(1, 4))
            letters = [(_CONSONANTS[int(rng.integers(14))], _VOWELS[int(rng.integers(5))]) for _ in range(syllables)]
            words["".join(map("".join, letters)) + " "] = None
        self.words = tuple(words)
        self.alphabet = "".join(sorted({*_CONSONANTS, *_VOWELS, " "}))
        order = rng.permutation(count)
        self.following = np.zeros((count, count))
        for shift, weight in enumerate(WEIGHTS):
            self.following[np.arange(count), order[(np.arange(count) + shift) % count]] = weight / sum(WEIGHTS)
        self._known: dict[tuple[int | None, str], np.ndarray] = {}

    @property
    def entropy_rate(self) -> float:
        """Nats a character of an endless text."""
        p = np.array(WEIGHTS) / sum(WEIGHTS)
        return float(-(p * np.log(p)).sum() / np.mean([len(word) for word in self.words]))

    def law(self, text: str) -> np.ndarray:
        """The probabilities (N - 1, K) of each character of a text but the first, given those before it."""
        rows, previous, begun = [], None, ""
        for letter in text:
            rows.append(self._next_letter(previous, begun))
            begun += letter
            if letter == " ":
                previous, begun = self.words.index(begun), ""
        return np.array(rows[1:])

    def _next_letter(self, previous: int | None, begun: str) -> np.ndarray:
        """The probabilities (K,) after the beginning of a word; of the first word all are equally likely."""
        if (previous, begun) not in self._known:
            row = np.zeros(len(self.alphabet))
            likely = np.ones(len(self.words)) if previous is None else self.following[previous]
            for word, weight in zip(self.words, likely, strict=True):
                if word.startswith(begun):
                    row[self.alphabet.index(word[len(begun)])] += weight
            self._known[previous, begun] = row / row.sum()
        return self._known[previous, begun]


@lru_cache(maxsize=8)
def language(count: int) -> Language:
    """The language of so many words."""
    return Language(count)


class WordChain:
    """Passages that are made when they are loaded; each depends on the language and its own number alone."""

    def __init__(self, n: int, length: int, words: int, split: str) -> None:
        self.ids: Sequence[str] = [f"words_{split}_{i:0{max(3, len(str(n - 1)))}d}" for i in range(n)]
        self._length, self._words, self._split = length, words, split

    def load(self, index: int) -> Passage:
        """Passage `index`, cut off after so many characters."""
        spoken, number = language(self._words), range(len(self.ids))[index]
        rng = nb.keyed_generator(nb.text_key(f"word chain|{self._words}|{self._split}|{number}"))
        sums = np.cumsum(WEIGHTS)
        word, text = int(rng.integers(self._words)), ""
        # Draws are of whole numbers: they are the same on every processor.
        order = np.argsort(-spoken.following, axis=1, kind="stable")
        while len(text) <= self._length:
            text += spoken.words[word]
            word = int(order[word, int(np.searchsorted(sums, rng.integers(sums[-1]), side="right"))])
        text = text[: self._length + 1]
        return as_passage(self.ids[index], text, spoken.alphabet, spoken.law(text))


@nb.dataset("word_chain", track="text", licence="CC0-1.0 (made here)")
def word_chain(
    *,
    n: Annotated[int, Ge(1), Le(100_000)] = 100,
    length: Annotated[int, Ge(1), Le(10_000)] = 64,
    words: Annotated[int, Ge(8), Le(1000)] = 60,
    split: Literal["test", "train"] = "test",
) -> WordChain:
    """Words of one to three syllables of a made-up language, each followed by one of eight words of its own.

    The probability of each character, given those before it, is known exactly, so the metric `excess` is defined. An
    endless text has 2.75 bits a word: of 60 words about 0.38 nats a character. All words are equally frequent. length:
    so many characters of a passage are predicted, and one comes before them.
    """
    return WordChain(n, length, words, split)
