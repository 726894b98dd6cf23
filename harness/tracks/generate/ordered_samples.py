"""The collector of samples, which can put its batches back into the order of the dataset."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...components.registry import Bound
from ...data.disk import noticing_full_disk
from ...track.order import copy_rows
from .items import LatentBatch
from .sampler import Drawn
from .set_metrics import SampleCollector


class OrderedSamples(SampleCollector):
    """A `SampleCollector` that knows how many samples each batch has."""

    def __init__(
        self, sets: Mapping[str, Any], folder: Path, n: int, *, protocol: Bound, taken: Iterable[Any] = ()
    ) -> None:
        known = list(taken)
        super().__init__(sets, folder, n, protocol=protocol, taken=known)
        self._batches = [int(one["samples"]) for one in known]

    def take(self, output: Drawn, item: LatentBatch) -> dict[str, Any]:
        """Append the features of a batch, durably."""
        done = super().take(output, item)
        self._batches.append(int(done["samples"]))
        return done

    def copy_in_order(self, order: Sequence[int], folder: Path) -> None:
        """Copy the features to `folder`, as they were if batches had come in another order."""
        with noticing_full_disk(folder):
            for stream in self._streams:
                samples, reference = (self._file(stream, side) for side in ("samples", "reference"))
                copy_rows(samples, folder / samples.name, [4 * self._widths[stream] * n for n in self._batches], order)
                shutil.copyfile(reference, folder / reference.name)
