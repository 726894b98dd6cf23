"""How well a score tells pictures of the second of two classes from those of the first."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from noisebench.tracks.classify.detection import area_under_roc, detection, false_alarms
from noisebench.tracks.classify.set_metrics import Answers
from scipy.stats import norm
from sklearn.metrics import roc_auc_score, roc_curve


def score(first: list[float], second: list[float], classes: int = 2) -> dict[str, object]:
    """What `auroc` says of the log odds of pictures of the first class and of the second."""
    odds = np.array([*first, *second], float)
    label = np.repeat([0.0, 1.0], [len(first), len(second)])
    rest = np.zeros(len(odds))
    return detection(area_under_roc).of(Answers(rest, rest, label, np.full(len(odds), float(classes)), odds))


def test_the_area_is_that_of_scikit_learn_and_its_error_that_of_delong() -> None:
    rng = np.random.default_rng(0)
    first, second = np.round(rng.normal(size=80), 1), np.round(rng.normal(0.7, size=50), 1)
    value, error = area_under_roc(first, second)
    assert value == pytest.approx(
        roc_auc_score(np.repeat([0, 1], [80, 50]), np.concatenate([first, second])), abs=1e-12
    )
    above = (second[:, None] > first) + 0.5 * (second[:, None] == first)
    due = above.mean(axis=1).var(ddof=1) / 50 + above.mean(axis=0).var(ddof=1) / 80
    assert error == pytest.approx(math.sqrt(due), rel=1e-12)
    assert area_under_roc(np.zeros(3), np.ones(4)) == (1.0, 0.0)
    assert area_under_roc(np.ones(3), np.ones(1)) == (0.5, None)


def test_false_alarms_are_counted_where_95_of_100_are_found() -> None:
    assert false_alarms(np.array([0.0, 4.9, 5.0, 90.0]), np.arange(100.0), 0.95)[0] == 0.5
    assert false_alarms(np.array([0.0, 1.0]), np.array([2.0]), 0.95)[0] == 0
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=300), rng.normal(1, size=200)
    false, true, _ = roc_curve(np.repeat([0, 1], [300, 200]), np.concatenate([first, second]), drop_intermediate=False)
    assert false_alarms(first, second, 0.95)[0] == pytest.approx(false[np.argmax(true >= 0.95)])


def test_95_of_100_intervals_hold_the_area() -> None:
    found = score([0, 1, 2, 3], [1.5, 2.5, 3.5, 4.5])
    half = norm.ppf(0.975) * found["error"]
    assert (found["value"], found["n"]) == (13 / 16, 8)
    assert found["interval"] == [pytest.approx(13 / 16 - half, rel=1e-4), 1.0]
    assert score([1.5, 2.5, 3.5, 4.5], [0, 1, 2, 3])["interval"] == [0.0, pytest.approx(3 / 16 + half, rel=1e-4)]


def test_one_class_alone_has_no_area_and_one_picture_of_it_no_interval() -> None:
    alone = score([0, 1], [])
    assert alone["value"] is None and re.fullmatch("2 pictures of .* first .*, 0 of .* second", str(alone["note"]))
    one = score([0, 1], [2])
    assert (one["value"], one["interval"]) == (1.0, None)
    assert "10" in str(score([0, 1], [2], classes=10)["note"])
