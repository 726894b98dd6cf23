"""Two sets of pictures as one."""

from __future__ import annotations

import noisebench as nb
import pytest
from noisebench.components.registry import bind


def opened(spec: str) -> nb.Dataset:
    return nb.open_dataset(bind(spec, "dataset"))


def test_the_pictures_of_both_sets_follow_one_another() -> None:
    first, second = opened("piecewise(n=2)"), opened("photos")
    both = opened("joined(of=piecewise(n=2), more=photos)")
    assert [*both.ids] == [*first.ids, *second.ids]
    for place, (of, index) in {1: (first, 1), 2: (second, 0), -1: (second, len(second.ids) - 1)}.items():
        sample = both.load(place)
        assert sample.id == of.ids[index] and (sample.clean == of.load(index).clean).all()
    with pytest.raises(IndexError):
        both.load(len(both.ids))


def test_sets_that_share_an_id_are_refused() -> None:
    with pytest.raises(nb.UsageError, match="photos|share"):
        opened("joined(of=photos, more=subset(of=photos, ids='*'))")
