"""Sound files of a user's own: noisy and clean ones in two folders as a dataset, and restored ones scored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import soundfile
from noisebench.cli.score import OwnsSuffixes
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.datasets.audio._files import SUFFIXES

TRACK = get_track("audio")
RATE = 8_000
NAMES = ("p232_001", "p232_002", "p257_001")
NOISE = np.random.default_rng(0).standard_normal((2, 3, 2 * RATE))
CLEAN = 0.1 * np.cumsum(NOISE[0], axis=1) / np.sqrt(RATE)
NOISY = CLEAN + 0.02 * NOISE[1]


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The layout of VoiceBank-DEMAND: files of one name in two folders."""
    for folder, waves in (("clean_testset_wav", CLEAN), ("noisy_testset_wav", NOISY)):
        (tmp_path / folder).mkdir()
        for name, wave in zip(NAMES, waves, strict=True):
            soundfile.write(tmp_path / folder / f"{name}.wav", wave, RATE, subtype="FLOAT")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pairs(more: str = "") -> Any:
    return nb.open_dataset(bind(f"pairs(clean=clean_testset_wav, noisy=noisy_testset_wav{more})", "dataset", "audio"))


def test_a_method_is_given_the_noisy_file_and_scored_by_the_clean_one(folders: Path) -> None:
    dataset = pairs(', group="^[^_]+"')
    assert tuple(dataset.ids) == NAMES
    assert [dataset.load(k).group for k in range(3)] == ["p232", "p232", "p257"]
    clip = dataset.load(1)
    case = TRACK.pose(bind("none", "regime", "audio"), clip, 0)
    np.testing.assert_allclose(case.given, NOISY[1] - NOISY[1].mean(), atol=1e-6)
    assert case.info.rate == RATE
    assert case.info.knobs is None
    score = TRACK.score(case.given, clip, case, bind("plain", "protocol", "audio"), [bind("snr", "metric", "audio")])
    clean, noisy = (wave[1] - wave[1].mean() for wave in (CLEAN, NOISY))
    assert score["snr"] == pytest.approx(10 * np.log10((clean**2).sum() / ((clean - noisy) ** 2).sum()), abs=1e-4)


def test_the_truth_of_a_pair_is_the_clean_clip_and_its_key_has_both(folders: Path) -> None:
    one = pairs().load(0)
    soundfile.write("noisy_testset_wav/p232_001.wav", NOISY[1], RATE, subtype="FLOAT")
    other = pairs().load(0)
    assert TRACK.truth_sha256(one) == TRACK.truth_sha256(other)
    assert TRACK.identify(one) != TRACK.identify(other)


def test_another_rate_is_that_of_both(folders: Path) -> None:
    clip = pairs(", rate=4000").load(0)
    assert clip.rate == 4_000
    assert clip.posed.shape == clip.wave.shape == (RATE,)


def test_a_network_learns_the_clean_clip_from_the_noisy_one(folders: Path) -> None:
    regime = bind("none", "regime", "audio")
    batch = TRACK.batches(pairs(), range(3), regime, lambda _: [0, 2], crop=2 * RATE, seed=0)(0)
    assert batch["given"].shape == batch["wanted"].shape == (2, 1, 2 * RATE)
    for name, waves in (("given", NOISY), ("wanted", CLEAN)):
        centred = waves - waves.mean(axis=1, keepdims=True)
        np.testing.assert_allclose(batch[name][:, 0], centred[[0, 2]], atol=1e-6)


def test_files_of_other_lengths_are_named(folders: Path) -> None:
    soundfile.write("noisy_testset_wav/p232_002.wav", NOISY[1][:-5], RATE)
    with pytest.raises(nb.UsageError, match="'p232_002' has 16,000 samples at 8000 Hz, its partner 15,995 at 8000"):
        pairs().load(1)


def test_restored_files_are_scored_as_they_lie(folders: Path, cli: Any) -> None:
    two = ("noisy_testset_wav", "clean_testset_wav", "--track", "audio")
    told = json.loads(cli("score", *two, "--metrics", "si_sdr", "mae", "--json").stdout)
    assert [row["item"] for row in told["rows"]] == list(NAMES)
    clean, noisy = (waves - waves.mean(axis=1, keepdims=True) for waves in (CLEAN, NOISY))
    scores = {name: [row["scores"][name] for row in told["rows"]] for name in ("si_sdr", "mae")}
    np.testing.assert_allclose(scores["mae"], np.abs(clean - noisy).mean(axis=1), atol=1e-6)
    assert told["mean"]["si_sdr"] == pytest.approx(np.mean(scores["si_sdr"]))
    assert "si_sdr@1 + mae@1|plain@1" in told["signature"] and "3 clips" in told["signature"]


def test_what_cannot_be_scored_is_refused_in_one_line(folders: Path, cli: Any) -> None:
    two = ("noisy_testset_wav", "clean_testset_wav", "--track", "audio")
    soundfile.write("noisy_testset_wav/p232_002.wav", NOISY[1][:-5], RATE)
    assert "'p232_002' has 16,000 samples" in cli("score", *two, code=2).stderr
    (folders / "clean_testset_wav" / "p257_001.wav").unlink()
    assert "unmatched files" in cli("score", *two, code=2).stderr


def test_sound_files_scored_as_pictures_are_refused_with_their_track(folders: Path, cli: Any) -> None:
    command = ("score", "noisy_testset_wav", "clean_testset_wav")
    assert "give --track audio" in cli(*command, code=2).stderr
    assert "give --track" not in cli("score", "gone", "clean_testset_wav", code=2).stderr
    cli(*command, "--track", "audio", "--metrics", "snr")


def test_the_endings_of_the_track_are_those_that_its_datasets_read() -> None:
    assert isinstance(TRACK, OwnsSuffixes)
    assert set(TRACK.own_suffixes) == SUFFIXES
