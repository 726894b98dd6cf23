from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le, Lt


@nb.dataset("levels", licence="that of the other set")
class Levels:
    """The pictures of another set with more contrast, so that shadows are exactly black and lights exactly white.

    of: the other set; its own noisy pictures are left out, since other levels have other noise. black, white: the
    levels, as shares of the range of the type, that become its ends; what lies beyond is clipped, and the rest is a
    straight line. 8 bits stay 8 bits. `levels(of=bsd400, black=0.3)` is training data with areas without light.
    """

    def __init__(
        self, *, of: nb.DatasetSpec, black: Annotated[float, Ge(0), Lt(1)] = 0.0,
        white: Annotated[float, Gt(0), Le(1)] = 1.0,
    ) -> None:  # fmt: skip
        if white - black < 0.01:
            raise nb.UsageError(f"levels: black={black:g} and white={white:g}: give a white at least 0.01 above black")
        self._of = nb.open_dataset(of)
        self._black, self._white = black, white
        self.ids: Sequence[str] = [f"{name}@{black:g}-{white:g}" for name in self._of.ids]

    def load(self, index: int) -> nb.Sample:
        """Picture `index`."""
        sample = self._of.load(range(len(self.ids))[index])
        return nb.Sample(self.ids[index], self._spread(np.asarray(sample.clean)), group=sample.group or sample.id)

    def _spread(self, picture: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        whole = picture.dtype.kind == "u"
        peak = np.iinfo(picture.dtype).max if whole else 1
        spread = np.clip((picture / peak - self._black) / (self._white - self._black), 0, 1) * peak
        result: np.ndarray[Any, Any] = (np.rint(spread) if whole else spread).astype(picture.dtype)
        return result
