"""Planning refuses what is trained on, or fitted to, items that are tested, or that are nearly such items."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from messages import missing_from
from noisebench.components.tracks import get_track
from noisebench.planning.plan import plan
from noisebench.suite.suite import Suite
from noisebench.track.alike_items import SketchesTruths
from noisebench.tracks.audio import Clip, as_clip
from noisebench.tracks.classify import LabelledPicture
from noisebench.tracks.segment import MappedPicture
from PIL import Image

MLP = "trained(arch=mlp, data={}, steps=2, checks=1, validation=2)"


def pictures(count: int, size: int = 28, seed: int = 0) -> list[np.ndarray]:
    """Blurred noise: no two look alike."""
    rng = np.random.default_rng(seed)
    waves = np.fft.rfft2(rng.normal(size=(count, size, size)))
    slow = np.exp(-((np.fft.fftfreq(size)[:, None] ** 2 + np.fft.rfftfreq(size) ** 2) / 0.02))
    smooth = np.fft.irfft2(waves * slow, s=(size, size))
    return list(np.uint8(np.clip(128 + 40 * smooth / smooth.std(), 0, 255)))


def one_pixel(picture: np.ndarray) -> np.ndarray:
    changed = picture.copy()
    changed[9, 9] = 255 - changed[9, 9]
    return changed


def shifted(picture: np.ndarray) -> np.ndarray:
    return np.concatenate([picture[:1], picture[:-1]])


def saved_anew(picture: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=90)
    return np.asarray(Image.open(file))


def with_faint_noise(picture: np.ndarray) -> np.ndarray:
    noisy = picture + np.random.default_rng(1).normal(0, 2, picture.shape)
    return np.uint8(np.clip(noisy, 0, 255))


NEARLY: list[Callable[[np.ndarray], np.ndarray]] = [
    one_pixel, shifted, saved_anew, with_faint_noise, lambda one: one[1:], lambda one: np.uint8(0.9 * one),
]  # fmt: skip
ITEMS: dict[str, Callable[[str, np.ndarray], Any]] = {
    "restore": nb.Sample,
    "classify": lambda name, picture: LabelledPicture(name, picture, 0, ("a", "b")),
    "segment": lambda name, picture: MappedPicture(name, picture, np.zeros(picture.shape[:2], int), ("a", "b")),
}


@pytest.mark.parametrize("track_name", ITEMS)
def test_small_pictures_that_are_nearly_equal_are_seen_in_every_track_of_pictures(track_name: str) -> None:
    track, item = get_track(track_name), ITEMS[track_name]
    assert isinstance(track, SketchesTruths)
    own, others = pictures(8), pictures(40, seed=1)
    tested = [track.truth_sketch(item(f"t{i}", picture)) for i, picture in enumerate(own)]
    for change in NEARLY:
        trained = [track.truth_sketch(item(f"a{i}", one)) for i, one in enumerate([*others, *map(change, own)])]
        assert track.shown(trained, tested) == {place: 40 + place for place in range(8)}
    assert track.shown([track.truth_sketch(item(f"o{i}", one)) for i, one in enumerate(others)], tested) == {}


def test_a_flat_picture_is_no_copy_of_another() -> None:
    track = get_track("classify")
    assert isinstance(track, SketchesTruths)
    flat = [track.truth_sketch(LabelledPicture("f", np.full((28, 28), v, np.uint8), 0, ("a",))) for v in (0, 1, 200)]
    assert track.shown(flat[:2], flat[2:]) == {}


def test_what_all_pictures_of_a_set_have_alike_makes_none_a_copy() -> None:
    """As in `blockdigits`: half of each picture is one fixed pattern, much stronger than the digit in the other."""
    track = get_track("classify")
    assert isinstance(track, SketchesTruths)
    pattern = np.uint8(255 * (np.indices((28, 28)).sum(axis=0) % 2))
    sides = []
    for seed in (0, 1):
        blocks = [np.concatenate([pattern, 128 + (one // 16 - 8)]) for one in pictures(40, seed=seed)]
        sides.append([track.truth_sketch(LabelledPicture(f"b{i}", one, 0, ("a",))) for i, one in enumerate(blocks)])
    assert len(track.shown(*sides)) < 0.1 * 40


def test_most_digits_have_no_near_copy_among_those_that_are_trained_on() -> None:
    track = get_track("classify")
    assert isinstance(track, SketchesTruths)
    sides = []
    for side in ("train", "test"):
        digits = nb.open_dataset(nb.bind(f"digits(split={side})", "dataset", "classify"))
        sides.append([track.truth_sketch(digits.load(i)) for i in range(len(digits.ids))])
    assert len(track.shown(*sides)) < 0.02 * len(sides[1])


def written(folder: Path, named: dict[str, np.ndarray]) -> str:
    """Pictures in folders of two classes by turns; the spec of the dataset."""
    for number, (name, picture) in enumerate(named.items()):
        (folder / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        nb.write_picture(folder / "ab"[number % 2] / f"{name}.png", picture)
    return f'folder(path="{folder}", split=all)'


def planned(method: str, dataset: str, track: str = "classify") -> None:
    plan(Suite(track=track, methods=(method,), datasets=(dataset,), regimes=("none",)))


def test_a_classifier_is_not_trained_on_pictures_that_are_nearly_those_of_the_test(tmp_path: Path) -> None:
    own = pictures(6)
    tested = written(tmp_path / "test", {f"t{i}": one for i, one in enumerate(own)})
    for number, change in enumerate(NEARLY):
        near = {f"n{i}": change(one) for i, one in enumerate(own)}
        data = written(tmp_path / f"train{number}", near)
        with pytest.raises(nb.UsageError) as refused:
            planned(MLP.format(data), tested)
        assert not missing_from(str(refused.value), "6 of 6 pictures", "which is tested", "train on other pictures")
    others = {f"o{i}": one for i, one in enumerate(pictures(20, seed=2))}
    # Three of six may be there: public sets repeat some of their pictures.
    planned(MLP.format(written(tmp_path / "fair", {**others, **{f"n{i}": shifted(own[i]) for i in range(3)}})), tested)


def test_a_classifier_is_not_trained_on_the_pictures_of_a_stream(tmp_path: Path) -> None:
    own = pictures(6)
    stream = f"stream(of={written(tmp_path / 'test', {f't{i}': one for i, one in enumerate(own)})}, batch=2)"
    equal = written(tmp_path / "equal", {f"e{i}": one for i, one in enumerate(own)})
    near = written(tmp_path / "near", {f"n{i}": shifted(one) for i, one in enumerate(own)})
    fair = written(tmp_path / "fair", {f"o{i}": one for i, one in enumerate(pictures(6, seed=2))})
    for data, message in ((equal, "trains on 6 pictures of"), (near, "show 6 of 6 pictures of")):
        with pytest.raises(nb.UsageError, match=message):
            planned(f"source(method={MLP.format(data)})", stream, "adapt")
    planned(f"source(method={MLP.format(fair)})", stream, "adapt")


def test_what_is_fitted_to_the_test_without_a_training_is_refused_too() -> None:
    with pytest.raises(nb.UsageError, match="trains on .* pictures of digits"):
        planned("k_nn(data=digits, k=1)", "digits(n=20)")
    planned("k_nn(data=digits(split=train), k=1)", "digits(n=20)")


def clips(count: int, seed: int = 0) -> list[Clip]:
    voices = nb.open_dataset(nb.bind(f"voices(n={count}, seconds=2, seed={seed})", "dataset", "audio"))
    return [voices.load(index) for index in range(count)]


def test_clips_that_are_nearly_equal_are_seen_in_a_training() -> None:
    track = get_track("audio")
    assert isinstance(track, SketchesTruths)
    own, others = clips(3), clips(3, seed=7)
    tested = [track.truth_sketch(one) for one in own]
    rng = np.random.default_rng(0)
    for change in (
        lambda wave: wave[37:],
        lambda wave: wave[len(wave) // 3 :],
        lambda wave: 0.5 * wave,
        lambda wave: wave + 0.01 * wave.std() * rng.normal(size=len(wave)),
        lambda wave: np.round(127 * wave / np.abs(wave).max()) / 127,
    ):
        near = [as_clip(one.id, change(one.wave), one.rate) for one in own]
        trained = [track.truth_sketch(one) for one in [*others, *near]]
        assert track.shown(trained, tested) == {place: 3 + place for place in range(3)}
    assert track.shown([track.truth_sketch(one) for one in others], tested) == {}
