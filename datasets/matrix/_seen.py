"""A share of the known entries of a matrix, at places that are drawn by key."""

from __future__ import annotations

import noisebench as nb
import numpy as np
from noisebench.tracks.matrix import Entries


def seen_entries(truth: np.ndarray, share: float, key: bytes) -> Entries:
    """`share` of the known entries (those that are not NaN), at least one, in the order of rows and columns."""
    known = np.flatnonzero(np.isfinite(truth))
    count = max(1, round(share * len(known)))
    chosen = np.sort(nb.keyed_generator(key).permutation(known)[:count])
    rows, columns = np.unravel_index(chosen, truth.shape)
    return Entries(rows.astype(np.int64), columns.astype(np.int64), truth.shape)
