"""Counts of runs of characters, those of longer runs backed by those of shorter ones."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from noisebench.methods.text._training_text import TrainingText
from noisebench.tracks.text import codes_of

_MOST = 2**62
"""Of the number that stands for a run."""


class _Runs:
    """Runs of so many characters, the first of which are the history of the last: counted and sorted."""

    def __init__(self, order: int, runs: Any, counts: Any, letters: int) -> None:
        self.order, self.letters = order, letters
        self.runs, self.counts = runs, counts
        self.histories, first = np.unique(runs // letters, return_index=True)
        self.totals = np.add.reduceat(counts, first) if len(counts) else counts
        self.kinds = np.diff([*first, len(runs)])

    def of(self, histories: Any) -> tuple[Any, Any, Any]:
        """Of histories (N,): the counts of each next character (N, K), their sum (N,), and how many kinds (N,)."""
        wanted = histories[:, None] * self.letters + np.arange(self.letters)
        return (
            _looked_up(self.runs, self.counts, wanted),
            _looked_up(self.histories, self.totals, histories),
            _looked_up(self.histories, self.kinds, histories),
        )


def _looked_up(keys: Any, values: Any, wanted: Any) -> Any:
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0).astype(np.float64)


@nb.method("ngram", track="text", cite="Kneser & Ney 1995; Chen & Goodman 1999")
class NGram:
    """The next character by the `order` - 1 before it, as often as each came after them in `data`.

    smoothing: `kneser_ney` takes `discount` off each count, and gives what that frees to the shorter history, which
    counts after how many different characters a run stands; `witten_bell` gives each history as many counts of the
    shorter one as it has kinds of successors. The shortest is backed by all characters alike. order, and discount,
    where none is given: the best by nats on a tenth of the passages, chosen by the hashes of their texts; then all are
    counted.
    """

    def __init__(
        self,
        *,
        data: nb.DatasetSpec = "word_chain(split=train, n=400, length=512)",
        order: Annotated[int, Ge(1), Le(12)] | None = None,
        smoothing: Literal["kneser_ney", "witten_bell"] = "kneser_ney",
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
        self.letters = len(self.text.alphabet)
        longest = next(order for order in range(12, 0, -1) if self.letters**order < _MOST)
        if self.order is not None and self.order > longest:
            raise nb.UsageError(f"ngram: order={self.order} is too long for {self.letters} characters: give {longest}")
        passages = self.text.passages
        if self.order is None or (self.discount is None and self.smoothing == "kneser_ney"):
            passages = self._tune(min(longest, 10))
        self.levels = self._counted(passages, self.order)

    def _tune(self, longest: int) -> list[Any]:
        """Choose order and discount on a tenth of the passages; returns all of them."""
        by_hash = sorted(self.text.passages, key=lambda one: hashlib.sha256(one.tobytes()).digest())
        if len(by_hash) < 10:
            by_hash = [half for one in by_hash for half in np.array_split(one, 10)]
        kept = by_hash[: len(by_hash) // 10]
        orders = [self.order] if self.order is not None else range(1, longest + 1)
        discounts = [0.5, 0.7, 0.8, 0.9] if self.smoothing == "kneser_ney" else [0.5]
        best = np.inf
        for order in orders:
            self.levels = self._counted(by_hash[len(kept) :], order)
            for discount in discounts if self.discount is None else [self.discount]:
                nats = -np.mean(np.concatenate([self._log_p(one, discount) for one in kept]))
                if nats < best:
                    best, self.best = nats, (order, discount)
        self.order, self.discount = self.best
        return self.text.passages

    def _log_p(self, codes: Any, discount: float) -> Any:
        """ln p of each character but the first, (N - 1,)."""
        return np.log(self._probabilities(codes[:-1], discount)[np.arange(len(codes) - 1), codes[1:]])

    def _counted(self, passages: Any, order: int) -> list[_Runs]:
        """Runs of 1 to `order` characters."""
        levels = []
        for length in range(1, order + 1):
            runs, counts = np.unique(
                np.concatenate([_numbers(one, length, self.letters) for one in passages]), return_counts=True
            )
            levels.append((runs, counts))
        if self.smoothing == "kneser_ney":
            # A run shorter than the longest counts once for each character that stands before it.
            for place in range(len(levels) - 1):
                tails = levels[place + 1][0] % self.letters ** (place + 1)
                known, counts = np.unique(tails, return_counts=True)
                runs = levels[place][0]
                levels[place] = runs, np.maximum(_looked_up(known, counts, runs), 1)
        return [_Runs(place + 1, runs, counts, self.letters) for place, (runs, counts) in enumerate(levels)]

    def _probabilities(self, codes: Any, discount: float | None) -> Any:
        """Of the next character after each of `codes`, (N, K)."""
        p = np.full((len(codes), self.letters), 1 / self.letters)
        for level in self.levels:
            histories = _numbers(np.asarray(codes), level.order - 1, self.letters)
            rows = np.arange(len(codes) - len(histories), len(codes)) if level.order > 1 else np.arange(len(codes))
            if not len(rows):
                break
            counts, totals, kinds = level.of(histories if level.order > 1 else np.zeros(len(codes), np.int64))
            seen = totals > 0
            counts, totals, kinds, rows = counts[seen], totals[seen, None], kinds[seen, None], rows[seen]
            if self.smoothing == "kneser_ney":
                assert discount is not None
                p[rows] = (np.maximum(counts - discount, 0) + discount * kinds * p[rows]) / totals
            else:
                p[rows] = (counts + kinds * p[rows]) / (totals + kinds)
        return p

    def predict(self, text: str, info: Any) -> Any:
        """ln p after each of N characters, float32 (N, K)."""
        self.text.refuse_other_alphabet(info)
        return np.log(self._probabilities(codes_of(text, self.text.alphabet), self.discount)).astype(np.float32)


def _numbers(codes: Any, length: int, letters: int) -> Any:
    """The number of each run of so many characters, by the place of its last one, int64."""
    count = max(len(codes) - length + 1, 0)
    numbers = np.zeros(count, np.int64)
    for offset in range(length):
        numbers = numbers * letters + codes[offset : offset + count]
    return numbers
