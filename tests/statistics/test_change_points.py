"""Changes of level in a series: what is one, where, and how often chance makes one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from noisebench.statistics.change_points import change_points


def places(values: list[float], level: float = 0.05) -> list[int]:
    return [one.place for one in change_points(np.array(values), level)]


@pytest.mark.parametrize(
    ("values", "due"),
    [
        ([], []),
        ([1.0], []),
        ([1.0, 2.0], []),
        ([1.0] * 9, []),
        ([0.1] * 3 + [0.3], [3]),
        ([0.3] + [0.1] * 3, [1]),
        ([0.1] * 4 + [0.3] * 4, [4]),
        ([0.1] * 4 + [0.3] + [0.1] * 4, [4, 5]),
        ([0.1] * 4 + [0.3] * 2 + [0.1] * 4, [4, 6]),
        ([0.1] * 3 + [0.2] * 3 + [0.7] * 3, [3, 6]),
    ],
)
def test_of_values_that_do_not_scatter_each_step_is_a_change(values: list[float], due: list[int]) -> None:
    assert places(values) == due


def test_a_level_within_noise_is_found_with_its_span_and_one_that_comes_back_too() -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, 30)
    (one,) = change_points(noise + np.where(np.arange(30) < 17, 1.0, 0.8), 0.05)
    assert one.place == 17 and one.first < 17 <= one.last
    mended = noise + np.where((np.arange(30) >= 10) & (np.arange(30) < 20), 0.8, 1.0)
    assert [one.place for one in change_points(mended, 0.05)] == [10, 20]


def test_spans_of_changes_do_not_share_a_change() -> None:
    values = np.random.default_rng(1).normal(0, 0.01, 40) + np.repeat([0.0, 1.0, 3.0, 2.0], 10)
    found = change_points(values, 0.05)
    assert [one.place for one in found] == [10, 20, 30]
    for one, other in pairwise(found):
        assert one.place <= other.first


def test_chance_alone_makes_a_change_at_most_at_the_level() -> None:
    rng = np.random.default_rng(2)
    wrong = sum(bool(change_points(rng.normal(size=12), 0.2)) for _ in range(400))
    assert wrong / 400 <= 0.2


def test_a_shift_and_a_scale_change_nothing() -> None:
    values = np.random.default_rng(3).normal(0, 1, 20) + np.repeat([0.0, 30.0], 10)
    assert change_points(values, 0.05) == change_points(1000 + 0.001 * values, 0.05)
