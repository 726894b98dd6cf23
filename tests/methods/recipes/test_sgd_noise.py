"""SGD noise regimes: the points, the perceptron and its loss as analysed, and what is measured of its weights."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.planning.recipe import recipe_of
from noisebench.training.trainer import Trainer


def dataset(spec: str) -> Any:
    return nb.open_dataset(bind(spec, "dataset", "classify"))


def points(spec: str, n: int) -> tuple[Any, Any]:
    opened = dataset(spec)
    items = [opened.load(i) for i in range(n)]
    return np.stack([16 * (item.picture[0].astype(np.float64) - 0.5) for item in items]), [i.label for i in items]


def test_points_are_labelled_by_the_sign_of_their_first_coordinate() -> None:
    x, labels = points("half_space(n=500, d=5)", 500)
    assert labels == [int(value >= 0) for value in x[:, 0]]
    assert np.abs(x.mean(axis=0)).max() < 5 / np.sqrt(500) and np.abs(x.var(axis=0) - 1).max() < 5 * np.sqrt(2 / 500)


@pytest.mark.parametrize(("chi", "square"), [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)])
def test_the_density_at_the_boundary_is_a_power(chi: float, square: float) -> None:
    x, _ = points(f"half_space(n=1000, d=2, chi={chi})", 1000)
    # x² is 2·gamma((chi + 1) / 2), of mean chi + 1 and variance 2 (chi + 1).
    assert np.mean(x[:, 0] ** 2) == pytest.approx(square, abs=5 * np.sqrt(2 * square / 1000))


def test_parity_joins_the_even_and_the_odd_classes() -> None:
    digits, two = dataset("digits(n=20)"), dataset("parity(of=digits(n=20))")
    assert two.ids == digits.ids and two.load(0).classes == ("even", "odd")
    assert [two.load(i).label for i in range(20)] == [digits.load(i).label % 2 for i in range(20)]


def test_parity_keeps_what_shows_no_class_and_joins_regions() -> None:
    web, two = dataset("webdigits(outside=0.5)"), dataset("parity(of=webdigits(outside=0.5))")
    items = [(web.load(i), two.load(i)) for i in range(300)]
    outside = [item for old, item in items if old.label == -1]
    assert outside and all(item.label == -1 and item.given_label in (0, 1) for item in outside)
    old, new = (dataset(spec).load(1) for spec in ("hidden(of=digits)", "parity(of=hidden(of=digits))"))
    assert new.regions.max() == new.label == old.label % 2
    assert np.array_equal(new.regions >= 0, old.regions >= 0) and new.regions.min() == -1


def test_the_perceptron_gives_a_product_over_the_root_of_its_size() -> None:
    made = bind("perceptron", "arch")
    net = made.entry.obj((1, 1, 4), (2,), **made.kwargs)
    net.weight.data = torch.tensor([1.0, 2.0, 3.0, 4.0])
    x = torch.tensor([[1.0, 0.0, -1.0, 2.0]])
    assert net(0.5 + x.reshape(1, 1, 1, 4) / 16).tolist() == [[0.0, 3.0]]
    with pytest.raises(nb.UsageError, match="two classes"):
        made.entry.obj((1, 1, 4), (3,), **made.kwargs)


def loss(spec: str, output: list[list[float]], wanted: list[int]) -> float:
    made = bind(spec, "loss")
    return float(made.entry.obj(torch.tensor(output), torch.tensor(wanted), **made.kwargs))


def test_hinge_is_zero_where_every_label_is_a_margin_above_all_others() -> None:
    assert loss("hinge", [[0.0, 1.0], [3.0, 1.0]], [1, 0]) == 0
    assert loss("hinge", [[0.0, 0.25], [0.0, 0.25]], [1, 0]) == pytest.approx((0.75 + 1.25) / 2)
    assert loss("hinge(margin=0.5)", [[0.0, 2.0, 1.75]], [1]) == pytest.approx(0.25)


def test_a_margin_of_one_over_alpha_is_the_loss_of_alpha_times_the_output_over_alpha() -> None:
    output = torch.randn(6, 2, generator=torch.Generator().manual_seed(0)).tolist()
    scaled = [[100 * value for value in row] for row in output]
    wanted = [0, 1, 1, 0, 1, 0]
    assert loss("hinge(margin=0.01)", output, wanted) == pytest.approx(loss("hinge", scaled, wanted) / 100)


def trained(parts: str, done: int, arch: str = "perceptron") -> Trainer:
    spec = (
        f"trained(arch={arch}, objective=supervised(loss=hinge), optimizer=sgd(lr=8.0, momentum=0.0), "
        f"schedule=constant, parts={parts}, batch=1, steps=4, checks=1)"
    )
    one = Trainer(recipe_of(bind(spec, "method", "classify").kwargs), (1, 1, 9), (2,), 0, "cpu")
    x, label = points("half_space(n=4, d=9)", 4)
    for step in range(done):
        given = (0.5 + x[step : step + 1] / 16).astype(np.float32).reshape(1, 1, 1, 9)
        one.advance({"given": given, "wanted": np.array(label[step : step + 1])})
    return one


def test_a_centred_network_begins_at_nothing_and_a_perceptron_moves_by_the_analysed_step() -> None:
    one = trained("(signal_and_noise, weight_change, centred)", 1)
    x, labels = points("half_space(n=4, d=9)", 1)
    due = 8 * (2 * labels[0] - 1) * x[0] / 3
    one.finish()
    figures = one.figures()
    assert figures["signal"] == pytest.approx(due[0], abs=1e-4)
    assert figures["noise"] == pytest.approx(np.linalg.norm(due[1:]), abs=1e-4)
    assert figures["weight_change"] == pytest.approx(np.linalg.norm(due), abs=1e-4)
    start = np.linalg.norm(one.net.start.weight.numpy())
    assert figures["relative_weight_change"] == pytest.approx(np.linalg.norm(due) / start, rel=1e-4)
    fresh = trained("centred", 0)
    assert fresh.net(torch.rand(3, 1, 1, 9)).tolist() == [[0, 0]] * 3


def test_a_stopped_training_remembers_where_its_weights_began() -> None:
    one = trained("(signal_and_noise, weight_change, centred)", 3)
    other = trained("(signal_and_noise, weight_change, centred)", 0)
    other.resume(one.snapshot())
    for each in (one, other):
        each.finish()
    assert one.figures() == other.figures()


def test_signal_and_noise_are_of_a_perceptron() -> None:
    with pytest.raises(nb.UsageError, match="is for arch=perceptron"):
        trained("signal_and_noise", 1, "mlp")
