"""Training batches of passages: what a regime types of each, each time anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...components.keyed_noise import keyed_generator, text_key
from ...text.errors import UsageError, one_line
from ...track.item_batches import ItemBatches
from .passage import Ints, Passage, codes_of
from .posing import pose_passage

IGNORED = -100
"""What stands in a batch where nothing is to be predicted: the label that torch's losses leave out."""


class TextBatches(ItemBatches):
    """Batches: `given` and `wanted` int64 (B, T), places in the alphabet; `index` int64 (B,).

    `wanted` is the true character that comes after those up to each of `given`, `IGNORED` where none does: in the
    middle of a doubled one, and behind the end of a shorter passage. `index` is the place of the passage in its
    dataset. With `crop` so many characters are cut from what is typed of each, at a place of its own each time; 0 takes
    all. The batch of a step depends on the passages, the regime, `seed` and the step alone; with `fixed` the regime
    draws on each passage once. Raises `UsageError` where alphabets differ.
    """

    def __post_init__(self) -> None:
        self._items: list[Passage] = [self.dataset.load(index) for index in self.chosen]
        first = self._items[0]
        for item in self._items:
            if item.alphabet != first.alphabet:
                raise UsageError(
                    f"training passages {one_line(first.id)!r} and {one_line(item.id)!r} differ in their alphabets: "
                    "give a set of one kind"
                )
        quiet = len(self.regime.parts) == 1 and self.regime.entry.name == "none"
        self._same = [self._typed(place, 0) for place in range(len(self._items))] if quiet or self.fixed else None
        self._size = self.crop or max(len(item.text) for item in self._items) - 1
        self.given: tuple[int, ...] = (self._size,)
        self.wanted: tuple[int, ...] = (len(first.alphabet), self._size)

    def __call__(self, step: int) -> Mapping[str, np.ndarray[Any, Any]]:
        """The batch of a step."""
        places = [int(place) for place in self.order(step)]
        cut = [self._cut(place, step, turn) for turn, place in enumerate(places)]
        return {
            "given": np.stack([given for given, _ in cut]),
            "wanted": np.stack([wanted for _, wanted in cut]),
            "index": np.asarray(self.chosen)[places].astype(np.int64),
        }

    def _typed(self, place: int, draw: int) -> tuple[Ints, Ints]:
        """What is typed of a passage, and the true character that comes after each of it."""
        item = self._items[place]
        case = pose_passage(self.regime, item, self.seed, draw)
        assert case.rows is not None
        truth, typed = codes_of(item.text[1:], item.alphabet), case.rows >= 0
        wanted = np.full(len(case.given), IGNORED, np.int64)
        # Of characters that nothing is typed for the first comes next: it is written last.
        wanted[case.rows[typed][::-1]] = truth[typed][::-1]
        return codes_of(case.given, item.alphabet), wanted

    def _cut(self, place: int, step: int, turn: int) -> tuple[Ints, Ints]:
        """What is given and wanted, (T,)."""
        given, wanted = self._same[place] if self._same is not None else self._typed(place, step)
        room = len(given) - self._size
        start = 0
        if room > 0:
            rng = keyed_generator(text_key(f"crop of a passage|{self.seed}|{step}|{turn}"))
            start = int(rng.integers(room + 1))
        given, wanted = (one[start : start + self._size] for one in (given, wanted))
        more = self._size - len(given)
        return np.pad(given, (0, more)), np.pad(wanted, (0, more), constant_values=IGNORED)
