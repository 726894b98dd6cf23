from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.tracks.segment import UNLABELLED, MappedPicture

Kind = Literal["mixed", "dilate", "erode", "shift"]
Labels = np.ndarray[Any, Any]
_TURNS = 8
"""Directions of a shift."""


class BoundaryNoise:
    """Another set's pictures, some with a map whose boundaries are elsewhere."""

    def __init__(self, of: nb.Dataset, share: float, reach: int, kind: Kind, seed: int) -> None:
        self._of, self._share, self._reach, self._kind, self._seed = of, share, reach, kind, seed
        self.ids: Sequence[str] = of.ids

    def load(self, index: int) -> MappedPicture:
        """Picture `index`; its map depends on its id and the seed alone. Raises `UsageError` without a background."""
        item: MappedPicture = self._of.load(index)
        if item.background is None and self._kind != "shift":
            raise nb.UsageError(
                f"boundary_noise: {nb.one_line(item.id)!r} has no background that objects could grow into: give "
                "kind=shift"
            )
        rng = nb.keyed_generator(nb.text_key(f"boundary noise|{self._seed}|{item.id}"))
        if rng.random() >= self._share:
            return item
        drawn, turn = int(rng.integers(3)), int(rng.integers(_TURNS))
        kind = ("dilate", "erode", "shift")[drawn] if self._kind == "mixed" else self._kind
        if kind == "shift":
            angle = 2 * np.pi * turn / _TURNS
            annotated = shifted(item.labels, round(self._reach * np.sin(angle)), round(self._reach * np.cos(angle)))
        else:
            assert item.background is not None
            change = dilated if kind == "dilate" else eroded
            annotated = change(item.labels, item.background, self._reach)
        return replace(item, annotated=np.where(item.labels == UNLABELLED, item.labels, annotated))


def dilated(labels: Labels, background: int, reach: float) -> Labels:
    """Background at most `reach` pixels from an object gets the label of the nearest one."""
    from scipy.ndimage import distance_transform_edt

    objects = (labels != background) & (labels != UNLABELLED)
    if not objects.any():
        return labels.copy()
    far, (row, column) = distance_transform_edt(~objects, return_indices=True)
    grown: Labels = np.where((labels == background) & (far <= reach), labels[row, column], labels)
    return grown


def eroded(labels: Labels, background: int, reach: float) -> Labels:
    """Objects become background where that is at most `reach` pixels away."""
    from scipy.ndimage import distance_transform_edt

    ground = labels == background
    if not ground.any():
        return labels.copy()
    far = distance_transform_edt(~ground)
    shrunk: Labels = np.where((labels != UNLABELLED) & (far <= reach), background, labels).astype(labels.dtype)
    return shrunk


def shifted(labels: Labels, down: int, right: int) -> Labels:
    """All labels so many pixels further, the edge repeated; what comes from an unlabelled pixel stays what it was."""
    rows, columns = (
        np.clip(np.arange(side) - by, 0, side - 1) for side, by in zip(labels.shape, (down, right), strict=True)
    )
    moved = labels[np.ix_(rows, columns)]
    moved_labels: Labels = np.where(moved == UNLABELLED, labels, moved)
    return moved_labels


@nb.dataset("boundary_noise", track="segment", licence="that of the other set")
def boundary_noise(
    *,
    of: nb.DatasetSpec,
    share: Annotated[float, Ge(0), Le(1)] = 0.3,
    reach: Annotated[int, Ge(1), Le(64)] = 3,
    kind: Kind = "mixed",
    seed: Annotated[int, Ge(0)] = 0,
) -> BoundaryNoise:
    """Another set of which a share of label maps has wrong boundaries, as a training is told; the truth stays.

    of: the other set. share: of pictures, each by itself, whose map is changed: its objects are dilated or eroded by
    `reach` pixels, or the whole map is shifted by as many in one of eight directions; kind: which, `mixed` draws it for
    each. Validations and tests are scored against the true map.
    """
    return BoundaryNoise(nb.open_dataset(of), share, reach, kind, seed)
