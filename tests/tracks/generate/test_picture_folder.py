"""A folder of a user's own pictures as reference and as training set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track

TRACK = get_track("generate")


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    (tmp_path / "own" / "below").mkdir(parents=True)
    for k in range(20):
        shape = (12, 16, 3) if k % 2 else (9, 9)
        cv2.imwrite(str(tmp_path / "own" / ("below" if k % 3 else "") / f"{k:02d}.png"), rng.integers(0, 256, shape))
    return tmp_path


def opened(more: str = "") -> Any:
    return nb.open_dataset(bind(f"folder(path=own, size=8{more})", "dataset", "generate"))


def test_each_picture_is_on_one_side_and_of_one_size(pictures: Path) -> None:
    batches, training = opened(", n=2, count=4"), opened(", split=train")
    item = batches.load(1)
    assert (len(batches.ids), item.count, item.labels) == (2, 4, None)
    assert item.reference.pictures.shape[1:] == item.reference.trained.shape[1:] == (3, 8, 8)
    assert len(item.reference.pictures) + len(item.reference.trained) == 20
    assert len(training.ids) == len(item.reference.trained)
    np.testing.assert_array_equal(training.load(2).picture, item.reference.trained[2])
    assert item.reference.pictures.min() >= -1 and item.reference.pictures.max() <= 1


def test_classes_may_be_asked_for_by_turns(pictures: Path) -> None:
    item = opened(", count=5, classes=3").load(0)
    assert sorted(item.labels.tolist()) == [0, 0, 1, 1, 2]


def test_a_copy_of_a_file_is_on_the_same_side(pictures: Path) -> None:
    names = set(opened(", split=train").ids)
    for name in sorted(names):
        (pictures / "own" / f"copy_{Path(name).name}").write_bytes((pictures / "own" / name).read_bytes())
    assert len(opened(", split=train").ids) == 2 * len(names)


def test_a_grey_set_has_one_channel_the_mean_of_three(pictures: Path) -> None:
    picture = opened(", split=train, colour=False").load(0).picture
    colour = opened(", split=train").load(0).picture
    assert picture.shape == (1, 8, 8)
    np.testing.assert_allclose(picture[0], colour.mean(axis=0), atol=0.01)


def test_reference_and_training_pictures_may_be_fewer(pictures: Path) -> None:
    item = opened(", reference=2, trained=3").load(0)
    assert (len(item.reference.pictures), len(item.reference.trained)) == (2, 3)


def test_samples_are_scored_against_the_folder(pictures: Path) -> None:
    item = opened(", count=6, tested=0.5").load(0)
    case = TRACK.pose(bind("none", "regime", "generate"), item, 0)
    reference = np.resize(item.reference.pictures, (6, 3, 8, 8))
    metrics = [bind(name, "metric", "generate") for name in ("energy_distance", "nearest")]
    protocol = bind(TRACK.defaults.protocol, "protocol", "generate")
    near, far = (
        TRACK.score({"samples": samples, "evaluations": None}, item, case, protocol, metrics)
        for samples in (reference, np.full_like(reference, 1.0))
    )
    assert near["energy_distance"] < far["energy_distance"]


def test_a_folder_with_pictures_on_one_side_alone_is_refused(pictures: Path) -> None:
    with pytest.raises(nb.UsageError, match="give another tested"):
        opened(", tested=0.000001")
