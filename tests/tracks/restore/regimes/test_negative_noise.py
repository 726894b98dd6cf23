"""NegVSR: noise is cut where real pictures are flat, mixed in, and turned patch by patch, which moves pixels only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind
from noisebench.planning.plan import plan
from noisebench.suite.suite import Suite
from noisebench.tracks.restore.regimes._noise_windows import mined, noise_of, turned


def spelled(of: str) -> str:
    return bind(of, "dataset").canonical


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def patches(x: Any, patch: int) -> Any:
    """(n, patch², C): the pixels of each whole patch of the grid."""
    down, across = x.shape[0] // patch, x.shape[1] // patch
    cut = x[: down * patch, : across * patch].reshape(down, patch, across, patch, x.shape[2])
    return cut.swapaxes(1, 2).reshape(down * across, patch * patch, x.shape[2])


def noisy_folder(at: Path) -> str:
    """A noisy picture, coloured, whose first quarter alone is flat, and one of stripes."""
    at.mkdir()
    drawn = generator().normal(100, 3, (64, 64, 3))
    drawn[:32, 32:] += np.linspace(0, 120, 32)[:, None]
    drawn[32:] += generator(1).choice((0, 90), (32, 64, 1))
    nb.write_picture(at / "a.png", np.rint(drawn.clip(0, 255)).astype(np.uint8))
    nb.write_picture(at / "b.png", np.tile(np.uint8([0, 200]), (32, 16))[:, :, None].repeat(3, axis=2))
    return f"folder(path={str(at)!r})"


# --- patches that are turned ---------------------------------------------------------------------------------


@pytest.mark.parametrize("shape, patch", [((32, 32, 3), 8), ((37, 21, 1), 5), ((6, 40, 3), 8)])
def test_turned_patches_have_the_same_pixels_and_so_the_same_mean_and_variance(shape: Any, patch: int) -> None:
    x = generator().random(shape)
    y = turned(x, patch, 1, generator(1))
    np.testing.assert_array_equal(np.sort(patches(y, patch), axis=1), np.sort(patches(x, patch), axis=1))
    np.testing.assert_allclose(patches(y, patch).mean(axis=1), patches(x, patch).mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(patches(y, patch).var(axis=1), patches(x, patch).var(axis=1), rtol=1e-12)
    np.testing.assert_array_equal(np.sort(y, axis=None), np.sort(x, axis=None))
    whole = shape[0] // patch * patch, shape[1] // patch * patch
    np.testing.assert_array_equal(y[whole[0] :], x[whole[0] :])  # what is no whole patch stays
    np.testing.assert_array_equal(y[:, whole[1] :], x[:, whole[1] :])


def test_as_many_patches_are_turned_as_said_and_never_by_nothing() -> None:
    x = generator().random((400, 400, 1))
    assert np.array_equal(turned(x, 4, 0, generator(1)), x)
    for probability in (0.3, 1.0):
        before, after = patches(x, 4), patches(turned(x, 4, probability, generator(1)), 4)
        moved = np.any(before != after, axis=(1, 2)).mean()
        assert moved == pytest.approx(probability, abs=0.02)
    corners = patches(turned(x, 4, 1, generator(1)), 4)[:, 0, 0]
    places = patches(x, 4)[:, :, 0] == corners[:, None]
    shares = [places[:, place].mean() for place in (3, 12, 15)]  # the other corners of a patch of 4x4
    np.testing.assert_allclose(shares, 1 / 3, atol=0.02)


def test_turning_lowers_the_correlation_across_borders_of_patches() -> None:
    smooth = np.cumsum(generator().normal(size=(64, 64, 1)), axis=0).cumsum(axis=1) / 64

    def jump(x: Any) -> float:
        return float(np.abs(np.diff(x, axis=0))[7::8].mean())

    assert jump(turned(smooth, 8, 1, generator(1))) > 2 * jump(smooth)


# --- windows -------------------------------------------------------------------------------------------------


def test_windows_are_those_of_the_grid_that_are_flat_but_for_noise(tmp_path: Path) -> None:
    of = noisy_folder(tmp_path / "set")
    windows = mined(spelled(of), 32, 50.0)
    picture = nb.read_picture(tmp_path / "set" / "a.png")
    assert windows.shape == (1, 32, 32, 3)
    np.testing.assert_allclose(windows[0], picture[:32, :32] / 255, atol=1e-7)
    assert len(mined(spelled(of), 32, 60_000.0)) == 5  # the stripes too
    with pytest.raises(nb.UsageError, match=r"regime negseq: .* 32 pixels .* 0\.1: give a larger variance"):
        mined(spelled(of), 32, 0.1)


def test_windows_are_cut_from_the_noisy_pictures_of_a_set_that_has_them() -> None:
    windows = mined(spelled("noisy(of=piecewise(n=2), regime=gaussian(sigma=4))"), 16, 50.0)
    assert windows.std(axis=(1, 2, 3)).min() * 255 == pytest.approx(4, rel=0.2)


@pytest.mark.parametrize("shape", [(7, 5, 3), (40, 70, 1), (16, 16, 3)])
def test_a_picture_of_any_size_has_windows_side_by_side(shape: tuple[int, ...]) -> None:
    windows = generator().random((3, 16, 16, 3)).astype(np.float32)
    noise = noise_of(shape, windows, generator(1), centred=False)
    assert noise.shape == shape
    luma = windows @ np.array([0.299, 0.587, 0.114])
    known = windows if shape[2] == 3 else luma[..., None]
    height, width = min(16, shape[0]), min(16, shape[1])
    assert any(np.allclose(noise[:height, :width], one[:height, :width], atol=1e-6) for one in known)
    centred = noise_of((16, 16, 3), windows, generator(1), centred=True)
    np.testing.assert_allclose(centred.mean(axis=(0, 1)), 0, atol=1e-7)


# --- the regime ----------------------------------------------------------------------------------------------


def test_the_mixture_is_that_of_the_formula_and_at_one_nothing_of_the_picture_is_left(tmp_path: Path) -> None:
    of = noisy_folder(tmp_path / "set")
    x = generator(3).integers(0, 256, (48, 40, 3), dtype=np.uint8)

    def mixed(words: str) -> Any:
        return nb.degrade(f"negseq(of={of}, size=32, {words})", x)[0].astype(np.float64)

    window = np.tile(mined(spelled(of), 32, 50.0)[0], (2, 2, 1))[:48, :40]
    np.testing.assert_allclose(mixed("mix=0, p=0"), x / 255, atol=1e-6)
    np.testing.assert_allclose(mixed("mix=1, p=0"), window, atol=1e-6)
    np.testing.assert_allclose(mixed("mix=0.25, p=0"), 0.25 * window + 0.75 * x / 255, atol=1e-6)
    centred = window - mined(spelled(of), 32, 50.0)[0].mean(axis=(0, 1), dtype=np.float64)
    np.testing.assert_allclose(mixed("mix=0.25, p=0, adds=True"), x / 255 + 0.25 * centred, atol=1e-6)
    np.testing.assert_allclose(mixed("mix=1.5, p=0, adds=True"), x / 255 + 1.5 * centred, atol=1e-6)
    for words, said in (("mix=1.5", "mix=1.5 must be 0 to 1"), ("smooth=2", "smooth=2 goes with adds=True")):
        with pytest.raises(nb.UsageError, match=said):
            mixed(words)


def test_what_is_smooth_in_a_window_goes_and_its_noise_stays(tmp_path: Path) -> None:
    x = np.full((64, 64), 128, np.uint8)
    noise = generator().normal(0, 3, (64, 64))
    nb.write_picture(tmp_path / "a.png", np.rint(100 + np.linspace(-8, 8, 64)[:, None] + noise).astype(np.uint8))

    def added(smooth: float) -> Any:
        words = f"mix=1, p=0, adds=True, smooth={smooth}"
        y = nb.degrade(f"negseq(of=folder(path={str(tmp_path)!r}), {words})", x)[0]
        return 255 * y.reshape(64, 64).astype(np.float64) - 128

    plain, rough = added(0), added(3)
    assert plain.var() > 25 > 10 > rough.var() > 8  # 21 of the slope and 9 of the noise
    assert np.corrcoef(rough.ravel(), noise.ravel())[0, 1] > 0.97
    assert abs(rough[8:-8].mean(axis=1)).max() < 2 < abs(plain.mean(axis=1)).max()


def test_noise_alone_is_turned_or_the_mixture_and_the_picture_with_it(tmp_path: Path) -> None:
    of = noisy_folder(tmp_path / "set")
    x = generator(3).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    flat = np.full_like(x, 128)
    base = f"negseq(of={of}, size=32, mix=0.5, p=1"
    noise = [nb.degrade(f"{base}, turns={what})", flat)[0] for what in ("noise", "picture")]
    still = nb.degrade(base.replace("p=1", "p=0") + ")", flat)[0]
    for one in noise:  # of a flat picture both are the same pixels elsewhere
        np.testing.assert_array_equal(np.sort(patches(one, 8), axis=1), np.sort(patches(still, 8), axis=1))
        assert not np.array_equal(one, still)
    upright = nb.degrade(f"{base}, turns=noise)", x)[0] - x / 510
    assert np.abs(upright - 0.5 * 100 / 255).max() < 0.5 * 20 / 255  # what is left is noise about its mean
    turned_too = nb.degrade(f"{base}, turns=picture)", x)[0] - x / 510
    assert np.abs(turned_too - 0.5 * 100 / 255).max() > 0.3


def test_draws_are_keyed_and_mistakes_are_named(tmp_path: Path) -> None:
    spec = f"negseq(of={noisy_folder(tmp_path / 'set')}, size=32)"
    x = generator(3).integers(0, 256, (32, 32), dtype=np.uint8)
    first, info = nb.degrade(spec, x, seed=1)
    assert np.array_equal(first, nb.degrade(spec, x, seed=1)[0]) and info.sigma is None
    assert not np.array_equal(first, nb.degrade(spec, x, seed=2)[0])
    with pytest.raises(nb.UsageError, match="patch=64 is larger than size=32"):
        nb.degrade(spec.replace("size=32", "size=32, patch=64"), x)


# --- in a run ------------------------------------------------------------------------------------------------

RECIPE = (
    "trained(arch=dncnn(depth=2, width=2, norm=false), data=dead_leaves(n=20), regime=negseq(of={}, size=32), crop=16, "
    "batch=2, validation=2, steps=2, checks=1)"
)


def keys(of: str, regime: str = "none") -> list[str]:
    suite = Suite(methods=(RECIPE.format(of),), datasets=("photos",), regimes=(regime.format(of),), limit=1)
    return [cell.key for cell in plan(suite)]


def test_the_pictures_behind_a_regime_are_part_of_the_keys(tmp_path: Path) -> None:
    at = tmp_path / "set"
    of = noisy_folder(at)
    before = keys(of), keys(of, "negseq(of={}, size=32)")
    assert before == (keys(of), keys(of, "negseq(of={}, size=32)"))
    picture = nb.read_picture(at / "a.png").copy()
    picture[0, 0] += 1
    nb.write_picture(at / "a.png", picture)
    after = keys(of), keys(of, "negseq(of={}, size=32)")
    for one, other in zip(before, after, strict=True):
        assert not set(one) & set(other)


def test_a_network_is_not_tested_on_pictures_whose_noise_it_learned_from() -> None:
    with pytest.raises(nb.UsageError, match="subset.of=photos.* trains on .* of photos, .*: such as"):
        keys("subset(of=photos)")


def test_a_network_is_trained_on_mined_noise_from_the_command_line(cli: Any, tmp_path: Path) -> None:
    method = RECIPE.format(noisy_folder(tmp_path / "set"))
    done = cli("run", "--methods", method, "--datasets", "photos", "--limit", "1", "--regimes", "gaussian(sigma=5)")
    assert "2 cells: 2 ok" in done.stdout


def test_another_track_that_borrows_it_looks_its_set_up_where_it_is_of(tmp_path: Path) -> None:
    regime = f"negseq(of={noisy_folder(tmp_path / 'set')}, size=8, patch=4)"
    found = nb.evaluate("uniform", "digits(n=2)", regime, track="classify")
    assert (
        found.record.input_sha256 != nb.evaluate("uniform", "digits(n=2)", "none", track="classify").record.input_sha256
    )
