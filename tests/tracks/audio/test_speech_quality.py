"""Composite measures and the SDR of BSS Eval, against loops from their definitions and another implementation."""

from __future__ import annotations

import math
import sys
from types import SimpleNamespace
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.tracks.audio import as_clip
from noisebench.tracks.audio.metrics import _composite as composite
from noisebench.tracks.audio.metrics import dnsmos
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter

TRACK = get_track("audio")
VOICE = nb.open_dataset(bind("voices(n=1, seconds=1, rate=16000)", "dataset", "audio")).load(0)
NOISE = np.random.default_rng(0).standard_normal(len(VOICE.wave))
NOISY = VOICE.wave + 0.02 * NOISE


def score(output: Any, metric: str, item: Any = VOICE) -> Any:
    case = TRACK.pose(bind("none", "regime", "audio"), item, 0)
    bound = [bind(metric, "metric", "audio")]
    return TRACK.score(np.asarray(output, np.float32), item, case, bind("plain", "protocol", "audio"), bound)[metric]


@pytest.fixture
def pesq_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package pesq whose every value is 2, so that a test needs none."""
    package = SimpleNamespace(
        pesq=lambda *_: 2.0, NoUtterancesError=type("No", (Exception,), {}), PesqError=type("Bad", (Exception,), {})
    )
    monkeypatch.setitem(sys.modules, "pesq", package)


def test_a_perfect_output_has_what_pesq_and_no_distance_give(pesq_of_two: None) -> None:
    assert score(VOICE.wave, "csig") == pytest.approx(3.093 + 0.603 * 2, abs=1e-6)
    assert score(VOICE.wave, "covl") == pytest.approx(1.594 + 0.805 * 2, abs=1e-6)
    assert 1.634 + 0.478 * 2 < score(VOICE.wave, "cbak") <= 1.634 + 0.478 * 2 + 0.063 * 35 + 1e-9


def test_marks_are_their_weighted_sums_and_stay_within_1_and_5(pesq_of_two: None) -> None:
    given = NOISY.astype(np.float32).astype(float)
    true, output = (composite.frames_of(wave, 16_000) for wave in (VOICE.wave.astype(float), given))
    llr = composite.least_mean(composite.likelihood_ratios(true, output, 16_000))
    wss = composite.least_mean(composite.weighted_slopes(true, output, 16_000))
    snr = composite.frame_snrs(true, output).mean()
    sums = {
        "csig": 3.093 - 1.029 * llr + 0.603 * 2 - 0.009 * wss,
        "cbak": 1.634 + 0.478 * 2 - 0.007 * wss + 0.063 * snr,
        "covl": 1.594 + 0.805 * 2 - 0.512 * llr - 0.007 * wss,
    }
    for name, value in sums.items():
        assert score(NOISY, name) == pytest.approx(min(max(value, 1), 5), abs=1e-6)
        assert score(VOICE.wave, name) > score(NOISY, name)
    assert score(NOISE, "csig") == score(NOISE, "covl") == 1


@pytest.mark.parametrize("name", ["csig", "cbak", "covl"])
def test_a_mark_is_not_defined_where_pesq_is_not(name: str) -> None:
    assert isinstance(score(0 * VOICE.wave, name), nb.NotDefined)


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_likelihood_ratios_are_those_of_predictors_solved_one_by_one(rate: int) -> None:
    true, output = (composite.frames_of(wave[: rate // 2].astype(float), rate) for wave in (VOICE.wave, NOISY))
    order, expected = (10 if rate == 8_000 else 16), []
    for clean, made in zip(true, output, strict=True):
        lags, other = ([frame[: len(frame) - k] @ frame[k:] for k in range(order + 1)] for frame in (clean, made))
        best, by_output = (np.r_[1, -solve_toeplitz(r[:order], r[1:])] for r in (lags, other))
        matrix = np.array([[lags[abs(i - j)] for j in range(order + 1)] for i in range(order + 1)])
        expected.append(math.log(by_output @ matrix @ by_output / (best @ matrix @ best)))
    np.testing.assert_allclose(composite.likelihood_ratios(true, output, rate), expected, rtol=1e-5, atol=1e-7)


def test_slopes_are_weighted_as_by_the_published_loop() -> None:
    """Each slope looks for its peak by itself, as Loizou's code does."""
    true, output = (composite.frames_of(wave.astype(float), 16_000)[:20] for wave in (VOICE.wave, NOISY))
    expected = []
    for frames in zip(composite.band_energies(true, 16_000), composite.band_energies(output, 16_000), strict=True):
        weights, slopes = [], []
        for energy in frames:
            slope, peak = np.diff(energy), np.zeros(24)
            for i in range(24):
                n = i
                if slope[i] > 0:
                    while n < 24 and slope[n] > 0:
                        n += 1
                    peak[i] = energy[n - 1]
                else:
                    while n >= 0 and slope[n] <= 0:
                        n -= 1
                    peak[i] = energy[n + 1]
            weights.append(20 / (20 + energy.max() - energy[:-1]) * 1 / (1 + peak - energy[:-1]))
            slopes.append(slope)
        weight = (weights[0] + weights[1]) / 2
        expected.append((weight * (slopes[0] - slopes[1]) ** 2).sum() / weight.sum())
    np.testing.assert_allclose(composite.weighted_slopes(true, output, 16_000), expected, rtol=1e-12)


def test_a_frame_counts_from_minus_10_to_35_db() -> None:
    frames = composite.frames_of(VOICE.wave.astype(float), 16_000)
    snrs = [composite.frame_snrs(frames, gain * frames)[10] for gain in (1.0, 0.9, 100.0)]
    np.testing.assert_allclose(snrs, [35, 20, -10], atol=1e-6)


def test_sdr_is_that_of_torchmetrics() -> None:
    torch = pytest.importorskip("torch")
    from torchmetrics.functional.audio import signal_distortion_ratio

    for given in (NOISY, 0.5 * VOICE.wave + 0.001 * NOISE):
        pair = (torch.tensor(wave.astype(np.float32).astype(float)) for wave in (given, VOICE.wave))
        assert score(given, "sdr") == pytest.approx(float(signal_distortion_ratio(*pair)), abs=1e-4)


def test_what_a_short_filter_does_costs_no_sdr() -> None:
    # Silent at the end, where a filter that is longer than the clip would be cut.
    noise = as_clip("noise", np.r_[NOISE[:15_000] - NOISE[:15_000].mean(), np.zeros(1_000)], 16_000)
    filtered = lfilter([0.5, 0, -0.3], [1], noise.wave)
    assert score(filtered, "sdr(taps=3)", noise) > 80
    # Of one tap it is a gain, as for SI-SDR; without means the two are one number.
    assert score(filtered, "sdr(taps=1)", noise) == pytest.approx(score(filtered, "si_sdr", noise), abs=0.01)
    assert "silent" in score(0 * filtered, "sdr", noise).reason


def test_dnsmos_is_the_mark_of_its_package_of_the_output_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def run(wave: Any, rate: int) -> dict[str, float]:
        seen.append(wave)
        return {"ovrl_mos": 3.0, "sig_mos": 3.5, "bak_mos": 2.5, "p808_mos": 3.25}

    monkeypatch.setitem(sys.modules, "speechmos", SimpleNamespace(dnsmos=SimpleNamespace(run=run)))
    parts = ["dnsmos", *(f"dnsmos(part={name})" for name in ("speech", "background", "p808"))]
    assert [score(100 * NOISY, part) for part in parts] == [3.0, 3.5, 2.5, 3.25]
    assert np.abs(seen[0]).max() == 1 and len(seen[0]) == len(VOICE.wave)
    slow = nb.open_dataset(bind("voices(n=1, seconds=1, rate=8000)", "dataset", "audio")).load(0)
    assert "8000 Hz" in score(slow.wave, "dnsmos", slow).reason


def test_dnsmos_names_the_packages_that_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dnsmos, "is_installed", lambda name: name != "speechmos")
    with pytest.raises(nb.UsageError, match=r'speechmos: pip install "noisebench\[dnsmos\]"'):
        dnsmos.describe(bind("dnsmos", "metric", "audio"))
