"""The track `audio`: its metrics, regimes, datasets and methods against libraries and values worked out by hand."""

from __future__ import annotations

import io
import math
import re
import warnings
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from conftest import DATA
from messages import missing_from
from noisebench.components.registry import bind, registry
from noisebench.components.tracks import get_track
from noisebench.planning.cells import shown_to
from noisebench.planning.plan import plan
from noisebench.store.reading import read_records
from noisebench.suite.suite import Suite
from noisebench.text.errors import message_of, noting_item
from noisebench.track.calling import call_on, reveal
from noisebench.tracks.audio import Clip, Frames, as_clip, clip_sha256, istft, resampled, stft
from noisebench.tracks.audio.spectra import with_noise
from numpy.testing import assert_allclose

TRACK = get_track("audio")
RNG = np.random.default_rng(0)
NOISE = RNG.standard_normal(8_000)


def item_of(text: str, index: int = 0) -> Clip:
    return nb.open_dataset(bind(text, "dataset", "audio")).load(index)


def tone(hertz: float, seconds: float = 1.0, rate: int = 8_000, gain: float = 0.1) -> np.ndarray:
    return gain * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


VOICE = item_of("voices(n=1, seconds=1.5, rate=8000)")
WHITE = as_clip("white", NOISE, 8_000, level=-26.0)


def posed(item: Clip, regime: str = "none", seed: int = 0, draw: int = 0) -> Any:
    return TRACK.pose(bind(regime, "regime", "audio"), item, seed, draw)


def restore(method: str, item: Clip, regime: str = "none", seed: int = 0) -> np.ndarray:
    runner = TRACK.open(bind(method, "method", "audio"))
    return call_on(runner, reveal(posed(item, regime, seed), item, shown_to(runner.meta)), "cpu")[0]


def scores(output: Any, item: Clip, *metrics: str, protocol: str = "plain") -> dict[str, Any]:
    bound = [bind(m, "metric", "audio") for m in metrics]
    return TRACK.score(np.asarray(output, np.float32), item, posed(item), bind(protocol, "protocol", "audio"), bound)


def score(output: Any, item: Clip, metric: str, **more: str) -> Any:
    return scores(output, item, metric, **more)[metric]


# ---- spectra and rates


@pytest.mark.parametrize(("size", "hop", "length"), [(256, 64, 1000), (512, 128, 7), (510, 128, 4000), (8, 4, 1)])
def test_spectra_lead_back_to_the_clip(size: int, hop: int, length: int):
    wave = NOISE[:length]
    for root in (True, False):
        frames = Frames(size, hop, root)
        assert_allclose(istft(stft(wave, frames), frames, length), wave, atol=1e-12)


def test_spectra_are_those_of_scipy():
    from scipy.signal import ShortTimeFFT

    frames = Frames(256, 64, root=False)
    ours = stft(NOISE, frames)
    theirs = ShortTimeFFT(frames.window, 64, 8_000).stft(NOISE).T
    shift = int(np.argmin([np.abs(np.abs(ours[k : k + 50]) - np.abs(theirs[10:60])).max() for k in range(20)]))
    assert_allclose(np.abs(ours[shift : shift + 100]), np.abs(theirs[10:110]), rtol=1e-9, atol=1e-9)


def test_another_rate_keeps_the_tone_and_filters_what_would_fold_back():
    low, high = tone(1_000, rate=16_000), tone(7_000, rate=16_000)
    down = resampled(low + high, 16_000, 8_000)
    assert_allclose(down[500:-500], tone(1_000)[500:-500], atol=2e-3)
    assert len(resampled(NOISE, 8_000, 11_025)) == 11_025


# ---- metrics


def test_si_sdr_by_hand():
    s = WHITE.wave.astype(np.float64)
    e = np.roll(s, 1)
    alpha = e @ s / (s @ s)
    by_hand = 10 * math.log10((alpha * s) @ (alpha * s) / ((alpha * s - e) @ (alpha * s - e)))
    assert score(e, WHITE, "si_sdr") == pytest.approx(by_hand, abs=1e-3)
    noisy = s + 0.3 * e
    assert score(noisy, WHITE, "si_sdr") == pytest.approx(score(7 * noisy, WHITE, "si_sdr"), abs=1e-4)
    assert score(noisy + 0.5, WHITE, "si_sdr") == pytest.approx(score(noisy, WHITE, "si_sdr"), abs=1e-4)
    # With an error of the same energy at a right angle to the truth the ratio is 1.
    both = as_clip("both", [1.0, 1.0, -1.0, -1.0], 8_000)
    assert score([2.0, 0.0, -2.0, 0.0], both, "si_sdr") == pytest.approx(0, abs=1e-6)


def test_si_sdr_at_its_ends():
    assert score(4 * WHITE.wave, WHITE, "si_sdr") == math.inf
    assert "restored clip" in score(0 * WHITE.wave, WHITE, "si_sdr").reason
    two = as_clip("two", [1.0, -1.0, 1.0, -1.0], 8_000)
    assert score([1.0, 1.0, -1.0, -1.0], two, "si_sdr") == -math.inf
    assert "true clip" in score([1.0, 0.0, 0.0, 0.0], as_clip("none", np.zeros(4), 8_000), "si_sdr").reason


def test_snr_by_hand():
    clip = as_clip("made", [3.0, -3.0, 4.0, -4.0], 8_000)
    assert score([3.0, -3.0, 4.0, -3.0], clip, "snr") == pytest.approx(10 * math.log10(50))
    assert score(clip.wave, clip, "snr") == math.inf
    assert score(0 * clip.wave, clip, "snr") == 0


@pytest.mark.parametrize("name", ["stoi", "estoi"])
def test_intelligibility_is_that_of_pystoi(name: str):
    from pystoi import stoi

    given = posed(VOICE, "white(snr=0)").given
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = stoi(VOICE.wave.astype(float), given.astype(float), 8_000, extended=name == "estoi")
    assert score(given, VOICE, name) == pytest.approx(theirs, abs=1e-9)
    assert score(VOICE.wave, VOICE, name) == pytest.approx(1, abs=1e-3)
    short = as_clip("short", NOISE[:2_000], 8_000)
    assert "0.4 s" in score(short.wave, short, name).reason
    gaps = as_clip("gaps", np.concatenate([NOISE[:1_000], np.zeros(7_000)]), 8_000)
    assert "0.4 s" in score(gaps.wave, gaps, name).reason


def test_log_spectral_distance_of_a_gain_is_the_gain():
    assert score(10 ** (6 / 20) * WHITE.wave, WHITE, "log_spectral_distance") == pytest.approx(6, abs=0.05)
    assert score(WHITE.wave, WHITE, "log_spectral_distance") == 0


def test_multi_resolution_distance_is_that_of_torch():
    import torch

    def magnitudes(wave: np.ndarray, size: int, hop: int, window: int) -> Any:
        spectra = torch.stft(
            torch.tensor(wave, dtype=torch.float64), size, hop, window,
            torch.hann_window(window, dtype=torch.float64), return_complex=True,
        )  # fmt: skip
        return spectra.abs().square().clamp(min=1e-7).sqrt()

    noisy = posed(VOICE, "white(snr=5)").given
    found = []
    for sizes in ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240)):
        true, made = (magnitudes(wave.astype(np.float64), *sizes) for wave in (VOICE.wave, noisy))
        convergence = torch.linalg.norm(true - made) / torch.linalg.norm(true)
        found.append(float(convergence + (true.log() - made.log()).abs().mean()))
    assert score(noisy, VOICE, "multi_resolution_stft") == pytest.approx(np.mean(found), rel=1e-6)
    assert score(VOICE.wave, VOICE, "multi_resolution_stft") == 0


def test_pesq_is_that_of_its_package_and_says_where_it_is_not():
    clip = as_clip("slow", NOISE, 11_025)
    reason = score(clip.wave, clip, "pesq").reason
    assert "11025 Hz" in reason or "pip install" in reason
    package = pytest.importorskip("pesq")
    given = posed(VOICE, "white(snr=10)").given
    theirs = package.pesq(8_000, VOICE.wave.astype(float), given.astype(float), "nb")
    assert score(given, VOICE, "pesq") == pytest.approx(theirs, abs=1e-9)
    assert "silent" in score(0 * given, VOICE, "pesq").reason
    assert "8000 Hz" in score(given, VOICE, "pesq(band=wb)").reason


@pytest.mark.parametrize("name", registry("metric", "audio").names())
@pytest.mark.parametrize("length", [1, 2, 100])
def test_no_metric_breaks_on_short_or_silent_clips(name: str, length: int):
    clip, silent = as_clip("short", NOISE[:length] + [0.1] * length, 8_000), as_clip("silent", np.zeros(length), 8_000)
    for item in (clip, silent):
        for output in (item.wave, 0 * item.wave, np.full(length, 1e30)):
            assert isinstance(score(output, item, name), float)


def test_the_protocol_fixes_level_and_rate():
    half = 0.5 * WHITE.wave
    assert score(half, WHITE, "snr") == pytest.approx(20 * math.log10(2), abs=1e-4)
    assert score(half, WHITE, "snr", protocol="plain(level=equal)") > 100
    noisy = WHITE.wave + np.roll(WHITE.wave, 1)
    assert score(3 * noisy, WHITE, "snr", protocol="plain(level=fitted)") == pytest.approx(
        score(noisy, WHITE, "snr", protocol="plain(level=fitted)"), abs=1e-4
    )
    high = as_clip("high", tone(1_000, rate=16_000) + tone(7_000, rate=16_000), 16_000)
    low = tone(1_000, rate=16_000)
    assert score(low, high, "snr") == pytest.approx(10 * math.log10(2), abs=0.05)
    assert score(low, high, "snr", protocol="plain(rate=8000)") > 20


# ---- regimes


@pytest.mark.parametrize(
    "regime",
    [
        "white(snr=7)", "coloured(snr=7)", "coloured(snr=7, slope=2)",
        'mix(snr=7, sources=2, of="voices(n=2, seconds=1)")', 'recorded(snr=7, of="instruments(n=2, seconds=1)")',
    ],
)  # fmt: skip
def test_the_noise_has_exactly_the_snr_that_is_asked(regime: str):
    case = posed(VOICE, regime)
    noise = case.given.astype(np.float64) - VOICE.wave
    assert 10 * math.log10(np.var(VOICE.wave) / np.var(noise)) == pytest.approx(7, abs=0.01)
    assert case.info.snr == 7
    assert case.info.sigma == pytest.approx(noise.std(), rel=1e-3)
    assert case.info.rate == 8_000
    assert case.info.sample is None


def test_an_offset_of_the_noise_is_not_added():
    wave = VOICE.wave[: len(NOISE)].astype(np.float64)
    noisy, level = with_noise(wave, NOISE + 5, 3, "made")
    assert abs((noisy - wave).mean()) < 1e-12
    assert np.std(noisy - wave) == pytest.approx(level["sigma"])
    assert_allclose(noisy, with_noise(wave, NOISE, 3, "made")[0], atol=1e-9)


def test_an_offset_is_no_signal():
    lifted = Clip("lifted", (WHITE.wave + 0.5).astype(np.float32), 8_000)
    noise = posed(lifted, "white(snr=0)").given - lifted.wave
    assert np.std(noise) == pytest.approx(np.std(WHITE.wave), rel=1e-3)


@pytest.mark.parametrize("slope", [-2.0, -1.0, 1.0])
def test_coloured_noise_has_its_slope(slope: float):
    long = as_clip("long", np.tile(NOISE, 8), 8_000)
    noise = posed(long, f"coloured(snr=0, slope={slope})").given.astype(float) - long.wave
    power = np.abs(np.fft.rfft(noise)) ** 2
    frequencies = np.fft.rfftfreq(len(noise), 1 / 8_000)
    bands = [power[(frequencies > low) & (frequencies < 2 * low)].mean() for low in (50, 100, 200, 400, 800, 1_600)]
    assert np.polyfit(np.log2([50, 100, 200, 400, 800, 1_600]), np.log2(bands), 1)[0] == pytest.approx(slope, abs=0.15)


def test_reverberation_decays_as_it_says_and_keeps_the_direct_sound():
    click = np.zeros(8_000)
    click[100] = 1.0
    clip = Clip("click", click.astype(np.float32), 8_000)
    response = posed(clip, "reverb(rt60=0.4, drr=3)").given.astype(float)[100:]
    assert response[0] == 1
    assert_allclose(response[1:20], 0, atol=1e-12)
    assert np.sum(response[1:] ** 2) == pytest.approx(10 ** (-0.3), rel=1e-3)
    early, late = (np.mean(response[k : k + 400] ** 2) for k in (100, 1_700))
    assert 10 * math.log10(early / late) == pytest.approx(60 * 1_600 / 3_200, abs=1.5)


def test_clipping_by_hand():
    clip = as_clip("made", [0.5, -1.0, 0.25, 0.25], 8_000)
    case = posed(clip, "clip(at=0.4)")
    assert_allclose(case.given, [0.4, -0.4, 0.25, 0.25], atol=1e-6)
    assert case.info.clipped_at == pytest.approx(0.4)


def test_a_lowpass_takes_what_is_above_and_keeps_what_is_below_in_its_place():
    parts = [tone(frequency, rate=8_000) for frequency in (300, 1_500, 2_500)]
    clip = as_clip("chord", sum(parts), 8_000)
    case = posed(clip, "lowpass(cutoff=1500)")
    scale = clip.wave[500] / sum(parts)[500]
    assert_allclose(case.given[500:-500], scale * (parts[0] + 0.5 * parts[1])[500:-500], atol=0.02 * scale)
    assert case.info.cutoff == 1500
    assert len(posed(as_clip("short", [0.5, -0.5], 8_000), "lowpass(cutoff=100)").given) == 2
    with pytest.raises(nb.UsageError, match="has nothing above 4000 Hz: give less than 4000"):
        posed(clip, "lowpass(cutoff=4000)")


def test_overdrive_by_hand():
    case = posed(as_clip("made", [0.5, -1.0, 0.25, 0.25], 8_000), "overdrive(drive=6.0206)")
    assert_allclose(case.given, np.tanh([1.0, -2.0, 0.5, 0.5]) / math.tanh(2), atol=1e-5)
    assert case.info.drive == 6.0206
    silent = as_clip("silent", np.zeros(9), 8_000)
    assert_allclose(posed(silent, "overdrive(drive=9)").given, 0)
    soft = posed(VOICE, "overdrive(drive=-30)").given
    assert_allclose(soft, VOICE.wave, atol=1e-3 * np.abs(VOICE.wave).max())


def test_a_compressor_settles_where_its_curve_says():
    loud = as_clip("loud", np.where(np.arange(8_000) % 2, 0.1, -0.1), 8_000)  # -20 dB
    case = posed(loud, "compressor(threshold=-40, ratio=4, attack=5, release=50)")
    out = np.abs(case.given.astype(float))
    assert 20 * math.log10(out[-1]) == pytest.approx(-35, abs=0.01)
    # After one time constant of attack, 63 % of 15 dB are taken away.
    assert 20 * math.log10(out[39]) == pytest.approx(-20 - 15 * (1 - math.exp(-1)), abs=0.05)
    quiet = as_clip("quiet", 0.05 * loud.wave, 8_000)
    assert_allclose(posed(quiet, "compressor(threshold=-40)").given, quiet.wave)
    assert case.info.ratio == 4


def test_the_noise_depends_on_clip_regime_seed_and_draw_alone():
    cases = [posed(VOICE, "white(snr=5)", seed, draw).input_sha256 for seed, draw in ((0, 0), (0, 0), (1, 0), (0, 1))]
    assert cases[0] == cases[1]
    assert len(set(cases)) == 3
    other = Clip(VOICE.id, VOICE.wave, 16_000, VOICE.closures)
    assert posed(other, "none").input_sha256 != posed(VOICE, "none").input_sha256
    assert TRACK.identify(other) != TRACK.identify(VOICE)


def test_two_noises_add_and_neither_level_is_told():
    case = posed(VOICE, "white(snr=20) + coloured(snr=10)")
    assert case.info.snr is None
    assert 9 < 10 * math.log10(np.var(VOICE.wave) / np.var(case.given - VOICE.wave)) < 10


def test_silence_has_no_snr_and_the_message_says_so():
    silent = as_clip("silent", np.zeros(100), 8_000)
    with pytest.raises(nb.UsageError, match="white: the clip is silent"):
        posed(silent, "white(snr=0)")
    with pytest.raises(nb.UsageError, match="is silent wherever"):
        posed(VOICE, 'recorded(snr=0, of="silent_ones")')


def test_the_clip_that_a_regime_refuses_is_named_in_the_reason(cli, tmp_path):
    import soundfile

    for name, wave in (("a", VOICE.wave[:4000]), ("b", np.zeros(4000))):
        soundfile.write(tmp_path / f"{name}.wav", wave, 8_000)
    cli("run", "--track", "audio", "--methods", "identity", "--datasets", "folder(path='.')", "--regimes",
        "white(snr=5)", "--metrics", "si_sdr", "--store", "st", code=1)  # fmt: skip
    (record,) = read_records(tmp_path / "st")
    assert record.cell.outcome == "failed"
    assert record.cell.reason.startswith("regime white: ") and record.cell.reason.endswith(": leave it out (clip 'b')")
    with pytest.raises(nb.UsageError) as caught:
        nb.evaluate("identity", f"folder(path={str(tmp_path)!r})", "white(snr=5)", track="audio", metrics="si_sdr")
    assert caught.value.__notes__ == ["clip 'b'"] and caught.value._render_traceback_()[0].endswith("(clip 'b')")


def test_an_item_is_not_named_twice_and_a_skip_names_none():
    for error, said in (
        (nb.UsageError("clip 'b' is bad"), "clip 'b' is bad"),
        (nb.Invalid("is bad"), "is bad (clip 'b')"),
        (nb.Skip("no SNR"), "no SNR"),
    ):
        with pytest.raises(type(error)) as caught, noting_item("clip", "b"):
            raise error
        assert message_of(caught.value) == said


def test_a_clip_of_one_sample_is_refused_by_its_name():
    with pytest.raises(nb.UsageError, match="'click' .*one sample.*: leave it out"):
        TRACK.identify(as_clip("click", [0.5], 8_000))


class _Silent:
    ids = ("a",)

    def load(self, index: int) -> Clip:
        return as_clip("a", np.zeros(100), 8_000)


@nb.dataset("silent_ones", track="audio", licence="CC0-1.0")
def silent_ones() -> _Silent:
    """One silent clip."""
    return _Silent()


# ---- items and datasets


@pytest.mark.parametrize(
    ("wave", "rate", "words"),
    [
        ([[1.0, 2.0]], 8_000, "a waveform of 1 to"), ([], 8_000, "a waveform of 1 to"), (["a"], 8_000, "a waveform"),
        ([1.0, np.nan], 8_000, "finite"), ([1.0, np.inf], 8_000, "finite"), ([1.0], 10, "a rate of 10 Hz"),
    ],
)  # fmt: skip
def test_no_clip_is_made_of_what_is_none(wave: Any, rate: int, words: str):
    with pytest.raises(ValueError, match=words):
        as_clip("bad", wave, rate)


def test_a_clip_has_no_offset_and_the_level_that_is_asked():
    clip = as_clip("made", NOISE + 5, 8_000, level=-20.0)
    assert abs(clip.wave.mean()) < 1e-6
    assert clip.wave.std() == pytest.approx(0.1, rel=1e-4)
    with pytest.raises(ValueError, match="silent"):
        as_clip("made", np.ones(10), 8_000, level=-20.0)
    for closures in ([0.5, 0.4], [2.0], [-0.1], [[0.1]], [np.nan]):
        with pytest.raises(ValueError, match="closures"):
            as_clip("made", NOISE, 8_000, closures=closures)


def test_a_made_clip_depends_on_its_number_alone_and_the_seed_makes_others():
    few, many = (item_of(f"voices(n={n}, seconds=0.5, rate=8000)", 1) for n in (2, 5))
    assert clip_sha256(few) == clip_sha256(many)
    assert clip_sha256(item_of("voices(n=2, seconds=0.5, rate=8000, seed=1)", 1)) != clip_sha256(few)


def test_closures_of_a_voice_are_where_its_source_jumps():
    from noisebench.datasets.audio.voices import _pulses

    voiced = np.ones(300)
    source, closures = _pulses(16_000, 16_000, 100.0, voiced, np.random.default_rng(0))
    jumps = np.diff(source)
    for instant in closures[2:-2]:
        near = np.arange(int(instant * 16_000) - 60, int(instant * 16_000) + 60)
        assert abs(near[np.argmax(jumps[near])] + 0.5 - instant * 16_000) < 1.5  # samples
    assert np.diff(closures).mean() == pytest.approx(0.01, rel=0.15)
    assert VOICE.closures is not None
    assert len(VOICE.closures) > 50


def test_voices_have_the_formants_they_are_given():
    from noisebench.datasets.audio.voices import _resonate

    impulse = np.zeros(8_000)
    impulse[0] = 1.0
    formants = np.tile([730.0, 1_090.0, 2_440.0, 3_500.0, 4_500.0], (201, 1))
    spectrum = np.abs(np.fft.rfft(_resonate(impulse, 16_000, formants)))
    frequencies = np.fft.rfftfreq(8_000, 1 / 16_000)
    peaks = [k for k in range(1, len(spectrum) - 1) if spectrum[k - 1] < spectrum[k] > spectrum[k + 1]]
    assert_allclose(frequencies[peaks][:5], formants[0], rtol=0.02)


def test_an_instrument_plays_the_notes_of_its_scale():
    clip = item_of("instruments(n=1, kinds=(organ,), seconds=1)")
    spectrum = np.abs(np.fft.rfft(clip.wave))
    loudest = np.fft.rfftfreq(len(clip.wave), 1 / clip.rate)[np.argmax(spectrum)]
    semitones = 12 * np.log2(loudest / 196.0) % 12
    assert min(abs(semitones - k) for k in (0, 2, 4, 7, 9, 12)) < 0.5
    assert [item_of("instruments(n=6)", k).id for k in (0, 5)] == ["melody_000", "melody_005"]


def wav(folder: Path, name: str, wave: np.ndarray, rate: int, **more: Any) -> None:
    import soundfile

    soundfile.write(folder / name, wave, rate, **more)


def test_a_folder_of_any_rate_and_kind(tmp_path: Path):
    wav(tmp_path, "one.wav", np.stack([tone(500), tone(900)], axis=1), 8_000, subtype="PCM_24")
    wav(tmp_path, "two.flac", tone(500, rate=22_050), 22_050)
    wav(tmp_path, "one.flac", tone(500), 8_000)
    (tmp_path / "notes.txt").write_text("no sound")
    dataset = nb.open_dataset(bind(f'folder(path="{tmp_path}")', "dataset", "audio"))
    assert list(dataset.ids) == ["one.flac", "one.wav", "two"]
    assert [dataset.load(k).rate for k in range(3)] == [8_000, 8_000, 22_050]
    assert_allclose(dataset.load(1).wave, tone(500), atol=1e-5)  # the first channel
    same = nb.open_dataset(bind(f'folder(path="{tmp_path}", rate=8000, level=-30)', "dataset", "audio"))
    assert [len(same.load(k).wave) for k in range(3)] == [8_000] * 3
    assert same.load(2).wave.std() == pytest.approx(10**-1.5, rel=1e-3)
    grouped = nb.open_dataset(bind(f'folder(path="{tmp_path}", group="^...")', "dataset", "audio"))
    assert [grouped.load(k).group for k in range(3)] == ["one", "one", "two"]


def test_a_folder_says_what_is_wrong(tmp_path: Path):
    def refused(words: str, more: str = "") -> None:
        with pytest.raises(nb.UsageError, match=words) as caught:
            nb.open_dataset(bind(f'folder(path="{tmp_path}"{more})', "dataset", "audio")).load(0)
        assert "\n" not in str(caught.value)

    refused("has no file that matches")
    (tmp_path / "bad\n.wav").write_bytes(b"RIFF\x00\x00\x00\x00WAVEfmt ")
    refused("cannot be read as sound")
    (tmp_path / "bad\n.wav").unlink()
    wav(tmp_path, "empty.wav", np.zeros(0), 8_000)
    refused("a waveform of 1 to")
    (tmp_path / "empty.wav").unlink()
    wav(tmp_path, "nan.wav", np.array([0.0, np.nan]), 8_000, subtype="DOUBLE")
    refused("finite")
    (tmp_path / "nan.wav").unlink()
    wav(tmp_path, "still.wav", np.zeros(100), 8_000)
    refused("silent", ", level=-20")
    refused("finds nothing", ', group="x+"')
    refused("no regular expression", ', group="("')
    (tmp_path / "still.wav").unlink()
    wav(tmp_path, "slow.wav", np.ones(10), 100)
    refused("a rate of 100 Hz")


@pytest.mark.data
def test_real_sets_are_whole_and_their_splits_apart(monkeypatch: pytest.MonkeyPatch):
    if not (DATA / "fsdd").is_dir():
        pytest.skip(f"no sounds at {DATA}: set NOISEBENCH_DATA")
    monkeypatch.setenv("NOISEBENCH_DATA", str(DATA))

    def ids(text: str) -> list[str]:
        return list(nb.open_dataset(bind(text, "dataset", "audio")).ids)

    for voice, test, train in (("en", 15, 45), ("fr", 5, 15), ("arctic", 3, 3)):
        tested, trained = (ids(f"speech_prompts(voice={voice}, split={split})") for split in ("test", "train"))
        assert (len(tested), len(trained)) == (test, train)
        assert not set(tested) & set(trained)
    assert item_of("speech_prompts(voice=arctic)").rate == 16_000
    assert len(ids("fsdd")) == 120
    assert ids("fsdd(speakers=(theo,), join=50)") == ["fsdd_theo_00", "fsdd_theo_01"]
    digits = item_of("fsdd(speakers=(nicolas,))")
    assert digits.rate == 8_000
    assert_allclose(digits.wave[:700], 0, atol=1e-4)  # a pause, though his recordings have an offset
    assert len(ids("noise_clips")) == 13
    assert len(ids("noise_clips(split=test)")) + len(ids("noise_clips(split=train)")) == 13
    assert item_of("noise_clips(only=(rain,))").rate == 16_000
    assert item_of("music_moh").rate == 8_000
    with pytest.raises(nb.UsageError, match="noise_clips: rain .*split=train: give split=all"):
        ids("noise_clips(split=train, only=(rain,))")
    assert posed(VOICE, "recorded(snr=3)").given.shape == VOICE.wave.shape


def test_a_set_that_is_not_there_says_where_it_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NOISEBENCH_DATA", str(tmp_path))
    for text in ("fsdd", "speech_prompts", "noise_clips", "music_moh"):
        with pytest.raises(nb.UsageError, match="is not at"):
            item_of(text)


# ---- methods


def test_methods_gain_in_noise_and_the_ceiling_gains_most():
    def gain(method: str) -> float:
        found = score(restore(method, VOICE, "white(snr=5)"), VOICE, "si_sdr")
        return found - score(restore("identity", VOICE, "white(snr=5)"), VOICE, "si_sdr")

    gains = {method: gain(method) for method in ("wiener", "spectral_subtraction", "ideal_ratio_mask")}
    assert all(value > 2 for value in gains.values()), gains
    assert gains["ideal_ratio_mask"] == max(gains.values())
    assert_allclose(restore("oracle", VOICE, "white(snr=5)"), VOICE.wave)
    assert not restore("silence", VOICE).any()


def test_prediction_from_the_past_takes_late_reverberation_away():
    pytest.importorskip("nara_wpe")

    def gain(regime: str) -> float:
        return score(restore("wpe", VOICE, regime), VOICE, "si_sdr") - score(
            restore("identity", VOICE, regime), VOICE, "si_sdr"
        )

    assert gain("reverb(rt60=0.8)") > 0.5
    assert gain("reverb(rt60=0.8)") > gain("white(snr=5)") + 0.5


@pytest.mark.parametrize("method", ["wiener", "spectral_subtraction", "noisereduce", "wpe", "ideal_ratio_mask"])
@pytest.mark.parametrize("length", [1, 5, 3_001])
def test_methods_take_clips_of_any_length_and_silence(method: str, length: int):
    if method in ("noisereduce", "wpe"):
        pytest.importorskip({"wpe": "nara_wpe"}.get(method, method))
    for wave in (NOISE[:length], np.zeros(length), NOISE[:length] * (np.arange(length) < length / 2)):
        assert restore(method, Clip("any", wave.astype(np.float32), 8_000)).shape == (length,)


def test_the_noise_is_found_within_one_decibel_and_a_half_where_it_is_white():
    from noisebench.methods.audio._noise_power import quantile_power, tracked_power

    power = np.abs(stft(np.tile(NOISE, 4) * RNG.choice([-1, 1], 32_000), Frames(256, 64))) ** 2
    true = power[8:-8].mean(axis=0)
    for found in (quantile_power(power), tracked_power(power)[50:].mean(axis=0)):
        assert abs(10 * np.log10(found[2:-2].mean() / true[2:-2].mean())) < 1.5


def test_noise_that_stays_louder_is_not_taken_for_speech_for_ever():
    from noisebench.methods.audio._noise_power import tracked_power

    power = np.random.default_rng(2).exponential(size=(900, 65))
    power[500:] *= 300
    found = tracked_power(power).mean(axis=1)
    assert found[499] < 2 and found[520] < 10, "at first it is as speech is"
    assert abs(10 * np.log10(found[-50:].mean() / 300)) < 1.5


def test_speech_is_not_taken_for_noise():
    from noisebench.methods.audio._noise_power import tracked_power

    rng = np.random.default_rng(1)
    power = rng.exponential(size=(400, 65))
    power[100:140] += 1_000.0
    assert tracked_power(power)[139].mean() < 3


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (lambda w: w[:-1], "(8000,) was due"), (lambda w: w[None], "(8000,) was due"),
        (lambda w: "clip", "returned str"),
        (lambda w: w * np.nan, "not finite"), (lambda w: w.astype(np.float64) + 1e300, "not finite"),
        (lambda w: w.astype(complex), "returned an array of"),
    ],
)  # fmt: skip
def test_what_is_no_clip_is_no_output(output: Any, words: str):
    runner = TRACK.open(bind("identity", "method", "audio"))
    with pytest.raises(nb.Invalid, match=re.escape(words)):
        runner.accept(output(WHITE.wave.copy()), posed(WHITE))


def test_a_method_that_changes_its_copy_is_seen():
    runner = TRACK.open(bind("identity", "method", "audio"))
    prepared = runner.prepare(posed(WHITE).given)
    prepared[0] += 1
    assert not runner.untouched(prepared, posed(WHITE).given)


def test_a_whole_run_with_its_report(cli: Any, tmp_path: Path):
    wav(tmp_path, "<img src=x onerror=alert(1)>.wav", tone(500, 0.6) + 0.01 * NOISE[:4_800], 8_000)
    cli("run", "--track", "audio", "--methods", "identity", "spectral_subtraction", "--datasets",
        f'folder(path="{tmp_path}")', "--regimes", "white(snr=5)", "--metrics", "si_sdr",
        "--keep", "sample")  # fmt: skip
    cli("report", "nb-store", "--to", "board")
    page = (tmp_path / "board" / "leaderboard.html").read_text(encoding="utf-8")
    assert "<img src=x" not in page
    assert "spectral_subtraction" in page
    assert list((tmp_path / "board" / "plots").glob("drawing-*.png"))


def test_spectrograms_have_one_scale():
    from matplotlib.image import imread
    from noisebench.tracks.audio.drawing import draw_spectrograms

    clip = as_clip("tone", tone(1_000), 8_000)
    parts = draw_spectrograms(clip, clip.wave, clip.wave * 0)
    assert parts["clean"] == parts["noisy"] != parts["restored"]
    picture = imread(io.BytesIO(parts["clean"]), format="png")
    assert picture.shape[:2] == (160, 320)
    assert abs(int(picture[:, 160, 0].argmax()) - 120) <= 2  # a quarter of half the rate, from below
    for length in (1, 2, 50):
        short = as_clip("short", NOISE[:length], 8_000)
        assert set(draw_spectrograms(short, short.wave, np.full(length, 3e38, np.float32))) == set(parts)


def metrics_of(dataset: str, *metrics: str) -> tuple[list[str], str]:
    suite = Suite(track="audio", methods=("identity",), datasets=(dataset,), regimes=("white(snr=5)",), metrics=metrics)
    (cell,) = plan(suite)
    return list(cell.metrics), cell.unscored


@pytest.mark.parametrize(
    ("dataset", "scored"),
    [
        ("voices(n=1)", True),
        ("compressed(of=voices(n=1))", True),
        ("instruments(n=1)", False),
        ("compressed(of=instruments(n=1))", False),
        ("mixtures(n=1)", False),
    ],
)
def test_metrics_of_speech_score_sets_of_speech_alone(dataset: str, scored: bool):
    metrics, why = metrics_of(dataset, "si_sdr", "stoi", "estoi")
    assert metrics == (["si_sdr", "stoi", "estoi"] if scored else ["si_sdr"])
    assert (why == "") == scored
    if not scored:
        assert not missing_from(why, "no column estoi", "speech", dataset.partition("(")[0])
        with pytest.raises(nb.UsageError, match="speech") as raised:
            metrics_of(dataset, "estoi")
        assert "\n" not in str(raised.value)


def test_a_user_says_whether_a_folder_is_speech(tmp_path: Path):
    import soundfile

    soundfile.write(tmp_path / "a.wav", np.sin(np.arange(8_000) / 9), 8_000)
    assert metrics_of(f"folder(path='{tmp_path}')", "si_sdr", "estoi")[0] == ["si_sdr", "estoi"]
    assert metrics_of(f"folder(path='{tmp_path}', speech=false)", "si_sdr", "estoi")[0] == ["si_sdr"]


def test_the_reason_stands_on_the_board():
    result = nb.evaluate("identity", "instruments(n=1, seconds=0.5)", track="audio", metrics=["si_sdr", "estoi"])
    assert "estoi" not in result.record.scores and "no column estoi" in str(result)
