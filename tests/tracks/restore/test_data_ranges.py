"""Scores with a named data range: a window of levels, the range of the clean picture, gain and offset left open."""

from __future__ import annotations

import math

import noisebench as nb
import numpy as np
import pytest
from noisebench.boards.signature import explain_signature
from noisebench.components.registry import bind, registry
from noisebench.text.errors import NotDefined, UsageError
from noisebench.tracks.restore.pairs import prepare

RNG = np.random.default_rng(0)
CLEAN = RNG.uniform(0.1, 0.7, (24, 20, 1))
RESTORED = CLEAN + RNG.normal(0, 0.02, CLEAN.shape)


def psnr_of(x: np.ndarray, y: np.ndarray, span: float) -> float:
    return 10 * math.log10(span**2 / float(np.mean((x - y) ** 2)))


def test_a_window_is_scored_with_its_own_range() -> None:
    low, high = -160.0, 240.0
    hu = [np.clip(p * 4096 - 1024, low, high) for p in (RESTORED, CLEAN)]
    expected = psnr_of(*hu, span=high - low)
    assert nb.psnr(RESTORED, CLEAN, protocol="window(low=-160, high=240)") == pytest.approx(expected, abs=1e-9)


def test_levels_of_zero_and_one_may_be_others() -> None:
    spec = "window(low=0.25, high=0.5, zero=0, one=1)"
    expected = psnr_of(np.clip(RESTORED, 0.25, 0.5), np.clip(CLEAN, 0.25, 0.5), span=0.25)
    assert nb.psnr(RESTORED, CLEAN, protocol=spec) == pytest.approx(expected, abs=1e-9)
    whole = "window(low=0, high=1, zero=0, one=1)"
    assert nb.psnr(RESTORED, CLEAN, protocol=whole) == pytest.approx(nb.psnr(RESTORED, CLEAN, protocol="float"))


def test_what_lies_outside_of_the_window_counts_for_nothing() -> None:
    other = np.where(CLEAN > 0.5, 0.9, CLEAN)
    assert nb.psnr(other, CLEAN, protocol="window(low=0, high=0.5, zero=0, one=1)") == math.inf
    assert nb.psnr(other, CLEAN, protocol="raw") < 30


def test_a_window_takes_8_and_16_bits_and_colour() -> None:
    byte = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    spec = bind("window(low=51, high=102, zero=0, one=255)", "protocol")
    for picture in (byte, byte.astype(np.uint16) * 257, byte / 255):
        pair = prepare(picture, picture, spec)
        assert np.allclose(pair.y, np.clip((byte.astype(float) - 51) / 51, 0, 1)) and pair.peak == 1


@pytest.mark.parametrize(
    "spec",
    ["window", "window(low=1)", "window(low=1, high=1)", "window(low=2, high=1)",
     "window(low=0, high=1, zero=1, one=1)", "window(low=nan, high=1)", "window(low=0, high=inf)",
     "window(low=0, high=1e300)"],
)  # fmt: skip
def test_a_window_that_is_none_is_refused_before_anything_runs(spec: str) -> None:
    with pytest.raises(UsageError, match="window|low|high"):
        bind(spec, "protocol")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(bad: float) -> None:
    broken = RESTORED.copy()
    broken[3, 4] = bad
    with pytest.raises(UsageError, match="NaN|Inf|finite"):
        nb.psnr(broken, CLEAN, protocol="window(low=-160, high=240)")


def test_the_range_of_the_clean_picture() -> None:
    expected = psnr_of(RESTORED, CLEAN, span=float(np.ptp(CLEAN)))
    assert nb.score(RESTORED, CLEAN, "psnr_own_range", protocol="raw")["psnr_own_range"] == pytest.approx(expected)


def test_a_protocol_names_the_range_of_the_clean_or_of_the_noisy_picture() -> None:
    noisy = CLEAN + RNG.normal(0, 0.2, CLEAN.shape)
    for spec, span in (("range", np.ptp(CLEAN)), ("range(of=given)", np.ptp(noisy))):
        scores = nb.score(RESTORED, CLEAN, ("psnr", "mse", "ssim"), protocol=spec, noisy=noisy)
        assert scores["psnr"] == pytest.approx(psnr_of(RESTORED, CLEAN, span=float(span)))
        assert scores["mse"] == pytest.approx(float(np.mean((RESTORED - CLEAN) ** 2)) / float(span) ** 2)
        # The range is part of SSIM too: pictures that are brought to [0, 1] themselves have the same one.
        low = float((CLEAN if spec == "range" else noisy).min())
        shares = [(picture - low) / float(span) for picture in (RESTORED, CLEAN)]
        assert scores["ssim"] == pytest.approx(nb.score(*shares, "ssim", protocol="raw", range=(0, 1))["ssim"])
    with pytest.raises(UsageError, match="needs the noisy input"):
        nb.psnr(RESTORED, CLEAN, protocol="range(of=given)")
    with pytest.raises(UsageError, match="range for each picture"):
        nb.features([CLEAN], protocol="range")


def test_a_run_scores_by_the_range_of_what_is_given() -> None:
    place = "identity", "gaussian_field(n=2, size=32)", "gaussian(sigma=25)"
    clean, given = (nb.evaluate(*place, protocol=spec).psnr for spec in ("range", "range(of=given)"))
    assert given > clean + 1  # noise widens the range


def range_invariant_psnr(clean: np.ndarray, restored: np.ndarray) -> float:
    """As Noise2Void and DivNoising define it."""
    y = (clean - clean.mean()) / clean.std()
    x = restored - restored.mean()
    x = x * np.sum(y * x) / np.sum(x * x)
    return 20 * math.log10(float(np.ptp(clean)) / float(clean.std())) - 10 * math.log10(float(np.mean((y - x) ** 2)))


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (0.2, 0.1), (1.3, -0.05)])
def test_scale_invariant_psnr_leaves_gain_and_offset_open(gain: float, offset: float) -> None:
    scores = nb.score(gain * RESTORED + offset, CLEAN, ("si_psnr", "psnr_own_range"), protocol="raw")
    assert scores["si_psnr"] == pytest.approx(range_invariant_psnr(CLEAN, RESTORED), abs=1e-6)
    assert scores["si_psnr"] >= scores["psnr_own_range"]


def test_scores_of_equal_and_of_flat_pictures() -> None:
    for name in ("si_psnr", "psnr_own_range"):
        assert nb.score(CLEAN, CLEAN, name, protocol="raw")[name] == math.inf
        flat = np.full_like(CLEAN, 0.5)
        assert isinstance(nb.score(CLEAN, flat, name, protocol="raw")[name], NotDefined)
        assert isinstance(nb.score(CLEAN, CLEAN, name, protocol="y8(border=100)")[name], NotDefined)
    assert "no range" in nb.score(CLEAN, flat, "psnr", protocol="range")["psnr"].reason
    assert nb.score(0.5 * CLEAN + 0.1, CLEAN, "si_psnr", protocol="raw")["si_psnr"] > 280
    flat = nb.score(np.full_like(CLEAN, 0.3), CLEAN, "si_psnr", protocol="raw")["si_psnr"]
    assert flat == pytest.approx(20 * math.log10(float(np.ptp(CLEAN)) / float(CLEAN.std())))


@pytest.mark.parametrize("name", sorted(registry("protocol").built_in()))
def test_every_protocol_says_its_data_range(name: str) -> None:
    assert "data range" in (registry("protocol").get(name).obj.__doc__ or "")


def test_a_signature_spells_the_range_out() -> None:
    line = "psnr|window(low=-160, high=240)@1|gaussian(sigma=25)@1|photos:3f9c|seed 0|noisebench 0.2"
    protocol = explain_signature(line)["parts"][1]
    assert "low=-160.0" in protocol["value"] and "data range" in protocol["meaning"]
