"""FAB: the nearest picture of another class, beside distances that are known in closed form."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind, registry
from noisebench.components.tracks import get_track
from noisebench.track.posed_case import Case
from noisebench.track.track_protocol import case_of
from noisebench.tracks.classify import LabelledPicture
from noisebench.tracks.classify.attack_search import Floats, Point
from noisebench.tracks.classify.boundary_search import Box, nearest_of_another_class
from noisebench.tracks.classify.white_box import attacked_cases

TRACK = get_track("classify")
WEIGHT = torch.randn(4, 48, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
PICTURE = np.random.default_rng(0).uniform(0.3, 0.7, (4, 4, 3)).astype(np.float32)
DUAL = {"linf": 1, "l2": 2}
"""The order of the norm that the slope has in the distance to a plane."""


def plane_logits(x: Floats) -> Floats:
    """Of the affine classifier of four classes."""
    logits: Floats = WEIGHT.numpy() @ x.transpose(2, 0, 1).ravel()
    return logits


@pytest.fixture(autouse=True)
def network() -> Iterator[None]:
    """The affine classifier as a method."""

    @nb.method("plane_of_four", track="classify")
    def plane(picture: Any, info: Any) -> Any:
        return picture.flatten(1).double() @ WEIGHT.T

    yield
    del registry("method", "classify")._entries["plane_of_four"]


def distances(norm: str) -> dict[int, float]:
    """From the picture to each other class, |difference of logits| / dual norm of its slope; no box is in the way."""
    logits, label = plane_logits(PICTURE.astype(np.float64)), int(plane_logits(PICTURE.astype(np.float64)).argmax())
    weight = WEIGHT.numpy()
    return {
        other: float((logits[label] - logits[other]) / np.linalg.norm(weight[label] - weight[other], DUAL[norm]))
        for other in range(4) if other != label
    }  # fmt: skip


def found(norm: str, target: int, steps: int = 20) -> Point | None:
    """What FAB finds by exact logits and gradients of the affine classifier."""
    given = PICTURE.astype(np.float64)
    label = int(plane_logits(given).argmax())
    gradients = WEIGHT.numpy().reshape(4, 3, 4, 4).transpose(0, 2, 3, 1)

    def look(x: Floats) -> Generator[Case, Any, Point]:
        logits = plane_logits(x)
        return Point(x, float(logits[label] - np.delete(logits, label).max()), x, logits, gradients, 0.0)
        yield  # never reached: it makes this a generator

    box = Box(norm, np.zeros_like(given), np.ones_like(given))
    search = nearest_of_another_class(look, given, label, target, box, steps)
    try:
        next(search)
    except StopIteration as end:
        nearest: Point | None = end.value
        return nearest
    raise AssertionError("it asked for more than the classifier says")


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_nearest_point_is_at_the_distance_of_the_nearest_plane(norm: str) -> None:
    target, distance = min(distances(norm).items(), key=lambda one: one[1])
    point = found(norm, target)
    assert point is not None
    assert point.margin < 0
    size = Box(norm, point.x, point.x).length(point.x - PICTURE)
    assert distance <= size <= 1.01 * distance


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_from_the_plane_of_a_class_further_off_nothing_nearer_than_the_least_is_found(norm: str) -> None:
    least = min(distances(norm).values())
    for target, distance in distances(norm).items():
        point = found(norm, target)
        assert point is not None
        assert least <= Box(norm, point.x, point.x).length(point.x - PICTURE) <= 1.01 * distance


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_auto_attack_succeeds_above_the_least_distance_and_never_below(norm: str) -> None:
    least = min(distances(norm).values())
    assert margin_after(f"auto_attack(eps={1.02 * least}, norm={norm}, steps=30, tries=0)") < 0
    assert margin_after(f"auto_attack(eps={0.99 * least}, norm={norm}, steps=30, tries=50)") > 0


def test_fab_reaches_in_one_step_what_apgd_does_not() -> None:
    least = min(distances("l2").values())
    assert margin_after(f"auto_attack(eps={1.06 * least}, norm=l2, steps=1, tries=0)") < 0


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_value_that_stops_at_the_box_leaves_its_share_to_the_others(norm: str) -> None:
    x, slope = np.array([[[0.9]], [[0.5]]]), np.ones((2, 1, 1))
    box = Box(norm, np.zeros_like(x), np.ones_like(x))
    # x + y grows by 0.5: the first value has 0.1 of room, so that the second moves by 0.4.
    assert box.onto_plane(x, slope, -0.5).ravel() == pytest.approx([0.1, 0.4], abs=1e-15)
    assert box.onto_plane(x, slope, 0.5).ravel() == pytest.approx([-0.25, -0.25], abs=1e-15)


def test_values_move_alike_in_linf_and_by_their_slopes_in_l2() -> None:
    x, slope = np.full((3, 1, 1), 0.5), np.array([3.0, -1.0, 0.0]).reshape(3, 1, 1)
    wide = (np.full_like(x, -9.0), np.full_like(x, 9.0))
    assert Box("linf", *wide).onto_plane(x, slope, -2.0).ravel() == pytest.approx([0.5, -0.5, 0], abs=1e-15)
    assert Box("l2", *wide).onto_plane(x, slope, -2.0).ravel() == pytest.approx([0.6, -0.2, 0], abs=1e-15)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_plane_that_the_box_does_not_reach_is_come_near(norm: str) -> None:
    x, slope = np.array([[[0.9]], [[0.5]]]), np.array([[[1.0]], [[-2.0]]])
    box = Box(norm, np.zeros_like(x), np.ones_like(x))
    assert box.onto_plane(x, slope, -7.0).ravel() == pytest.approx([0.1, -0.5], abs=1e-15)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_change_is_the_least_one_to_the_plane(norm: str) -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        x, slope = rng.uniform(size=(2, 3, 1)), rng.standard_normal((2, 3, 1))
        box = Box(norm, np.zeros_like(x), np.ones_like(x))
        goal = rng.uniform(size=x.shape)
        value = float((slope * (x - goal)).sum())
        change = box.onto_plane(x, slope, value)
        assert value + float((slope * change).sum()) == pytest.approx(0, abs=1e-12)
        assert (x + change >= -1e-15).all() and (x + change <= 1 + 1e-15).all()
        assert box.length(change) <= box.length(goal - x) + 1e-12  # the goal lies on the plane and in the box


def margin_after(attack: str) -> float:
    """The margin of the picture's label where an attack leads."""
    regime = bind(attack, "regime", "classify")
    label = int(plane_logits(PICTURE.astype(np.float64)).argmax())
    item = LabelledPicture("a", PICTURE, label, ("0", "1", "2", "3"))
    runner = nb.Classifier(bind("plane_of_four", "method", "classify"))
    runner.setup("cpu")
    (case,) = attacked_cases(regime, [(item, case_of(TRACK, regime, item, 0))], 0, runner.differentiate)
    logits = plane_logits(case.given.astype(np.float64))
    return float(logits[label] - np.delete(logits, label).max())
