"""The middle of pictures, of their own noisy ones too."""

from __future__ import annotations

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind
from noisebench.datasets.restore.centre_crop import CentreCrop


class Pictures:
    """One picture whose values say where they lie, with a small one of its own where `scale` is above 1."""

    def __init__(self, height: int, width: int, scale: int = 0) -> None:
        self.ids = ["one"]
        clean = np.arange(height * width, dtype=np.float32).reshape(height, width)
        small = None if not scale else np.stack([clean[::scale, ::scale]] * 3, axis=2)
        self._sample = nb.Sample("one", clean, small, group="g")

    def load(self, index: int) -> nb.Sample:
        return self._sample


def test_it_is_the_middle_and_all_of_what_is_smaller() -> None:
    sample = CentreCrop(Pictures(7, 10), 4).load(0)
    assert (sample.id, sample.group, sample.noisy) == ("one", "g", None)
    assert sample.clean.tolist() == [[10 * row + column for column in range(3, 7)] for row in range(1, 5)]
    assert CentreCrop(Pictures(3, 10), 4).load(0).clean.shape == (3, 4)


def test_a_picture_and_its_own_small_one_show_the_same() -> None:
    sample = CentreCrop(Pictures(14, 12, scale=2), 8).load(0)
    assert sample.noisy is not None
    assert sample.noisy.shape == (4, 4, 3) and (sample.noisy[..., 2] == sample.clean[::2, ::2]).all()


def test_a_size_that_is_no_multiple_of_the_scale_is_refused() -> None:
    with pytest.raises(nb.UsageError, match="^size=7 .*multiple of 2: "):
        CentreCrop(Pictures(14, 12, scale=2), 7).load(0)


def test_it_is_of_any_set() -> None:
    of = nb.open_dataset(bind("centre_crop(of=dead_leaves(n=2, size=16), size=8)", "dataset"))
    whole = nb.open_dataset(bind("dead_leaves(n=2, size=16)", "dataset"))
    assert list(of.ids) == list(whole.ids)
    assert (of.load(1).clean == whole.load(1).clean[4:12, 4:12]).all()
