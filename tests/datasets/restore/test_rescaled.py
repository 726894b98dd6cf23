"""Pictures at several sizes."""

from __future__ import annotations

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind


def opened(spec: str) -> nb.Dataset:
    return nb.open_dataset(bind(spec, "dataset"))


def test_each_picture_is_an_item_at_each_factor() -> None:
    of, rescaled = opened("photos"), opened("rescaled(of=photos, factors=(0.5, 1, 1.75))")
    assert len(rescaled.ids) == 3 * len(of.ids) == len({*rescaled.ids})
    for place, side in enumerate((128, 256, 448)):
        sample = rescaled.load(place * len(of.ids) + 3)
        assert sample.clean.shape == (side, side, *of.load(3).clean.shape[2:]) and sample.clean.dtype == np.uint8
        assert (sample.group, sample.noisy) == (of.ids[3], None)
    assert (rescaled.load(len(of.ids)).clean == of.load(0).clean).all()


def test_smaller_pictures_are_means_over_areas() -> None:
    whole = opened("dead_leaves(n=1, size=16)").load(0).clean.reshape(16, 16).astype(np.float64)
    half = opened("rescaled(of=dead_leaves(n=1, size=16), factors=(0.5,))").load(0).clean
    means = whole.reshape(8, 2, 8, 2).mean(axis=(1, 3))
    assert np.abs(half.reshape(8, 8) - means).max() <= (0.5 if half.dtype == np.uint8 else 1e-6)


def test_larger_pictures_are_smoother_and_stay_in_range() -> None:
    whole = opened("photos").load(2).clean.astype(np.float64)
    large = opened("rescaled(of=photos, factors=(2,))").load(2).clean.astype(np.float64)
    assert whole.min() <= large.min() and large.max() <= whole.max()
    assert np.abs(np.diff(large, axis=0)).mean() < 0.7 * np.abs(np.diff(whole, axis=0)).mean()
    assert np.abs(large.mean() - whole.mean()) < 0.5


def test_own_noisy_pictures_are_left_out() -> None:
    assert opened("rescaled(of=noisy(of=photos, regime=gaussian(sigma=25)), factors=(1,))").load(0).noisy is None


@pytest.mark.parametrize("factors", ["()", "(0,)", "(1, 1)", "(0.5, 0.5000001)", "(30,)"])
def test_factors_that_are_none_or_alike_or_out_of_range_are_refused(factors: str) -> None:
    with pytest.raises(nb.UsageError, match="factors"):
        opened(f"rescaled(of=photos, factors={factors})")
