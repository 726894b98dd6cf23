"""Boundary IoU and the three boundary errors, against maps that are counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from noisebench import NotDefined
from noisebench.tracks.segment import UNLABELLED
from noisebench.tracks.segment.maps import Maps
from noisebench.tracks.segment.metrics.boundary_error import boundary_error
from noisebench.tracks.segment.metrics.boundary_iou import boundary_iou

KINDS: tuple[Any, ...] = ("false_response", "merging", "displacement")


def halves(at: int, rows: int = 4, columns: int = 10) -> Any:
    """Class 0 to the left of a column, and 1 from there."""
    return np.repeat((np.arange(columns) >= at).astype(np.int64)[None], rows, axis=0)


def test_equal_maps_have_no_error_and_an_iou_of_one() -> None:
    maps = Maps(halves(5), halves(5), 2)
    assert boundary_iou(maps, reach=1) == 1
    assert [boundary_error(maps, kind=kind, reach=1) for kind in KINDS] == [0, 0, 0]


def test_a_boundary_that_is_one_column_off_is_an_error_of_each_kind() -> None:
    """True columns 3 to 6 and found columns 4 to 7 are near; column 5 is 1, and found as 0."""
    maps = Maps(halves(6), halves(5), 2)
    assert boundary_error(maps, kind="merging", reach=1) == pytest.approx((0 + 1 / 2) / 2)
    assert boundary_error(maps, kind="false_response", reach=1) == pytest.approx((0 + 1 / 3) / 2)
    assert boundary_error(maps, kind="displacement", reach=1) == pytest.approx((0 + 1 / 2) / 2)
    # Of columns 3 to 7, 0 is right in 2 of 3 that either map has, and 1 in 2 of 3.
    assert boundary_iou(maps, reach=1) == pytest.approx(2 / 3)


def test_a_region_that_is_not_there_is_a_false_response_and_no_merging_of_regions() -> None:
    maps = Maps(halves(5), np.zeros((4, 10), np.int64), 2)
    assert boundary_error(maps, kind="false_response", reach=0) == pytest.approx(1 / 2)
    assert isinstance(boundary_error(maps, kind="merging"), NotDefined)
    assert isinstance(boundary_error(maps, kind="displacement"), NotDefined)


def test_a_region_that_is_merged_with_its_neighbour_is_a_merging_mistake_alone() -> None:
    maps = Maps(np.zeros((4, 10), np.int64), halves(5), 2)
    assert boundary_error(maps, kind="merging", reach=1) == pytest.approx((0 + 1) / 2)
    assert isinstance(boundary_error(maps, kind="false_response"), NotDefined)


def test_what_is_unlabelled_has_no_boundary_and_counts_nowhere() -> None:
    truth = halves(5)
    truth[:, 4] = UNLABELLED
    maps = Maps(halves(5), truth, 2)
    assert isinstance(boundary_iou(maps), NotDefined)
    truth = halves(5)
    truth[0, 5] = UNLABELLED
    assert boundary_error(Maps(halves(6), truth, 2), kind="merging", reach=0) == pytest.approx((0 + 1) / 2)
