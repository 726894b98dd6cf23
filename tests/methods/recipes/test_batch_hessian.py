"""The part `batch_hessian`: products, eigenvalues and the prediction of random-matrix theory against explicit ones."""

from __future__ import annotations

import itertools
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.parts.batch_hessian import (
    Product,
    hessian_product,
    noise_moments,
    noise_size,
    predicted_top,
    top_eigenvalue,
)
from noisebench.training.trainer import Trainer
from torch import nn


def network() -> Any:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)).double()


def explicit_hessian(net: Any, x: Any, y: Any) -> Any:
    """Of the mean squared error by all weights, flat, by autograd's own Hessian."""
    weights = [p.detach().clone() for p in net.parameters()]
    names = [name for name, _ in net.named_parameters()]
    sizes = [w.numel() for w in weights]

    def loss(flat: Any) -> Any:
        pieces = [part.reshape(w.shape) for part, w in zip(flat.split(sizes), weights, strict=True)]
        out = torch.func.functional_call(net, dict(zip(names, pieces, strict=True)), (x,))
        return (out - y).square().mean()

    return torch.autograd.functional.hessian(loss, torch.cat([w.flatten() for w in weights]))


def test_products_and_the_top_eigenvalue_are_those_of_the_explicit_hessian() -> None:
    net = network()
    x, y = torch.randn(7, 3, dtype=torch.float64), torch.randn(7, 1, dtype=torch.float64)
    due = explicit_hessian(net, x, y)
    product = hessian_product(lambda: (net(x) - y).square().mean(), list(net.parameters()))
    vector = torch.randn(len(due), dtype=torch.float64)
    torch.testing.assert_close(product(vector), due @ vector)
    top = top_eigenvalue(product, torch.randn(len(due), dtype=torch.float64), tolerance=1e-9)
    assert top == pytest.approx(float(torch.linalg.eigvalsh(due)[-1]), rel=1e-7)


def test_a_loss_that_is_linear_has_no_curvature() -> None:
    w = nn.Parameter(torch.randn(4))
    assert hessian_product(lambda: w.sum(), [w])(torch.ones(4)).tolist() == [0, 0, 0, 0]


def wigner(size: int, std: float, seed: int) -> Any:
    """Symmetric Gaussian noise: standard deviation `std` off the diagonal, √2 of it on the diagonal."""
    g = torch.randn(size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return std * (g + g.T) / 2**0.5


@pytest.mark.parametrize(("batch", "formula"), [(4, 1.25), (16, 1.0625), (64, 1.015625), (256, 1.00390625)])
def test_a_spike_is_raised_by_the_noise_of_a_batch_as_the_formula_says(batch: int, formula: float) -> None:
    assert predicted_top(1.0, 0.05**2 / batch, 400) == pytest.approx(formula)
    spike = torch.full((400,), 400**-0.5, dtype=torch.float64)
    tops = []
    for seed in range(5):
        noisy = torch.outer(spike, spike) + wigner(400, 0.05 / batch**0.5, seed)
        tops.append(top_eigenvalue(lambda v, m=noisy: m @ v, torch.randn(400, dtype=torch.float64)))
    assert np.mean(tops) == pytest.approx(formula, rel=0.01)


def test_below_the_threshold_the_edge_of_the_bulk_is_predicted() -> None:
    assert predicted_top(0.1, 0.05**2, 400) == pytest.approx(2 * 0.05 * 20)
    noise = wigner(400, 0.05, 0)
    top = top_eigenvalue(lambda v: noise @ v, torch.randn(400, dtype=torch.float64))
    assert top == pytest.approx(2.0, rel=0.03)


def test_gaussian_noise_has_the_size_and_the_spread_of_its_matrix() -> None:
    seeds = itertools.count()

    def draw() -> Product:
        noise = wigner(300, 0.1, next(seeds))
        return lambda v: noise @ v

    second, fourth = noise_moments(draw, lambda v: 0 * v, torch.zeros(300, dtype=torch.float64))
    assert second == pytest.approx(0.1**2 * 300**2, rel=0.1)
    assert noise_size(second, fourth) == pytest.approx(300, rel=0.1)


def trained(parts: str) -> Trainer:
    spec = f"trained(arch=mlp(hidden=(6,)), parts={parts}, batch=24, steps=4, checks=1)"
    one = Trainer(recipe_of(bind(spec, "method", "classify").kwargs), (1, 3, 3), (4,), 0, "cpu")
    for step in range(4):
        rng = np.random.default_rng(step)
        one.advance({"given": rng.random((24, 1, 3, 3), np.float32), "wanted": rng.integers(0, 4, 24)})
    return one


def test_a_training_tells_what_was_measured_and_predicted_and_is_not_moved_by_it() -> None:
    plain, looked = trained("()"), trained("batch_hessian(batches=(4, 12), at=0.5, repeats=3)")
    assert plain.weights() == looked.weights()
    found = looked.figures()
    sizes = {f"hessian_{what}_{size}" for what in ("top", "predicted", "effective") for size in (4, 12)}
    assert found.keys() == sizes | {"hessian_top_all", "hessian_std", "hessian_noise_size"}
    for size in (4, 12):
        variance = found["hessian_std"] ** 2 * (1 / size - 1 / 24)
        due = predicted_top(found["hessian_top_all"], variance, 9 * 6 + 6 + 6 * 4 + 4)
        assert found[f"hessian_predicted_{size}"] == pytest.approx(due)


def test_the_whole_batch_is_measured_as_an_explicit_hessian_says() -> None:
    part = bind("batch_hessian(batches=(2,), at=0.0, repeats=1)", "part")
    one, net = part.entry.obj(**part.kwargs), network()
    batch = {"given": torch.randn(7, 3, dtype=torch.float64), "wanted": torch.randn(7, 1, dtype=torch.float64)}
    one.observe(net, batch, lambda some: (net(some["given"]) - some["wanted"]).square().mean(), 0, 4)
    due = explicit_hessian(net, batch["given"], batch["wanted"])
    assert one.figures()["hessian_top_all"] == pytest.approx(float(torch.linalg.eigvalsh(due)[-1]), rel=1e-3)


@pytest.mark.parametrize("at", [0.0, 0.75])
def test_a_batch_that_is_too_small_is_refused_in_the_first_step(at: float) -> None:
    part = bind(f"batch_hessian(at={at})", "part")
    one = part.entry.obj(**part.kwargs)
    with pytest.raises(nb.UsageError, match="a batch of 8 of 8: give a larger batch="):
        one.observe(network(), {"given": torch.zeros(8, 3)}, None, 0, 4)


def test_as_it_is_by_default_it_does_for_the_batches_of_classify_and_restore() -> None:
    largest = max(bind("batch_hessian", "part").kwargs["batches"])
    assert all(bind("trained", "method", track).kwargs["batch"] > largest for track in ("classify", "restore"))
