"""MRI: what is measured of a spectrum, and what recipes and methods make of it, in exact properties."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.datasets import open_dataset
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.recipes.objectives._kspace import measured_noise, picture_of, spectrum
from noisebench.recipes.objectives.ssdu import held_back
from noisebench.tracks.restore.regimes.kspace import sampled_lines


def picture(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(size=shape).astype(np.float32)


def fft(x: Any) -> np.ndarray:
    return np.asarray(np.fft.fft2(np.asarray(x, np.float64), axes=(0, 1), norm="ortho"))


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def masks(*shape: int, accel: float = 2.0) -> torch.Tensor:
    """(N, 1, H, W): lines as the regime measures them, others for each item."""
    lines = [sampled_lines(shape[2], accel, 0.1, np.random.default_rng(i)) for i in range(shape[0])]
    return torch.tensor(np.stack(lines), dtype=torch.float32)[:, None, None].expand(-1, 1, shape[1], -1)


def objective(spec: str, net: Any, batch: dict[str, Any]) -> Any:
    made = bind(spec, "objective")
    return made.entry.obj(net, batch, **made.kwargs)


# ---- the regime


@pytest.mark.parametrize("shape", [(64, 64), (31, 47), (1, 1), (2, 5), (20, 18, 3)])
def test_a_picture_that_is_fully_sampled_comes_back(shape: tuple[int, ...]) -> None:
    x = picture(*shape)
    given, info = nb.degrade("kspace(accel=1)", x)
    np.testing.assert_allclose(given, x, atol=1e-6)
    assert info.sampled.shape == shape[:2] and (info.sampled == 1).all() and info.spectrum_sigma == 0


@pytest.mark.parametrize("shape", [(64, 64), (31, 47), (24, 33, 3)])
def test_what_was_sampled_is_the_spectrum_of_the_picture_and_the_rest_is_nothing(shape: tuple[int, ...]) -> None:
    x = picture(*shape)
    given, info = nb.degrade("kspace(accel=3)", x)
    sampled = info.sampled.reshape(*shape[:2], *[1] * (len(shape) - 2))
    np.testing.assert_allclose(fft(given), sampled * fft(x), atol=1e-5)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 48, 64, 65, 320])
@pytest.mark.parametrize(("accel", "centre"), [(1, 0.0), (2, 0.0), (4, 0.08), (8, 0.5), (64, 1.0)])
def test_lines_come_with_their_mirrors_as_many_as_the_acceleration_says(n: int, accel: float, centre: float) -> None:
    lines = sampled_lines(n, accel, centre, np.random.default_rng(0))
    most = max(1, round(n / accel))
    assert most - 1 <= lines.sum() <= most and lines[0] == 1
    np.testing.assert_array_equal(lines, lines[-np.arange(n) % n])
    inner = (min(most, round(centre * n)) - 1) // 2
    assert lines[: max(inner, 0) + 1].all()


def test_other_pictures_and_seeds_have_other_lines_and_the_same_always_the_same() -> None:
    found = [nb.degrade("kspace", picture(8, 64, seed=i), seed=s)[1].sampled[0] for i in (0, 1) for s in (0, 1)]
    assert len({lines.tobytes() for lines in found}) == 4
    np.testing.assert_array_equal(found[0], nb.degrade("kspace", picture(8, 64))[1].sampled[0])


def test_noise_is_on_sampled_points_alone_and_of_the_stated_variance() -> None:
    x = np.full((256, 256), 0.5, np.float32)  # of which frequency 0 is always sampled, and nothing else is there
    given, info = nb.degrade("kspace(accel=4, sigma=51)", x)
    added = given.astype(np.float64) - 0.5
    power = np.abs(fft(added)) ** 2
    assert power[info.sampled == 0].max() < 1e-10
    # The real part of the inverse has half of the noise's energy: 0.2² a point of 2 · 0.2².
    found = power[info.sampled == 1]
    assert abs(found.mean() / 0.2**2 - 1) < 5 * math.sqrt(2 / found.size)
    assert info.spectrum_sigma == pytest.approx(0.2) and info.sigma is None
    assert added.std() == pytest.approx(0.2 / 2, rel=5 * math.sqrt(1 / found.size))


def test_of_a_sum_with_noise_that_is_added_later_no_sigma_is_told() -> None:
    told = nb.degrade("kspace(sigma=5) + gaussian(sigma=51)", picture(8, 8))[1]
    assert told.sigma is None and told.spectrum_sigma == pytest.approx(5 / 255)


# ---- batches


def batch(regime: str, data: str = "kspace_phantom(n=6, size=16)", step: int = 0) -> Any:
    order = bind("shuffled", "sampler").entry.obj(5, 4, 0)
    made = get_track("restore").batches(  # type: ignore[attr-defined]
        open_dataset(bind(data, "dataset")), [0, 1, 2, 4, 5], bind(regime, "regime"), order, crop=16, seed=0
    )
    return made(step)


def test_a_batch_says_what_was_sampled_of_each_item_and_which_items_they_are() -> None:
    made = batch("kspace(accel=2, sigma=20)")
    assert made["sampled"].shape == (4, 1, 16, 16) and made["sampled"].dtype == np.float32
    found = np.fft.fft2(made["given"])
    assert np.abs(found[made["sampled"] == 0]).max() < 1e-4 < np.abs(found[made["sampled"] == 1]).mean()
    assert len({plane.tobytes() for plane in made["sampled"]}) > 1
    assert [*made["place"], *batch("kspace(accel=2)", step=1)["place"]][:5] != [0, 1, 2, 3, 4]
    assert sorted([*made["place"], *batch("kspace(accel=2)", step=1)["place"]][:5]) == [0, 1, 2, 3, 4]


def test_coloured_pictures_share_their_lines_between_channels() -> None:
    made = batch("kspace(accel=2)", "dead_leaves(n=6, size=16, color=true)")
    assert made["given"].shape == (4, 3, 16, 16) and made["sampled"].shape == (4, 1, 16, 16)


def test_what_is_no_longer_true_of_a_sum_is_in_no_batch() -> None:
    assert "sampled" in batch("kspace(accel=2) + gaussian(sigma=5)")
    assert set(batch("kspace(accel=2) + jpeg(quality=50)")) == {"given", "wanted", "place"}


def test_a_recipe_for_mri_says_which_regime_it_needs() -> None:
    for spec in ("noise2recon", "ssdu"):
        with pytest.raises(nb.UsageError, match=rf"objective {spec} needs .*regime=kspace"):
            objective(spec, lambda x: x, {"given": noise(1, 1, 8, 8)})


# ---- Noise2Recon


def given(items: int = 4, side: int = 16) -> dict[str, Any]:
    sampled = masks(items, side, side)
    y = picture_of(sampled * spectrum(noise(items, 1, side, side)))
    return {"given": y, "wanted": noise(items, 1, side, side, seed=1), "sampled": sampled, "place": torch.arange(items)}


def test_its_noise_is_where_its_own_picture_was_sampled_and_of_the_level_that_it_is_told() -> None:
    seen: list[torch.Tensor] = []
    made = given(64, 32)
    objective("noise2recon(least=51, most=51, labelled=0)", lambda x: seen.append(x) or x, made)
    clean, noisy = seen
    torch.testing.assert_close(clean, made["given"])
    power = spectrum(noisy - clean).abs().square()
    sampled = made["sampled"].bool()
    assert power[~sampled].max() < 1e-9
    assert float(power[sampled].mean()) == pytest.approx(0.2**2, rel=5 * math.sqrt(2 / int(sampled.sum())))


def test_levels_are_between_least_and_most_each_items_own() -> None:
    seen: list[torch.Tensor] = []
    made = given(200, 16)
    objective("noise2recon(least=51, most=102, labelled=0)", lambda x: seen.append(x) or x, made)
    share = made["sampled"].mean((1, 2, 3))
    levels = ((seen[1] - seen[0]).square().mean((1, 2, 3)) / share).sqrt()
    assert 0.13 < float(levels.min()) < 0.22 < 0.38 < float(levels.max()) < 0.55


def test_no_gradient_flows_through_the_branch_without_noise() -> None:
    made = given()
    a = torch.tensor(0.7, requires_grad=True)
    asked: list[bool] = []

    def net(x: torch.Tensor) -> torch.Tensor:
        asked.append(torch.is_grad_enabled())
        return a * x

    torch.manual_seed(3)
    objective("noise2recon(weight=2, least=30, most=30, labelled=0)", net, made).backward()
    torch.manual_seed(3)
    torch.rand(4, 1, 1, 1)
    e = measured_noise(made["given"], made["sampled"], 30 / 255)
    noisy = made["given"] + e
    assert asked == [False, True]
    # With both branches it would be the mean of 2 |e|: the sign of 0.7 e times e.
    torch.testing.assert_close(a.grad, 2 * (torch.sign(e) * noisy).mean())


def test_the_loss_is_that_of_the_labelled_and_the_weighted_one_of_the_others() -> None:
    made = given()
    made["wanted"][2:] = float("nan")  # of these no truth is read
    supervised = float((made["given"] - made["wanted"])[:2].abs().mean())
    assert float(objective("noise2recon(labelled=2, weight=0)", lambda x: x, made)) == pytest.approx(supervised)
    torch.manual_seed(1)
    both = float(objective("noise2recon(labelled=2, weight=0.5, least=20, most=20)", lambda x: x, made))
    torch.manual_seed(1)
    torch.rand(2, 1, 1, 1)
    e = measured_noise(made["given"][2:], made["sampled"][2:], 20 / 255)
    assert both == pytest.approx(supervised + 0.5 * float(e.abs().mean()))
    assert float(objective("noise2recon(labelled=4)", lambda x: x, given())) == pytest.approx(
        float((given()["given"] - given()["wanted"]).abs().mean())
    )


def test_without_labels_all_items_have_both_terms_and_no_truth_is_read() -> None:
    made = given() | {"wanted": torch.full((4, 1, 16, 16), float("nan"))}
    torch.manual_seed(0)
    both = objective("noise2recon(of=ssdu, weight=1)", lambda x: x, made)
    torch.manual_seed(0)
    alone = objective("ssdu", lambda x: x, made)
    assert math.isfinite(both) and float(both) > float(alone) > 0


def test_levels_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(nb.UsageError, match="least=50 is above most=20"):
        objective("noise2recon(least=50, most=20)", lambda x: x, given())
    with pytest.raises(nb.UsageError, match="least=50 is above most=20"):
        bind("kspace_noise(least=50, most=20)", "part")


# ---- SSDU


@pytest.mark.parametrize("shape", [(32, 32), (31, 33)])
def test_what_is_held_back_was_sampled_and_comes_with_its_mirror(shape: tuple[int, int]) -> None:
    sampled = masks(50, *shape)
    torch.manual_seed(0)
    held = held_back(sampled, 0.4)
    assert set(held.unique().tolist()) == {0.0, 1.0} and (held <= sampled).all()
    rows, columns = (-torch.arange(side) % side for side in shape)
    torch.testing.assert_close(held, held[:, :, rows][:, :, :, columns])
    assert float(held.sum() / sampled.sum()) == pytest.approx(0.4, abs=0.02)


def test_the_network_is_given_one_set_and_judged_by_the_other_and_by_the_centre() -> None:
    made = given()
    shown: list[torch.Tensor] = []
    torch.manual_seed(5)
    loss = objective("ssdu(share=0.4, centre=2)", lambda x: shown.append(x) or torch.zeros_like(x), made)
    torch.manual_seed(5)
    inner = torch.zeros(16, 16, dtype=torch.bool)
    inner[[[15], [0], [1]], [15, 0, 1]] = True
    sampled = made["sampled"].bool()
    held = held_back((sampled & ~inner).float(), 0.4).bool()
    measured, seen = spectrum(made["given"]), spectrum(shown[0])
    assert int(held.sum()) > 0 and seen[held].abs().max() < 1e-5
    torch.testing.assert_close(seen[~held], measured[~held], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(loss, measured[held | (sampled & inner)].abs().mean())


def test_a_network_that_knows_the_picture_has_no_loss() -> None:
    truth = noise(3, 1, 16, 16)
    sampled = masks(3, 16, 16)
    made = {"given": picture_of(sampled * spectrum(truth)), "sampled": sampled}
    assert float(objective("ssdu", lambda x: truth, made)) < 1e-5


# ---- augmentation, and which items come


def test_the_part_adds_noise_to_a_share_of_the_items_where_they_were_sampled() -> None:
    made = given(200)
    part = bind("kspace_noise(least=20, most=20, share=0.3)", "part")
    torch.manual_seed(0)
    added = part.entry.obj(**part.kwargs).batch(made, 0, 1)["given"] - made["given"]
    noisy = added.abs().amax((1, 2, 3)) > 0
    assert 0.15 < float(noisy.float().mean()) < 0.45
    assert spectrum(added).abs()[~made["sampled"].bool()].max() < 1e-6


def test_the_sampler_takes_its_share_of_the_first_items_and_each_as_often() -> None:
    sampler = bind("labelled(first=3, share=0.25)", "sampler")
    order = sampler.entry.obj(10, 8, 0, **sampler.kwargs)
    batches = [order(step) for step in range(21)]
    assert all(sum(place < 3 for place in places) == 2 and len(places) == 8 for places in batches)
    counts = Counter(place for places in batches for place in places)
    assert {counts[place] for place in range(3)} == {14} and {counts[place] for place in range(3, 10)} == {18}
    assert order(4) == batches[4]
    assert batches[:3] != [order(step) for step in range(3, 6)]


def test_the_sampler_of_labels_alone_takes_nothing_else_and_refuses_too_few_items() -> None:
    sampler = bind("labelled(first=5, share=1)", "sampler").entry.obj
    assert sorted(sampler(5, 5, 0, first=5, share=1)(0)) == [0, 1, 2, 3, 4]
    for n, share in ((5, 0.5), (4, 1.0)):
        with pytest.raises(nb.UsageError, match=f"first=5 takes all {n} items"):
            sampler(n, 4, 0, first=5, share=share)


# ---- phantoms


@pytest.mark.parametrize("size", [8, 31, 64])
def test_phantoms_are_of_any_size_on_0_to_1_with_black_around_and_made_by_their_key(size: int) -> None:
    first, again, other = (
        open_dataset(bind(f"kspace_phantom(n=3, size={size}, seed={seed})", "dataset")) for seed in (0, 0, 1)
    )
    x = first.load(2).clean
    assert x.shape == (size, size) and x.dtype == np.float32 and x.min() == 0 and 0.5 < x.max() <= 1
    assert x[0, 0] == x[-1, -1] == 0
    np.testing.assert_array_equal(x, again.load(2).clean)
    assert not np.array_equal(x, other.load(2).clean) and not np.array_equal(x, first.load(1).clean)


# ---- compressed sensing


@pytest.mark.parametrize("prior", ["tv", "wavelets"])
def test_compressed_sensing_finds_more_than_was_measured(prior: str) -> None:
    x = open_dataset(bind("kspace_phantom(n=1, size=48)", "dataset")).load(0).clean
    given, info = nb.degrade("kspace(accel=2, centre=0.2)", x)
    method = nb.Restorer(bind(f"compressed_sensing(prior={prior}, iterations=20)", "method"))
    restored = method.restore(given[:, :, None], info)[:, :, 0]
    assert nb.psnr(restored, x, "float") > nb.psnr(given, x, "float") + 1


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 3), (17, 30, 3)])
@pytest.mark.parametrize("prior", ["tv", "wavelets"])
def test_compressed_sensing_takes_any_size_and_leaves_a_flat_picture(shape: tuple[int, ...], prior: str) -> None:
    x = np.full(shape, 0.5, np.float32)
    given, info = nb.degrade("kspace(accel=2)", x)
    method = nb.Restorer(bind(f"compressed_sensing(prior={prior}, iterations=5)", "method"))
    np.testing.assert_allclose(method.restore(given, info), x, atol=0.01)


def test_compressed_sensing_passes_pictures_whose_sampling_is_not_known() -> None:
    given, info = nb.degrade("gaussian(sigma=5)", picture(8, 8, 1))
    with pytest.raises(nb.Skip, match="sampled"):
        nb.Restorer(bind("compressed_sensing", "method")).restore(given, info)


# ---- what was measured put back


def test_what_was_measured_is_put_back_and_what_was_not_is_the_methods() -> None:
    x = picture(20, 33, 3)
    given, info = nb.degrade("kspace(accel=3, sigma=10)", x)
    alone = nb.Restorer(bind("gaussian_filter", "method")).restore(given, info)
    whole = nb.Restorer(bind("data_consistent(method=gaussian_filter)", "method")).restore(given, info)
    expected = np.where(info.sampled[:, :, None] == 1, fft(given), fft(alone))
    np.testing.assert_allclose(fft(whole), expected, atol=1e-5)


def test_of_a_fully_sampled_picture_any_method_gives_it_back() -> None:
    x = picture(16, 16, 1)
    given, info = nb.degrade("kspace(accel=1)", x)
    whole = nb.Restorer(bind("data_consistent(method=median)", "method")).restore(given, info)
    np.testing.assert_allclose(whole, x, atol=1e-6)


# ---- all together


def test_a_recipe_for_mri_trains_and_restores(cli: Any, tmp_path: Path) -> None:
    method = (
        "trained(arch=unet(width=4, depth=1), objective=noise2recon(labelled=2), sampler=labelled(first=2), "
        "data=kspace_phantom(n=8, size=16), regime=kspace(accel=2), draws=fixed, crop=16, batch=4, steps=3, checks=1, "
        "validation=2, precision=float32)"
    )
    said = cli("run", "--methods", method, "--datasets", "kspace_phantom(n=2, size=21, seed=1)", "--regimes",
               "kspace(accel=2, sigma=10)", "--protocol", "float", "--store", "s")  # fmt: skip
    assert said.stdout.startswith("2 cells: 2 ok")
