"""Solvers with a diffusion prior, the priors themselves, trained and exact, and the least error that is possible."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.planning.cells import method_flags
from noisebench.recipes.archs.edm import scale_of

DIGITS = "exact_prior(of=gaussian_digits)"
EDM = "trained(arch=edm(of=dncnn(depth=2, width=3, norm=false)), objective=edm)"


def items(spec: str) -> Any:
    return nb.open_dataset(bind(spec, "dataset"))


def ready(spec: str) -> Any:
    method = nb.Restorer(bind(spec, "method"))
    method.setup("cpu")
    return method


def together(count: int) -> np.ndarray:
    """So many pictures as the channels of one, which the exact prior takes each by itself."""
    digits = items(f"gaussian_digits(n={count})")
    return np.stack([digits.load(i).clean for i in range(count)], axis=-1).astype(np.float64)


def psnr(made: np.ndarray, clean: np.ndarray) -> float:
    return float(-10 * np.log10(np.square(made - clean).mean()))


# ---- laws that are known


def test_pictures_of_gaussian_digits_have_the_moments_of_their_law() -> None:
    meta = items("gaussian_digits(n=1)").load(0).meta
    drawn = together(2000).reshape(64, -1)
    root = np.linalg.cholesky(meta["covariances"][0])
    white = np.linalg.solve(root, drawn - meta["means"].reshape(64, 1))
    assert np.abs(white.mean(axis=1)).max() < 4 / np.sqrt(2000)
    assert np.abs(np.cov(white) - np.eye(64)).max() < 0.15
    other = items("gaussian_digits(n=1, seed=1)").load(0)
    assert not np.array_equal(other.clean, items("gaussian_digits(n=1)").load(0).clean)


@pytest.mark.parametrize("of", ["gaussian_field(n=2, size=16)", "gaussian_mixture(n=2)", "gaussian_digits(n=2)"])
def test_the_exact_prior_is_the_optimum_under_noise_and_looks_at_no_picture(of: str) -> None:
    sample = items(of).load(1)
    noisy, info = nb.degrade("gaussian(sigma=40)", sample.clean, range=(0, 1))
    noisy = noisy.reshape(*noisy.shape[:2], 1)
    optimum = ready("bayes_optimum").restore(noisy, info.replace(sample=sample))
    np.testing.assert_allclose(ready(f"exact_prior(of={of})").restore(noisy, info), optimum, atol=2e-6)
    with pytest.raises(nb.Skip, match="of another size|another size"):
        ready(f"exact_prior(of={of})").restore(noisy[:-1], info)


def test_the_derivative_of_the_exact_prior_is_the_gain_of_its_wiener_filter() -> None:
    from noisebench.methods.restore._diffusion import differentiated

    covariance = items("gaussian_digits(n=1)").load(0).meta["covariances"][0]
    x, v = np.random.default_rng(0).uniform(size=(2, 8, 8, 1))
    pulled = differentiated(ready(DIGITS))(x, 0.3)[1](v)
    gain = covariance @ np.linalg.inv(covariance + 0.09 * np.eye(64))
    np.testing.assert_allclose(pulled.ravel(), gain @ v.ravel(), atol=1e-6)


def test_a_law_is_asked_for() -> None:
    with pytest.raises(nb.Skip, match=r"law .*synthetic .*\(gaussian_field"):
        ready("exact_prior(of=dead_leaves(n=1))")


@pytest.mark.parametrize("regime", ["blur(sigma=1) + gaussian(sigma=5)", "downsample(scale=2) + gaussian(sigma=5)"])
def test_the_least_error_is_that_of_the_posterior_mean(regime: str) -> None:
    sample = items("gaussian_digits(n=1)").load(0)
    noisy, info = nb.degrade(regime, sample.clean, range=(0, 1))
    units = np.eye(64).reshape(-1, 8, 8)
    matrix = np.stack([nb.degrade(regime.split(" + ")[0], one)[0].ravel() for one in units], axis=1).astype(float)
    covariance, mean = sample.meta["covariances"][0], sample.meta["means"].ravel()
    inner = matrix @ covariance @ matrix.T + info.sigma**2 * np.eye(len(matrix))
    due = mean + covariance @ matrix.T @ np.linalg.solve(inner, noisy.ravel() - matrix @ mean)
    noisy = noisy.reshape(*noisy.shape[:2], 1)
    made = ready("bayes_inverse").restore(noisy, info.replace(sample=sample), (8, 8, 1))
    np.testing.assert_allclose(made.ravel(), due, atol=1e-5)


def test_with_holes_the_least_error_of_a_field_and_of_a_mixture_is_less_than_that_of_any_method() -> None:
    for of in ("gaussian_field(n=1, size=16)", "gaussian_mixture(n=1)"):
        sample = items(of).load(0)
        noisy, info = nb.degrade("mask(keep=0.5)", sample.clean, range=(0, 1))
        noisy = noisy.reshape(*noisy.shape[:2], 1)
        best = ready("bayes_inverse").restore(noisy, info.replace(sample=sample))
        known = info.mask[:, :, None] == 1
        np.testing.assert_allclose(best[known], noisy[known], atol=1e-4)
        clean = sample.clean[:, :, None]
        others = ["pseudo_inverse", f"plug_and_play(denoiser=exact_prior(of={of}), steps=40)", "telea"]
        assert all(psnr(best, clean) > psnr(ready(one).restore(noisy, info), clean) for one in others)


@pytest.mark.parametrize(
    ("regime", "why"),
    [
        ("gaussian(sigma=5)", "for noise alone"),
        ("mask(keep=0.5) + correlated(sigma=5, radius=2)", "on exactly what mask"),
        ("blur(sigma=1, boundary=circular) + laplace(sigma=5)", "on exactly what mask"),
        ("downsample(scale=2, kernel=area)", "on exactly what mask"),
        ("blur(sigma=1) + poisson(peak=30)", "white Gaussian noise only"),
    ],
)
def test_what_has_no_known_optimum_is_skipped(regime: str, why: str) -> None:
    law = items("gaussian_field(n=1, size=48)").load(0)
    sample = nb.Sample("x", np.clip(law.clean, 0, 1), meta=law.meta)
    noisy, info = nb.degrade(regime, sample.clean)
    with pytest.raises(nb.Skip, match=why):
        ready("bayes_inverse").restore(noisy.reshape(*noisy.shape[:2], 1), info.replace(sample=sample), (48, 48, 1))


def test_a_set_without_a_law_has_no_known_optimum() -> None:
    noisy, info = nb.degrade("mask(keep=0.5)", np.full((8, 8), 0.5))
    sample = nb.Sample("x", np.full((8, 8), 0.5))
    with pytest.raises(nb.Skip, match="synthetic data only"):
        ready("bayes_inverse").restore(noisy.reshape(8, 8, 1), info.replace(sample=sample))


# ---- solvers


def test_without_a_pull_dps_draws_from_its_prior() -> None:
    clean = together(400)
    meta = items("gaussian_digits(n=1)").load(0).meta
    info = nb.Info({"mask": np.zeros((8, 8)), "shape": (8, 8)}, b"x")
    made = ready(f"dps(denoiser={DIGITS}, steps=100, pull=0, most=20000)").restore(np.zeros_like(clean), info)
    variances, axes = np.linalg.eigh(meta["covariances"][0])
    along = axes.T @ (made.reshape(64, -1) - meta["means"].reshape(64, 1))
    ratio = along.var(axis=1)[-10:] / variances[-10:]
    assert ratio.min() > 0.75 and ratio.max() < 1.3
    assert np.abs(along.mean(axis=1)[-10:] / np.sqrt(variances[-10:])).max() < 0.25


@pytest.mark.parametrize("regime", ["mask(keep=0.5)", "blur(sigma=1) + gaussian(sigma=5)", "downsample(scale=2)"])
@pytest.mark.parametrize(
    ("spec", "margin"),
    [
        ("dps({}, steps=60, pull=0.15, most=20000)", 4.0),
        ("ddrm({}, steps=60, most=20000)", 4.0),
        ("red_diff({}, steps=100, prior=0.08, most=1275)", 2.0),
        ("plug_and_play({}, steps=60, prior=0.7)", 1.5),
    ],
)
def test_solvers_come_near_the_least_error_and_samplers_near_that_of_a_draw(
    spec: str, margin: float, regime: str
) -> None:
    """A draw of the posterior has twice the mean squared error of its mean, which is the least: 3 dB less."""
    method, best = ready(spec.format(f"denoiser={DIGITS}")), ready("bayes_inverse")
    sample, pictures = items("gaussian_digits(n=1)").load(0), together(24)
    made, least = [], []
    for clean in np.split(pictures, 8, axis=2):
        noisy, info = nb.degrade(regime, clean, range=(0, 1))
        info = nb.Info(info.disclosed(), key=clean.tobytes())
        made.append(method.restore(noisy, info, clean.shape))
        whole = nb.Sample("x", clean, meta=sample.meta)
        least.append(best.restore(noisy, info.replace(sample=whole), clean.shape))
    assert psnr(np.concatenate(made, axis=2), pictures) > psnr(np.concatenate(least, axis=2), pictures) - margin
    again = nb.Info(info.disclosed(), key=clean.tobytes())
    np.testing.assert_array_equal(method.restore(noisy, again, clean.shape), made[-1])


def test_ddrm_leaves_known_pixels_as_they_are() -> None:
    clean = together(4)
    noisy, info = nb.degrade("mask(keep=0.5)", clean[:, :, :3], range=(0, 1))
    made = ready(f"ddrm(denoiser={DIGITS}, steps=20, most=20000)").restore(noisy, info)
    known = info.mask == 1
    np.testing.assert_allclose(made[known], noisy[known], atol=0.02)


@pytest.mark.parametrize("name", ["red_diff", "plug_and_play", "dps", "ddrm"])
def test_steps_are_calls_of_the_denoiser(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method = ready(f"{name}(denoiser={DIGITS}, steps=7)")
    calls: list[float] = []
    plain = method.instance.inner.instance.denoised
    monkeypatch.setattr(method.instance.inner.instance, "denoised", lambda x, s: (calls.append(s), plain(x, s))[1])
    noisy, info = nb.degrade("mask(keep=0.5)", together(3), range=(0, 1))
    method.restore(noisy, info)
    assert len(calls) == 7 and calls == sorted(calls, reverse=True)


def test_dps_refuses_a_denoiser_without_a_gradient() -> None:
    with pytest.raises(nb.UsageError, match="dps .*gradient.* nlm .*: take edm or exact_prior"):
        method_flags(bind("dps(denoiser=nlm)", "method"))
    assert not method_flags(bind(f"dps(denoiser={DIGITS})", "method"))["oracle"]


# ---- a prior that is trained


def net(words: str = "", shape: tuple[int, ...] = (1, 12, 10)) -> Any:
    made = bind(f"edm(of=dncnn(depth=2, width=3, norm=false){words})", "arch")
    torch.manual_seed(0)
    return made.entry.obj(shape, shape, **made.kwargs)


def loss_of(network: Any, batch: dict[str, torch.Tensor], words: str = "") -> torch.Tensor:
    made = bind(f"edm{words}", "objective")
    return made.entry.obj(network, batch, **made.kwargs)


def test_a_network_that_adds_nothing_denoises_as_the_wiener_filter_of_single_values() -> None:
    network = net()
    network.within = torch.nn.Identity()
    x = torch.rand(2, 1, 12, 10)
    for sigma in (0.01, 0.25, 5.0):
        torch.testing.assert_close(network.denoised(x, sigma), 0.5 + 0.0625 / (0.0625 + sigma**2) * (x - 0.5))
    each = torch.tensor([0.1, 2.0]).reshape(2, 1, 1, 1)
    torch.testing.assert_close(network.denoised(x, each)[1:], network.denoised(x[1:], 2.0))


def test_a_network_is_given_a_picture_of_variance_one_and_the_logarithm_of_the_strength() -> None:
    network, seen = net(", level=51").eval(), []
    network.within.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    network(torch.full((3, 1, 12, 10), 0.5))
    assert seen[0].shape == (3, 2, 12, 10)
    assert torch.equal(seen[0][:, 0], torch.zeros(3, 12, 10))
    torch.testing.assert_close(seen[0][:, 1], torch.full((3, 12, 10), float(np.log(0.2) / 4)))
    assert float(scale_of(0.25)) == pytest.approx(0.25 / 2**0.5)


def test_the_objective_is_nought_for_the_truth_and_asks_for_its_network() -> None:
    clean = torch.rand(4, 1, 12, 10)
    batch = {"given": torch.zeros_like(clean), "wanted": clean}
    network = net()
    assert float(loss_of(network, batch).detach()) > 0.1
    sigmas: list[torch.Tensor] = []

    def truth(x: Any, sigma: Any) -> Any:
        sigmas.append(sigma)
        return clean

    network.denoised = truth
    assert float(loss_of(network, batch, "(least=10, most=20)")) == 0
    assert sigmas[0].shape == (4, 1, 1, 1) and 10 / 255 <= float(sigmas[0].min()) <= float(sigmas[0].max()) <= 20 / 255
    with pytest.raises(nb.UsageError, match="arch=edm"):
        loss_of(torch.nn.Conv2d(1, 1, 1), batch)
    with pytest.raises(nb.UsageError, match="least=3 is above most=2"):
        loss_of(network, batch, "(least=3, most=2)")
    with pytest.raises(nb.UsageError, match="shape of its input"):
        made = bind("edm", "arch")
        made.entry.obj((1, 8, 8), (1, 16, 16), **made.kwargs)


@pytest.mark.parametrize(("channels", "planes"), [(1, 1), (1, 3), (3, 3), (3, 1)])
def test_grey_and_coloured_pictures_are_taken_and_followed_back(channels: int, planes: int) -> None:
    from noisebench.methods.restore._diffusion import differentiated

    method = nb.Restorer(bind(f"edm(method={EDM})", "method"))
    method.instance.inner.instance.use(net(shape=(channels, 12, 10)).eval(), (channels, 12, 10))
    x = np.random.default_rng(0).uniform(size=(9, 7, planes)).astype(np.float32)
    one, two = (method.restore(x, nb.Info({"sigma": sigma})) for sigma in (0.1, 1.0))
    assert one.shape == x.shape and not np.allclose(one, two)
    made, pull = differentiated(method)(x, 0.1)
    np.testing.assert_allclose(made, one, atol=1e-6)
    v = np.random.default_rng(1).uniform(size=x.shape)
    step = 1e-2
    along = (method.restore(x + step * one, nb.Info({"sigma": 0.1})) - made) / step
    assert float((v * along).sum()) == pytest.approx(float((pull(v) * one).sum()), rel=0.05)


def test_a_network_that_is_not_told_the_noise_is_refused_before_it_is_trained() -> None:
    with pytest.raises(nb.UsageError, match="edm takes trained"):
        method_flags(bind("edm(method=trained)", "method"))
    flags = method_flags(bind(f"edm(method={EDM})", "method"))
    assert not flags["blind"] and flags["trained_on"] == ["textured_leaves(n=1000)"]


def test_it_is_trained_and_solves_from_the_command_line(cli: Any) -> None:
    prior = "edm(method=trained(arch=edm(of=dncnn(depth=2, width=4, norm=false)), objective=edm, data=dead_leaves(n=20), crop=16, batch=2, validation=2, steps=4, checks=1, precision=float32))"  # noqa: E501
    specs = [f"{name}(denoiser={prior}, steps=2)" for name in ("red_diff", "dps", "ddrm", "plug_and_play")]
    done = cli("run", "--methods", *specs, "--datasets", "photos", "--limit", "1", "--regimes", "downsample(scale=2)")
    assert "5 cells: 5 ok" in done.stdout
