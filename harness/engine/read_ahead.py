"""Items that processes of their own read before a batch wants them: to draw one may take longer than a step."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import suppress
from functools import cache
from typing import Any

from ..components.datasets import open_dataset
from ..components.plugins import load_plugin
from ..components.registry import Bound, bind
from ..track.dataset_protocol import Dataset
from . import processes
from .method_process import use_threads


class ReadAhead:
    """The items of a dataset by their places; those that are expected are read meanwhile by `count` processes.

    Each process opens the dataset for itself and uses one thread. An item that none of them can give is read where it
    is asked for: what is wrong with it is said there.
    """

    def __init__(self, data: Bound, dataset: Dataset, count: int, plugins: Sequence[str]) -> None:
        self._data, self._dataset = data, dataset
        self._coming: dict[int, Future[Any]] = {}
        # No forks: libraries with threads of their own, such as OpenCV, wait for ever in one.
        spawned = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(count, spawned, initializer=_begin, initargs=(tuple(plugins),))

    def expect(self, indices: Iterable[int]) -> None:
        """These are wanted soon."""
        with suppress(RuntimeError):  # closed, or a process was killed
            for index in indices:
                if index not in self._coming:
                    self._coming[index] = self._pool.submit(_read, self._data.display, self._data.track, index)

    def load(self, index: int) -> Any:
        """An item."""
        if (coming := self._coming.pop(index, None)) is not None:
            with suppress(Exception):  # it is said below, if it is of the item
                return coming.result()
        return self._dataset.load(index)

    def close(self) -> None:
        """End the processes: nothing is expected any more."""
        self._coming.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)


def _begin(plugins: Sequence[str]) -> None:
    processes.die_with_parent()
    use_threads(1)
    # A step waits for all of its threads: it is slow where one of them waits for a core.
    os.nice(10)
    for file in plugins:
        load_plugin(file)


@cache
def _opened(spec: str, track: str) -> Dataset:
    return open_dataset(bind(spec, "dataset", track))


def _read(spec: str, track: str, index: int) -> Any:
    return _opened(spec, track).load(index)
