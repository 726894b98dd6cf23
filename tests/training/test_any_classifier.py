"""What is made by the gradient of a classifier takes any torch network, a plug-in's too, and says what has none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind, registry
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.parts.frozen_classifier import classifier_of
from noisebench.training.trainer import Trainer

CALLS: list[int] = []
WEIGHTS = torch.randn(10, 64, generator=torch.Generator().manual_seed(0))


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(64, 10)
        self.linear.weight.data.copy_(WEIGHTS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x.flatten(1))


class Adapter:
    """A plug-in's class: it says no_grad, as most do."""

    def setup(self, device: str) -> None:
        self.net = Net().to(device)

    def classify(self, noisy: Any, info: Any) -> Any:
        CALLS.append(len(noisy))
        with torch.no_grad():
            return self.net(noisy)


def one_at_a_time(noisy: Any, info: Any) -> Any:
    """Logits (K,) of the one picture."""
    assert noisy.shape[0] == 1 and info.classes in (None, 10)
    return WEIGHTS @ noisy.flatten()


def detached(noisy: Any, info: Any) -> Any:
    return torch.from_numpy(noisy.detach().numpy().reshape(len(noisy), -1) @ WEIGHTS.numpy().T)


def of_numpy(noisy: Any, info: Any) -> Any:
    return WEIGHTS.numpy() @ noisy.ravel()


@pytest.fixture(autouse=True)
def registered(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The classifiers as methods, and a cache of their own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = {"an_adapter": Adapter, "one_at_a_time": one_at_a_time, "detached": detached, "of_numpy": of_numpy}
    CALLS.clear()
    for name, obj in made.items():
        nb.method(name, track="classify", layout="hwc" if name == "of_numpy" else "tensor")(obj)
    yield
    for name in made:
        registry("method", "classify")._entries.pop(name)


def items(spec: str) -> list[Any]:
    dataset = nb.open_dataset(bind(spec, "dataset", "classify"))
    return [dataset.load(index) for index in range(len(dataset.ids))]


SETS = {
    "natural_and_attacked": "natural_and_attacked(of=digits(n=30), by={}, steps=3)",
    "adversarial_examples": "adversarial_examples(of=digits(n=30), classifier={}, steps=3, eps=0.5)",
    "masked_by_gradient": "masked_by_gradient(of=digits(n=30), model={})",
}


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_made_by_any_torch_network(name: str) -> None:
    by_class, by_function = (items(SETS[name].format(method)) for method in ("an_adapter", "one_at_a_time"))
    assert len(by_class) == len(by_function) > 10
    assert max(CALLS) == 30, "an attack is of all pictures at once"
    if name == "masked_by_gradient":
        assert all((one.picture == other.picture).all() for one, other in zip(by_class, by_function, strict=True))


def test_an_attack_on_an_adapter_goes_up_its_gradient() -> None:
    pairs = items(SETS["natural_and_attacked"].format("an_adapter"))
    natural, attacked = (np.stack([one.picture.ravel() for one in half]) for half in (pairs[:30], pairs[30:]))
    assert 0 < np.abs(attacked - natural).max() <= 0.03 + 1e-6
    labels = np.array([one.label for one in items("digits(n=30)")])
    weights, rows = WEIGHTS.numpy(), np.arange(30)
    assert ((attacked @ weights.T)[rows, labels] - (natural @ weights.T)[rows, labels]).mean() < -0.5


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(
    ("method", "why"),
    [
        ("of_numpy", "of_numpy is trained by no recipe: give .*takes tensors, since numpy arrays have no gradient"),
        ("detached", "detached has no gradient: its output does not depend on its input by operations of torch"),
    ],
)
def test_what_has_no_gradient_is_named(name: str, method: str, why: str) -> None:
    with pytest.raises(nb.UsageError, match=f"^dataset {name}: {why}$"):
        items(SETS[name].format(method))


def test_a_network_of_other_pictures_is_named() -> None:
    with pytest.raises(nb.UsageError, match=r"an_adapter fails on pictures \(1, 1, 12, 12\): RuntimeError"):
        items("natural_and_attacked(of=hidden(of=digits(n=4), size=12), by=an_adapter)")
    with pytest.raises(nb.UsageError, match="an_adapter is for 10 classes of pictures .* has 3"):
        items("natural_and_attacked(of=some_classes(of=digits(n=30), classes=(1, 2, 3)), by=an_adapter)")


def test_other_weights_make_another_set(monkeypatch: pytest.MonkeyPatch) -> None:
    first = items(SETS["masked_by_gradient"].format("an_adapter"))
    monkeypatch.setitem(globals(), "WEIGHTS", WEIGHTS.flip(1))
    second = items(SETS["masked_by_gradient"].format("an_adapter"))
    assert any((one.picture != other.picture).any() for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("method", ["an_adapter", "one_at_a_time"])
def test_any_network_is_a_frozen_classifier(method: str) -> None:
    spec = (
        f"trained(arch=dncnn(depth=2, width=2), objective=cdd_red, parts=frozen_classifier(of={method}), regime=real, "
        "crop=8, batch=4, steps=4, checks=1, precision=float32)"
    )
    trainer = Trainer(recipe_of(bind(spec, "method").kwargs), (1, 8, 8), (1, 8, 8), 0, "cpu")
    wanted = np.random.default_rng(5).random((4, 1, 8, 8), np.float32)
    assert np.isfinite(trainer.advance({"given": wanted + np.float32(0.1), "wanted": wanted}))
    x = torch.rand(3, 1, 8, 8, requires_grad=True)
    torch.autograd.backward(classifier_of(trainer.net)(x).square().sum())  # type: ignore[misc]
    assert x.grad is not None and float(x.grad.abs().max()) > 0


def test_a_frozen_classifier_without_a_gradient_is_named() -> None:
    spec = (
        "trained(arch=dncnn(depth=2, width=2), objective=cdd_red, parts=frozen_classifier(of=detached), regime=real, "
        "crop=8)"
    )
    trainer = Trainer(recipe_of(bind(spec, "method").kwargs), (1, 8, 8), (1, 8, 8), 0, "cpu")
    wanted = np.random.default_rng(5).random((4, 1, 8, 8), np.float32)
    with pytest.raises(nb.UsageError, match="part frozen_classifier: detached has no gradient"):
        trainer.advance({"given": wanted, "wanted": wanted})
