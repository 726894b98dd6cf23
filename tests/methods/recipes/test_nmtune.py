"""Label noise in pre-training: frozen features, probes of them, NMTune's loss, and how features spread."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from given_trainings import give_training
from noisebench.components.registry import bind
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.archs._probes import last_linear
from noisebench.recipes.objectives.nmtune import dominance, off_diagonal
from noisebench.recipes.parts.sve import singular_entropy
from noisebench.training.trainer import Trainer
from own_networks import GIVEN, Attentive
from torch import nn

SHAPE = (1, 6, 5)
ENDS = "batch=8, steps=8, checks=1"
BEFORE = f"trained(arch=small_cnn(width=2), {ENDS})"
PROBES = ("linear_probe", "mlp_probe")


def net(arch: str, shape: Any = SHAPE, classes: int = 4) -> Any:
    made = bind(arch, "arch")
    torch.manual_seed(0)
    return made.entry.obj(shape, (classes,), **made.kwargs)


def a_batch(step: int = 0, items: int = 8) -> dict[str, Any]:
    rng = np.random.default_rng(step)
    return {"given": rng.random((items, *SHAPE), np.float32), "wanted": rng.integers(4, size=items)}


def tensors(step: int = 0, items: int = 8) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(value) for name, value in a_batch(step, items).items()}


def trainer(spec: str, classes: int = 4) -> Trainer:
    return Trainer(recipe_of(bind(spec, "method", "classify").kwargs), SHAPE, (classes,), 0, "cpu")


def advanced(one: Trainer, steps: int = 2) -> Trainer:
    for step in range(steps):
        one.advance(a_batch(step))
    return one


def loss_of(network: Any, batch: Any, words: str = "") -> torch.Tensor:
    made = bind(f"nmtune{words}", "objective")
    loss: torch.Tensor = made.entry.obj(network, batch, **made.kwargs)
    return loss


@pytest.fixture
def before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A classifier of ten classes that was trained before, its running means moved."""
    monkeypatch.setenv("NOISEBENCH_TRAINED", "{}")
    one = advanced(trainer(BEFORE, classes=10), 4)
    give_training(tmp_path, BEFORE, one, "classify", SHAPE, (10,))
    return one.net.eval()


def probe(arch: str, of: str = "small_cnn(width=2)", more: str = "", method: str = BEFORE) -> str:
    return f"trained(arch={arch}(of={of}), parts=pretrained(of={method}), {ENDS}{more})"


# --- features ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "shape"),
    [("mlp(hidden=(7, 5))", (1, 3, 3)), ("small_cnn(width=2)", (3, 9, 7)), ("small_resnet(width=3)", (2, 8, 8)),
     ("vit(dim=4, depth=1, heads=2)", (1, 8, 6))],
)  # fmt: skip
@pytest.mark.parametrize("arch", PROBES)
def test_features_are_what_the_last_layer_of_any_network_is_given(arch: str, of: str, shape: Any) -> None:
    whole, made = net(of, shape, 3).eval(), net(f"{arch}(of={of})", shape, 3)
    held = whole.state_dict()
    made.body.load_state_dict({name: held[name] for name in made.body.state_dict()})
    seen: list[torch.Tensor] = []
    whole.get_submodule(last_linear(whole, shape)).register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    x = torch.rand(5, *shape)
    whole(x)
    torch.testing.assert_close(made.features(x), seen[0])
    assert made.features(x).shape == (5, made.width) and made(x).shape == (5, 3)


@pytest.mark.parametrize("arch", PROBES)
def test_the_network_within_stays_as_it_was_and_all_else_learns(arch: str, before: Any) -> None:
    one = trainer(probe(arch))
    advanced(one, 1)
    held, start = before.state_dict(), {n: p.clone() for n, p in one.net.named_parameters() if p.requires_grad}
    advanced(one, 3)
    body = one.net.body.state_dict()
    assert body and all(torch.equal(value, held[name]) for name, value in body.items())
    assert start and not any(name.startswith("body") for name in start)
    assert not any(torch.equal(value, start[name]) for name, value in one.net.named_parameters() if name in start)
    assert not any("body" in name for name in _gradients(one)) and not one.net.train().body.training


def _gradients(one: Trainer) -> list[str]:
    torch.autograd.backward(one.net(torch.rand(4, *SHAPE)).sum())
    return [name for name, value in one.net.named_parameters() if value.grad is not None]


def test_moved_features_are_the_features_and_what_two_layers_make_of_them() -> None:
    made = net("mlp_probe(of=small_cnn(width=2), ratio=3)").eval()
    f = torch.rand(5, made.width)
    hidden = made.layers[1](F.linear(f, made.layers[0].weight, made.layers[0].bias)).relu()
    assert hidden.shape == (5, 3 * made.width) and torch.equal(made.scale, torch.ones(made.width))
    made.scale.data.uniform_()
    torch.testing.assert_close(made.moved(f), f + made.scale * made.layers[3](hidden))


@nb.arch("no_last_layer")
class NoLastLayer(nn.Module):
    """A convolution gives the classes."""

    def __init__(self, given: Any, wanted: Any) -> None:
        super().__init__()
        self.squeeze = nn.Linear(3, 3)
        self.last = nn.Conv2d(given[0], wanted[0], 3)

    def forward(self, x: Any) -> Any:
        return self.last(x).mean(dim=(2, 3))


def test_a_network_without_a_last_linear_layer_is_refused() -> None:
    with pytest.raises(nb.UsageError, match="last linear layer .*not no_last_layer"):
        net("linear_probe(of=no_last_layer)")


@nb.arch("head_first")
class HeadFirst(nn.Module):
    """The layer that gives the classes is defined before the one that a pass executes first."""

    def __init__(self, given: Any, wanted: Any) -> None:
        super().__init__()
        self.head = nn.Linear(5, wanted[0])
        self.first = nn.Linear(math.prod(given), 5)

    def forward(self, x: Any) -> Any:
        return self.head(self.first(x.flatten(1)).relu())


def test_the_last_layer_is_the_one_that_a_pass_executes_last() -> None:
    assert last_linear(net("head_first"), SHAPE) == "head"
    made = net("linear_probe(of=head_first)")
    x = torch.rand(4, *SHAPE)
    torch.testing.assert_close(made.features(x), made.body.first(x.flatten(1)).relu())
    with pytest.raises(nb.UsageError, match="linear layer .*shape"):
        last_linear(net("head_first"), (1, 2, 3))


# --- where a training begins ---------------------------------------------------------------------------------


def test_full_fine_tuning_begins_with_all_weights_but_the_last_layer(before: Any) -> None:
    spec = f"trained(arch=small_cnn(width=2), parts=pretrained(of={BEFORE}), optimizer=sgd(lr=1e-12), {ENDS})"
    one, fresh = trainer(spec), trainer(f"trained(arch=small_cnn(width=2), optimizer=sgd(lr=1e-12), {ENDS})")
    advanced(one, 1)
    for name, value in one.net.named_parameters():
        due = dict(fresh.net.named_parameters())[name] if name.startswith("head") else before.state_dict()[name]
        torch.testing.assert_close(value, due, rtol=0, atol=1e-9)
    assert all(value.requires_grad for value in one.net.parameters())


def test_draws_of_a_training_are_those_without_a_beginning(before: Any) -> None:
    one = trainer(probe("linear_probe"))
    part = one.parts[0]
    torch.manual_seed(3)
    part.batch(tensors(), 0, 8)
    drawn = torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(torch.rand(1), drawn)


def test_a_denoiser_may_begin_as_another_one_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOISEBENCH_TRAINED", "{}")
    start = "trained(arch=dncnn(depth=3, width=2), batch=2, steps=8, checks=1)"
    spec = f"trained(arch=dncnn(depth=3, width=2), parts=pretrained(of={start}), batch=2, steps=8, checks=1)"
    shape = (1, 8, 8)
    held = Trainer(recipe_of(bind(start, "method").kwargs), shape, shape, 1, "cpu")
    give_training(tmp_path, start, held, "restore", shape, shape)
    one = Trainer(recipe_of(bind(spec, "method").kwargs), shape, shape, 0, "cpu")
    picture = torch.rand(2, *shape)
    one.parts[0].batch({"given": picture, "wanted": picture}, 0, 8)
    assert all(torch.equal(value, held.net.state_dict()[name]) for name, value in one.net.state_dict().items())


def test_another_network_and_none_are_refused(before: Any) -> None:
    with pytest.raises(nb.UsageError, match=r"part pretrained: body.0.weight \(3, 1, 3, 3\) is not in trained"):
        advanced(trainer(probe("linear_probe", "small_cnn(width=3)")), 1)
    with pytest.raises(nb.UsageError, match="part pretrained: uniform has no network: give trained"):
        advanced(trainer(probe("linear_probe", method="uniform")), 1)


def test_a_trained_probe_is_used_without_what_it_began_with(
    before: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = probe("mlp_probe", more=", objective=nmtune")
    one = advanced(trainer(spec), 3)
    give_training(tmp_path, spec, one, "classify", SHAPE, (4,))  # alone: the other checkpoint is known no more
    used = nb.Classifier(bind(spec, "method", "classify"))
    used.setup()
    picture = np.random.default_rng(0).random((6, 5, 1), np.float32)
    said = used.classify(picture, nb.Info({"classes": 4, "shape": (6, 5)}))
    due = one.net.eval()(torch.from_numpy(picture).permute(2, 0, 1)[None])
    np.testing.assert_allclose(said, due[0].detach().numpy(), rtol=1e-5, atol=1e-6)


def test_what_is_needed_first_is_planned_first() -> None:
    from noisebench.planning.plan import plan
    from noisebench.suite.suite import Suite

    wrong = "data=flipped_labels(of=digits(split=train), share=0.3)"
    first = f"trained(arch=small_cnn(width=2), {wrong}, steps=4, checks=1)"
    suite = Suite(track="classify", methods=(probe("linear_probe", method=first),), seeds=(5,), regimes=("none",))
    cells = plan(suite)
    assert [cell.kind for cell in cells] == ["train", "train"] and cells[1].after == [cells[0].key]
    assert [cell.seed for cell in cells] == [5, 5]


# --- the loss ------------------------------------------------------------------------------------------------


def test_the_loss_is_that_of_the_paper() -> None:
    network, batch = net("mlp_probe(of=small_cnn(width=2))").double().train(), tensors(items=12)
    batch["given"] = batch["given"].double()
    with torch.no_grad():
        f = network.features(batch["given"]).numpy()
        z = network.moved(torch.from_numpy(f)).numpy()
        logits = network.head(torch.from_numpy(z)).numpy()
    labels = batch["wanted"].numpy()
    entropy = np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(12), labels])
    rows = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (z, f)]
    covariance = np.cov(z.T)
    off = (covariance**2).sum() - (np.diag(covariance) ** 2).sum()
    values = np.linalg.svd(z, compute_uv=False)
    parts = entropy, np.mean((rows[0] - rows[1]) ** 2), off / z.shape[1], np.mean(values[:5]) / values.sum()
    due = parts[0] + parts[1] + 0.04 * parts[2] - 0.001 * parts[3]
    assert loss_of(network, batch).item() == pytest.approx(due, abs=1e-6)
    words = "(consistency=2, covariance=3, singular=4, most=2)"
    largest = np.mean(values[:2]) / values.sum()
    due = parts[0] + 2 * parts[1] + 3 * parts[2] - 4 * largest
    assert loss_of(network, batch, words).item() == pytest.approx(due, abs=1e-5)


def test_features_that_vary_apart_cost_nothing_and_the_mean_of_features_does_not_count() -> None:
    z = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, -2.0]])
    assert float(off_diagonal(z)) == 0 == float(off_diagonal(z + 7))
    assert float(off_diagonal(z @ torch.tensor([[1.0, 1.0], [-1.0, 1.0]]))) > 0
    assert float(dominance(torch.diag(torch.tensor([3.0, 1.0, 1.0])), 1)) == pytest.approx(0.6)
    assert float(dominance(z + 7, 1)) > float(dominance(z, 1))  # its singular values are those of Z as it is


def test_without_its_terms_it_is_the_loss_of_the_probe() -> None:
    network, batch = net("mlp_probe(of=small_cnn(width=2))").train(), tensors()
    plain = F.cross_entropy(network(batch["given"]), batch["wanted"])
    bare = loss_of(network, batch, "(consistency=0, covariance=0, singular=0)")
    torch.testing.assert_close(bare, plain)


def test_its_gradients_reach_what_is_trained_alone_and_are_those_of_differences() -> None:
    network, batch = net("mlp_probe(of=small_cnn(width=2))").double().eval(), tensors(items=12)
    batch["given"] = batch["given"].double()
    words = "(consistency=1, covariance=1, singular=1)"
    torch.autograd.backward(loss_of(network, batch, words))
    assert {name.split(".")[0] for name, value in network.named_parameters() if value.grad is not None} == {
        "layers", "scale", "head"
    }  # fmt: skip
    weight, step = network.scale, 1e-3
    with torch.no_grad():
        weight[2] += step
        above = float(loss_of(network, batch, words))
        weight[2] -= 2 * step
        below = float(loss_of(network, batch, words))
    assert float(weight.grad[2]) == pytest.approx((above - below) / (2 * step), rel=0.02)


def test_small_batches_and_other_networks_are_refused() -> None:
    network = net("mlp_probe(of=small_cnn(width=2))")
    with pytest.raises(nb.UsageError, match="5 items of 8 features: give more than most=5"):
        loss_of(network, tensors(items=5))
    with pytest.raises(nb.UsageError, match="objective nmtune .*arch=mlp_probe"):
        loss_of(net("small_cnn(width=2)"), tensors())


# --- how features spread -------------------------------------------------------------------------------------


def test_entropy_of_singular_values_is_that_of_the_definition() -> None:
    assert singular_entropy(torch.eye(5) * 3) == pytest.approx((math.log(5), math.log(5)))
    assert singular_entropy(torch.outer(torch.rand(7), torch.rand(3))) == pytest.approx((0, 0), abs=1e-5)
    entropy, largest = singular_entropy(torch.diag(torch.tensor([4.0, 2.0, 2.0])))
    assert entropy == pytest.approx(1.5 * math.log(2)) and largest == pytest.approx(math.log(2))
    assert singular_entropy(torch.zeros(3, 2)) == (0.0, 0.0)


def test_it_looks_at_the_features_of_the_last_batches_and_changes_nothing() -> None:
    words = f"trained(arch=small_cnn(width=2){{}}, {ENDS})"
    looked, plain = trainer(words.format(", parts=sve(looks=3)")), trainer(words.format(""))
    seen = []
    for step in range(8):
        if step >= 5:
            network = looked.net.eval()
            seen.append(network.body(torch.from_numpy(a_batch(step)["given"])).mean(dim=(2, 3)).detach())
        assert looked.advance(a_batch(step)) == plain.advance(a_batch(step))
    entropy, largest = singular_entropy(torch.cat(seen))
    assert looked.figures() == {"sve": pytest.approx(entropy, rel=1e-5), "lsvr": pytest.approx(largest, rel=1e-5)}


def test_a_stopped_look_goes_on() -> None:
    spec = f"trained(arch=small_cnn(width=2), parts=sve(looks=4), {ENDS})"
    whole, first, second = trainer(spec), trainer(spec), trainer(spec)
    advanced(whole, 8)
    advanced(first, 6)
    second.resume(first.snapshot())
    for step in (6, 7):
        second.advance(a_batch(step))
    assert second.figures() == whole.figures()


def test_the_features_that_a_linear_probe_looks_at_are_those_of_the_network_within(before: Any) -> None:
    parts = f"parts=(pretrained(of={BEFORE}), sve(looks=1))"
    one = advanced(trainer(f"trained(arch=linear_probe(of=small_cnn(width=2)), {parts}, {ENDS})"), 8)
    features = before.body(torch.from_numpy(a_batch(7)["given"])).mean(dim=(2, 3))
    assert one.figures()["sve"] == pytest.approx(singular_entropy(features)[0], rel=1e-5)


def test_the_last_layer_is_that_of_a_pass() -> None:
    one, net = bind("sve", "part").entry.obj(), Attentive()
    one.prepare(net, GIVEN)
    assert one.head is net.head


def test_a_network_without_linear_layers_is_refused() -> None:
    with pytest.raises(nb.UsageError, match="^part sve: .*linear layer: leave out"):
        bind("sve", "part").entry.obj().prepare(nn.Conv2d(1, 1, 1), (1, 4, 4))
