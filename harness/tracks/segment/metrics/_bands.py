"""Bands around the boundaries of two label maps, and what of the true classes is found within them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..mapped_picture import UNLABELLED
from ..maps import Ints, Maps

Mask = npt.NDArray[np.bool_]


def band(labels: Ints, labelled: Mask, reach: int) -> Mask:
    """The pixels in a square of 2·reach + 1 around one that has a neighbour of another class, of four.

    Where either of two neighbours is unlabelled, there is no boundary.
    """
    from scipy.ndimage import binary_dilation

    edge = np.zeros(labels.shape, bool)
    for axis in (0, 1):
        first, second = (np.take(labels, place, axis) for place in _neighbours(labels.shape[axis]))
        both = np.logical_and(*(np.take(labelled, place, axis) for place in _neighbours(labels.shape[axis])))
        differs = (first != second) & both
        edge |= np.insert(differs, differs.shape[axis], False, axis) | np.insert(differs, 0, False, axis)
    wide: Mask = binary_dilation(edge, np.ones((2 * reach + 1, 2 * reach + 1), bool))
    return wide


def _neighbours(side: int) -> tuple[range, range]:
    return range(side - 1), range(1, side)


def bands(maps: Maps, reach: int) -> tuple[Mask, Mask]:
    """The labelled pixels in the band of the found map, and of the true one."""
    labelled = maps.truth != UNLABELLED
    found_band, true_band = (band(labels, labelled, reach) & labelled for labels in (maps.predicted, maps.truth))
    return found_band, true_band


def confusion_in(maps: Maps, region: Mask) -> Ints:
    """The confusion matrix of the pixels of a region."""
    return Maps(maps.predicted, np.where(region, maps.truth, UNLABELLED), maps.classes, maps.background).confusion
