"""What copies does not lead: outputs that are the truth, samples that are the reference set or the latents."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from board_records import record
from conftest import DATA
from messages import missing_from
from noisebench.boards.board import Board, placed_by
from noisebench.boards.build import boards
from noisebench.components.datasets import open_dataset
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.track.calling import item_row
from noisebench.track.posed_case import Case
from noisebench.tracks.audio import Clip, as_clip
from noisebench.tracks.generate.copied_samples import why_copied
from noisebench.tracks.generate.items import LatentBatch, Reference
from noisebench.tracks.restore.near_copies import why_copied as why_near_copy
from PIL import Image
from scipy.fft import dctn, idctn

INF = math.inf


def board_of(scores: dict[str, Sequence[float]], **more: Any) -> Board:
    (board,) = boards([record(name, {"psnr": values}, **more) for name, values in scores.items()])
    return board


def unranked(board: Board) -> dict[str, str]:
    return {row.label: row.unranked for row in board.rows if row.unranked}


COPY = "copies: exact on {} of 8 pictures, which no method can be: outputs are the clean picture"


def test_a_row_that_is_exact_on_most_pictures_takes_no_rank_and_says_why() -> None:
    board = board_of({"folder": [INF] * 8, "most": [INF] * 5 + [30.0] * 3, "nlm": [30.0] * 8, "tv": [29.0] * 8})
    assert unranked(board) == {"folder": COPY.format(8), "most": COPY.format(5)}
    assert [(row.label, "copies" in row.flags) for row in board.rows] == [
        ("nlm", False), ("tv", False), ("folder", True), ("most", True),
    ]  # fmt: skip
    assert board.warnings[:2] == tuple(f"{name} takes no rank: {COPY.format(n)}" for name, n in
                                       (("folder", 8), ("most", 5)))  # fmt: skip
    # What they copied takes no picture from the others.
    assert {row.label: row.scores["psnr"].mean for row in board.ranked} == {"nlm": 30.0, "tv": 29.0}


def test_no_other_metric_of_a_board_ranks_a_copy() -> None:
    scores = {"folder": ([INF] * 8, 1.0), "nlm": ([30.0] * 8, 0.9), "tv": ([29.0] * 8, 0.8)}
    (board,) = boards([record(name, {"psnr": psnr, "ssim": [ssim] * 8}) for name, (psnr, ssim) in scores.items()])
    ssim = next(column for column in board.columns if column.name == "ssim")
    rows, _ = placed_by(board, ssim)
    assert [(row.label, row.unranked) for row in rows] == [("nlm", ""), ("tv", ""), ("folder", COPY.format(8))]


def test_half_of_the_pictures_may_be_exact_and_what_the_input_has_exact_is_no_copy() -> None:
    assert not unranked(board_of({"few": [INF] * 4 + [30.0] * 4, "nlm": [30.0] * 8}))
    board = board_of({"identity": [INF] * 7 + [20.0], "few": [INF] * 8, "nlm": [30.0] * 8})
    assert not unranked(board), "seven of the inputs are the truth themselves"


@pytest.mark.parametrize(("track", "ranks"), [("restore", False), ("audio", False), ("functions", True),
                                              ("classify", True), ("graph", True), ("matrix", True)])  # fmt: skip
def test_a_track_says_whether_a_method_can_be_exact(track: str, ranks: bool) -> None:
    if track in ("graph", "matrix"):
        from noisebench.components.tracks import get_track

        assert not getattr(get_track(track), "never_exact", False)
        return
    assert (not unranked(board_of({"all": [INF] * 8, "nlm": [30.0] * 8}, track=track))) is ranks


def test_an_oracle_stays_what_it_is() -> None:
    (board,) = boards(
        [record("truth", {"psnr": [INF] * 8}, flags={"oracle": True}), record("nlm", {"psnr": [30.0] * 8})]
    )
    found = unranked(board)
    assert found.keys() == {"truth"} and found["truth"].startswith("oracle: ")


# ------------------------------------------------------------------------------- nearly the truth

SEEN = "has fine detail of the clean picture that the input hides"


def restored(output: Any, sample: nb.Sample, regime: str) -> str:
    """What is said of an output; a method by its name."""
    case = get_track("restore").pose(bind(regime, "regime"), sample, 0)
    if isinstance(output, str):
        runner = get_track("restore").open(bind(output, "method"))
        runner.setup("cpu")
        output = runner.accept(runner.call(runner.prepare(case.given), case.info), case)
    picture = np.asarray(output, np.float32).reshape(*sample.clean.shape[:2], -1)
    return why_near_copy(picture, sample, case, bind("uint8", "protocol"))


@pytest.fixture(scope="module")
def crop() -> nb.Sample:
    return open_dataset(bind("centre_crop(of=photos, size=128)", "dataset")).load(0)


def saved_as_jpeg(clean: Any) -> Any:
    file = io.BytesIO()
    Image.fromarray(clean).save(file, "JPEG", quality=98, subsampling=0)
    return np.asarray(Image.open(file)) / 255


@pytest.mark.parametrize("regime", ["gaussian(sigma=25)", "poisson(peak=30)", "salt_pepper(p=0.1)", "mask(keep=0.5)"])
def test_a_clean_picture_with_faint_noise_or_saved_anew_is_seen_to_be_one(regime: str, crop: nb.Sample) -> None:
    faint = crop.clean / 255 + np.random.default_rng(0).normal(0, 0.5 / 255, crop.clean.shape)
    for copy in (crop.clean / 255, faint, saved_as_jpeg(crop.clean)):
        assert restored(copy, crop, regime) == SEEN


def test_a_near_copy_behind_blur_and_noise_is_seen(crop: nb.Sample) -> None:
    faint = crop.clean / 255 + np.random.default_rng(0).normal(0, 0.5 / 255, crop.clean.shape)
    for copy in (crop.clean / 255, faint):
        assert restored(copy, crop, "blur(sigma=2) + gaussian(sigma=5)") == SEEN


def test_a_near_copy_behind_blur_alone_keeps_its_rank_for_an_inverse_filter_is_nearer(crop: nb.Sample) -> None:
    """What is fair comes nearer to the truth than the copy does: no rule that spares it can find the copy."""
    case = get_track("restore").pose(bind("blur(sigma=1)", "regime"), crop, 0)
    kernel = np.exp(-(np.arange(-12, 13) ** 2) / 2)
    kernel /= kernel.sum()
    waves = np.pi * np.arange(128) / 128
    passed = np.cos(np.outer(waves, np.arange(-12, 13))) @ kernel
    passed = passed[:, None] * passed
    spectrum = dctn(np.asarray(case.given, float).reshape(128, 128, -1), axes=(0, 1), norm="ortho")
    wiener = (passed / (passed**2 + 1e-12))[:, :, None]
    inverse = idctn(spectrum * wiener, axes=(0, 1), norm="ortho")
    truth = crop.clean.reshape(inverse.shape) / 255
    faint = truth + np.random.default_rng(0).normal(0, 0.5 / 255, truth.shape)
    assert np.sqrt(np.mean((inverse - truth) ** 2)) < 0.01 * np.sqrt(np.mean((faint - truth) ** 2))
    assert restored(faint, crop, "blur(sigma=1)") == restored(inverse, crop, "blur(sigma=1)") == ""


@pytest.mark.parametrize("regime", ["gaussian(sigma=5)", "gaussian(sigma=25)", "salt_pepper(p=0.1)", "mask(keep=0.5)",
                                    "jpeg(quality=30)", "blur(sigma=1)", "exposure(gain=0.5, gamma=1)"])  # fmt: skip
@pytest.mark.parametrize("method", ["identity", "gaussian_filter", "median", "bilateral", "bayes_shrink", "nlm"])
def test_what_a_method_makes_of_its_input_is_no_copy(method: str, regime: str, crop: nb.Sample) -> None:
    if method == "gaussian_filter" and not regime.startswith("gaussian"):
        method = "gaussian_filter(width=1)"
    assert restored(method, crop, regime) == ""


def test_a_row_notes_an_output_that_is_nearly_the_truth(crop: nb.Sample) -> None:
    track = get_track("restore")
    case = track.pose(bind("gaussian(sigma=25)", "regime"), crop, 0)
    output, protocol = np.float32(crop.clean / 255)[:, :, None], bind("uint8", "protocol")
    row = item_row(track, crop, case, output, 0.1, protocol, [bind("psnr", "metric")])
    assert row["note"] == f"copies: {SEEN}"
    assert item_row(track, crop, case, case.given, 0.1, protocol, [bind("psnr", "metric")])["note"] == ""


def test_what_can_be_known_is_not_judged(crop: nb.Sample) -> None:
    made = nb.Sample("made", crop.clean.astype(np.float32) / 255)
    assert restored(made.clean, made, "gaussian(sigma=25)") == "", "its law may be known"
    # What a blur or an exposure hides can be had back from the input, and so can what noise of one step leaves there.
    for regime in (
        "blur(sigma=1)",
        "exposure(gain=0.5, gamma=1)",
        "gaussian(sigma=0.5)",
        "none",
        "downsample(scale=2)",
    ):
        assert restored(crop.clean / 255, crop, regime) == "", regime


def test_a_row_takes_no_rank_where_half_of_its_outputs_are_nearly_the_truth() -> None:
    def rows(copies: int) -> Board:
        notes = [f"copies: {SEEN}; ssim: why"] * copies + [""] * (8 - copies)
        near = record("near", {"psnr": [50.0] * 8}, row_notes=notes)
        (board,) = boards([near, record("nlm", {"psnr": [30.0] * 8})])
        return board

    assert unranked(rows(4)) == {"near": f"copies: {SEEN}, on 4 of 8 pictures"}
    assert unranked(rows(3)) == {}, "one picture may repeat itself"


# ---------------------------------------------------------------------------------- nearly the clip

HEARD = "has fine detail of the true clip that the input hides"


@pytest.fixture(scope="module")
def speech() -> Clip:
    file = DATA / "speech_prompts" / "en" / "demo-thanks.flac"
    if not file.is_file():
        pytest.skip(f"no recorded speech at {file}: set NOISEBENCH_DATA")
    return open_dataset(bind(f"folder(path='{file.parent}', pattern='{file.name}')", "dataset", "audio")).load(0)


def heard(output: Any, clip: Clip, regime: str) -> str:
    """What is said of an output; a method by its name."""
    track = get_track("audio")
    case = track.pose(bind(regime, "regime", "audio"), clip, 0)
    if isinstance(output, str):
        runner = track.open(bind(output, "method", "audio"))
        runner.setup("cpu")
        output = runner.accept(runner.call(runner.prepare(case.given), case.info), case)
    row = item_row(track, clip, case, np.float32(output), 0.1, bind("plain", "protocol", "audio"), [])
    return str(row["note"])


@pytest.mark.parametrize("regime", ["white(snr=5)", "coloured(snr=5)", "mix(snr=0)", "reverb(rt60=0.5)"])
def test_the_true_clip_with_faint_noise_or_coded_anew_is_seen_to_be_one(regime: str, speech: Clip) -> None:
    faint = speech.wave + np.random.default_rng(0).normal(0, 0.005, speech.wave.shape) * speech.wave.std()
    coded = np.round(speech.wave * 2**12) / 2**12
    for copy in (speech.wave, faint, coded, 0.8 * speech.wave):
        assert heard(copy, speech, regime) == f"copies: {HEARD}"


@pytest.mark.parametrize("regime", ["white(snr=-5)", "white(snr=5)", "white(snr=20)", "mix(snr=0)", "reverb(rt60=0.5)"])
@pytest.mark.parametrize("method", ["identity", "silence", "wiener", "spectral_subtraction", "noisereduce"])
def test_what_a_method_makes_of_a_noisy_clip_is_no_copy(method: str, regime: str, speech: Clip) -> None:
    assert heard(method, speech, regime) == ""


@pytest.mark.parametrize("regime", ["overdrive(drive=20)", "none", "compressor", "overdrive(drive=20) + white(snr=40)"])
def test_what_can_be_undone_is_not_judged(regime: str, speech: Clip) -> None:
    """A fair inverse of `overdrive` is the clip; so is what comes out where nothing was done."""
    assert heard(speech.wave, speech, regime) == ""


@pytest.mark.parametrize("regime", ["white(snr=5)", "mix(snr=0, of=voices(seed=1))"])
def test_a_made_clip_with_faint_noise_is_seen_to_be_the_true_one(regime: str) -> None:
    voice = open_dataset(bind("voices(n=1, seconds=2)", "dataset", "audio")).load(0)
    faint = voice.wave + np.random.default_rng(0).normal(0, 0.003, voice.wave.shape) * voice.wave.std()
    assert heard(faint, voice, regime) == f"copies: {HEARD}"
    assert heard("wiener", voice, regime) == heard("silence", voice, regime) == ""


def test_a_tone_that_is_fitted_in_noise_is_no_copy() -> None:
    tone = as_clip("tone", np.sin(2 * np.pi * 440 * np.arange(32_000) / 16_000), 16_000, level=-26.0)
    assert heard(1.001 * tone.wave, tone, "white(snr=5)") == "", "what is hidden is what the window smears"


# ------------------------------------------------------------------------------------------ samples


def sampled(samples: Any, item: Any) -> str:
    output = {"samples": np.asarray(samples, np.float32), "evaluations": None}
    return why_copied(output, item, Case(None, nb.Info(), ""), bind("as_is", "protocol", "generate"))


def item_of(reference: Any, trained: Any = None, count: int = 16) -> LatentBatch:
    return LatentBatch("b", count, Reference(np.asarray(reference, np.float32), trained=trained))


def test_samples_that_are_the_reference_set_are_seen_with_noise_too() -> None:
    rng = np.random.default_rng(0)
    reference, fresh = rng.normal(size=(2, 64, 1, 8, 8)).astype(np.float32)
    for noise in (0.0, 0.01):
        near = reference[:16] + noise * rng.normal(size=(16, 1, 8, 8))
        assert not missing_from(sampled(near, item_of(reference)), "16 of 16 samples", "of the reference set")
        some = np.concatenate([near[:9], fresh[:7]])
        assert not missing_from(sampled(some, item_of(reference)), "9 of 16 samples", "of the reference set")
    assert sampled(np.concatenate([reference[:7], fresh[:9]]), item_of(reference)) == ""
    assert sampled(fresh[:16], item_of(reference)) == ""


def test_samples_that_are_near_training_pictures_are_no_copies_of_the_reference_set() -> None:
    reference = np.random.default_rng(0).normal(size=(64, 1, 8, 8)).astype(np.float32)
    assert sampled(reference[:16], item_of(reference, trained=reference[::-1].copy())) == ""


def test_where_reference_pictures_are_equal_to_each_other_no_copy_can_be_told() -> None:
    few = np.repeat(np.eye(64, dtype=np.float32).reshape(64, 1, 8, 8), 2, axis=0)
    assert sampled(few[:16], item_of(few)) == ""


@pytest.mark.parametrize("name", ["mixture_digits", "digits"])
def test_what_is_drawn_anew_is_not_taken_for_copies(name: str) -> None:
    item = open_dataset(bind(name, "dataset", "generate")).load(0)
    trained = item.reference.trained
    assert trained is not None and sampled(trained[: item.count], item) == ""
    assert "of the reference set" in sampled(item.reference.pictures[: item.count], item)


CHEATS = """
import noisebench as nb
import torch


@nb.method("shown", track="generate")
def shown(latents, info):
    pictures = nb.open_dataset(OF).load(0).reference.pictures
    return torch.from_numpy(pictures[: len(latents)].copy())


@nb.method("latents_back", track="generate")
def latents_back(latents, info):
    return 0.5 * latents.clip(-1, 1)
"""


def test_a_sampler_that_returns_the_reference_set_is_on_the_board_without_a_rank(cli: Any, tmp_path: Path) -> None:
    text = CHEATS.replace("nb.open_dataset(OF)", "open_dataset(bind('mixture_digits', 'dataset', 'generate'))")
    imports = (
        "from noisebench.components.datasets import open_dataset\nfrom noisebench.components.registry import bind\n"
    )
    (tmp_path / "cheats.py").write_text(imports + text)
    words = ["--track", "generate", "--datasets", "mixture_digits", "--regimes", "none", "--limit", "2"]
    cli("run", *words, "--methods", "identity", "shown", "--plugin", "cheats.py", "--store", "s")
    cli("report", "s", "--to", "board")
    said = (tmp_path / "board" / "leaderboard.md").read_text(encoding="utf-8")
    assert not missing_from(said, "shown takes no rank: copies: 128 of 128 samples", "of the reference set")
    told = " ".join(
        cli("doctor", "latents_back", "--track", "generate", "--plugin", "cheats.py", code=1).stdout.split()
    )
    assert "FAIL samples unlike latents" in told and "samples are the latents (correlation 0.94)" in told
    for fine in ("identity", "bayes_optimum", "euler(model=exact(of=mixture_digits), steps=4)"):
        assert "all fine" in cli("doctor", fine, "--track", "generate").stdout


# ------------------------------------------------------------------ values, matrices and graphs


NOISY = {
    "functions": ("bumps", "gaussian(sigma=0.05)"),
    "matrix": ("gaussian_psd", "gaussian(sigma=0.1)"),
    "graph": ("erdos_renyi(n=1)", "equal(sigma=1)"),
}


def note_of(name: str, regime: str, change: float | str) -> str:
    """What a row notes of the truth that is changed by so many of its deviations, or of a method by its name."""
    track = get_track(name)
    item = open_dataset(bind(NOISY[name][0], "dataset", name)).load(0)
    case = track.pose(bind(regime, "regime", name), item, 0)
    if isinstance(change, str):
        runner = track.open(bind(change, "method", name))
        runner.setup("cpu")
        output = runner.accept(runner.call(runner.prepare(case.given), case.info), case)
    elif name == "graph":
        weights = case.truth.weights  # type: ignore[attr-defined]
        output = np.concatenate([weights + change * np.random.default_rng(0).normal(size=weights.shape), weights[:1]])
    else:
        output = item.truth + change * item.truth.std() * np.random.default_rng(0).normal(size=item.truth.shape)
    protocol = bind(track.defaults.protocol, "protocol", name)
    return str(item_row(track, item, case, output, 0.1, protocol, [])["note"])


@pytest.mark.parametrize("name", NOISY)
def test_what_is_nearer_to_the_truth_than_any_fit_is_a_copy(name: str) -> None:
    for change in (0.0, 1e-7, 1e-5):
        assert note_of(name, NOISY[name][1], change).startswith("copies: ")
    assert note_of(name, NOISY[name][1], 0.1) == ""


@pytest.mark.parametrize(
    ("name", "method"),
    [("functions", "spline"), ("functions", "mean"), ("matrix", "subgm"), ("matrix", "spectral"), ("matrix", "zero"),
     ("graph", "empty"), ("graph", "golem"), ("graph", "sortnregress")],
)  # fmt: skip
def test_what_is_fitted_is_no_copy(name: str, method: str) -> None:
    assert note_of(name, NOISY[name][1], method) == ""


@pytest.mark.parametrize(
    ("name", "regime"),
    [("functions", "none"), ("matrix", "none"), ("functions", "outliers(share=0.3)"),
     ("matrix", "outliers(share=0.2, scale=10)")],
)  # fmt: skip
def test_where_what_is_fitted_may_be_exact_nothing_is_a_copy(name: str, regime: str) -> None:
    assert note_of(name, regime, 0.0) == ""
