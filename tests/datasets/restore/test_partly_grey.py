"""A share of the pictures is grey, always the same ones."""

from __future__ import annotations

import noisebench as nb
import numpy as np
import pytest
from noisebench.datasets.restore.partly_grey import PartlyGrey


class Pictures:
    """Pictures of three channels of constant values."""

    def __init__(self, n: int, dtype: type = np.uint8) -> None:
        self.ids = [f"p{i}" for i in range(n)]
        self._clean = np.full((4, 5, 3), [10, 20, 30], dtype)

    def load(self, index: int) -> nb.Sample:
        return nb.Sample(self.ids[index], self._clean, group="g")


def test_a_share_is_grey_and_the_rest_as_it_was() -> None:
    pictures = PartlyGrey(Pictures(400), 0.3)
    samples = [pictures.load(i) for i in range(400)]
    grey = [sample for sample in samples if sample.clean.ndim == 2]
    assert 90 <= len(grey) <= 150
    assert all((sample.clean == 18).all() and sample.clean.shape == (4, 5) for sample in grey)
    assert all(sample.clean.shape == (4, 5, 3) for sample in samples if sample.clean.ndim == 3)
    assert {sample.group for sample in samples} == {"g"}
    assert [sample.clean.ndim for sample in samples] == [pictures.load(i).clean.ndim for i in range(400)]


@pytest.mark.parametrize(("share", "ndim"), [(0, 3), (1, 2)])
def test_none_and_all(share: float, ndim: int) -> None:
    assert {PartlyGrey(Pictures(20), share).load(i).clean.ndim for i in range(20)} == {ndim}


def test_pictures_of_other_depths_are_refused() -> None:
    with pytest.raises(nb.UsageError, match=r"'p0' is uint16.*leave partly_grey out"):
        PartlyGrey(Pictures(1, np.uint16), 1).load(0)
