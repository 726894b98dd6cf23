"""RDDM: its steps are those of DDIM where they should be, and exact with an oracle; network, objective and method."""

from __future__ import annotations

import itertools
import math
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.planning.cells import method_flags
from noisebench.recipes.archs._residual_diffusion import level_of, sampled


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def net(words: str = "", shape: tuple[int, ...] = (1, 12, 10)) -> Any:
    made = bind(f"rddm(of=dncnn(depth=2, width=3, norm=false){words})", "arch")
    torch.manual_seed(0)
    return made.entry.obj(shape, shape, **made.kwargs)


def loss_of(network: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    made = bind("rddm", "objective")
    return made.entry.obj(network, batch, **made.kwargs)


def test_with_nothing_degraded_the_steps_are_those_of_ddim() -> None:
    """A = 1 - √ā and B = √(1 - ā), the degraded picture black: any network of the noise gives DDIM's picture."""
    weight = draw(16, 16) / 4

    def noise_in(x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(x @ weight)

    kept = [0.01, 0.1, 0.3, 0.5, 0.7, 0.85, 0.93, 0.97, 0.99, 0.999, 1.0]
    start = draw(4, 16, seed=1)
    ddim = start
    for now, following in itertools.pairwise(kept):
        noise = noise_in(ddim)
        clean = (ddim - math.sqrt(1 - now) * noise) / math.sqrt(now)
        ddim = math.sqrt(following) * clean + math.sqrt(1 - following) * noise

    def predict(x: torch.Tensor, level: tuple[float, float]) -> tuple[torch.Tensor, torch.Tensor]:
        noise = noise_in(x)
        return -(x - level[1] * noise) / (1 - level[0]), noise

    levels = [(1 - math.sqrt(a), math.sqrt(1 - a)) for a in kept]
    torch.testing.assert_close(sampled(predict, start, levels), ddim, rtol=0, atol=1e-10)


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_an_oracle_comes_to_the_clean_picture_in_any_number_of_steps(steps: int) -> None:
    clean, degraded, noise = draw(2, 1, 5, 5), draw(2, 1, 5, 5, seed=1), draw(2, 1, 5, 5, seed=2)
    levels = [level_of(1 - step / steps, 0.3) for step in range(steps + 1)]
    assert levels[0] == (1.0, 0.3) and levels[-1] == (0.0, 0.0)
    made = sampled(lambda x, level: (degraded - clean, noise), degraded + 0.3 * noise, levels)
    torch.testing.assert_close(made, clean)


def test_a_network_is_given_the_picture_on_its_way_the_degraded_one_and_its_level() -> None:
    network = net(", noise=0.2, steps=2").eval()
    seen: list[torch.Tensor] = []
    network.within.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    y = draw(3, 1, 12, 10).float()
    assert network(y).shape == y.shape and len(seen) == 2
    torch.testing.assert_close(seen[0][:, 1:2], y)
    assert [tuple(one[0, 2:, 0, 0].tolist()) for one in seen] == [
        pytest.approx((1.0, 0.2)), pytest.approx((0.75, 0.1)),
    ]  # fmt: skip
    assert torch.equal(network(y), network(y))


def test_of_the_residual_alone_the_noise_follows_and_one_step_leaves_none_of_it() -> None:
    network = net(", noise=0.2, predicts=residual").eval()
    clean, degraded, noise = (draw(2, 1, 12, 10, seed=seed).float() for seed in range(3))
    true = degraded - clean
    for time in (1.0, 0.4):
        level = level_of(time, 0.2)
        x = clean + level[0] * true + level[1] * noise
        residual, found = network.predict(x, degraded, level)
        torch.testing.assert_close(found, noise + (1 - level[0]) / level[1] * (residual - true))
    one = network.restored(degraded, noise, 1)
    torch.testing.assert_close(one, degraded - network.predict(degraded + 0.2 * noise, degraded, (1.0, 0.2))[0])
    batch = {"given": degraded, "wanted": clean}
    network.predict = lambda *given: (true, torch.full_like(true, torch.nan))
    assert float(loss_of(network, batch).detach()) == 0
    without = net(", noise=0, predicts=residual").eval()
    assert torch.isfinite(without.restored(degraded, noise, 3)).all()


def test_the_objective_is_least_for_true_residual_and_noise_and_asks_for_its_network() -> None:
    batch = {"given": draw(4, 1, 12, 10).float(), "wanted": draw(4, 1, 12, 10, seed=1).float()}
    network = net()
    assert float(loss_of(network, batch).detach()) > 0.5

    def truth(x: Any, degraded: Any, level: Any) -> tuple[Any, Any]:
        residual = degraded - batch["wanted"]
        return residual, (x - batch["wanted"] - level[0] * residual) / level[1]

    network.predict = truth
    assert float(loss_of(network, batch).detach()) == pytest.approx(0, abs=1e-4)
    network.predict = lambda *given: (truth(*given)[0] + 0.1, truth(*given)[1])
    assert float(loss_of(network, batch).detach()) == pytest.approx(0.2, abs=1e-4)
    with pytest.raises(nb.UsageError, match="arch=rddm"):
        loss_of(torch.nn.Conv2d(1, 1, 1), batch)
    with pytest.raises(nb.UsageError, match="shape of its input"):
        made = bind("rddm", "arch")
        made.entry.obj((1, 8, 8), (1, 16, 16), **made.kwargs)


def test_the_method_takes_its_network_in_any_number_of_steps_with_noise_of_each_picture() -> None:
    trained = "trained(arch=rddm(of=dncnn(depth=2, width=3, norm=false)), objective=rddm)"

    def restored(steps: int, key: bytes, average: int = 1, channels: int = 1, planes: int = 0) -> Any:
        method = nb.Restorer(bind(f"rddm(method={trained}, steps={steps}, average={average})", "method"))
        network = net(shape=(channels, 12, 10)).eval()
        method.instance.inner.instance.use(network, (channels, 12, 10))
        calls: list[int] = []
        network.within.register_forward_pre_hook(lambda *_: calls.append(1))
        noisy = np.random.default_rng(0).uniform(size=(9, 7, planes or (3 if channels == 3 else 2))).astype(np.float32)
        return method.restore(noisy, nb.Info(key=key)), len(calls)

    one, calls = restored(4, b"a")
    assert one.shape == (9, 7, 2) and calls == 4
    np.testing.assert_array_equal(one, restored(4, b"a")[0])
    assert not np.array_equal(one, restored(4, b"b")[0]) and not np.array_equal(one, restored(5, b"a")[0])
    grey, calls = restored(3, b"a", channels=3, planes=1)  # three equal channels, one call a step, and their mean
    assert grey.shape == (9, 7, 1) and calls == 3
    assert restored(2, b"a", average=3)[1] == 6 and restored(1, b"a", channels=3)[0].shape == (9, 7, 3)


def test_a_network_that_takes_no_steps_is_refused_before_it_is_trained() -> None:
    with pytest.raises(nb.UsageError, match="rddm takes trained"):
        method_flags(bind("rddm(method=trained)", "method"))
    trained = "trained(arch=rddm, objective=rddm)"
    tuned = f"tuned(method={trained}, vary='optimizer.lr', over=(0.001, 0.01))"
    for one in (trained, tuned):
        assert method_flags(bind(f"rddm(method={one})", "method"))["blind"]


@pytest.mark.parametrize("regime", ["gaussian(sigma=25)", "mask(keep=0.5)"])
def test_it_is_trained_and_used_from_the_command_line(cli: Any, regime: str) -> None:
    method = "rddm(method=trained(arch=rddm(of=dncnn(depth=2, width=4, norm=false)), objective=rddm, data=dead_leaves(n=20), regime={}, crop=16, batch=2, validation=2, steps=4, checks=1), steps=2)"  # noqa: E501
    done = cli("run", "--methods", method.format(regime), "--datasets", "photos", "--limit", "1", "--regimes", regime)
    assert "2 cells: 2 ok" in done.stdout
