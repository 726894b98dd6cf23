"""What detectors share: natural pictures as references, by which a picture is natural or not."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.datasets.classify._arrays import LabelledArrays, kept_by_key, labelled_arrays

References = Annotated[int, Ge(10), Le(100_000)]
_FALSE = 0.05
"""The share of the references that is taken for attacked."""


class Detector:
    """Two logits, of natural and attacked: a class adds `fit` and `strangeness`.

    `references` pictures of `data`, chosen by key, say what is natural, and the others are fitted to. The second logit
    is above the first where a picture is stranger than 95 % of the references, in units of how widely those lie.
    """

    def __init__(self, data: nb.Bound, references: int) -> None:
        self.data, self.references = data, references

    @staticmethod
    def flags(*, data: nb.Bound, **others: Any) -> dict[str, Any]:
        """It was fitted to its data."""
        return {"trained_on": (data.display,)}

    def fit(self, others: LabelledArrays, references: LabelledArrays, device: Any) -> Any:
        """Learn what is natural; returns the strangeness of each reference, (R,)."""
        raise NotImplementedError

    def strangeness(self, picture: Any, info: Any) -> float:
        """Of one picture, float32 (C, H, W) on [0, 1]: the larger, the less natural."""
        raise NotImplementedError

    def setup(self, device: Any) -> None:
        """Fit it. Raises `UsageError` where the pictures are fewer than twice the references."""
        arrays = labelled_arrays(self.data)
        if len(arrays.pictures) < 2 * self.references:
            raise nb.UsageError(
                f"a detector needs twice as many pictures as references={self.references}, and {self.data.display} has "
                f"{len(arrays.pictures)}: give fewer references"
            )
        kept = np.zeros(len(arrays.pictures), bool)
        kept[kept_by_key(arrays.lines, self.references)] = True
        self.shape = arrays.pictures.shape[1:]
        self.known = {nb.pixel_sha256(one) for one in arrays.pictures.transpose(0, 2, 3, 1)}
        scores = np.asarray(self.fit(_part(arrays, ~kept), _part(arrays, kept), device), np.float64)
        low, middle, self.limit = np.quantile(scores, [0.25, 0.5, 1 - _FALSE])
        self.spread = max(float(middle - low), float(self.limit - middle), 1e-12)

    def classify(self, picture: Any, info: Any) -> Any:
        """float32 (H, W, C) → logits (2,).

        Raises `Skip` for pictures of another size, or more classes, and `UsageError` for one that it was fitted to.
        """
        seen = np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32)
        if seen.shape != self.shape or info.classes != 2:
            raise nb.Skip(
                f"tells natural pictures {self.shape} from attacked ones, not {info.classes} classes of {seen.shape}"
            )
        if nb.pixel_sha256(picture) in self.known:
            raise nb.UsageError(f"a picture that is tested is in {self.data.display} as well: give others for data")
        return np.array([0.0, (self.strangeness(seen, info) - self.limit) / self.spread], np.float32)


def _part(arrays: LabelledArrays, chosen: Any) -> LabelledArrays:
    lines = [line for line, one in zip(arrays.lines, chosen, strict=True) if one]
    return LabelledArrays(arrays.pictures[chosen], arrays.labels[chosen], arrays.classes, lines)
