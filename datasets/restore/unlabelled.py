from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb


class Unlabelled:
    """The pictures of a set of the track `classify`, in its order."""

    def __init__(self, of: nb.Bound) -> None:
        self._of = nb.open_dataset(of)
        self.ids: Sequence[str] = self._of.ids

    def load(self, index: int) -> nb.Sample:
        """Picture `index` as it is."""
        item = self._of.load(index)
        return nb.Sample(item.id, item.picture, group=item.group)


@nb.dataset("unlabelled", licence="that of the other set")
def unlabelled(*, of: Annotated[Any, nb.Nested("dataset", track="classify")]) -> Unlabelled:
    """The pictures of a labelled set, to be restored: so that what restores best and what classifies best are compared.

    of: a dataset of the track `classify`. A regime makes the same noise of a picture in both tracks.
    """
    return Unlabelled(of)
