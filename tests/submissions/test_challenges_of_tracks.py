"""Challenges of clips, labelled pictures and label maps: answers are WAVs, one CSV, or maps as PNG."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.cli import main
from noisebench.components.tracks import get_track
from noisebench.store.reading import read_records
from noisebench.submissions.challenges.files import Challenge, SealedTruth
from scipy.io import wavfile

SETS = {
    "audio": ("voices(n=3, seconds=0.5)", "white(snr=5)", ["si_sdr"]),
    "classify": ("digits(n=6)", "gaussian(sigma=25)", ["accuracy"]),
    "segment": ("ellipses(n=3, size=24)", "none", ["dice"]),
}


def make(track: str, *more: str) -> dict[str, Any]:
    """Make the challenge `night` of a track in the working directory; its manifest."""
    data, regime, metrics = SETS[track]
    words = ["--datasets", data, "--regimes", regime, "--metrics", *metrics, "--track", track, "--to", "night"]
    assert main(["challenge", "make", *words, *more]) == 0
    manifest: dict[str, Any] = json.loads(Path("night/challenge.json").read_text())
    return manifest


def pack(results: str) -> int:
    return main(["challenge", "pack", results, "--challenge", "night", "--to", "mine.zip", "--name", "mine"])


def judged() -> dict[str, float]:
    """The mean of each metric."""
    words = ["--challenge", "night", "--truth", "night-truth.zip", "--to", "judged"]
    assert main(["challenge", "judge", "mine.zip", *words]) == 0
    (record,) = read_records(Path("judged"))
    assert record.cell.outcome == "ok", record.cell.reason
    return {name: float(np.mean(scores)) for name, scores in record.scores.items()}


def truths() -> dict[str, dict[str, np.ndarray]]:
    sealed = SealedTruth(Path("night-truth.zip"), challenge := Challenge(Path("night")))
    return {item: sealed.arrays(item) for item in challenge.items}


@pytest.mark.parametrize("kind", ["int16", "float32", "npy"])
def test_clips_are_answered_by_wavs(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    items = make("audio")["items"]
    Path("mine").mkdir()
    for name, item in items.items():
        noisy = np.load(Path("night", item["input"]))
        if kind == "npy":
            np.save(f"mine/{name}.npy", noisy)
        else:
            wave = np.rint(noisy * 32_768).astype(np.int16) if kind == "int16" else noisy
            wavfile.write(f"mine/{name}.wav", item["info"]["rate"], wave)
    assert pack("mine") == 0
    seed = SealedTruth(Path("night-truth.zip"), Challenge(Path("night"))).truth.seed
    run = nb.evaluate("identity", SETS["audio"][0], SETS["audio"][1], track="audio", metrics=["si_sdr"], seed=seed)
    assert judged()["si_sdr"] == pytest.approx(run.si_sdr, abs=1e-3 if kind == "int16" else 1e-9)


def test_a_wav_of_another_rate_length_or_kind_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make("audio")
    Path("mine").mkdir()
    wavfile.write("mine/item-0001.wav", 8000, np.zeros(8000, np.float32))
    wavfile.write("mine/item-0002.wav", 16_000, np.zeros((8000, 2), np.int16))
    Path("mine/item-0003.wav").write_bytes(b"RIFF nothing")
    assert pack("mine") == 2
    told = capsys.readouterr().err
    for line in ("8000 samples a second: 16000 are due", "2 channels: one is due", "it is no WAV"):
        assert line in told, told
    for name in ("item-0001", "item-0002", "item-0003"):
        wavfile.write(f"mine/{name}.wav", 16_000, np.zeros(7, np.float32))
    assert pack("mine") == 2
    assert "shape (7,) where (8000,) was due" in capsys.readouterr().err


@pytest.mark.parametrize("track", ["audio", "classify", "segment"])
@pytest.mark.parametrize("shape", [(10**13,), (3,), "objects"])
def test_an_array_that_claims_more_than_its_file_has_is_refused(tmp_path: Path, track: str, shape: Any) -> None:
    file = tmp_path / "answer.npy"
    with file.open("wb") as opened:
        if shape == "objects":
            np.save(opened, np.array([{}, None]), allow_pickle=True)
        else:
            header = {"descr": "<f8", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(opened, header)
    with pytest.raises(nb.UsageError, match="npy"):
        get_track(track).read_output_file(file, (10,), {"rate": 16_000})


def write_csv(lines: list[list[object]]) -> None:
    with open("answers.csv", "w", newline="") as file:
        csv.writer(file).writerows(lines)


def test_labelled_pictures_are_answered_by_one_csv_of_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    manifest = make("classify")
    assert manifest["classes"] == list("0123456789")
    labels = {item: int(arrays["label"].item()) for item, arrays in truths().items()}
    wrong = {**labels, "item-0001": (labels["item-0001"] + 1) % 10}
    write_csv([["item", "class"], *([item, label] for item, label in wrong.items())])
    assert pack("answers.csv") == 0
    assert judged() == {"accuracy": pytest.approx(5 / 6)}


def test_a_score_of_probabilities_needs_logits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    classes = make("classify", "--metrics", "accuracy", "nll")["classes"]
    labels = {item: int(arrays["label"].item()) for item, arrays in truths().items()}
    write_csv([["item", "class"], *([item, label] for item, label in labels.items())])
    assert pack("answers.csv") == 2
    assert "nll is scored too" in capsys.readouterr().err
    even = np.log(np.full(10, 0.1))
    write_csv([["item", *classes], *([item, *even] for item in labels)])
    assert pack("answers.csv") == 0
    assert judged()["nll"] == pytest.approx(np.log(10), abs=1e-6)


@pytest.mark.parametrize(
    ("lines", "due"),
    [
        ([["item", "class"], ["item-0001", 3], ["item-0001", 4], ["mine", 1]], "item-0001 is there 2 times"),
        ([["item", "class"], ["item-0001", 3], ["mine", 1]], "mine is extra"),
        ([["item", "class"], ["item-0001", 3]], "item-0006 is missing"),
        ([["item", "class"], ["item-0001", "ten"]], "unknown class 'ten'"),
        ([["item", "class"], ["item-0001"]], "unknown class"),
        ([["item", "class"], ["item-0001", 3, 4]], "more values than columns"),
        ([["item", "label"], ["item-0001", 3]], "columns are to be item and each class"),
        ([["item", *range(10)], ["item-0001", *"012345678x"]], "a number is due for each class"),
        ([["item", *range(10)], ["item-0001", *"012345678", "nan"]], "not finite"),
        ([], "columns are to be item and each class"),
    ],
)
def test_what_is_wrong_with_a_csv_is_said(
    lines: list[list[object]], due: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    make("classify")
    write_csv(lines)
    assert pack("answers.csv") == 2 and not Path("mine.zip").exists()
    assert due in capsys.readouterr().err


def test_an_attack_has_no_challenge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["--track", "classify", "--datasets", "digits(n=6)", "--regimes", "adversarial", "--to", "night"]
    assert main(["challenge", "make", *words]) == 2
    assert "attacks a method" in capsys.readouterr().err


def test_label_maps_are_answered_by_pngs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make("segment")
    Path("mine").mkdir()
    for item, arrays in truths().items():
        nb.write_picture(f"mine/{item}.png", arrays["labels"].astype(np.uint8))
    assert pack("mine") == 0
    assert judged() == {"dice": 1.0}
    nb.write_picture("mine/item-0002.png", np.full((24, 24), 255, np.uint8))
    assert pack("mine") == 2
    assert "it names class 255: 0 to 1 are due" in capsys.readouterr().err
