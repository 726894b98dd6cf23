from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le

_LUMA = np.array([0.299, 0.587, 0.114])


class PartlyGrey:
    """Another dataset, a share of whose coloured pictures is shown as their luma."""

    def __init__(self, of: nb.Dataset, share: float) -> None:
        self._of = of
        self._share = share
        self.ids: Sequence[str] = of.ids

    def load(self, index: int) -> nb.Sample:
        """Picture `index`, as it is or grey. Raises `UsageError` where one that is to be grey is not of 8 bits."""
        sample: nb.Sample = self._of.load(index)
        if (
            sample.clean.ndim == 2
            or nb.keyed_generator(nb.text_key(f"partly_grey|{sample.id}")).uniform() >= self._share
        ):
            return sample
        if sample.clean.dtype != np.uint8 or sample.noisy is not None:
            raise nb.UsageError(
                f"partly_grey is of clean pictures of 8 bits, and {sample.id!r} is {sample.clean.dtype}"
                f"{' with a noisy one of its own' if sample.noisy is not None else ''}: leave partly_grey out"
            )
        return nb.Sample(sample.id, np.rint(sample.clean @ _LUMA).astype(np.uint8), group=sample.group)


@nb.dataset("partly_grey", licence="that of the other set")
def partly_grey(*, of: nb.DatasetSpec, share: Annotated[float, Ge(0), Le(1)] = 0.3) -> PartlyGrey:
    """The pictures of another set, a share of them as grey ones: to train one network for both kinds.

    of: the other set, of 8 bits. share: the chance that a picture is grey, (0.299, 0.587, 0.114) of its channels and
    rounded; its id says which.
    """
    return PartlyGrey(nb.open_dataset(of), share)
