from __future__ import annotations

from collections.abc import Sequence

import noisebench as nb
from noisebench.tracks.classify import LabelledPicture


class Joined:
    """The pictures of one set, and behind them those of another."""

    def __init__(self, of: nb.Dataset, more: nb.Dataset) -> None:
        self._of, self._more, self._first = of, more, len(of.ids)
        self.ids: Sequence[str] = [*of.ids, *more.ids]

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`."""
        number = range(len(self.ids))[index]
        item: LabelledPicture = self._of.load(number) if number < self._first else self._more.load(number - self._first)
        return item


@nb.dataset("joined", track="classify", licence="that of the other sets")
def joined(*, of: nb.DatasetSpec, more: nb.DatasetSpec) -> Joined:
    """Two sets as one, such as a training set and what is made to add to it.

    of, more: of the same classes, with ids of their own.
    """
    first, second = nb.open_dataset(of), nb.open_dataset(more)
    if not first.ids or not second.ids:
        raise nb.UsageError("dataset joined: one of the two datasets has no pictures")
    classes = [tuple(one.load(0).classes) for one in (first, second)]
    if classes[0] != classes[1]:
        raise nb.UsageError(
            f"dataset joined: {of.display} and {more.display} have different classes: give the same to both"
        )
    same = {*first.ids} & {*second.ids}
    if same:
        raise nb.UsageError(f"dataset joined: {nb.one_line(min(same))!r} is in both: give datasets that share no name")
    return Joined(first, second)
