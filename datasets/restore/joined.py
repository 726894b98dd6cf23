from __future__ import annotations

from collections.abc import Sequence

import noisebench as nb


@nb.dataset("joined", licence="that of the other sets")
class JoinedPictures:
    """Two sets as one, such as a training set and what it lacks.

    of, more: their pictures in this order, with ids that differ.
    """

    def __init__(self, *, of: nb.DatasetSpec, more: nb.DatasetSpec) -> None:
        self._of, self._more = nb.open_dataset(of), nb.open_dataset(more)
        same = {*self._of.ids} & {*self._more.ids}
        if same:
            raise nb.UsageError(f"dataset joined: {nb.one_line(min(same))!r} is in both: give sets that share no id")
        self.ids: Sequence[str] = [*self._of.ids, *self._more.ids]

    def load(self, index: int) -> nb.Sample:
        """Picture `index`."""
        place = range(len(self.ids))[index] - len(self._of.ids)
        sample: nb.Sample = self._more.load(place) if place >= 0 else self._of.load(place + len(self._of.ids))
        return sample
