"""Counts of runs of characters, those of longer runs backed by those of shorter ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from noisebench.methods.text._training_text import TrainingText
from noisebench.tracks.text import codes_of

Smoothing = Literal["kneser_ney", "witten_bell"]
_DISCOUNTS = [0.5, 0.7, 0.8, 0.9]
_MOST = 2**62
"""Of the number that stands for a run."""
_TUNED_ON = 20_000
"""Characters, at most."""


@nb.method("ngram", track="text", cite="Kneser & Ney 1995; Chen & Goodman 1999")
class NGram:
    """The next character by the `order` - 1 before it, as often as each came after them in `data`.

    smoothing: `kneser_ney` takes `discount` off each count, and gives what that frees to the shorter history, which
    counts after how many different characters a run stands; `witten_bell` gives each history as many counts of the
    shorter one as it has kinds of successors. The shortest is backed by all characters alike. What is not given of
    order, up to 10, smoothing and discount is the best by nats on a tenth of the passages or 20,000 characters, chosen
    by the hashes of their texts; then all are counted.
    """

    def __init__(
        self,
        *,
        data: nb.DatasetSpec = "word_chain(split=train, n=400, length=512)",
        order: Annotated[int, Ge(1), Le(12)] | None = None,
        smoothing: Smoothing | None = None,
        discount: Annotated[float, Gt(0), Lt(1)] | None = None,
    ) -> None:
        self.data, self.order, self.smoothing, self.discount = data, order, smoothing, discount

    @staticmethod
    def flags(*, data: nb.Bound, **_: Any) -> dict[str, Any]:
        """Counted in its data; blind, for it reads the alphabet alone of what it is told."""
        return {"blind": True, "trained_on": (data.display,)}

    def setup(self, device: Any) -> None:
        """Count all runs. Raises `UsageError` where such long ones of so many characters have no number."""
        self.text = TrainingText(self.data)
        letters = len(self.text.alphabet)
        longest = next(order for order in range(12, 0, -1) if letters**order < _MOST)
        if self.order is not None and self.order > longest:
            raise nb.UsageError(f"ngram: order={self.order} is too long for {letters} characters: give {longest}")
        orders = [self.order] if self.order is not None else [*range(1, min(longest, 10) + 1)]
        smoothings: list[Smoothing] = [self.smoothing] if self.smoothing is not None else ["kneser_ney", "witten_bell"]
        discounts = [self.discount] if self.discount is not None else _DISCOUNTS
        tried = [
            (order, smoothing, discount)
            for order in orders
            for smoothing in smoothings
            for discount in (discounts if smoothing == "kneser_ney" else [0.0])
        ]
        best = self._best_of(tried, letters) if len(tried) > 1 else tried[0]
        self.order, self.smoothing, self.discount = best
        self.levels = _Counts(self.text.passages, letters).levels(self.order, self.smoothing)

    def _best_of(self, tried: Sequence[tuple[int, Smoothing, float]], letters: int) -> tuple[int, Smoothing, float]:
        """The settings that say most of a tenth of the passages, counted in the others."""
        by_hash = sorted(self.text.passages, key=lambda one: hashlib.sha256(one.tobytes()).digest())
        if len(by_hash) < 10:
            by_hash = [part for one in by_hash for part in np.array_split(one, 10)]
        kept = by_hash[: len(by_hash) // 10]
        several = int(np.searchsorted(np.cumsum([len(one) for one in kept]), _TUNED_ON)) + 1
        kept, others = kept[:several], by_hash[len(kept) :]
        if not any(len(one) > 1 for one in kept):
            return tried[0]
        counts = _Counts(others, letters)
        nats = []
        for order, smoothing, discount in tried:
            levels = counts.levels(order, smoothing)
            p = [_probabilities(levels, one[:-1], one[1:, None], smoothing, discount) for one in kept if len(one) > 1]
            nats.append(-float(np.log(np.concatenate(p)).mean()))
        return tried[int(np.argmin(nats))]

    def predict(self, text: str, info: Any) -> Any:
        """ln p after each of N characters, float32 (N, K)."""
        self.text.refuse_other_alphabet(info)
        codes = codes_of(text, self.text.alphabet)
        every = np.tile(np.arange(len(self.text.alphabet)), (len(codes), 1))
        return np.log(_probabilities(self.levels, codes, every, self.smoothing, self.discount)).astype(np.float32)


def _probabilities(
    levels: Sequence[_Runs], codes: Any, following: Any, smoothing: Smoothing | None, discount: float | None
) -> Any:
    """Of each of `following` (N, M) to come after each of `codes` (N,), float64 (N, M)."""
    letters = levels[0].letters
    p = np.full(following.shape, 1 / letters)
    for place, level in enumerate(levels):
        histories = _numbers(codes, place, letters)[-len(codes) :]
        rows = slice(len(codes) - len(histories), None)
        counts, totals, kinds = level.after(histories, following[rows])
        if smoothing == "kneser_ney":
            new = (np.maximum(counts - discount, 0) + discount * kinds * p[rows]) / np.maximum(totals, 1)
        else:
            new = (counts + kinds * p[rows]) / np.maximum(totals + kinds, 1)
        p[rows] = np.where(totals > 0, new, p[rows])
    return p


class _Counts:
    """Runs of passages by their length, each counted when it is first asked for."""

    def __init__(self, passages: Any, letters: int) -> None:
        self._passages, self._letters = passages, letters
        self._counted: dict[int, tuple[Any, Any]] = {}
        self._smoothed: dict[tuple[int, bool], _Runs] = {}

    def levels(self, order: int, smoothing: Smoothing) -> list[_Runs]:
        """Runs of 1 to `order` characters, as far as there are any."""
        while not len(self._runs(order)[0]):
            order -= 1
        shorter = smoothing == "kneser_ney"
        return [self._level(length, shorter and length < order) for length in range(1, order + 1)]

    def _runs(self, length: int) -> tuple[Any, Any]:
        if length not in self._counted:
            numbers = np.concatenate([_numbers(one, length, self._letters) for one in self._passages])
            self._counted[length] = np.unique(numbers, return_counts=True)
        return self._counted[length]

    def _level(self, length: int, by_kinds: bool) -> _Runs:
        """Runs with their counts, or counted once for each character that stands before one, and once at least."""
        if (length, by_kinds) not in self._smoothed:
            numbers, counts = self._runs(length)
            if by_kinds:
                tails, kinds = np.unique(self._runs(length + 1)[0] % self._letters**length, return_counts=True)
                counts = np.maximum(_looked_up(tails, kinds, numbers), 1)
            self._smoothed[length, by_kinds] = _Runs(numbers, counts, self._letters)
        return self._smoothed[length, by_kinds]


class _Runs:
    """Runs of so many characters, the first of which are the history of the last: sorted numbers, with counts."""

    def __init__(self, numbers: Any, counts: Any, letters: int) -> None:
        self.numbers, self.counts, self.letters = numbers, counts, letters
        self.histories, first = np.unique(numbers // letters, return_index=True)
        self.totals = np.add.reduceat(counts, first)
        self.kinds = np.diff([*first, len(numbers)])

    def after(self, histories: Any, following: Any) -> tuple[Any, Any, Any]:
        """Counts of each of `following` (N, M) after histories (N,), their sum (N, 1), and how many kinds (N, 1)."""
        return (
            _looked_up(self.numbers, self.counts, histories[:, None] * self.letters + following),
            _looked_up(self.histories, self.totals, histories[:, None]),
            _looked_up(self.histories, self.kinds, histories[:, None]),
        )


def _looked_up(keys: Any, values: Any, wanted: Any) -> Any:
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0).astype(np.float64)


def _numbers(codes: Any, length: int, letters: int) -> Any:
    """The number of each run of so many characters, by the place of its last one, int64."""
    count = max(len(codes) - length + 1, 0)
    numbers = np.zeros(count, np.int64)
    for offset in range(length):
        numbers = numbers * letters + codes[offset : offset + count]
    return numbers
