"""Pictures drawn token by token: the steps of each iteration, the exact model, what DiSA draws, and MAR."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.methods.generate._annealing import annealed, cost_of, unmasked
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.archs._patches import as_pictures, as_tokens, places_of
from noisebench.recipes.objectives.mar import shares_unknown
from noisebench.track.calling import call_on
from noisebench.tracks.generate import Law
from noisebench.training.trainer import Trainer

TRACK = get_track("generate")
DIGITS = "gaussian_digits(n=1, count={}, reference=16, trained=2)"
POINTS = "gaussian_points(dims=4, mean=1.0, spread=0.5)"
ALL = ("linear", "cosine", "two_stage", "rising", "constant")


def made(spec: str) -> Any:
    bound = bind(spec, "method", "generate")
    found = bound.entry.obj(**bound.kwargs)
    found.setup("cpu")
    return found


def drawn(method: str, dataset: str) -> Any:
    item = nb.open_dataset(bind(dataset, "dataset", "generate")).load(0)
    runner = TRACK.open(bind(method, "method", "generate"))
    runner.setup("cpu")
    return call_on(runner, TRACK.pose(bind("none", "regime", "generate"), item, 0), "cpu")[0]


def rms(values: Any) -> float:
    return math.sqrt(float(np.mean(np.square(values, dtype=np.float64))))


# ---- how many tokens, by how many steps


def test_a_cosine_leaves_fewer_tokens_and_each_iteration_draws_one_at_least() -> None:
    assert unmasked(16, 4) == [16 - 14, 14 - 11, 11 - 6, 6], "16 cos(22.5°, 45°, 67.5°) = 14.78, 11.3, 6.1"
    assert unmasked(5, 5) == [1] * 5 and unmasked(7, 1) == [7]
    for tokens in (1, 16, 49, 256):
        for iterations in range(1, tokens + 1):
            each = unmasked(tokens, iterations)
            assert len(each) == iterations and sum(each) == tokens and min(each) >= 1
    with pytest.raises(nb.Skip, match="16 iterations at most, not 17"):
        unmasked(16, 17)


def test_steps_fall_as_published() -> None:
    even = [1] * 10
    assert annealed("linear", 50, 5, even) == [50, 45, 40, 35, 30, 25, 20, 15, 10, 5]
    assert annealed("linear", 50, 5, [1] * 3) == [50, 27, 5], "27.5, rounded down"
    assert annealed("cosine", 50, 5, [1] * 3) == [50, 27, 5]
    assert annealed("cosine", 50, 5, even)[1] == 5 + math.floor(22.5 * (1 + math.cos(math.pi / 9))) == 48
    assert annealed("two_stage", 50, 5, even) == [50] * 5 + [5] * 5
    assert annealed("two_stage", 50, 5, [1] * 3) == [50, 5, 5], "the middle is in the second half"
    assert all(annealed(schedule, 50, 5, [4]) == [50] for schedule in ALL)


def test_where_iterations_draw_alike_rising_mirrors_linear_and_all_cost_about_alike() -> None:
    even = [1] * 64
    assert annealed("rising", 50, 5, even) == annealed("linear", 50, 5, even)[::-1]
    cost = sum(annealed("linear", 50, 5, even))
    assert sum(annealed("constant", 50, 5, even)) == cost == 1733
    assert set(annealed("constant", 50, 5, even)) == {27, 28}
    assert all(abs(sum(annealed(s, 50, 5, even)) - cost) < 32 for s in ("cosine", "two_stage")), "of rounding"


@pytest.mark.parametrize(("tokens", "iterations"), [(256, 64), (49, 12), (16, 5), (64, 2)])
def test_where_later_iterations_draw_more_the_rivals_cost_what_linear_costs(tokens: int, iterations: int) -> None:
    each = unmasked(tokens, iterations)
    linear = annealed("linear", 50, 5, each)
    assert linear == annealed("linear", 50, 5, [1] * iterations), "by the iteration, not by the tokens"
    cost = cost_of(linear, each)
    for schedule in ("rising", "constant"):
        steps = annealed(schedule, 50, 5, each)
        assert abs(cost_of(steps, each) - cost) <= max(each) and min(steps) >= 5
    assert cost_of(annealed("rising", 50, 5, each), each) <= cost
    assert all(b >= a for a, b in pairwise(annealed("rising", 50, 5, each)))
    constant = annealed("constant", 50, 5, each)
    assert max(constant) - min(constant) <= 2


def test_the_mean_of_steps_is_of_tokens_and_not_of_iterations() -> None:
    each = unmasked(256, 64)
    mean = cost_of(annealed("linear", 50, 5, each), each) / 256
    assert mean == pytest.approx(21, abs=0.5), "the entry of MAR: about 21, where the mean over iterations is 27"


def test_alike_ends_are_constant_and_a_rise_is_refused() -> None:
    for schedule in ALL:
        assert annealed(schedule, 8, 8, unmasked(16, 6)) == [8] * 6  # type: ignore[arg-type]
    with pytest.raises(nb.UsageError, match="upper=4 .*lower=.*schedule=rising"):
        made("disa(model=exact_tokens, upper=4)")


def test_fewer_steps_begin_at_the_same_noise() -> None:
    sampler = made("disa(model=exact_tokens, upper=7, lower=2)")
    plans = sampler.plans(torch.zeros(2, 64, 1), nb.Info({}, b"x"))
    assert {plan.levels[0] for plan in plans} == {80.0} and {plan.levels[-1] for plan in plans} == {0.0}
    assert [len(plan.levels) - 1 for plan in plans] == annealed("linear", 7, 2, [1] * 64)


# ---- tokens


def test_tokens_are_squares_in_rows_and_come_back() -> None:
    picture = torch.arange(2 * 4 * 6).reshape(1, 2, 4, 6)
    tokens = as_tokens(picture, 2)
    assert tokens.shape == (1, 6, 8)
    assert tokens[0, 1].tolist() == [2, 3, 8, 9, 26, 27, 32, 33], "the second square of the first row, both channels"
    assert torch.equal(as_pictures(tokens, (2, 4, 6), 2), picture)
    assert places_of(tokens, torch.tensor([[5, 1]])).tolist() == tokens[0, [5, 1]].tolist()


def conditional(law: Law, kind: int, row: Any, held: Any, own: Any) -> tuple[Any, Any]:
    """Mean and covariance of the values `own` of a component, given those `held`."""
    mean, covariance = law.means[kind], law.covariances[kind]
    gain = np.linalg.solve(covariance[np.ix_(held, held)], covariance[np.ix_(held, own)]).T
    due = mean[own] + gain @ (row[held] - mean[held])
    return due, covariance[np.ix_(own, own)] - gain @ covariance[np.ix_(held, own)]


def test_a_token_of_a_normal_law_is_told_its_conditional_law() -> None:
    model = made("exact_tokens(of=gaussian_digits, patch=2)")
    rng = np.random.default_rng(0)
    rows = model.law.drawn(rng.standard_normal((3, 64)), np.zeros(3, np.int64))
    known = torch.from_numpy(rng.random((3, 16)) < 0.5)
    places = torch.tensor([[3, 9], [0, 15], [7, 8]])
    known = known.scatter(1, places, False)
    hidden = torch.where(known[..., None], as_tokens(torch.from_numpy(rows).reshape(3, 1, 8, 8), 2), torch.nan)
    pictures = as_pictures(hidden.nan_to_num(nan=99.0), (1, 8, 8), 2)
    logs, means, variances, axes = model.told(pictures, known, places, None)
    assert logs.shape == (6, 1) and axes.shape == (6, 1, 4, 4)
    values = model.values.numpy()
    for place in range(6):
        item = place // 2
        held, own = values[known[item].numpy()].ravel(), values[places.flatten()[place]]
        mean, covariance = conditional(model.law, 0, rows[item], held, own)
        np.testing.assert_allclose(means[place, 0], mean, atol=1e-9)
        got = axes[place, 0] @ torch.diag(variances[place, 0]) @ axes[place, 0].T
        np.testing.assert_allclose(got, covariance, atol=1e-9)


@pytest.mark.parametrize("labels", [None, torch.tensor([3, -1])])
def test_a_token_of_a_mixture_in_noise_is_seen_as_by_bayes(labels: Any) -> None:
    model = made("exact_tokens(of=mixture_digits, patch=4)")
    law = model.law
    rows = law.drawn(np.random.default_rng(1).standard_normal((2, 64)), np.array([3, 5]))
    known = torch.tensor([[True, False, True, False], [False, False, False, True]])
    places = torch.tensor([[1], [2]])
    told = model.told(torch.from_numpy(rows).reshape(2, 1, 8, 8), known, places, labels)
    noisy = torch.from_numpy(np.random.default_rng(2).standard_normal((2, 16)))
    seen = model.seen(noisy, 0.7, told)
    for item in range(2):
        held, own = model.values[known[item]].flatten().numpy(), model.values[places[item, 0]].numpy()
        logs, means = [], []
        for kind in range(10):
            mean, covariance = conditional(law, kind, rows[item], held, own)
            off, within = rows[item][held] - law.means[kind][held], law.covariances[kind][np.ix_(held, held)]
            total, away = covariance + 0.49 * np.eye(16), noisy[item].numpy() - mean
            size = np.linalg.slogdet(within)[1] + np.linalg.slogdet(total)[1]
            fit = off @ np.linalg.solve(within, off) + away @ np.linalg.solve(total, away)
            asked = -np.inf if labels is not None and 0 <= int(labels[item]) != kind else 0.0
            logs.append(np.log(law.weights[kind]) - (size + fit) / 2 + asked)
            means.append(mean + covariance @ np.linalg.solve(total, away))
        shares = np.exp(np.array(logs) - max(logs))
        np.testing.assert_allclose(seen[item], shares @ np.array(means) / shares.sum(), atol=1e-8)


def test_one_token_that_is_the_whole_picture_is_the_exact_model() -> None:
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 1, 8, 8)))
    sigma = torch.tensor([0.1, 1.0, 9.0], dtype=torch.float64).reshape(3, 1, 1, 1)
    due = made("exact(of=mixture_digits)").denoised(x, sigma, None)
    torch.testing.assert_close(
        made("exact_tokens(of=mixture_digits, patch=8)").denoised(x, sigma, None), due, rtol=0, atol=1e-9
    )


# ---- what is drawn


def test_each_token_is_seen_as_often_as_its_steps_say() -> None:
    for schedule in ALL:
        found = drawn(f"disa(model=exact_tokens(patch=2), upper=6, lower=2, schedule={schedule})", DIGITS.format(3))
        assert found["evaluations"] == sum(annealed(schedule, 6, 2, [1] * 16))  # type: ignore[arg-type]
    found = drawn("disa(model=exact_tokens(patch=2), upper=6, lower=2, iterations=4)", DIGITS.format(3))
    assert found["evaluations"] == cost_of(annealed("linear", 6, 2, [2, 3, 5, 6]), [2, 3, 5, 6])


def test_each_sample_has_an_order_of_its_own_that_is_a_permutation_and_repeats() -> None:
    sampler = made("disa(model=exact_tokens(patch=2), iterations=5, upper=5)")
    turns = [sampler.plans(torch.zeros(4, 16, 4), nb.Info({}, b"x")) for _ in range(2)]
    order = torch.cat([plan.places for plan in turns[0]], dim=1)
    assert torch.equal(order, torch.cat([plan.places for plan in turns[1]], dim=1))
    assert torch.equal(order.sort(dim=1).values, torch.arange(16).expand(4, 16))
    assert not torch.equal(order[0], order[1])


def test_many_steps_one_token_an_iteration_draw_the_law() -> None:
    law = nb.open_dataset(bind("mixture_points(dims=3)", "dataset", "generate")).law  # type: ignore[attr-defined]
    points = "mixture_points(dims=3, n=1, count=4000, reference=16, trained=2)"
    found = drawn("disa(model=exact_tokens(of=mixture_points(dims=3)), upper=60, lower=60, variance=large)", points)
    rows, (mean, covariance) = found["samples"].reshape(4000, 3), law.moments()
    size = math.sqrt(np.diag(covariance).max())
    np.testing.assert_allclose(rows.mean(axis=0), mean, atol=0.06 * size)
    np.testing.assert_allclose(np.cov(rows.T), covariance, atol=0.08 * size**2)


@pytest.mark.parametrize("variance", ["small", "large"])
def test_the_error_of_a_token_is_that_of_many_draws_of_it(variance: str) -> None:
    """Of values that are independent: each sample's error is the same, so mean and deviation of draws give it."""
    how = f"disa(model=exact_tokens(of={POINTS}), upper=4, lower=2, iterations=1, variance={variance})"
    points = POINTS.replace(")", ", n=1, count=60000, reference=16, trained=2)")
    rows = drawn(how, points)["samples"].reshape(-1, 4)
    off = math.hypot(rows.mean() - 1.0, rows.std() - 0.5)
    error = drawn(f"token_error(sampler={how})", points.replace("60000", "2"))["samples"]
    assert off > 0.02
    np.testing.assert_allclose(error, off, atol=0.004)


def test_at_equal_cost_the_error_of_falling_steps_is_between_those_of_constant_and_rising_ones() -> None:
    errors = [
        rms(drawn(f"token_error(sampler=disa(model=exact_tokens, {how}))", DIGITS.format(4))["samples"])
        for how in ("lower=50", "schedule=constant", "schedule=linear", "schedule=rising")
    ]
    assert errors == sorted(errors) and errors[0] < 0.7 * errors[1]


def test_the_spread_of_a_token_is_its_conditional_deviation_and_falls() -> None:
    how, dataset = "disa(model=exact_tokens(patch=4), upper=40, lower=40, variance=large)", DIGITS.format(200)
    model = made("exact_tokens(patch=4)")
    found = [rms(drawn(f"token_spread(sampler={how}, iteration={i})", dataset)["samples"]) for i in (1, 4)]
    everything = torch.ones(4, 4, dtype=torch.bool) & ~torch.eye(4, dtype=torch.bool)
    due = []
    for known in (torch.zeros(4, 4, dtype=torch.bool), everything):
        _, _, variances, _ = model.told(torch.zeros(4, 1, 8, 8), known, torch.arange(4)[:, None], None)
        due.append(math.sqrt(float(variances.mean())))
    assert found == pytest.approx(due, rel=0.08) and found[1] < 0.8 * found[0]
    with pytest.raises(nb.UsageError, match="iteration=5 .*: give a smaller one"):
        drawn(f"token_spread(sampler={how}, iteration=5)", DIGITS.format(2))


# ---- MAR

TINY = "mar(patch=2, width=8, depth=1, heads=2, head_width=8, head_depth=1, classes=3)"


def net(spec: str = TINY, shape: tuple[int, ...] = (3, 4, 6)) -> Any:
    bound = bind(spec, "arch")
    torch.manual_seed(0)
    found = bound.entry.obj(shape, shape, **bound.kwargs).eval()
    with torch.no_grad():
        for parameter in found.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return found


def test_what_is_told_depends_on_known_tokens_and_the_class_alone() -> None:
    network, pictures = net(), torch.randn(2, 3, 4, 6)
    known = torch.tensor([[True, False, False, True, False, False]] * 2)
    places, labels = torch.tensor([[1, 5], [2, 4]]), torch.tensor([0, -1])

    def told(tokens: Any, of: Any = labels) -> Any:
        with torch.no_grad():
            return network.told(as_pictures(tokens, (3, 4, 6), 2), known, places, of)[0]

    tokens = as_tokens(pictures, 2)
    unknown, one = tokens.clone(), tokens.clone()
    unknown[:, [1, 2, 4, 5]] += 9.0
    one[:, 3] += 1.0
    assert told(tokens).shape == (4, 8)
    torch.testing.assert_close(told(unknown), told(tokens))
    assert not torch.allclose(told(one), told(tokens), atol=1e-4)
    assert not torch.allclose(told(tokens, torch.tensor([1, -1]))[:2], told(tokens)[:2], atol=1e-5)
    torch.testing.assert_close(told(tokens, None)[2:], told(tokens)[2:])


def test_without_noise_a_token_is_seen_as_it_is_and_velocity_is_read_as_its_objective_has_it() -> None:
    network, tokens, told = net(), torch.randn(5, 12).double(), (torch.randn(5, 8),)
    with torch.no_grad():
        torch.testing.assert_close(network.seen(tokens, 1e-6, told), tokens, rtol=0, atol=1e-4)
        sigma = torch.full((5, 1), 0.8).double()
        seen = network.seen(tokens, sigma, told)
        v = network.velocity(tokens / 1.64**0.5, sigma, told[0]).double()
    noise = (tokens - seen) / 0.8
    torch.testing.assert_close((noise - 0.8 * seen) / 1.64**0.5, v, rtol=1e-5, atol=1e-5)


def test_shares_of_unknown_tokens_are_a_normal_law_that_is_cut() -> None:
    torch.manual_seed(0)
    shares = shares_unknown(20_000, 0.7, 0.25)
    half = abs(torch.randn(200_000).double() * 0.25)
    half = half[half < 0.3]
    assert shares.min() >= 0.7 and shares.max() <= 1.0
    assert float(shares.mean()) == pytest.approx(1 - float(half.mean()), abs=0.003)
    assert float(shares_unknown(20_000, 0.0, 100.0).mean()) == pytest.approx(0.5, abs=0.01)


def test_a_network_learns_and_is_validated_as_a_model_of_pictures() -> None:
    spec = (
        f"trained(arch={TINY}, objective=mar(noises=2), optimizer=adam(lr=0.01), steps=30, checks=1, parts=standardise)"
    )
    trainer = Trainer(recipe_of(bind(spec, "method", "generate").kwargs), (1, 4, 4), (1, 4, 4), 0, "cpu")
    rng = np.random.default_rng(0)
    losses = []
    for _ in range(30):
        pictures = (0.5 + 0.1 * rng.standard_normal((16, 1, 1, 1)) * np.ones((16, 1, 4, 4))).astype(np.float32)
        losses.append(trainer.advance({"given": pictures, "wanted": pictures, "labels": rng.integers(0, 3, 16)}))
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
    reading = bind("mar", "objective").entry.obj.denoised
    x = torch.randn(2, 1, 4, 4)
    seen = reading(trainer.net.eval(), x, torch.tensor([0.5, 2.0]).reshape(2, 1, 1, 1), torch.tensor([1, -1]))
    assert seen.shape == x.shape and torch.isfinite(seen).all()
    other = x.clone()
    other[:, :, :2, :2] += 1.0
    changed = (reading(trainer.net, other, 0.5, None) != reading(trainer.net, x, 0.5, None))[:, 0]
    assert changed[:, :2, :2].all() and not changed[:, 2:].any() and not changed[:, :2, 2:].any(), "each by itself"


def test_a_trained_network_draws_any_size_of_batch_and_asks_for_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    from noisebench.methods.generate.trained import TrainedModel

    network = net(TINY.replace("classes=3", "classes=10"), (1, 8, 8))
    monkeypatch.setattr(TrainedModel, "setup", lambda self, _: self.use(network, (1, 8, 8)))
    how = f"disa(model=trained(arch={TINY}, objective=mar), upper=3, lower=2, iterations=3)"
    one, other = (drawn(how, DIGITS.format(n)) for n in (1, 5))
    assert one["samples"].shape == (1, 1, 8, 8) and other["samples"].shape == (5, 1, 8, 8)
    labelled = "mixture_digits(n=1, count=10, reference=16, trained=2, labels=true)"
    assert drawn(how, labelled)["samples"].shape == (10, 1, 8, 8)
    network.classes = 3
    with pytest.raises(nb.UsageError, match="class [3-9] .*classes=3: give"):
        drawn(how, labelled)
    network.classes = 10
    with pytest.raises(nb.Skip, match="places for pictures of"):
        drawn(how, "brightness(size=4, n=1, count=2, reference=8)")
    with pytest.raises(nb.UsageError, match="no exact model"):
        TRACK.open(bind(f"token_error(sampler={how})", "method", "generate"))


# ---- what is refused


def test_what_does_not_fit_is_refused_in_one_line() -> None:
    with pytest.raises(nb.UsageError, match="no squares of patch=4"):
        net(TINY.replace("patch=2", "patch=4"), (1, 6, 8))
    with pytest.raises(nb.UsageError, match="multiple of heads"):
        net(TINY.replace("heads=2", "heads=3"))
    with pytest.raises(nb.UsageError, match="arch=mar"):
        bind("mar", "objective").entry.obj(torch.nn.Linear(2, 2), {"wanted": torch.zeros(1, 1, 2, 2)})
    with pytest.raises(nb.UsageError, match="sees no tokens"):
        made("disa(model=exact)")
    with pytest.raises(nb.UsageError, match="draws no tokens"):
        made("token_spread(sampler=euler(model=exact))")
    with pytest.raises(nb.UsageError, match="token_error .*not 10: take gaussian_digits"):
        made("token_error(sampler=disa(model=exact_tokens(of=mixture_digits)))")
    with pytest.raises(nb.Skip, match="no law with matrices"):
        made("exact_tokens(of=digits)")
    with pytest.raises(nb.Skip, match="no law with matrices"):
        made("exact_tokens(of=brightness)")
    with pytest.raises(nb.Skip, match="no squares of patch=3"):
        made("exact_tokens(patch=3)")
    with pytest.raises(nb.Skip, match=r"exact_tokens.*\(1, 8, 8\), not \(1, 4, 4\)"):
        drawn("disa(model=exact_tokens)", "brightness(size=4, n=1, count=2, reference=8)")
    with pytest.raises(nb.Skip, match="no squares of 2 a side"):
        drawn("disa(model=exact_tokens(patch=2))", "gaussian_points(dims=3, n=1, count=2, reference=8)")
    with pytest.raises(nb.Skip, match="at most, not 65"):
        drawn("disa(model=exact_tokens, iterations=65)", DIGITS.format(2))
