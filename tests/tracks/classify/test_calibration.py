"""The set metric `ece`: bins by hand and as torchmetrics has them, its floor, and how cells and boards have it."""

from __future__ import annotations

import json
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from noisebench.boards.set_metrics import BoardSets, set_columns, set_values
from noisebench.components.tracks import get_track
from noisebench.report.set_metrics import explain_sets, set_facts, set_table
from noisebench.store.cell import SetPart
from noisebench.track.set_metrics import HasSetMetrics
from noisebench.tracks.classify import NO_CLASS, LabelledPicture
from noisebench.tracks.classify.calibration import calibration_error, scored
from noisebench.tracks.classify.set_metrics import Answers

TRACK = get_track("classify")
SOFTMAX = nb.bind("softmax", "protocol", "classify")


def item(label: int, classes: int = 3) -> LabelledPicture:
    return LabelledPicture(
        "one", np.zeros((2, 2), np.float32), label, tuple(map(str, range(classes))), 0 if label == NO_CLASS else None
    )


def test_the_value_of_four_pictures_is_that_of_hand() -> None:
    confidence, right = np.array([0.55, 0.65, 0.9, 1.0]), np.array([1.0, 0.0, 1.0, 1.0])
    # Two bins: all lie in the upper one. Four: (0.5, 0.75] has 0.6 and 1/2, (0.75, 1] has 0.95 and 1.
    assert calibration_error(confidence, right, 2) == pytest.approx(abs(3.1 / 4 - 3 / 4))
    assert calibration_error(confidence, right, 4) == pytest.approx(0.5 * 0.1 + 0.5 * 0.05)


def test_a_bin_has_its_upper_end() -> None:
    # 0.5 lies in (0, 0.5] with 0.25, and not with 0.75.
    assert calibration_error(np.array([0.25, 0.5, 0.75]), np.array([0.0, 1.0, 1.0]), 2) == pytest.approx(
        (abs(1 - 0.75) + 0.25) / 3
    )


@pytest.mark.parametrize(("classes", "bins"), [(2, 15), (5, 15), (10, 4), (3, 1)])
def test_it_is_that_of_torchmetrics(classes: int, bins: int) -> None:
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchmetrics.functional.classification")
    rng = np.random.default_rng(classes)
    logits, labels = rng.normal(size=(300, classes)) * 2, rng.integers(0, classes, 300)
    assert isinstance(TRACK, HasSetMetrics)
    name = f"ece(bins={bins})"
    taker = TRACK.collector({name: {}}, Path("none"), 300, protocol=SOFTMAX)
    for one, label in zip(logits, labels, strict=True):
        taker.take(one.astype(np.float32), item(int(label), classes))
    due = functional.multiclass_calibration_error(
        torch.from_numpy(logits.astype(np.float32)).softmax(1), torch.from_numpy(labels), classes, n_bins=bins
    )
    assert taker.score()[name]["value"] == pytest.approx(float(due), abs=2e-6)


def said(confidence: np.ndarray, right: np.ndarray) -> Answers:
    """Answers of which nothing else is looked at."""
    return Answers(confidence, right, *np.zeros((3, len(right))))


def test_the_floor_is_what_chance_alone_makes_and_falls_with_more_pictures() -> None:
    rng = np.random.default_rng(0)
    found = []
    for n in (50, 2000):
        confidence = rng.uniform(0.3, 1, n)
        made = scored(said(confidence, (rng.random(n) < confidence).astype(float)), 15)
        assert abs(made["value"] - made["floor"]) < 4 * made["error"] and made["n"] == n
        found.append(made["floor"])
    assert found[0] > 3 * found[1] > 0
    # One who is always sure and right half the time is far above it.
    sure = scored(said(np.full(400, 0.99), np.tile([0.0, 1.0], 200)), 15)
    assert sure["value"] == pytest.approx(0.49) and sure["floor"] < 0.02
    assert sure["error"] == pytest.approx(0.5 / np.sqrt(400), rel=0.15)


def test_few_pictures_have_no_floor_and_none_has_no_value() -> None:
    few = scored(said(np.array([0.75]), np.array([1.0])), 15)
    assert few["value"] == 0.25 and few["floor"] is None and few["error"] is None and "below 6" in few["note"]
    assert scored(said(np.zeros(0), np.zeros(0)), 15)["value"] is None


def test_what_is_taken_goes_on_where_it_was_stopped_and_a_picture_of_no_class_counts_for_none() -> None:
    sets = {"ece": {}, "ece(bins=3)": {}}
    rng = np.random.default_rng(1)
    outputs = rng.normal(size=(12, 3)).astype(np.float32)

    def collector(taken: list[list[float]] | tuple[()] = ()):
        return TRACK.collector(sets, Path("none"), 12, protocol=SOFTMAX, taken=taken)

    whole = collector()
    taken = [whole.take(one, item(i % 3)) for i, one in enumerate(outputs)]
    assert whole.take(outputs[0], item(NO_CLASS)) == []
    assert collector(json.loads(json.dumps(taken))).score() == whole.score()
    assert whole.score()["ece"]["n"] == 12


def test_certified_radii_and_maps_are_no_part_of_confidence() -> None:
    logits = np.array([0.1, 2.0, -1.0], np.float32)
    due = TRACK.collector({"ece": {}}, Path("none"), 1, protocol=SOFTMAX).take(logits, item(1))
    for output in (np.append(logits, 9.0), np.concatenate([logits[:, None], np.full((3, 4), 7)], axis=1)):
        made = TRACK.collector({"ece": {}}, Path("none"), 1, protocol=SOFTMAX).take(output, item(1))
        assert made == pytest.approx(due) and made[1] == 1.0


def test_a_temperature_changes_confidence_alone() -> None:
    logits = np.array([0.0, 2.0, -1.0], np.float32)
    cold, warm = (
        TRACK.collector(
            {"ece": {}}, Path("none"), 1, protocol=nb.bind(f"softmax(temperature={t})", "protocol", "classify")
        ).take(logits, item(1))
        for t in (0.5, 4)
    )
    assert cold[0] > warm[0] and cold[1] == warm[1] == 1.0


def test_a_cell_has_it_beside_its_rows_and_the_table_says_how_it_is_read() -> None:
    made = nb.evaluate("uniform", track="classify", dataset="digits(n=40)", regime="none", metrics=["accuracy", "ece"])
    right = made.record.scores["accuracy"]
    assert len(right) == 40 and "ece" not in made.record.scores
    # It says 0.1 of the first class whatever it is shown.
    assert made.sets["ece"]["value"] == pytest.approx(abs(np.mean(right) - 0.1))
    blank = TRACK.plan_set(nb.bind("ece", "metric", "classify"))[1]
    part = SetPart(**{**blank, "value": 0.2, "floor": 0.1, "error": 0.01})
    columns = set_columns([{"ece": part}])
    sets = BoardSets(columns, {"mine": set_values([{"ece": part}], columns)})
    assert set_table(sets).rows[0][:4] == ("ece", "mine", "0.2000 ± 0.0100", "0.1000")
    assert set_facts(sets) == ["ece: version 1, features confidence in bins (15), reference labels"]
    assert "reference set" not in " ".join(explain_sets(vars(TRACK.words), False, reference=False))
