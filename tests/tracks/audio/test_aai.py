"""Glottal closures in `audio`: the metrics against hand counts, detectors against signals whose closures are known."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.methods.audio._glottal import falling_at, residual
from noisebench.methods.audio.zero_frequency_filter import zero_frequency_filtered
from noisebench.tracks.audio import Clip, as_clip
from noisebench.tracks.audio.egg import egg_of
from noisebench.tracks.audio.metrics._closures import APART, closures_in, cycles_of
from noisebench.tracks.audio.pitch import pitch_period
from numpy.testing import assert_allclose

TRACK = get_track("audio")
RATE = 8_000
NAMES = ("gci_identification", "gci_miss", "gci_false_alarm", "gci_jitter")
VOICE = nb.open_dataset(bind("voices(n=1, seconds=1.5, rate=8000, seed=3)", "dataset", "audio")).load(0)


def clip_of(closures: Any, seconds: float = 1.0) -> Clip:
    return as_clip("made", np.sin(np.arange(round(seconds * RATE)) * 0.3), RATE, closures=np.asarray(closures))


def scores(output: Any, clip: Clip, protocol: str = "plain") -> dict[str, Any]:
    bound = [bind(name, "metric", "audio") for name in NAMES]
    case = TRACK.pose(bind("none", "regime", "audio"), clip, 0)
    return TRACK.score(np.asarray(output, np.float32), clip, case, bind(protocol, "protocol", "audio"), bound)


def restored(method: str, wave: Any, rate: int = RATE, regime: str = "none", closures: Any = None) -> Any:
    runner = TRACK.open(bind(method, "method", "audio"))
    runner.setup("cpu")
    clip = Clip("any", np.asarray(wave, np.float32), rate, closures)
    case = TRACK.pose(bind(regime, "regime", "audio"), clip, 0)
    return runner.accept(runner.call(runner.prepare(case.given), case.info), case)


# ---- the metrics


def test_cycles_by_hand():
    true = np.array([0.10, 0.11, 0.12, 0.13])
    # one, none, three; the last is found late by 2 ms; what lies outside of the voice is not counted
    found = np.array([0.05, 0.101, 0.1151, 0.12, 0.1249, 0.132, 0.1351, 0.2])
    cycles = cycles_of(true, found)
    assert (cycles.one, cycles.none, cycles.several) == (2, 1, 1)
    assert_allclose(cycles.late, [0.001, 0.002])


def test_the_voice_ends_where_a_closure_is_far_away():
    true = np.array([0.10, 0.11, 0.20, 0.21, 0.50])
    # The one at 0.5 s stands by itself; 0.1151 is beyond half of the way on which the voice would go on.
    assert cycles_of(true, np.array([0.1151, 0.19, 0.5])).count == 4
    assert cycles_of(true, np.array([0.1151, 0.19, 0.5])).none == 4
    assert cycles_of(true, np.array([0.1149, 0.1951])).one == 2
    assert cycles_of(np.array([0.5]), np.array([0.5])).count == 0
    assert cycles_of(np.array([]), np.array([0.5])).count == 0


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.9])
def test_a_fall_between_two_samples_is_found_where_it_is(share: float):
    instants = (np.arange(20, 900, 67) + share) / RATE
    assert_allclose(closures_in(falling_at(instants, RATE, 1_000), RATE), instants, atol=3e-6)


def test_a_fall_of_less_than_half_of_the_steepest_near_it_is_no_closure():
    falls = np.zeros(400)
    falls[[100, 130, 160, 300]] = 1, 0.6, 0.4, 0.4  # the last one is alone within 10 ms
    found = closures_in(-np.cumsum(falls), 8_000)
    assert_allclose(found, np.array([99.5, 129.5, 299.5]) / 8_000)


def test_of_two_falls_that_are_too_near_the_steeper_one_stays():
    falls = np.zeros(400)
    falls[[100, 130, 160, 230]] = 0.8, 1, 0.9, 0.7
    wave = -np.cumsum(falls)
    assert_allclose(closures_in(wave, RATE, 31 / RATE) * RATE, [129.5, 229.5])
    assert_allclose(closures_in(wave, RATE, 30 / RATE) * RATE, [99.5, 129.5, 159.5, 229.5])


@pytest.mark.parametrize("method", ["identity", "lp_residual", "zero_frequency_filter"])
def test_all_methods_are_read_by_the_pitch_of_what_they_were_given(method: str):
    output = restored(method, VOICE.wave)
    case = TRACK.pose(bind("none", "regime", "audio"), VOICE, 0)
    apart = APART * pitch_period(case.given.astype(np.float64), RATE)
    cycles = cycles_of(VOICE.closures, closures_in(output, RATE, apart, 0))
    assert scores(output, VOICE)["gci_identification"] == cycles.one / cycles.count


def test_neither_level_nor_offset_counts_and_an_upside_down_wave_falls_elsewhere():
    instants = np.arange(0.1, 0.9, 0.008)
    wave = falling_at(instants, RATE, RATE)
    for other in (1e-6 * wave, 1e6 * wave, wave + 3):
        assert_allclose(closures_in(other, RATE), instants, atol=3e-6)
    assert len(closures_in(-wave, RATE)) != len(instants)
    assert len(closures_in(0 * wave, RATE)) == len(closures_in(wave[:1], RATE)) == 0


def test_scores_by_hand():
    true = np.arange(0.1, 0.9, 0.008)
    clip = clip_of(true)
    exact = scores(falling_at(true, RATE, RATE), clip)
    assert [exact[name] for name in NAMES[:3]] == [1, 0, 0]
    assert exact["gci_jitter"] == pytest.approx(0, abs=1e-3)
    # A delay of 1 ms is no jitter; errors of ±0.5 ms in turn are one of 0.5 ms.
    assert scores(falling_at(true + 1e-3, RATE, RATE), clip)["gci_jitter"] == pytest.approx(0, abs=1e-3)
    apart = np.where(np.arange(len(true)) % 2, 5e-4, -5e-4)
    assert scores(falling_at(true + apart, RATE, RATE), clip)["gci_jitter"] == pytest.approx(0.5, abs=1e-2)
    half = scores(falling_at(true[::2], RATE, RATE), clip)
    assert half["gci_identification"] == half["gci_miss"] == 0.5
    twice = scores(falling_at(np.sort(np.concatenate([true, true[::4] + 0.003])), RATE, RATE), clip)
    assert twice["gci_false_alarm"] == 0.25
    assert sum(twice[name] for name in NAMES[:3]) == 1


def test_another_rate_keeps_the_instants():
    true = np.arange(0.1, 0.9, 0.008)
    found = scores(falling_at(true, RATE, RATE), clip_of(true), protocol="plain(rate=16000)")
    assert found["gci_identification"] == 1
    assert found["gci_jitter"] < 0.05


def test_what_has_no_value_says_why():
    wave = falling_at(np.arange(0.1, 0.9, 0.008), RATE, RATE)
    assert scores(wave, as_clip("a", wave, RATE))["gci_miss"].reason.startswith("the closures ")
    assert "larynx cycle" in scores(wave, clip_of([0.5]))["gci_identification"].reason
    silent = scores(0 * wave, clip_of([0.5, 0.51]))
    assert silent["gci_miss"] == 1
    assert "fewer than two closures" in silent["gci_jitter"].reason


def test_an_egg_agrees_with_itself_and_not_with_what_it_is_upside_down():
    assert VOICE.closures is not None
    true = egg_of(VOICE.closures, RATE, len(VOICE.wave))
    agreement = [bind("egg_agreement", "metric", "audio")]
    case = TRACK.pose(bind("none", "regime", "audio"), VOICE, 0)

    def of(output: Any) -> Any:
        return TRACK.score(np.asarray(output, np.float32), VOICE, case, bind("plain", "protocol", "audio"), agreement)

    assert of(true)["egg_agreement"] == pytest.approx(1, abs=1e-6)
    assert of(3 - 7 * true)["egg_agreement"] == pytest.approx(-1, abs=1e-6)
    assert of(0 * true)["egg_agreement"] == 0
    # Where there is no voice nothing is compared.
    silent = true.copy()
    silent[: round(VOICE.closures[0] * RATE) - 1] = 5
    assert of(silent)["egg_agreement"] == pytest.approx(1, abs=1e-6)


def test_an_egg_of_found_closures_has_the_shape_of_one():
    wave = restored("zero_frequency_filter(shape=egg)", VOICE.wave)
    assert (wave.min(), wave.max()) == pytest.approx((-1, 0), abs=1e-6)
    assert scores(wave, VOICE)["gci_identification"] >= 0.95


# ---- detectors that learn nothing


def test_the_residual_is_what_a_predictor_of_that_order_leaves():
    from scipy.signal import lfilter

    pulses = np.zeros(4_000)
    pulses[40::80] = 1.0
    poles = np.poly([0.95 * np.exp(1j * 0.6), 0.95 * np.exp(-1j * 0.6), 0.9 * np.exp(2j), 0.9 * np.exp(-2j)]).real
    left = residual(lfilter([1.0], poles, pulses), RATE, 4)[400:-400]
    expected = pulses[400:-400]
    assert np.corrcoef(left, expected)[0, 1] > 0.95
    assert np.abs(residual(np.zeros(500), RATE, 4)).max() == 0


@pytest.mark.parametrize("hertz", [70.0, 100.0, 160.0, 320.0])
def test_the_period_of_a_tone_with_harmonics(hertz: float):
    time = np.arange(6_000) / RATE
    wave = sum(np.sin(2 * np.pi * k * hertz * time + k) / k for k in range(1, 6))
    assert pitch_period(np.asarray(wave), RATE) == pytest.approx(1 / hertz, rel=0.03)
    assert pitch_period(np.zeros(10), RATE) == 1 / 60


def test_a_strong_formant_is_not_taken_for_the_pitch():
    from scipy.signal import lfilter

    pulses = np.zeros(8_000)
    pulses[::84] = 1.0  # 95 Hz at 8 kHz
    angle = 2 * np.pi * 285 / RATE
    wave = lfilter([1.0], [1.0, -2 * 0.99 * np.cos(angle), 0.99**2], pulses)
    assert pitch_period(wave, RATE) == pytest.approx(84 / RATE, rel=0.03)


def test_the_filter_is_that_of_the_paper():
    speech, half = np.random.default_rng(0).standard_normal(600), 30
    made = np.diff(speech, prepend=0.0)
    for _ in range(2):  # y[n] = 2 y[n-1] - y[n-2] + x[n], which comes early by one sample each time
        out = np.zeros_like(made)
        for n in range(len(made)):
            out[n] = made[n] + (2 * out[n - 1] if n else 0) - (out[n - 2] if n > 1 else 0)
        made = out
    for _ in range(3):
        made = made - np.convolve(made, np.full(2 * half + 1, 1 / (2 * half + 1)), mode="same")
    inside = slice(4 * half, -4 * half)
    assert_allclose(zero_frequency_filtered(speech, half)[2:][inside], made[:-2][inside], rtol=1e-5, atol=1e-3)


def test_the_filter_does_not_grow_with_the_clip():
    speech = np.tile(np.random.default_rng(0).standard_normal(400), 400)
    made = zero_frequency_filtered(speech, 40)
    assert_allclose(made[800:1_200], made[-1_200:-800], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("method", "least"), [("lp_residual", 0.85), ("zero_frequency_filter", 0.95)])
@pytest.mark.parametrize("sign", [1, -1])
def test_detectors_find_closures_whatever_the_polarity(method: str, least: float, sign: int):
    found = scores(restored(method, sign * VOICE.wave), VOICE)
    assert found["gci_identification"] >= least
    assert found["gci_jitter"] < 1


@pytest.mark.parametrize("method", ["lp_residual", "zero_frequency_filter"])
@pytest.mark.parametrize("length", [1, 2, 5, 77, 3_001])
@pytest.mark.parametrize("rate", [1_000, 44_100])
def test_detectors_take_clips_of_any_length_and_rate(method: str, length: int, rate: int):
    noise = np.random.default_rng(0).standard_normal(length)
    for wave in (noise, 0 * noise, noise * (np.arange(length) < length / 2)):
        assert restored(method, wave, rate).shape == (length,)


# ---- AAI

TINY = "data=voices(n=2, seconds=0.4, rate=8000, seed=9), steps=3, batch=16"


@pytest.fixture
def cache(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_the_egg_falls_at_each_closure_and_is_flat_while_the_folds_are_apart():
    true = np.concatenate([np.arange(0.1, 0.3, 0.008), np.arange(0.5, 0.7, 0.005)]) + 1e-5
    egg = egg_of(true, RATE, RATE)
    assert_allclose(closures_in(egg, RATE), true, atol=2e-5)
    assert egg.min() == pytest.approx(-1)
    assert egg.max() == 0
    # From 0.6 of a period on, and where there is no voice.
    assert not egg[round(0.1052 * RATE) : round(0.1078 * RATE)].any()
    assert not egg[round(0.35 * RATE) : round(0.45 * RATE)].any()
    assert not egg_of(np.array([]), RATE, 50).any()


def test_the_egg_of_a_voice_has_the_closures_of_the_voice():
    assert VOICE.closures is not None
    exact = scores(egg_of(VOICE.closures, RATE, len(VOICE.wave)), VOICE)
    assert exact["gci_identification"] == 1
    assert exact["gci_jitter"] < 0.02


def test_the_layers_are_those_of_the_entry():
    import torch
    from noisebench.methods.audio._egg import AAI

    net = AAI()
    widths = [[m.out_features for m in part if isinstance(m, torch.nn.Linear)]
              for part in (net.egg, net.speech, net.decoder, net.judge)]  # fmt: skip
    assert widths == [[175, 125, 100], [175, 125, 100], [125, 175, 200], [50, 25, 1]]
    latent = net.egg(torch.randn(8, 200))
    assert latent.shape == (8, 100)
    assert latent.abs().max() <= 1


@pytest.mark.parametrize("length", [1, 24, 25, 199, 200, 1_013])
def test_frames_that_overlap_give_the_clip_back(length: int):
    from noisebench.methods.audio._egg import overlapped

    wave = np.random.default_rng(0).standard_normal(length).astype(np.float32)
    assert_allclose(overlapped(wave, lambda frames: frames), wave, atol=1e-6)


@pytest.mark.parametrize("length", [1, 5, 100])
def test_smoothing_has_no_delay_and_keeps_the_sum(length: int):
    from noisebench.methods.audio._egg import smoothed

    spike = np.zeros(length)
    spike[length // 2] = 1.0
    made = smoothed(spike)
    assert made.shape == (length,)
    assert made.argmax() == length // 2
    if length > 17:
        assert made.sum() == pytest.approx(1)
        assert_allclose(made[length // 2 - 8 : length // 2 + 9], made[length // 2 - 8 : length // 2 + 9][::-1])


@pytest.mark.parametrize("weight", [1.0, 0.0])
def test_the_encoder_of_egg_stays_while_the_others_learn(weight: float):
    import torch
    from noisebench.methods.audio import _egg

    torch.manual_seed(0)
    speech, egg = torch.randn(2, 4_000)
    held: dict[str, Any] = {}

    def say(step: int, steps: int) -> None:
        assert steps == 8

    original = _egg._descend

    def watched(optimizer: Any, loss: Any, step: int, steps: int, rate: float) -> None:
        original(optimizer, loss, step, steps, rate)
        held.setdefault("optimizers", {})[id(optimizer)] = step

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_egg, "_descend", watched)
        net = _egg.train(speech, egg, lambda n: torch.randint(3_800, (n,)), 4, 16, 2e-3, weight, say)
    # One for the autoencoder; then three, or that of the pairs alone.
    assert len(held["optimizers"]) == (4 if weight else 2)
    assert not any(p.requires_grad for p in net.egg.parameters())
    assert not net.training


def test_the_level_of_the_speech_does_not_count_and_its_networks_are_kept(cache: Any):
    spec = f"aai_egg({TINY})"
    loud, again = restored(spec, VOICE.wave), restored(spec, VOICE.wave)
    assert_allclose(loud, again)
    assert_allclose(restored(spec, 0.01 * VOICE.wave), loud, atol=1e-3)
    assert not np.allclose(restored(f"aai_egg({TINY}, seed=1)", VOICE.wave), loud)
    for length in (1, 199, 201):
        assert restored(spec, np.zeros(length)).shape == (length,)


def test_what_it_cannot_learn_or_work_on_is_refused(cache: Any):
    with pytest.raises(nb.Skip, match="learned at 8000 Hz, not 16000"):
        restored(f"aai_egg({TINY})", VOICE.wave, rate=16_000)
    with pytest.raises(nb.UsageError, match="with known closures"):
        restored("aai_egg(data=instruments(n=1, seconds=0.4, rate=8000), steps=1)", VOICE.wave)
