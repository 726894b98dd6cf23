"""Items that processes of their own read ahead of the batches: the same batches, and no item is lost with a process."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from noisebench.components.datasets import open_dataset
from noisebench.components.plugins import load_plugin
from noisebench.components.registry import bind
from noisebench.engine.read_ahead import ReadAhead
from noisebench.tracks.restore.batches import CropBatches

PLUGIN = '''
import os
import noisebench as nb
import numpy as np

class Telling:
    """Pictures that say which process read them; the third cannot be read."""
    ids = [f"told_{i}" for i in range(6)]
    def load(self, index):
        if index == 3:
            raise nb.UsageError("picture told_3 is damaged")
        return nb.Sample(self.ids[index], np.full((8, 8), index, np.uint8), meta={"pid": os.getpid()})

@nb.dataset("read_ahead_telling", licence="CC0-1.0", citation="none")
def read_ahead_telling() -> Telling:
    """Pictures that say which process read them."""
    return Telling()
'''


@pytest.fixture(scope="session")  # a worker may come back to this module, and a name is registered once
def plugin(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("plugin") / "read_ahead_plugin.py"
    file.write_text(PLUGIN)
    load_plugin(str(file))
    return str(file)


@pytest.fixture
def telling(plugin: str) -> Iterator[ReadAhead]:
    data = bind("read_ahead_telling", "dataset")
    reader = ReadAhead(data, open_dataset(data), 2, [plugin])
    yield reader
    reader.close()


def _batches() -> CropBatches:
    data, regime = (
        open_dataset(bind("textured_leaves(n=12, size=40, color=1)", "dataset")),
        bind("gaussian(sigma=25)", "regime"),
    )
    order = np.random.default_rng(0).permuted(np.tile(np.arange(10), (99, 1)), axis=1)
    return CropBatches(data, range(1, 11), regime, lambda step: list(order[step][:4]), crop=16, seed=0)


@pytest.mark.parametrize("first", [0, 5])
def test_batches_are_the_same(first: int) -> None:
    plain, ahead = _batches(), _batches()
    data = bind("textured_leaves(n=12, size=40, color=1)", "dataset")
    reader = ReadAhead(data, open_dataset(data), 2, [])
    try:
        ahead.read_by(reader, first, 9)
        for step in range(first, 9):
            one, other = plain(step), ahead(step)
            assert one.keys() == other.keys()
            for name, value in one.items():
                np.testing.assert_array_equal(value, other[name])
    finally:
        reader.close()


def test_what_is_expected_is_read_by_another_process(telling: ReadAhead) -> None:
    telling.expect([0, 1, 2])
    for index in range(3):
        item = telling.load(index)
        assert item.id == f"told_{index}" and item.clean[0, 0] == index and item.meta["pid"] != os.getpid()
    assert telling.load(4).meta["pid"] == telling.load(0).meta["pid"] == os.getpid()


def test_an_item_that_cannot_be_read_is_an_error_where_it_is_asked_for(telling: ReadAhead) -> None:
    telling.expect([3, 2])
    assert telling.load(2).id == "told_2"
    with pytest.raises(Exception, match="told_3 is damaged"):
        telling.load(3)
    assert telling.load(5).id == "told_5"


def test_processes_that_are_killed_are_not_missed(telling: ReadAhead) -> None:
    telling.expect([0])
    os.kill(telling.load(0).meta["pid"], signal.SIGKILL)
    time.sleep(0.2)
    telling.expect([1, 2])
    assert [telling.load(index).meta["pid"] for index in (1, 2, 4)] == [os.getpid()] * 3


class _Counting:
    """A reader that reads nothing ahead, and holds what it is told."""

    def __init__(self, data: Any) -> None:
        self.data, self.expected, self.closed = data, list[int](), 0

    def expect(self, indices: Any) -> None:
        self.expected += list(indices)

    def load(self, index: int) -> Any:
        return self.data.load(index)

    def close(self) -> None:
        self.closed += 1


def test_a_reader_is_closed_once_all_are_held_and_is_told_of_no_step_beyond_the_last() -> None:
    batches, reader = _batches(), _Counting(open_dataset(bind("textured_leaves(n=12, size=40, color=1)", "dataset")))
    batches.read_by(reader, 0, 2)
    wanted = set(reader.expected)
    assert 0 < len(wanted) <= 8
    batches(0), batches(1)
    assert set(reader.expected) == wanted and not reader.closed
    batches, reader = _batches(), _Counting(reader.data)
    batches.read_by(reader, 0, 9)
    for step in range(9):
        batches(step)
    assert reader.closed == 1 and reader.expected and not wanted & {0, 11}
