"""Pictures with more contrast."""

from __future__ import annotations

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind


def opened(spec: str) -> nb.Dataset:
    return nb.open_dataset(bind(spec, "dataset"))


def test_levels_below_black_and_above_white_are_the_ends_of_the_range() -> None:
    of, spread = opened("photos"), opened("levels(of=photos, black=0.2, white=0.8)")
    index = [*of.ids].index("helmet")
    before, sample = of.load(index).clean, spread.load(index)
    after = sample.clean
    assert after.dtype == np.uint8 and after.shape == before.shape and (sample.group, sample.noisy) == ("helmet", None)
    assert (before <= 51).any() and (after[before <= 51] == 0).all()
    assert (before >= 204).any() and (after[before >= 204] == 255).all()
    between = (before > 51) & (before < 204)
    assert np.abs(after[between] - (before[between] / 255 - 0.2) / 0.6 * 255).max() <= 0.5


def test_the_full_range_leaves_pictures_as_they_are() -> None:
    of, same = opened("photos"), opened("levels(of=photos)")
    assert len(same.ids) == len(of.ids) and not {*same.ids} & {*of.ids}
    assert all((same.load(index).clean == of.load(index).clean).all() for index in range(len(of.ids)))


def test_floats_stay_floats_within_the_unit_range() -> None:
    clean = opened("levels(of=piecewise(n=1), black=0.4, white=0.6)").load(0).clean
    assert clean.dtype == np.float32 and (clean.min(), clean.max()) == (0, 1)


@pytest.mark.parametrize("parameters", ["black=0.5, white=0.5", "black=0.6, white=0.4", "black=1", "white=0"])
def test_levels_that_are_not_in_order_are_refused(parameters: str) -> None:
    with pytest.raises(nb.UsageError, match="white|black"):
        opened(f"levels(of=photos, {parameters})")
