"""Whether a training shows much of a passage that is tested: its runs of characters, wherever they stand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .passage import Passage

Hashes = npt.NDArray[np.uint64]

_RUN = 48
"""Characters of a run: verse and stage directions repeat shorter ones."""
_SHOWN = 0.5
"""Share of a passage's runs that a training has of one that it shows."""


def passage_sketch(item: Passage) -> Hashes:
    """The hash of every run of a passage, each once."""
    points = np.frombuffer(item.text.encode("utf-32-le"), "<u4").astype(np.uint64)
    if len(points) < _RUN:
        return np.zeros(0, np.uint64)
    weights = np.random.Generator(np.random.Philox(key=0)).integers(1, 2**63, _RUN, dtype=np.uint64)
    runs = np.lib.stride_tricks.sliding_window_view(points, _RUN)
    hashes: Hashes = np.unique((runs * weights).sum(axis=1, dtype=np.uint64))
    return hashes


def shown(trained: Sequence[Hashes], tested: Sequence[Hashes]) -> dict[int, int]:
    """Places of tested passages of which half of the runs are trained on, with the place of one that has some."""
    if not len(trained):
        return {}
    runs = np.concatenate(trained)
    owners = np.repeat(np.arange(len(trained)), [len(one) for one in trained])
    order = np.argsort(runs, kind="stable")
    runs, owners = runs[order], owners[order]
    places = {}
    for place, hashes in enumerate(tested):
        if not len(hashes) or not len(runs):
            continue
        at = np.minimum(np.searchsorted(runs, hashes), len(runs) - 1)
        known = runs[at] == hashes
        if known.mean() >= _SHOWN:
            places[place] = int(owners[at[known][0]])
    return places
