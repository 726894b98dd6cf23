"""EDiffSR: its diffusion has the right marginals, is exact with an oracle, and its network takes any size and scale."""

from __future__ import annotations

import itertools
import math
from types import SimpleNamespace
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.methods.restore.bicubic import bicubic
from noisebench.planning.cells import method_flags
from noisebench.recipes.archs._mean_reverting import (
    euler_mean,
    faded,
    kept,
    posterior_mean,
    posterior_spread,
    sampled,
    spread,
)  # fmt: skip

SMALL = "dncnn(depth=2, width=3, norm=false)"


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def places(steps: int, eps: float = 0.005) -> torch.Tensor:
    made: torch.Tensor = faded(torch.linspace(1, 0, steps + 1, dtype=torch.float64), eps)
    return made


def made_by(spec: str, given: tuple[int, ...], wanted: tuple[int, ...]) -> Any:
    arch = bind(spec, "arch")
    torch.manual_seed(0)
    return arch.entry.obj(given, wanted, **arch.kwargs)


def net(words: str = "", shape: tuple[int, ...] = (1, 6, 5), scale: int = 2) -> Any:
    wanted = (shape[0], shape[1] * scale, shape[2] * scale)
    return made_by(f"ediffsr(of={SMALL}{words})", shape, wanted)


def loss_of(network: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    made = bind("ediffsr", "objective")
    torch.manual_seed(1)
    return made.entry.obj(network, batch, **made.kwargs)


# --- the diffusion -------------------------------------------------------------------------------------------


def test_at_the_end_eps_of_the_difference_is_left_and_at_the_start_all() -> None:
    along = places(100, eps=0.01)
    assert float(kept(along[0])) == pytest.approx(0.01, rel=1e-12)
    assert float(along[-1]) == 0 and float(spread(along[0])) == pytest.approx(math.sqrt(1 - 1e-4), rel=1e-12)
    assert (along[:-1] > along[1:]).all()


def test_the_speed_of_fading_is_that_of_the_cosine_schedule() -> None:
    """With theta_i = sin²(π i / 2T), theta_0 taken off and the length of a step such that exp(-c_T) = eps."""
    count = 1000
    theta = torch.sin(math.pi / 2 * torch.arange(count + 1, dtype=torch.float64) / count) ** 2
    total = torch.cumsum(theta, 0) - theta[0]
    discrete = total * -math.log(0.005) / total[-1]
    torch.testing.assert_close(places(count).flip(0), discrete, rtol=0, atol=8e-3)


def test_marginals_are_those_of_the_equation() -> None:
    """dm = -(m - mu) dc and dv = (2 S² - 2 v) dc from a point, in many small steps."""
    along = places(4000).flip(0)
    mean, variance = 1.0, 0.0
    for before, after in itertools.pairwise(along.tolist()):
        mean, variance = mean - mean * (after - before), variance + (2 - 2 * variance) * (after - before)
    assert mean == pytest.approx(float(kept(along[-1])), rel=1e-2)
    assert variance == pytest.approx(float(spread(along[-1])) ** 2, rel=1e-3)


@pytest.mark.parametrize("now, then", [(5.3, 2.0), (0.3, 0.1), (1e-5, 1e-6)])
def test_a_step_back_is_the_posterior_of_gaussians(now: float, then: float) -> None:
    a, b = torch.tensor(now, dtype=torch.float64), torch.tensor(then, dtype=torch.float64)
    mu, clean, x, noise = 0.4, 0.9, 0.55, 0.2
    # x_then ~ N(mu + (clean - mu) e^-b, S² (1 - e^-2b)); x_now given x_then likewise over a - b.
    prior_mean, prior = mu + (clean - mu) * math.exp(-then), -(noise**2) * math.expm1(-2 * then)
    left, likely = math.exp(then - now), -(noise**2) * math.expm1(2 * (then - now))
    precision = 1 / prior + left**2 / likely
    expected = (prior_mean / prior + left * (x - mu + left * mu) / likely) / precision
    found = posterior_mean(*(torch.tensor([value], dtype=torch.float64) for value in (x, clean, mu)), a, b)
    assert float(found) == pytest.approx(expected, rel=1e-9)
    assert noise * float(posterior_spread(a, b)) == pytest.approx(precision**-0.5, rel=1e-9)


@pytest.mark.parametrize("steps", [1, 2, 20])
@pytest.mark.parametrize("sampler", ["posterior", "mean"])
def test_an_oracle_comes_to_the_clean_picture_in_any_number_of_steps(steps: int, sampler: Any) -> None:
    clean, mean = draw(2, 1, 5, 5), draw(2, 1, 5, 5, seed=1)
    drawn = torch.Generator().manual_seed(2)

    def normal(like: torch.Tensor) -> torch.Tensor:
        return torch.randn(like.shape, generator=drawn, dtype=like.dtype)

    start = mean + 0.2 * normal(mean)
    found = sampled(lambda x, c: clean, start, mean, places(steps), 0.2, sampler, normal)
    torch.testing.assert_close(found, clean, rtol=0, atol=1e-14)


@pytest.mark.parametrize("sampler, steps", [("posterior", 300), ("euler", 300), ("mean", 100)])
def test_draws_have_the_spread_of_what_is_possible_and_means_have_less(sampler: Any, steps: int) -> None:
    """x_0 ~ N(mu + 0.1, 0.15²), whose best guess is known: samples are of that law, and means are narrower."""
    deviation, noise = 0.15, 0.2
    drawn = torch.Generator().manual_seed(0)

    def normal(like: torch.Tensor) -> torch.Tensor:
        return torch.randn(like.shape, generator=drawn, dtype=like.dtype)

    def best(x: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        gain = kept(c) * deviation**2 / (kept(c) ** 2 * deviation**2 + noise**2 * spread(c) ** 2)
        return 0.1 + gain * (x - 0.1 * kept(c))

    mean = torch.zeros(20_000, dtype=torch.float64)
    found = sampled(best, mean + noise * normal(mean), mean, places(steps), noise, sampler, normal)
    assert float(found.mean()) == pytest.approx(0.1, abs=0.005)
    if sampler == "mean":
        assert float(found.std()) < 0.5 * deviation
    else:
        assert float(found.std()) == pytest.approx(deviation, rel=0.02)


def test_a_small_step_of_euler_is_that_of_the_posterior() -> None:
    x, clean, mean = draw(9), draw(9, seed=1), draw(9, seed=2)
    gaps = []
    for length in (0.02, 0.01):
        now = torch.tensor(1.0, dtype=torch.float64)
        one, other = (step(x, clean, mean, now, now - length) for step in (euler_mean, posterior_mean))
        gaps.append(float((one - other).abs().max()))
    assert gaps[0] / gaps[1] == pytest.approx(4, rel=0.1)  # what differs is of second order


# --- networks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(7, 9), (1, 5)])
def test_upsampled_gives_its_network_what_the_method_bicubic_makes(scale: int, size: tuple[int, int]) -> None:
    network = made_by(f"upsampled(of={SMALL})", (3, 8, 8), (3, 8 * scale, 8 * scale))
    network.within = torch.nn.Identity()
    x = draw(1, 3, *size).float()
    wanted = bicubic(x[0].permute(1, 2, 0).numpy(), SimpleNamespace(scale=scale, shape=None))
    # A place is rounded by eps of the longer side, where cubics rise by twice the range at most; 16 terms are summed.
    bound = torch.finfo(torch.float32).eps * (2 * max(size) + 16) * float(x.max() - x.min())
    np.testing.assert_allclose(network(x)[0].permute(1, 2, 0).numpy(), wanted, rtol=0, atol=bound)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (7, 10)])
def test_eanet_takes_any_size_and_enlarges(channels: int, size: tuple[int, int]) -> None:
    network = made_by("eanet(width=4, blocks=(1, 1))", (channels, 8, 8), (channels, 16, 16)).eval()
    assert network(draw(2, channels, *size).float()).shape == (2, channels, 2 * size[0], 2 * size[1])


def test_all_of_eanet_learns_and_its_gates_are_products() -> None:
    network = made_by("eanet(width=4, blocks=(1, 1))", (1, 8, 8), (1, 8, 8))
    for name, value in network.named_parameters():
        if name.endswith(("beta", "gamma")):
            torch.nn.init.ones_(value)
    network(draw(1, 1, 8, 8).float()).square().sum().backward()
    assert [name for name, value in network.named_parameters() if value.grad is None or not value.grad.any()] == []
    kinds = {type(layer).__name__ for layer in network.encoders.modules()}
    assert not kinds & {"ReLU", "GELU", "Sigmoid"}
    with pytest.raises(nb.UsageError, match=r"arch eanet: blocks=.*such as \(2, 1, 1\)"):
        made_by("eanet(blocks=())", (1, 8, 8), (1, 8, 8))


def test_other_channels_and_shapes_are_refused() -> None:
    for spec in (f"ediffsr(of={SMALL})", f"upsampled(of={SMALL})"):
        with pytest.raises(nb.UsageError, match="as its input has"):
            made_by(spec, (1, 8, 8), (3, 16, 16))
        with pytest.raises(nb.UsageError, match="from picture to picture"):
            made_by(spec, (1, 8, 8), (1, 13, 13))


def test_a_network_is_given_state_and_mean_and_level_and_begins_at_the_mean() -> None:
    network = net(", steps=2").eval()
    seen: list[torch.Tensor] = []
    network.within.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    y = draw(3, 1, 6, 5).float()
    assert network(y).shape == (3, 1, 12, 10) and len(seen) == 2
    mean = network.mean(y)
    torch.testing.assert_close(seen[0][:, 1:2], mean)
    assert seen[0][0, 2, 0, 0].item() == pytest.approx(0.005) and seen[0][0, 3, 0, 0].item() == pytest.approx(
        1, abs=1e-4
    )
    assert float(seen[0][:, :1].std()) == pytest.approx(50 / 255, rel=0.2)
    assert torch.equal(network(y), network(y))
    network.within = torch.nn.Identity()
    start, end = (network.predict(mean + 1, mean, place) for place in (places(1)[1], places(1)[0]))
    torch.testing.assert_close(start, mean + 1)
    torch.testing.assert_close(end, mean, rtol=0, atol=1e-3)


def test_an_untrained_network_tells_the_gaussian_guess() -> None:
    """Of details of deviation 0.02: their posterior mean."""
    network = net()
    network.within = torch.nn.Identity()
    mean, x, c = torch.zeros(1, 1, 12, 10), draw(1, 1, 12, 10).float(), torch.tensor(0.7, dtype=torch.float64)
    noise, detail, left = 50 / 255, 0.02, math.exp(-0.7)
    gain = left * detail**2 / (left**2 * detail**2 - noise**2 * math.expm1(-1.4))
    torch.testing.assert_close(network.predict(x, mean, c), gain * x)


def test_the_objective_is_least_for_the_clean_picture_and_asks_for_its_network() -> None:
    batch = {"given": draw(6, 1, 6, 5).float(), "wanted": draw(6, 1, 12, 10, seed=1).float()}

    def of_truth(times: int) -> float:
        network = net(f", times={times}")
        network.predict = lambda x, mean, c: batch["wanted"]
        return float(loss_of(network, batch))

    untrained = float(loss_of(net(), batch).detach())
    # What is left at the truth is the error of a step of Euler, which is of second order in its length.
    assert of_truth(100) < 0.05 * untrained and of_truth(10_000) < 1e-3 * of_truth(100)
    with pytest.raises(nb.UsageError, match="arch=ediffsr"):
        loss_of(torch.nn.Conv2d(1, 1, 1), batch)


# --- the method ----------------------------------------------------------------------------------------------


def restored(
    words: str, key: bytes, *, channels: int = 1, planes: int = 1, shape: tuple[int, int] = (17, 14), scale: int = 2
) -> tuple[Any, int]:
    trained = f"trained(arch=ediffsr(of={SMALL}), objective=ediffsr, regime=downsample(scale=2))"
    method = nb.Restorer(bind(f"ediffsr(method={trained}{words})", "method"))
    network = net(shape=(channels, 6, 5)).eval()
    method.instance.inner.instance.use(network, (channels, 6, 5))
    calls: list[int] = []
    network.within.register_forward_pre_hook(lambda *_: calls.append(1))
    noisy = np.random.default_rng(0).uniform(size=(9, 7, planes)).astype(np.float32)
    info = nb.Info({"scale": scale, "shape": shape}, key=key)
    return method.restore(noisy, info, (*shape, planes)), len(calls)


@pytest.mark.parametrize("sampler", ["posterior", "mean", "euler"])
def test_the_method_takes_any_number_of_steps_with_draws_of_each_picture(sampler: str) -> None:
    words = f", steps=4, sampler={sampler}"
    one, calls = restored(words, b"a")
    assert one.shape == (17, 14, 1) and calls == 4  # cut to what is wanted: 9 · 2 is 18
    np.testing.assert_array_equal(one, restored(words, b"a")[0])
    assert not np.array_equal(one, restored(words, b"b")[0])
    assert not np.array_equal(one, restored(f", steps=5, sampler={sampler}", b"a")[0])


def test_grey_and_coloured_pictures_are_taken_and_another_scale_is_skipped() -> None:
    assert restored(", steps=2", b"a", planes=3)[0].shape == (17, 14, 3)
    grey, calls = restored(", steps=2", b"a", channels=3, planes=1)  # three equal channels, and their mean
    assert grey.shape == (17, 14, 1) and calls == 2
    with pytest.raises(nb.Skip, match="2 times as large; 4 times is due"):
        restored("", b"a", scale=4, shape=(36, 28))


def test_a_network_that_takes_no_steps_is_refused_before_it_is_trained() -> None:
    with pytest.raises(nb.UsageError, match="ediffsr takes trained"):
        method_flags(bind("ediffsr(method=trained)", "method"))
    trained = "trained(arch=ediffsr, objective=ediffsr)"
    tuned = f"tuned(method={trained}, vary='optimizer.lr', over=(0.001, 0.01))"
    for one in (trained, tuned):
        assert method_flags(bind(f"ediffsr(method={one})", "method"))["blind"]


def test_it_is_trained_and_used_from_the_command_line(cli: Any) -> None:
    regime = "downsample(scale=4, bits=8)"
    recipe = f"data=dead_leaves(n=20), regime={regime}, crop=16, batch=2, validation=2, steps=4, checks=1"
    diffusion = "arch=ediffsr(of=eanet(width=2, blocks=(1, 1)), steps=2), objective=ediffsr"
    done = cli(
        "run", "--datasets", "photos", "--limit", "1", "--regimes", regime, "--methods",
        f"ediffsr(method=trained({diffusion}, {recipe}), steps=2)",
        f"trained(arch=upsampled(of=eanet(width=2, blocks=(1, 1))), {recipe})",
    )  # fmt: skip
    assert "4 cells: 4 ok" in done.stdout


def test_a_network_that_keeps_the_size_learns_and_restores() -> None:
    network = net(scale=1).eval()
    batch = {"given": draw(2, 1, 6, 5).float(), "wanted": draw(2, 1, 6, 5, seed=1).float()}
    loss_of(network, batch).backward()
    assert network(batch["given"]).shape == (2, 1, 6, 5) and all(p.grad is not None for p in network.parameters())
    torch.testing.assert_close(network.mean(batch["given"]), batch["given"], rtol=0, atol=0)
