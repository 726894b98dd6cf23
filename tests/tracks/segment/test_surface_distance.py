"""Surface distances of label maps, against distances that are worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from noisebench import NotDefined
from noisebench.tracks.segment.maps import Maps
from noisebench.tracks.segment.metrics.surface_distance import surface_distance


def box(top: int, left: int, height: int, width: int, size: int = 20) -> np.ndarray:
    labels = np.zeros((size, size), np.int64)
    labels[top : top + height, left : left + width] = 1
    return labels


def test_equal_maps_are_at_no_distance() -> None:
    assert surface_distance(Maps(box(3, 4, 5, 6), box(3, 4, 5, 6), 2, 0)) == 0


def test_a_line_that_is_three_rows_off_is_three_pixels_away() -> None:
    maps = Maps(box(5, 2, 1, 10), box(8, 2, 1, 10), 2, 0)
    assert surface_distance(maps) == 3 and surface_distance(maps, kind="hausdorff") == 3


def test_the_mean_is_over_both_boundaries_and_hausdorff_is_the_larger_end() -> None:
    """Of a point and two points, of which one is the same and one 4 away."""
    truth = box(5, 5, 1, 1) + box(5, 9, 1, 1)
    maps = Maps(box(5, 5, 1, 1), truth, 2, 0)
    assert surface_distance(maps) == pytest.approx((0 + 0 + 4) / 3)
    assert surface_distance(maps, kind="hausdorff", percent=100) == 4
    assert surface_distance(maps, kind="hausdorff") == pytest.approx(3.8)


def test_what_is_not_found_is_a_diagonal_away_and_without_an_object_there_is_none() -> None:
    assert surface_distance(Maps(np.zeros((20, 20), np.int64), box(1, 1, 2, 2), 2, 0)) == pytest.approx(
        20 * math.sqrt(2)
    )
    assert isinstance(surface_distance(Maps(box(1, 1, 2, 2), np.zeros((20, 20), np.int64), 2, 0)), NotDefined)


def test_pixels_inside_do_not_count() -> None:
    """A square and the same one with a hole have the same outer boundary, and the hole's edge lies one off it."""
    truth = box(2, 2, 5, 5)
    predicted = truth.copy()
    predicted[4, 4] = 0
    outer, hole = 16, 4
    assert surface_distance(Maps(predicted, truth, 2, 0)) == pytest.approx(hole / (outer + hole + outer))
