"""Methods that are trained on the one picture they are given: what their definitions promise, at toy size."""

from __future__ import annotations

import math

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.methods.restore._hourglass import hourglass
from noisebench.methods.restore.scoredvi import Posterior, bound, gamma_divergence
from noisebench.planning.cells import method_flags
from noisebench.tracks.restore.restorer import Restorer
from scipy import stats

TOYS = (
    "dip(steps=6, width=4, depth=2)",
    "self2self(steps=6, width=4, depth=2, samples=2)",
    "scoredvi(denoiser=gaussian_filter, steps=4, width=4, depth=2, components=2)",
)


def ready(spec: str) -> Restorer:
    method = Restorer(bind(spec, "method"))
    method.setup()
    return method


def info(seed: int = 0) -> nb.Info:
    return nb.Info(key=bytes([seed]) * 32)


def smooth(height: int, width: int, channels: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    plane = 0.5 + 0.4 * np.sin(x / 9 + 0.3) * np.cos(y / 7)
    return np.repeat(plane[..., None], channels, axis=2).astype(np.float32)


@pytest.mark.parametrize("shape", [(33, 18, 1), (20, 21, 3), (2, 1, 1), (5, 1, 2), (3, 40, 1)])
@pytest.mark.parametrize("spec", TOYS)
def test_any_size_and_number_of_channels(spec: str, shape: tuple[int, ...]) -> None:
    made = ready(spec).restore(smooth(*shape), info())
    assert made.shape == shape and np.isfinite(made).all()


@pytest.mark.parametrize("spec", TOYS)
def test_one_pixel_is_skipped_and_one_seed_gives_one_picture(spec: str) -> None:
    method = ready(spec)
    with pytest.raises(nb.Skip, match="two pixels"):
        method.restore(smooth(1, 1, 1), info())
    picture = smooth(16, 16, 1)
    before = torch.get_rng_state()
    first = method.restore(picture, info())
    assert torch.equal(before, torch.get_rng_state())
    np.testing.assert_array_equal(first, method.restore(picture, info()))
    assert not np.array_equal(first, method.restore(picture, info(1)))


@pytest.mark.parametrize(
    "spec", ["dip(steps=300, width=16, depth=3)", "self2self(steps=300, width=16, depth=3, samples=10)"]
)
def test_noise_goes_and_the_picture_stays(spec: str) -> None:
    clean = smooth(64, 64, 1)
    noisy = (clean + 0.1 * np.random.default_rng(0).standard_normal(clean.shape)).astype(np.float32)
    made = ready(spec).restore(noisy, info())
    assert np.square(made - clean).mean() < 0.25 * np.square(noisy - clean).mean()


def test_pixels_that_dip_holds_out_are_in_no_gradient() -> None:
    """Nearly all are held out: were they learned, the picture would come near to them."""
    noisy = np.random.default_rng(0).uniform(size=(16, 16, 1)).astype(np.float32)
    held = ready("dip(steps=200, width=16, depth=1, held=0.97, jitter=0, smooth=0)").restore(noisy, info())
    learned = ready("dip(steps=200, width=16, depth=1, held=0, jitter=0, smooth=0)").restore(noisy, info())
    assert np.square(learned - noisy).mean() < 0.25 * np.square(held - noisy).mean()


def test_the_hourglass_halves_as_often_as_the_sides_allow() -> None:
    net = hourglass(2, 5, 4, 6, 0.3)
    assert net(torch.zeros(1, 2, 3, 50)).shape == (1, 5, 3, 50)


def test_scoredvi_finds_the_posterior_of_a_normal_prior() -> None:
    """Prior N(0, 1), noise of deviation 1, a denoiser that is exact at variance v: v = (√5 - 1) / 2, and mean = v y."""
    torch.manual_seed(0)
    y = torch.linspace(-2, 2, 512).reshape(1, 1, 1, 512)
    mean = torch.zeros(1, 1, 1, 1, 512, requires_grad=True)
    log_variance = torch.tensor(0.0, requires_grad=True)
    sure = torch.full((1, 1, 1, 1, 512), 1e3)
    optimizer = torch.optim.Adam([mean, log_variance], lr=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 1200)
    for _ in range(1200):
        variance = log_variance.exp().expand_as(mean)
        at = Posterior(mean, variance, sure, sure, torch.ones_like(sure))
        optimizer.zero_grad()
        exact = 1 / (1 + float(log_variance.detach().exp()))
        torch.autograd.backward(bound(y, at, lambda z, to=exact: z * to, 1.0, 1.0, 5))
        optimizer.step()
        schedule.step()
    golden = (math.sqrt(5) - 1) / 2
    assert float(log_variance.detach().exp()) == pytest.approx(golden, rel=0.02)
    slope = float((mean.detach().flatten() * y.flatten()).sum() / y.square().sum())
    assert slope == pytest.approx(golden, rel=0.02)


def test_the_divergence_of_gamma_laws_is_that_of_torch() -> None:
    shape, rate = torch.tensor([0.5, 1.0, 7.0]), torch.tensor([0.1, 2.0, 3.0])
    expected = torch.distributions.kl_divergence(
        torch.distributions.Gamma(shape, rate), torch.distributions.Gamma(torch.tensor(1.0), torch.tensor(0.02))
    )
    torch.testing.assert_close(gamma_divergence(shape, rate, 1.0, 0.02), expected)
    for one, other, found in zip(shape.tolist(), rate.tolist(), expected.tolist(), strict=True):
        own, prior = stats.gamma(one, scale=1 / other), stats.gamma(1.0, scale=1 / 0.02)
        assert own.expect(lambda x, a=own, b=prior: a.logpdf(x) - b.logpdf(x)) == pytest.approx(found, rel=1e-3)


def test_scoredvi_is_blind_and_refuses_a_denoiser_that_looks_pictures_up() -> None:
    assert method_flags(bind("scoredvi(denoiser=gaussian_filter)", "method"))["blind"]
    with pytest.raises(nb.UsageError, match="cannot wrap oracle"):
        method_flags(bind("scoredvi(denoiser=oracle)", "method"))
