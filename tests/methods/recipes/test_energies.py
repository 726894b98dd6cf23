"""Energies and what they learn by (MECO and its rivals), against scipy, numbers by hand and laws that are known."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from built_components import built
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.archs._normal import NormalLaw, mixture_law, normal_law
from noisebench.track.calling import call_on
from noisebench.tracks.generate import Law, TrainingPicture
from noisebench.training.trainer import Trainer
from scipy.stats import multivariate_normal, norm

TRACK = get_track("generate")
POINT = (1, 1, 1)
WIDE = "gaussian_points(spread=3.0)"


def arch(spec: str, shape: tuple[int, ...] = POINT) -> Any:
    bound = bind(spec, "arch", "generate")
    torch.manual_seed(0)
    return bound.entry.obj(shape, shape, **bound.kwargs)


def loss_of(objective: str, net: Any, points: Any, seed: int = 0) -> Any:
    """The loss of points on [-1, 1], or beyond it, given as a training gives them."""
    bound = bind(objective, "objective", "generate")
    torch.manual_seed(seed)
    return bound.entry.obj(net, {"wanted": (points + 1) / 2}, **bound.kwargs)


def levels(*sigma: float) -> torch.Tensor:
    return torch.tensor(sigma)[:, None, None, None]


def mean_energy(mean: float = 0.0, constant: float = 0.0, base: str = WIDE) -> Any:
    net = arch(f"normal_energy(base={base})")
    net.mean.data.fill_(mean)
    net.constant.data.fill_(constant)
    return net


def draws(mean: float, count: int = 20_000) -> torch.Tensor:
    return mean + torch.from_numpy(np.random.default_rng(1).standard_normal((count, 1, 1, 1)).astype(np.float32))


# ------------------------------------------------------------------------------------------ laws


def covariance(width: int) -> Any:
    root = np.random.default_rng(0).standard_normal((width, width))
    return root @ root.T / width


@pytest.mark.parametrize("wider", [1.0, 1.7])
def test_a_normal_law_has_the_density_of_scipy_at_every_level(wider: float) -> None:
    mean, cov = np.array([0.3, -1.0, 2.0, 0.0, 0.5, -0.2]), covariance(6)
    law = NormalLaw(mean, cov, (1, 2, 3))
    x, sigma = torch.randn(5, 1, 2, 3), levels(0.05, 0.3, 1.0, 4.0, 40.0)
    due = [
        multivariate_normal(mean, wider**2 * (cov + float(s) ** 2 * np.eye(6))).logpdf(one.numpy().ravel())
        for one, s in zip(x, sigma, strict=True)
    ]
    np.testing.assert_allclose(law.log_density(x, sigma, wider).numpy(), due, rtol=1e-4)


def test_a_normal_law_is_drawn_and_whitened_with_its_own_moments() -> None:
    mean, cov = np.array([0.3, -1.0, 2.0]), covariance(3)
    law = NormalLaw(mean, cov, (3, 1, 1))
    sigma = torch.full((40_000, 1, 1, 1), 0.5)
    x = law.drawn(sigma, 1.5)
    np.testing.assert_allclose(np.cov(x.flatten(1).T.numpy()), 2.25 * (cov + 0.25 * np.eye(3)), atol=0.05)
    np.testing.assert_allclose(x.mean(dim=0).flatten().numpy(), mean, atol=0.03)
    white = law.whitened(law.drawn(sigma), sigma).flatten(1).T.numpy()
    np.testing.assert_allclose(np.cov(white), np.eye(3), atol=0.03)


def test_the_base_of_pictures_has_their_moments_and_that_of_a_law_those_of_the_law() -> None:
    spec = bind("digits(split=train, trained=90)", "dataset", "generate")
    data: Any = nb.open_dataset(spec)
    rows = np.stack([data.load(i).picture.ravel() for i in range(90)])
    law = normal_law(spec, (1, 8, 8), "a test")
    spanned = (law.axes * law.variances) @ law.axes.T
    np.testing.assert_allclose(spanned.numpy(), np.cov(rows.T), atol=1e-5)
    known = normal_law(
        bind("gaussian_points(dims=2, mean=4.0, spread=3.0)", "dataset", "generate"), (1, 1, 2), "a test"
    )
    assert known.mean.tolist() == [4, 4] and known.variances.tolist() == pytest.approx([9, 9])


def test_points_have_the_law_that_is_said() -> None:
    held: Any = nb.open_dataset(bind("mixture_points(dims=3, kinds=2)", "dataset", "generate"))
    train: Any = nb.open_dataset(bind("mixture_points(dims=3, kinds=2, split=train)", "dataset", "generate"))
    pictures = np.stack([train.load(i).picture.ravel() for i in range(4000)])
    labels = np.array([train.load(i).label for i in range(4000)])
    for kind in range(2):
        np.testing.assert_allclose(pictures[labels == kind].mean(axis=0), held.law.means[kind], atol=0.05)
        np.testing.assert_allclose(pictures[labels == kind].std(axis=0), 0.5, atol=0.03)
    reference = held.load(0).reference.pictures.reshape(-1, 1, 3)
    assert not (reference[:200] == pictures[None]).all(axis=2).any()
    one: Any = nb.open_dataset(bind("gaussian_points(mean=-2.0, spread=0.1)", "dataset", "generate"))
    assert one.law.means.tolist() == [[-2]] and one.load(0).shape == (1, 1, 1)


# --------------------------------------------------------------------------------------- energies


def test_a_normal_energy_adds_up_to_its_normaliser_at_every_level() -> None:
    net = arch(f"normal_energy(base={WIDE}, spread=0.7)")
    net.mean.data.fill_(1.5)
    net.constant.data.fill_(0.3)
    grid = torch.linspace(-60, 60, 20_001, dtype=torch.float64)[:, None, None, None]
    for sigma in (0.03, 1.0, 5.0):
        total = net.double().log_density(grid, torch.full_like(grid, sigma)).exp().sum() * 0.006
        assert total.log().item() == pytest.approx(net.log_normaliser().item(), abs=1e-6)


@pytest.mark.parametrize(
    ("shape", "of"),
    [
        ((1, 8, 8), "mlp(hidden=(9,), activation=silu)"),
        ((3, 7, 5), "small_cnn(width=3, norm=false, activation=silu)"),
        ((1, 1, 2), "mlp(hidden=(5, 5), activation=tanh)"),
    ],
)
def test_the_score_of_an_energy_is_its_slope_for_pictures_of_any_shape(
    shape: tuple[int, ...], of: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    width = math.prod(shape)
    monkeypatch.setattr(
        "noisebench.recipes.archs._energy.normal_law",
        lambda base, shape, who: NormalLaw(np.full(width, 0.1), covariance(width) + 0.1 * np.eye(width), shape),
    )
    net = arch(f"energy(base=gaussian_points, of={of})", shape).double()
    x, sigma = torch.randn(3, *shape, dtype=torch.float64), levels(0.1, 0.5, 2.0).double()
    way = torch.randn(3, *shape, dtype=torch.float64)
    with torch.no_grad():
        # The law of the base is of single precision within, which a step of a hundredth does not feel.
        slope = (net.log_density(x + 0.01 * way, sigma) - net.log_density(x - 0.01 * way, sigma)) / 0.02
        score = net.score(x, sigma)
    torch.testing.assert_close((score * way).flatten(1).sum(dim=1), slope, rtol=2e-3, atol=2e-2)


def test_where_noise_is_strong_an_energy_is_the_normal_law_of_its_base() -> None:
    net = arch("energy(base=mixture_points)", (1, 1, 2))
    for weight in net.parameters():
        weight.data *= 3
    x = 100 * torch.randn(6, 1, 1, 2)
    far, near = torch.full((6, 1, 1, 1), 100.0), torch.full((6, 1, 1, 1), 0.5)
    assert float((net.score(x, far) * 100 - (net.base.mean.view(1, 1, 2) - x) / 100).detach().abs().max()) < 0.02
    apart = net.log_density(x / 50, near) - net.base.log_density(x / 50, near)
    assert float(apart.detach().abs().max()) > 0.1


def test_an_energy_that_is_the_law_denoises_as_the_exact_model() -> None:
    net, x = mean_energy(4.0), 4 + torch.randn(5, 1, 1, 1)
    exact = built("exact(of=gaussian_points(mean=4.0))", "method", track="generate")
    exact.setup("cpu")
    for sigma in (0.03, 0.7, 20.0):
        with torch.no_grad():
            found = bind("meco", "objective").entry.obj.denoised(net, x, sigma, None)
        torch.testing.assert_close(found, exact.denoised(x, sigma, None), rtol=1e-4, atol=1e-4)
    with pytest.raises(nb.Skip, match=r"pictures \(1, 1, 1\), not \(1, 1, 2\)"):
        bind("meco", "objective").entry.obj.denoised(net, torch.zeros(1, 1, 1, 2), 1.0, None)


# ------------------------------------------------------------------------------------- objectives

NARROW = "least=0.1, most=0.1"


def gradients(objective: str, net: Any, points: Any, seed: int = 0) -> tuple[float, float]:
    net.zero_grad()
    loss_of(objective, net, points, seed).backward()
    return float(net.mean.grad), float(0 if net.constant.grad is None else net.constant.grad)


def test_without_memory_meco_is_the_likelihood_with_the_normaliser_of_the_batch() -> None:
    net, points = mean_energy(1.0, 0.2), draws(2.0, 64)
    found = gradients(f"meco(rate=1, {NARROW})", net, points)
    loss = float(loss_of(f"meco(rate=1, {NARROW})", net, points).detach())
    torch.manual_seed(0)
    sigma = torch.full((64, 1, 1, 1), 0.1)
    torch.rand(64, 1, 1, 1)
    x = points + 0.1 * torch.randn_like(points)
    z = net.base.drawn(sigma)
    q = torch.from_numpy(norm(0, math.sqrt(9.01)).logpdf(z.flatten().numpy()))
    net.zero_grad()
    due = (net.log_density(z, sigma) - q).logsumexp(dim=0) - math.log(64) - net.log_density(x, sigma).mean()
    due.backward()
    assert loss == pytest.approx(float(due), abs=1e-5)
    assert found == pytest.approx((float(net.mean.grad), float(net.constant.grad)), abs=1e-5)


def test_meco_holds_a_running_mean_of_the_weights_and_follows_it() -> None:
    net, points = mean_energy(), draws(2.0, 32)
    weights = []
    for seed, constant in ((0, 0.0), (1, 1.0)):
        net.constant.data.fill_(constant)
        held = net.log_mean.clone()
        loss_of(f"meco(rate=1, {NARROW})", net.eval(), points, seed)
        assert torch.equal(held, net.log_mean), "what only looks moved it"
        alone = mean_energy(0.0, constant).train()
        loss_of(f"meco(rate=1, {NARROW})", alone, points, seed)
        weights.append(float(alone.log_mean[alone.bins(levels(0.1))].exp()))
        loss_of(f"meco(rate=0.1, {NARROW})", net.train(), points, seed)
    mine = net.bins(levels(0.1))
    assert float(net.log_mean[mine].exp()) == pytest.approx(0.9 * weights[0] + 0.1 * weights[1], rel=1e-5)
    assert int(net.log_mean.isinf().sum()) == len(net.log_mean) - 1, "levels that were not seen have none"
    net.zero_grad()
    loss_of(f"meco(rate=0.1, {NARROW})", net.eval(), points, 1).backward()
    u = 0.9 * float(net.log_mean[mine].exp()) + 0.1 * weights[1]
    assert float(net.constant.grad) == pytest.approx(weights[1] / u - 1, abs=1e-5)


def test_levels_that_differ_have_running_means_of_their_own() -> None:
    net = mean_energy().train()
    loss_of("meco(least=0.1, most=10.0)", net, draws(0.0, 4000))
    held = net.log_mean[~net.log_mean.isinf()].tolist()
    assert 12 < len(held) < 17
    # The normaliser is that of the model without noise: log √2π.
    assert held == pytest.approx([0.5 * math.log(2 * math.pi)] * len(held), abs=0.2)


def test_meco_stays_finite_where_the_weights_themselves_overflow() -> None:
    net = mean_energy(3.0, 500.0).train()
    loss = loss_of(f"meco({NARROW})", net, draws(3.0, 32))
    loss.backward()
    assert math.isfinite(float(loss)) and math.isfinite(float(net.mean.grad))
    net.constant.data.fill_(-500.0)
    assert math.isfinite(float(loss_of(f"meco({NARROW})", net, draws(3.0, 32), 1)))


@pytest.mark.parametrize("objective", ["meco(rate=1, {})", "nce({})", "likelihood({})", "sliced_score({})"])
def test_at_the_true_law_nothing_pulls(objective: str) -> None:
    true = mean_energy(2.0, -0.5 * math.log(2 * math.pi))
    off = mean_energy(1.0, -0.5 * math.log(2 * math.pi))
    points = draws(2.0)
    here, there = (gradients(objective.format(NARROW), net, points)[0] for net in (true, off))
    assert there < -0.001 and abs(here) < 0.1 * abs(there)


def test_denoising_score_matching_pulls_to_the_mean_that_is_true() -> None:
    points = draws(2.0)
    pulls = [gradients("denoising_score(least=1.0, most=1.0)", mean_energy(mean), points)[0] for mean in (1, 2, 3)]
    assert pulls[0] < -0.2 and abs(pulls[1]) < 0.03 and pulls[2] > 0.2


def test_nce_is_the_logistic_loss_of_the_log_ratio() -> None:
    net, points = mean_energy(1.0, -0.4), draws(2.0, 16)
    found = float(loss_of(f"nce({NARROW}, wider=1.5)", net, points).detach())
    torch.manual_seed(0)
    torch.rand(16, 1, 1, 1)
    sigma = torch.full((16, 1, 1, 1), 0.1)
    x = (points + 0.1 * torch.randn_like(points)).flatten().numpy().astype(float)
    z = net.base.drawn(sigma, 1.5).flatten().numpy().astype(float)
    q = norm(0, 1.5 * math.sqrt(9.01))

    def share(v: Any) -> Any:
        model = math.exp(-0.4) * np.exp(-((v - 1) ** 2) / 2 / 1.01) / math.sqrt(1.01)
        return model / (model + q.pdf(v))

    assert found == pytest.approx(-np.log(share(x)).mean() - np.log(1 - share(z)).mean(), abs=1e-5)


def test_likelihood_and_score_matching_are_what_their_formulas_say() -> None:
    net, points = mean_energy(1.0, 7.0), draws(2.0)
    likelihood, sliced, denoising = (
        float(loss_of(f"{name}({NARROW})", net, points).detach())
        for name in ("likelihood", "sliced_score", "denoising_score")
    )
    far = 1 + 1.01  # E (x - 1)²
    assert likelihood == pytest.approx(0.5 * math.log(2 * math.pi * 1.01) + far / 2 / 1.01, abs=0.03)
    assert sliced == pytest.approx(0.01 * (far / 2 / 1.01**2 - 1 / 1.01), abs=5e-4)
    assert denoising == pytest.approx(0.01 * far / 1.01**2 + 1 - 2 * 0.01 / 1.01, abs=0.03)


# ------------------------------------------------------------------------------ what only looks


def test_the_score_error_of_a_mean_is_its_square_in_deviations() -> None:
    part = built("score_error(of=gaussian_points(mean=4.0), level=0.1, below=0.01)", "part", track="generate")
    net = mean_energy(0.0)
    for step, mean in enumerate((3.0, 3.95, 3.5, 4.05, 4.02)):
        net.mean.data.fill_(mean)
        part.observe(net, {}, None, step, 9)
        if step == 1:
            later = built("score_error(of=gaussian_points(mean=4.0), level=0.1, below=0.01)", "part", track="generate")
            later.load(part.state())
            part = later
    part.finish(net)
    found = part.figures()
    assert found["first_below"] == 1 and found["settled_below"] == 3
    assert found["score_error"] == pytest.approx(0.02**2 / 1.01, rel=0.03)


def test_a_score_that_never_comes_near_has_all_steps() -> None:
    part = built("score_error(of=gaussian_points(mean=4.0))", "part", track="generate")
    for step in range(3):
        part.observe(mean_energy(), {}, None, step, 3)
    part.finish(mean_energy())
    assert (part.figures()["first_below"], part.figures()["settled_below"]) == (3, 3)


@pytest.mark.parametrize("of", ["mixture_points(dims=3)", "mixture_digits", "gaussian_digits"])
def test_the_score_of_a_law_is_that_of_the_exact_model(of: str) -> None:
    from noisebench.tracks.generate.metrics.score_error import score_of

    bound = bind(of, "dataset", "generate")
    mixture, law = mixture_law(bound, "a test")
    assert isinstance(law, Law)
    x = torch.from_numpy(law.drawn(np.random.default_rng(0).standard_normal((6, law.means.shape[1])), np.zeros(6, int)))
    x = x.view(6, *law.shape)
    exact = built(f"exact(of={of})", "method", track="generate")
    exact.setup("cpu")
    for sigma in (0.2, 1.0):
        due = (exact.denoised(x, sigma, None) - x) / sigma**2
        own = score_of(law, x.flatten(1).numpy(), sigma).reshape(x.shape)
        np.testing.assert_allclose(own, due.numpy(), rtol=1e-6, atol=1e-8)
        y = x.float().requires_grad_()
        (slope,) = torch.autograd.grad(mixture.log_density(y, torch.full((6, 1, 1, 1), sigma)).sum(), y)
        torch.testing.assert_close(slope, due.float(), rtol=2e-3, atol=2e-3)


def scored(model: str, metric: str, of: str = "mixture_digits") -> float:
    data = nb.open_dataset(bind(f"noised(of={of}, n=12)", "dataset", "generate"))
    runner = TRACK.open(bind(model, "method", "generate"))
    runner.setup("cpu")
    found: list[float] = []
    for item in (data.load(i) for i in range(12)):
        assert isinstance(item, TrainingPicture)
        case = TRACK.pose(bind("none", "regime", "generate"), item, 0)
        output = call_on(runner, case, "cpu")[0]
        scores = TRACK.score(
            output, item, case, bind("as_is", "protocol", "generate"), [bind(metric, "metric", "generate")]
        )
        found += scores.values()
    return float(np.mean(found))


def test_the_metric_is_0_of_the_exact_model_and_large_of_another_law() -> None:
    assert scored("exact", "score_error(of=mixture_digits, level=1.0, labels=true)") < 1e-6
    assert 0.01 < scored("exact", "score_error(of=mixture_digits, level=1.0)") < 1, "it is told the class"
    other = scored("exact(of=gaussian_digits)", "score_error(of=mixture_digits)", "gaussian_digits")
    assert other > 0.05
    assert scored("exact(of=gaussian_digits)", "score_error(of=gaussian_digits)", "gaussian_digits") < 1e-6
    with pytest.raises(nb.UsageError, match="metric score_error: .* digits .*name mixture_digits"):
        scored("exact", "score_error(of=digits)")


def test_outliers_are_pictures_of_low_density() -> None:
    part = built(
        "outliers(of=gaussian_points(mean=1.0, reference=40), others=gaussian_points(mean=-1.0, reference=30))",
        "part",
        track="generate",
    )
    net = mean_energy(1.0, base="gaussian_points(mean=-1.0)")
    part.finish(net)
    held: list[Any] = []
    for of in (part.of, part.others):
        reference = nb.open_dataset(of).load(0).reference
        noise = nb.keyed_generator(nb.text_key(f"outliers|{reference.sha256}")).standard_normal(
            (len(reference.pictures), 1, 1, 1)
        )
        held.append((reference.pictures + 0.3 * noise.astype(np.float32)).ravel())
    own, other = held
    far, base = (lambda x: (x - 1) ** 2), (lambda x: (x + 1) ** 2)
    found = part.figures()
    assert found["auroc"] == pytest.approx(np.mean(far(other)[:, None] > far(own)))
    assert found["base_auroc"] == pytest.approx(np.mean(base(other)[:, None] > base(own)))
    assert found["auroc"] > 0.75 and found["base_auroc"] < 0.25
    limit = np.sort(far(other))[::-1][math.ceil(0.95 * 30) - 1]
    assert found["fpr95"] == pytest.approx(np.mean(far(own) >= limit))


# ----------------------------------------------------------------------------------- as it is used


@pytest.mark.parametrize(
    ("spec", "kind", "said"),
    [
        ("energy(base=digits)", "arch", "split=train"),
        ("energy(base=digits(split=train, trained=1))", "arch", "two training pictures"),
        ("energy(base=gaussian_points)", "arch", r"pictures of \(1, 1, 1\)"),
        ("energy(base=mixture_digits, of=small_cnn)", "arch", "batch norm"),
    ],
)
def test_a_base_and_a_network_that_do_not_fit_are_refused(spec: str, kind: str, said: str) -> None:
    with pytest.raises(nb.UsageError, match=said):
        arch(spec, (1, 8, 8))


def test_what_is_asked_of_an_energy_needs_one() -> None:
    points, plain = draws(0.0, 4), torch.nn.Linear(1, 1)
    for name in ("meco", "nce", "likelihood", "denoising_score", "sliced_score"):
        with pytest.raises(nb.UsageError, match=f"{name} needs an energy"):
            loss_of(name, plain, points)
        with pytest.raises(nb.UsageError, match="give less for least"):
            loss_of(f"{name}(least=2.0, most=1.0)", mean_energy(), points)
    with pytest.raises(nb.UsageError, match="normaliser is known"):
        loss_of("likelihood", arch("energy(base=gaussian_points)"), points)
    with pytest.raises(nb.UsageError, match="part score_error: .* digits .*name mixture_points"):
        built("score_error(of=digits)", "part", track="generate").finish(mean_energy())
    with pytest.raises(nb.UsageError, match="has points"):
        built("score_error(of=mixture_digits)", "part", track="generate").finish(mean_energy())
    with pytest.raises(nb.UsageError, match="no reference pictures of"):
        built("outliers(of=digits, others=gaussian_points)", "part", track="generate").finish(mean_energy())


def test_what_outliers_could_not_score_is_refused_before_anything_is_trained() -> None:
    for spec, net, said in (
        ("outliers(of=gaussian_points, others=gaussian_points(mean=1.0))", torch.nn.Linear(1, 1), "needs an energy"),
        ("outliers(of=gaussian_points(reference=4), others=digits)", mean_energy(), "no reference pictures of"),
    ):
        with pytest.raises(nb.UsageError, match=said):
            built(spec, "part", track="generate").observe(net, {}, None, 0, 4)


def test_a_training_finds_the_mean_of_several_dimensions() -> None:
    method = bind(
        "trained(arch=normal_energy(base=gaussian_points(dims=3, spread=2.0)), objective=meco(least=0.1, most=0.1), "
        "optimizer=sgd(lr=0.2, momentum=0.0), batch=64, steps=120, checks=1, "
        "parts=score_error(of=gaussian_points(dims=3, mean=1.5)))",
        "method",
        "generate",
    )
    trainer = Trainer(recipe_of(method.kwargs), (1, 1, 3), (1, 1, 3), 100, "cpu")
    rng = np.random.default_rng(0)
    for _ in range(120):
        points = (1.5 + rng.standard_normal((64, 1, 1, 3))).astype(np.float32)
        trainer.advance({"given": (points + 1) / 2, "wanted": (points + 1) / 2})
    trainer.finish()
    assert trainer.figures()["score_error"] < 0.02 and trainer.figures()["first_below"] < 60


def test_a_trained_energy_is_stored_with_its_figures_and_sampled(cli: Any, tmp_path: Path) -> None:
    model = (
        "trained(arch=energy(base=mixture_points(split=train, trained=200), of=mlp(hidden=(8,), activation=silu)), "
        "objective=meco, data=mixture_points(split=train, trained=200), batch=16, steps=12, checks=2, validation=8, "
        "parts=(ema(decay=0.9), score_error(of=mixture_points)))"
    )
    sets = "mixture_points(n=1, count=8, reference=16, trained=200)"
    cli("run", "--track", "generate", "--store", tmp_path / "s", "--regimes", "none", "--datasets", sets, "--methods",
        f"heun(model={model}, steps=5)")  # fmt: skip
    assert abs(float(nb.frame(tmp_path / "s")["energy_distance"].dropna().iloc[0])) < 1
    card = cli("weights", "card", tmp_path / "s").stdout
    assert "first_below" in card and "settled_below" in card
