"""Training without clean pictures: the exact properties of objectives that read noisy pictures alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.methods.restore.noise2score import _disclosed, added_variance, tweedie
from noisebench.planning.cells import method_flags
from noisebench.recipes.archs._holed import with_hole
from noisebench.recipes.archs.standardised import standardised_as_a_whole
from noisebench.recipes.objectives._noisy_pictures import one_of_each_cell, picked, put_together, taken_apart
from scipy.special import gammaln


def objective(spec: str, net: Any, y: torch.Tensor) -> Any:
    made = bind(spec, "objective")
    return made.entry.obj(net, {"given": y}, **made.kwargs)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# ---- Noise2Void


def test_noise2void_replaces_the_asked_share_by_values_of_the_square_around_and_never_by_the_pixel_itself() -> None:
    seen = []
    y = torch.arange(3.0 * 40 * 40).view(1, 3, 40, 40)
    torch.manual_seed(0)
    objective("noise2void(share=0.2, radius=1)", lambda x: seen.append(x) or x, y)
    hidden = (seen[0] != y)[0]
    assert hidden[0].float().mean() == pytest.approx(0.2, abs=0.03)
    assert (hidden[0] == hidden[1]).all() and (hidden[0] == hidden[2]).all()
    inner = hidden[0].clone()
    inner[[0, -1]] = inner[:, [0, -1]] = False
    steps = (seen[0] - y)[0, 0][inner].unique().tolist()
    assert steps == [-41, -40, -39, -1, 1, 39, 40, 41]


def test_noise2void_counts_the_hidden_pixels_alone() -> None:
    y = noise(2, 1, 32, 32)
    torch.manual_seed(1)
    shown: list[torch.Tensor] = []
    loss = objective("noise2void(share=0.1)", lambda x: shown.append(x) or x, y)
    hidden = shown[0] != y
    torch.testing.assert_close(loss, (shown[0] - y)[hidden].square().mean())


# ---- Neighbor2Neighbor


def test_neighbor2neighbor_pairs_each_pixel_with_one_that_shares_a_side_of_its_cell() -> None:
    y = torch.arange(64.0).view(1, 1, 8, 8)
    given: list[torch.Tensor] = []

    def net(x: torch.Tensor) -> torch.Tensor:
        given.append(x)
        return torch.zeros_like(x)

    torch.manual_seed(0)
    loss = objective("neighbor2neighbor(gamma=0)", net, y)
    assert [tuple(x.shape) for x in given] == [(1, 1, 8, 8), (1, 1, 4, 4)]
    first = given[1][0, 0]
    cells = torch.stack([first // 8 // 2, first % 8 // 2])
    assert (cells[0] == torch.arange(4)[:, None]).all() and (cells[1] == torch.arange(4)).all()
    # Against a network of nothing the loss is the mean square of the second pixels, each a step away in its cell.
    seconds = float(loss) * 16
    reachable = [torch.stack([first + step for step in (1, -1, 8, -8)])]
    assert reachable[0].square().amin(0).sum() <= seconds <= reachable[0].square().amax(0).sum()
    assert seconds != float(first.square().sum())


def test_neighbor2neighbor_of_the_identity_has_the_loss_of_the_differences_and_no_regulariser() -> None:
    y = noise(1, 2, 16, 16)
    torch.manual_seed(3)
    plain = objective("neighbor2neighbor(gamma=0)", lambda x: x, y)
    torch.manual_seed(3)
    # f(a) - b equals a' - b' where f is the identity, so the second term is 0 whatever gamma.
    assert float(objective("neighbor2neighbor(gamma=7)", lambda x: x, y)) == float(plain)
    assert float(plain) == pytest.approx(2, rel=0.3)


def test_no_gradient_of_neighbor2neighbor_flows_through_the_whole_picture() -> None:
    y, weight = noise(1, 1, 8, 8), torch.tensor(0.5, requires_grad=True)
    calls: list[bool] = []

    def net(x: torch.Tensor) -> torch.Tensor:
        calls.append(torch.is_grad_enabled())
        return weight * x

    objective("neighbor2neighbor", net, y).backward()
    assert calls == [False, True] and weight.grad is not None


# ---- SURE


def test_sure_of_a_linear_shrinkage_is_its_squared_error_in_the_mean() -> None:
    truth = torch.zeros(400, 1, 16, 16)
    y = truth + 25 / 255 * noise(400, 1, 16, 16)
    torch.manual_seed(0)
    estimate = objective("sure(sigma=25)", lambda x: 0.6 * x, y)
    assert float(estimate) == pytest.approx(float((0.6 * y - truth).square().mean()), rel=0.02)


# ---- the score


def test_the_least_loss_of_ar_dae_is_at_the_score_of_the_noisy_pictures() -> None:
    # Of y ~ N(0, v) the score is -y / v; in f(y) = y + scale² R it is 1 - scale² / v.
    v, scale = 0.04, 0.1
    y = v**0.5 * noise(2000, 1, 8, 8)

    def loss(slope: float) -> float:
        torch.manual_seed(0)
        return float(objective("ar_dae(least=0.001, most=0.02)", lambda x: slope * x, y))

    best = 1 - scale**2 / v
    assert loss(best) < loss(best - 0.1) and loss(best) < loss(best + 0.1)


@pytest.mark.parametrize(("least", "most"), [(0.001, 0.05), (0.02, 0.1)])
def test_the_score_of_ar_dae_has_the_added_variance_and_with_it_that_of_normal_data_is_exact(
    least: float, most: float
) -> None:
    # Of y ~ N(0, v) the exact score is -y / v; what AR-DAE is least at is -slope y.
    v, y = 0.0096, noise(400_000, 1, 1, 1, seed=7) * 0.0096**0.5

    def loss(slope: float) -> float:
        torch.manual_seed(0)
        net = lambda x: x - 0.01 * slope * x  # noqa: E731
        return float(objective(f"ar_dae(least={least}, most={most})", net, y))

    # The loss is a parabola in the slope: its vertex by three points.
    low, middle, high = (loss(slope) for slope in (0.0, 50.0, 100.0))
    vertex = 50 + 25 * (low - high) / (low - 2 * middle + high)
    added = added_variance(least, most, "even")
    assert vertex == pytest.approx(1 / (v + added), rel=0.02)
    assert (v + added) / v * vertex == pytest.approx(1 / v, rel=0.02)


def test_the_added_variance_is_a_ratio_of_moments() -> None:
    s = np.linspace(0.01, 0.07, 100_001)
    assert added_variance(0.01, 0.07, "even") == pytest.approx((s**4).mean() / (s**2).mean(), rel=1e-3)
    assert added_variance(0.001, 0.05, "even") == pytest.approx(0.0015, rel=1e-3)
    assert added_variance(0.03, 0.03, "even") == pytest.approx(0.03**2)
    assert added_variance(0.001, 0.05, "annealed") == pytest.approx(1e-6)


def test_flat_pictures_come_back_whole_by_the_score_that_ar_dae_learns_of_them(monkeypatch: Any) -> None:
    sigma, level = 25 / 255, 0.4
    method = nb.Restorer(bind("noise2score(method=trained(objective=ar_dae))", "method")).instance
    spread = sigma**2 + added_variance(0.001, 0.05, "even")
    learned = lambda y, info: y + method.scale**2 * (level - y) / spread  # noqa: E731
    monkeypatch.setattr(method.inner, "restore", learned)
    noisy = np.random.default_rng(0).normal(level, sigma, (16, 16, 1)).astype(np.float32)
    np.testing.assert_allclose(method.restore(noisy, nb.Info({"sigma": sigma})), level, atol=1e-6)


def test_annealed_noise_falls_from_most_to_least_over_the_training() -> None:
    y, seen = torch.zeros(2, 1, 64, 64), []
    made = bind("ar_dae(least=0.01, most=0.09, draw=annealed)", "objective")
    for progress in (0.0, 0.5, 1.0):
        batch = {"given": y, "progress": torch.full((2,), progress)}
        made.entry.obj(lambda x: seen.append(float(x.std())) or x, batch, **made.kwargs)
    assert seen == pytest.approx([0.09, 0.05, 0.01], rel=0.05)
    assert bind("ar_dae(draw=even)", "objective").canonical == bind("ar_dae", "objective").canonical


@pytest.mark.parametrize(("kind", "value"), [("gaussian", 0.2), ("poisson", 30.0), ("gamma", 6.0)])
def test_the_exact_score_gives_the_exact_posterior_mean_of_what_tweedie_is_of(kind: str, value: float) -> None:
    x = np.linspace(0.1, 0.9, 9)[:, None]
    y = np.linspace(0.15, 0.85, 201)
    if kind == "gaussian":
        likelihood = np.exp(-((y - x) ** 2) / (2 * value**2))
        of, back = x, lambda mean: mean
    elif kind == "poisson":
        likelihood = np.exp(value * y * np.log(value * x) - value * x - gammaln(value * y + 1))
        of, back = np.log(x), np.exp
    else:
        likelihood = (y / x) ** (value - 1) * np.exp(-value * y / x) / x
        of, back = 1 / x, lambda mean: 1 / mean
    evidence = likelihood.sum(0)
    score = np.gradient(np.log(evidence), y)
    found = tweedie(y, score, kind, value)
    np.testing.assert_allclose(found[2:-2], back((of * likelihood).sum(0) / evidence)[2:-2], rtol=2e-3)


@pytest.mark.parametrize(
    ("regime", "told"),
    [
        ("poisson_gaussian(peak=60, sigma=25)", "sigma and peak"),
        ("gamma(looks=4) + gaussian(sigma=25)", "sigma and looks"),
        ("gaussian(sigma=25)", ""),
        ("poisson(peak=30)", ""),
        ("gamma(looks=4)", ""),
    ],
)
def test_noise2score_takes_no_mixed_noise_for_one_of_its_two_by_itself(regime: str, told: str) -> None:
    _, info = nb.degrade(regime, np.full((8, 8, 1), 0.5))
    if told:
        with pytest.raises(nb.Skip, match=f"^noise=auto is told {told}, of mixed noise: give noise=… or level=tv$"):
            _disclosed(info)
    else:
        assert regime.startswith(_disclosed(info))


def test_noise2score_refuses_a_network_that_learned_no_score() -> None:
    with pytest.raises(nb.UsageError, match=r"noise2score takes trained\(objective=ar_dae"):
        nb.Restorer(bind("noise2score(method=trained)", "method"))


def test_that_is_said_before_anything_is_trained(cli: Any, tmp_path: Path) -> None:
    said = cli("run", "--methods", "noise2score(method=trained)", "--datasets", "photos", "--regimes",
               "gaussian(sigma=25)", "--store", "s", code=2).stderr  # fmt: skip
    assert said.splitlines() == ["noisebench run: noise2score takes trained(objective=ar_dae, …), not trained"]
    assert not (tmp_path / "s").exists()


def test_noise2score_is_told_the_level_though_its_network_is_not_unless_it_finds_the_level_itself() -> None:
    def blind(more: str) -> bool:
        return bool(method_flags(bind(f"noise2score(method=trained(objective=ar_dae){more})", "method"))["blind"])

    assert not blind("") and blind(", level=tv")
    tuned = "noise2score(method=tuned(method=trained(objective={}), vary='optimizer.lr', over=(0.001, 0.01)))"
    assert not method_flags(bind(tuned.format("ar_dae"), "method"))["blind"]
    with pytest.raises(nb.UsageError, match="not tuned"):
        method_flags(bind(tuned.format("sure(sigma=25)"), "method"))
    assert method_flags(bind("ensemble(method=trained)", "method"))["blind"]


# ---- the blind spot


def dbsn(**choices: Any) -> Any:
    made = bind("dbsn(width=6, blocks=3)", "arch")
    torch.manual_seed(0)
    return made.entry.obj((2, 31, 31), (2, 31, 31), **{**made.kwargs, **choices})


def paths(net: Any) -> tuple[float, float]:
    """The gradient of the middle pixel's output by its own input, and by all others, as greatest values."""
    y = noise(1, 2, 31, 31).requires_grad_()
    net(y)[0, :, 15, 15].sum().backward()
    own = float(y.grad[0, :, 15, 15].abs().max())
    y.grad[0, :, 15, 15] = 0
    return own, float(y.grad.abs().max())


def test_no_path_leads_from_a_pixel_to_its_own_output_unless_the_hole_is_open() -> None:
    own, others = paths(dbsn())
    assert own == 0 < others
    assert paths(dbsn(holed=False))[0] > 0
    net = dbsn()
    with with_hole(net, False):
        assert paths(net)[0] > 0
    assert paths(net)[0] == 0


def standardised(**choices: Any) -> Any:
    made = bind("standardised(of=dbsn(width=6, blocks=1))", "arch")
    torch.manual_seed(0)
    return made.entry.obj((2, 31, 31), (2, 31, 31), **{**made.kwargs, **choices})


def test_a_standardised_network_sees_neither_level_nor_contrast_of_a_channel_and_gives_both_back() -> None:
    net = standardised()
    y = noise(2, 2, 31, 31)
    scale, level = torch.tensor([0.5, 3.0]).view(1, 2, 1, 1), torch.tensor([0.2, -1.0]).view(1, 2, 1, 1)
    torch.testing.assert_close(net(y * scale + level), net(y) * scale + level)
    seen: list[torch.Tensor] = []
    net.within.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    net(y)
    torch.testing.assert_close(seen[0].mean(dim=(2, 3)), torch.zeros(2, 2))
    torch.testing.assert_close(seen[0].std(dim=(2, 3), correction=0), torch.ones(2, 2))
    assert torch.isfinite(net(torch.full((1, 2, 9, 9), 0.5))).all()
    with pytest.raises(nb.UsageError, match=r"arch standardised .*\(1, 8, 8\), not \(3, 8, 8\)"):
        made = bind("standardised", "arch")
        made.entry.obj((1, 8, 8), (3, 8, 8), **made.kwargs)


def test_the_hole_of_a_standardised_network_opens_and_closes() -> None:
    net = standardised()
    assert paths(net)[0] == 0 < paths(net)[1]
    with with_hole(net, False):
        assert paths(net)[0] > 0


def test_the_base_of_neighbours_is_their_mean_and_at_borders_of_those_that_there_are() -> None:
    net = dbsn(base="neighbours")
    for parameter in net.last[-1].parameters():
        torch.nn.init.zeros_(parameter)
    y = noise(1, 2, 31, 31)
    base = net(y)
    torch.testing.assert_close(base[0, 1, 4, 7], (y[0, 1, 3:6, 6:9].sum() - y[0, 1, 4, 7]) / 8)
    torch.testing.assert_close(base[0, 0, 0, 0], (y[0, 0, 0, 1] + y[0, 0, 1, 0] + y[0, 0, 1, 1]) / 3)
    torch.testing.assert_close(net(torch.full((1, 2, 5, 5), 0.7)), torch.full((1, 2, 5, 5), 0.7))
    assert torch.isfinite(net(y[..., :1, :1])).all()


def test_a_network_with_that_base_begins_near_it_and_one_without_is_as_it_was() -> None:
    y = 0.5 + 0.1 * noise(1, 2, 31, 31)
    assert (dbsn(base="neighbours")(y) - y).abs().mean() < 0.15 < (dbsn()(y) - y).abs().mean()
    assert bind("dbsn(base=none)", "arch").canonical == bind("dbsn", "arch").canonical


def own_share(spec: str, stride: int) -> float:
    """How far the output of a pixel moves with its own input, by finite differences through a blind-spot objective."""
    net = bind(spec, "arch").entry.obj((2, 30, 30), (2, 30, 30), **bind(spec, "arch").kwargs).double()
    for layer in net.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    y, step = noise(1, 2, 30, 30).double(), 1e-3
    outputs: list[torch.Tensor] = []

    def loss(output: Any, target: Any) -> torch.Tensor:
        outputs.append(output.detach())
        return output.mean()

    made = bind(f"blind_spot(stride={stride})", "objective")
    recorded = dataclasses.replace(made.kwargs["loss"], entry=SimpleNamespace(obj=loss), kwargs={})
    largest = 0.0
    for row, column in ((0, 0), (0, 13), (14, 17), (29, 29)):
        for sign in (1, -1):
            moved = y.clone()
            moved[0, 0, row, column] += sign * step
            made.entry.obj(net, {"given": moved}, **{**made.kwargs, "loss": recorded})
        change = (outputs[-2] - outputs[-1])[0, :, row, column].abs().max()
        largest = max(largest, float(change) / (2 * step))
    return largest


@pytest.mark.parametrize("stride", [1, 5])
@pytest.mark.parametrize("base", ["none", "neighbours"])
def test_what_a_pixel_becomes_does_not_move_with_it_through_the_whole_objective(stride: int, base: str) -> None:
    torch.manual_seed(0)
    assert own_share(f"dbsn(width=6, blocks=1, base={base})", stride) < 1e-9


@pytest.mark.parametrize("stride", [1, 5])
def test_a_standardised_pixel_is_told_of_itself_as_one_of_its_crop_and_not_of_its_sub_picture(stride: int) -> None:
    torch.manual_seed(0)
    share = own_share("standardised(of=dbsn(width=6, blocks=1, base=neighbours))", stride)
    assert share < 5 / 30**2


def test_parts_are_standardised_by_the_crop_that_they_are_of() -> None:
    net = standardised()
    y = 3 + noise(2, 2, 30, 30) * torch.tensor([0.5, 2.0]).view(1, 2, 1, 1)
    seen: list[torch.Tensor] = []
    net.within.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    objective("blind_spot(stride=5)", net, y)
    scaled = (y - y.mean(dim=(2, 3), keepdim=True)) / y.std(dim=(2, 3), keepdim=True, correction=0)
    torch.testing.assert_close(put_together(seen[0], 5), scaled)
    with standardised_as_a_whole(net, y, 25):
        pass
    torch.testing.assert_close(net(y[:, :, ::2]), standardised()(y[:, :, ::2]))


def test_a_blind_spot_objective_refuses_a_network_without_a_hole() -> None:
    with pytest.raises(nb.UsageError, match="give arch=dbsn"):
        objective("blind_spot", torch.nn.Conv2d(1, 1, 3, padding=1), noise(1, 1, 10, 10))


def test_pictures_taken_apart_hold_every_stride_th_pixel_and_come_together_again() -> None:
    y = torch.arange(2 * 3 * 6 * 6.0).view(2, 3, 6, 6)
    parts = taken_apart(y, 3, "it")
    assert parts.shape == (18, 3, 2, 2)
    torch.testing.assert_close(parts[9 + 5], y[1, :, 1::3, 2::3])
    torch.testing.assert_close(put_together(parts, 3), y)
    with pytest.raises(nb.UsageError, match="multiples of 4, not 6×6"):
        taken_apart(y, 4, "it")


def test_c_bsn_adds_its_invariance_as_training_goes_on_with_the_same_places_and_no_gradient_through_the_hole() -> None:
    y, net = noise(2, 2, 20, 20), dbsn(holed=False)

    def loss(progress: float, **choices: float) -> torch.Tensor:
        made = bind("c_bsn(rise=0.5)", "objective")
        torch.manual_seed(5)
        batch = {"given": y, "progress": torch.full((2,), progress)}
        return made.entry.obj(net, batch, **{**made.kwargs, **choices})

    with torch.no_grad(), with_hole(net, True):
        blind = put_together(net(taken_apart(y, 5, "it")), 5)
        torch.manual_seed(5)
        places = one_of_each_cell(2, y)
        target = net(picked(y, places, 2))
    whole = net(y)
    start = (blind - y).abs().mean()
    rest = (whole - y).abs().mean() + 2 * (picked(whole, places, 2) - target).abs().mean()
    torch.testing.assert_close(loss(0), start)
    torch.testing.assert_close(loss(0.25), start + 0.5 * rest)
    torch.testing.assert_close(loss(0.5), start + rest)
    torch.testing.assert_close(loss(1), loss(0.5))


# ---- pictures that were seen once


def test_a_noisy_set_has_one_draw_a_picture_and_a_second_one_as_truth_where_that_is_asked() -> None:
    def load(spec: str) -> nb.Sample:
        return nb.open_dataset(bind(spec, "dataset")).load(0)

    of = "of=dead_leaves(n=2, size=16), regime=gaussian(sigma=25)"
    once, again, pair = load(f"noisy({of})"), load(f"noisy({of})"), load(f"noisy({of}, target=noisy)")
    np.testing.assert_array_equal(once.noisy, again.noisy)
    assert once.clean.dtype == np.uint8
    np.testing.assert_array_equal(pair.noisy, once.noisy)
    first, second = ((p - once.clean / 255.0) for p in (pair.noisy.reshape(16, 16), pair.clean.reshape(16, 16)))
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] == pytest.approx(0, abs=0.2)
    other = load(f"noisy({of}, seed=1)")
    assert not np.array_equal(other.noisy, once.noisy)


def test_of_noisy_pictures_alone_no_truth_is_told() -> None:
    of = nb.open_dataset(bind("noisy(of=dead_leaves(n=2, size=16), regime=gaussian(sigma=25))", "dataset"))
    alone = nb.open_dataset(
        bind("noisy_only(of=noisy(of=dead_leaves(n=2, size=16), regime=gaussian(sigma=25)))", "dataset")
    )
    assert alone.ids == of.ids
    sample = alone.load(1)
    assert sample.noisy is not None
    np.testing.assert_array_equal(sample.clean, of.load(1).noisy)
    np.testing.assert_array_equal(sample.noisy, sample.clean)
    with pytest.raises(nb.UsageError, match="has no noisy picture: give pairs, or noisy"):
        nb.open_dataset(bind("noisy_only(of=dead_leaves(n=2, size=16))", "dataset")).load(0)


def test_what_is_tested_may_be_trained_on_without_its_truth_alone(cli: Any) -> None:
    test = "noisy(of=dead_leaves(n=3, size=32), regime=gaussian(sigma=25))"
    recipe = "arch=dbsn(width=2, blocks=1), objective=blind_spot, regime=real, batch=2, crop=16, steps=2, checks=1"
    run = ["run", "--datasets", test, "--regimes", "real", "--store", "s", "--methods"]
    refused = cli(*run, f"trained({recipe}, validation=1, data={test})", code=2).stderr
    assert "trains on 3 pictures of" in refused and "which is tested" in refused
    assert "2 ok" in cli(*run, f"trained({recipe}, validation=1, data=noisy_only(of={test}))").stdout


def test_a_folder_of_noisy_pictures_is_trained_on_and_restored(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in "abc":
        cv2.imwrite(
            str(tmp_path / "in" / f"{name}.png"), np.random.default_rng(ord(name)).integers(0, 255, (32, 32), np.uint8)
        )
    recipe = "arch=dbsn(width=2, blocks=1), objective=blind_spot, regime=real, batch=2, crop=16, steps=2, checks=1"
    noisy = "noisy_only(of=folder(path='in'))"
    run = ["run", "--datasets", noisy, "--regimes", "real", "--store", "s", "--methods"]
    assert "2 ok" in cli(*run, f"trained({recipe}, validation=1, data={noisy})").stdout
    refused = cli(*run, f"trained({recipe}, data={noisy})", code=2).stderr
    assert "noisy_only" in refused and "3 items, and 16" in refused and "give validation=N, at most 2" in refused
    refused = cli(*run, f"trained({recipe}, data=noisy_only(of=dead_leaves(n=3, size=32)))", code=2).stderr
    assert "has no noisy picture" in refused and "folder(path=…) of noisy pictures" in refused


# ---- masks, and rounds on residuals


def masked(words: str = "") -> Any:
    made = bind(f"masked(of=dncnn(depth=3, width=4, norm=false){words})", "arch")
    torch.manual_seed(0)
    return made.entry.obj((2, 24, 24), (2, 24, 24), **made.kwargs)


def test_a_masked_network_is_shown_the_asked_share_and_told_which() -> None:
    seen: list[torch.Tensor] = []
    net = masked(", share=0.8").train()
    net.within.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    y = noise(6, 2, 24, 24) + 9
    assert net(y).shape == y.shape
    mask = seen[0][:, 2:]
    assert mask.mean() == pytest.approx(0.2, abs=0.03) and set(mask.unique().tolist()) == {0.0, 1.0}
    assert not torch.equal(mask[0], mask[1])
    torch.testing.assert_close(seen[0][:, :2], y * mask)


def test_in_use_it_gives_the_mean_over_masks_that_are_the_same_each_time() -> None:
    net = masked(", averaged=3").eval()
    shown: list[torch.Tensor] = []
    handle = net.within.register_forward_pre_hook(lambda _, given: shown.append(given[0]))
    y = noise(2, 2, 24, 24)
    first = net(y)
    handle.remove()
    torch.manual_seed(99)
    torch.testing.assert_close(net(y), first, rtol=0, atol=0)
    assert len(shown) == 3 and len({one[:, 2:].numpy().tobytes() for one in shown}) == 3
    torch.testing.assert_close(first, torch.stack([net.within(one)[:, :2] for one in shown]).mean(0))


def mid(rounds: int, net: Any) -> Any:
    made = bind(f"mid(rounds={rounds}, sigma=51)", "part")
    part = made.entry.obj(**made.kwargs)
    assert part.prepare(net) is net
    return part


def test_mid_begins_with_normal_noise_and_goes_on_with_residuals_of_other_pictures_by_the_network_before() -> None:
    net = torch.nn.Conv2d(1, 1, 1, bias=False)
    torch.nn.init.constant_(net.weight, 0.25)
    part = mid(1, net)
    clean, y = torch.zeros(3, 1, 40, 40), noise(3, 1, 40, 40)
    torch.manual_seed(0)
    first = part.batch({"given": y, "wanted": clean}, 4, 10)
    assert first["given"].std() == pytest.approx(0.2, rel=0.05) and first["wanted"] is clean
    residual = 0.75 * y
    residual = (residual - residual.mean(dim=(2, 3), keepdim=True)).roll(1, 0)
    torch.testing.assert_close(part.batch({"given": y, "wanted": clean}, 5, 10)["given"], residual)
    torch.nn.init.constant_(net.weight, 0.5)  # what is trained within the round changes nothing of its noise
    torch.testing.assert_close(part.batch({"given": y, "wanted": clean + 1}, 6, 10)["given"], 1 + residual)


def test_a_round_that_is_gone_on_with_has_the_network_of_its_beginning() -> None:
    net = torch.nn.Conv2d(1, 1, 1)
    part, again = mid(3, net), mid(3, net)
    batch = {"given": noise(2, 1, 8, 8), "wanted": torch.zeros(2, 1, 8, 8)}
    wanted = part.batch(batch, 6, 8)["given"]
    torch.nn.init.constant_(net.weight, 9.0)
    again.load(part.state())
    torch.testing.assert_close(again.batch(batch, 7, 8)["given"], wanted)
    assert part.round == 3
    with pytest.raises(nb.UsageError, match="two pictures or more"):
        part.batch({name: one[:1] for name, one in batch.items()}, 0, 8)


def test_of_several_regimes_each_picture_has_one_by_its_id_in_any_part_of_the_set() -> None:
    def noisy(regime: str, of: str = "dead_leaves(n=12, size=16)") -> Any:
        return nb.open_dataset(bind(f"noisy(of={of}, regime={regime})", "dataset"))

    plain, counted = noisy("gaussian(sigma=25)"), noisy("poisson(peak=30)")
    both = noisy("(gaussian(sigma=25), poisson(peak=30))")
    which = []
    for i in range(12):
        made = both.load(i).noisy
        which.append([np.array_equal(made, one.load(i).noisy) for one in (plain, counted)])
    assert all(sum(pair) == 1 for pair in which) and 0 < sum(pair[0] for pair in which) < 12
    last = noisy(
        "(gaussian(sigma=25), poisson(peak=30))", f"subset(of=dead_leaves(n=12, size=16), ids='{both.ids[-1]}')"
    )
    np.testing.assert_array_equal(last.load(0).noisy, both.load(11).noisy)
    with pytest.raises(nb.UsageError, match="regime is empty"):
        noisy("()")


def test_a_subset_has_the_pictures_whose_ids_match_and_two_parts_have_none_in_common() -> None:
    def ids(words: str) -> list[str]:
        return list(nb.open_dataset(bind(f"subset(of=dead_leaves(n=12, size=8){words})", "dataset")).ids)

    whole = ids("")
    last = whole[-1]
    assert len(whole) == 12 and ids(f", ids='{last}'") == [last] and ids(f", but='{last}'") == whole[:-1]
    ones, others = ids(", ids='*1'"), ids(", but='*1'")
    assert ones and others and sorted(ones + others) == sorted(whole)
    part = nb.open_dataset(bind(f"subset(of=dead_leaves(n=12, size=8), ids='{last}')", "dataset"))
    alone = nb.open_dataset(bind("dead_leaves(n=12, size=8)", "dataset")).load(11)
    assert part.load(0).id == last
    np.testing.assert_array_equal(part.load(0).clean, alone.clean)
    with pytest.raises(nb.UsageError, match="no id of dead_leaves"):
        ids(", ids=nothing")
