"""A token in place of a class: what it is told, gradients by forward passes beside a hand count, and the subspace."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.archs.token import Token
from noisebench.recipes.objectives._inversion import StraightThrough, noised, token_loss, with_gradient
from noisebench.recipes.parts.token_subspace import hardly_moved, without
from noisebench.tracks.generate import LatentBatch, Reference, TrainingPicture
from noisebench.training.trainer import Trainer
from torch import nn

SHAPE, DIMS = (1, 4, 4), 6
FEW = "quantized(model=knows_classes, count=24, steps=6)"


class Net(nn.Module):
    """A network of three classes, whose vectors go through a linear layer."""

    classes: ClassVar[int] = 3

    def __init__(self, dims: int = DIMS) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.of_class, self.told = nn.Embedding(4, dims), nn.Linear(dims, 5)
        self.first, self.last = nn.Conv2d(1, 5, 3, padding=1), nn.Conv2d(5, 1, 3, padding=1)

    def forward(self, x: Any, labels: Any) -> Any:
        known = torch.full((len(x),), -1) if labels is None else labels
        told = self.told(self.of_class(torch.where(known < 0, 3, known)))
        return self.last(nn.functional.silu(self.first(x) + told[:, :, None, None]))


@nb.method("knows_classes", track="generate")
class KnowsClasses:
    """A model as a user has it."""

    def __init__(self, *, dims: int = DIMS) -> None:
        self.net = Net(dims).requires_grad_(False)
        self.asked: list[Any] = []

    def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
        sigma = torch.as_tensor(sigma, dtype=x.dtype)
        self.asked.append((x.clone(), sigma.clone()))
        return x / (1 + sigma**2) + self.net((x / (1 + sigma**2).sqrt()).float(), labels).to(x.dtype)


@nb.method("knows_none", track="generate")
class KnowsNone:
    """A model without classes."""

    def __init__(self) -> None:
        self.net = nn.Conv2d(1, 1, 1)

    def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
        return self.net(x)


@nb.method("holds_token", track="generate")
class HoldsToken:
    """What training leaves: a token of label 9, in place of which a class that the model knows may stand."""

    def __init__(self, *, begin: int = 2, label: int = 9, dims: int = DIMS) -> None:
        self.net: Any = None
        self.given = SHAPE
        self.spec = f"token(of=knows_classes(dims={dims}), begin={begin})"
        self.label = label

    def setup(self, device: Any) -> None:
        self.net = arch(self.spec)
        self.net.know(torch.tensor([self.label]))

    def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
        return self.net.denoised(x, sigma, labels)


def arch(spec: str = "token(of=knows_classes)") -> Any:
    bound = bind(spec, "arch", "generate")
    return bound.entry.obj(SHAPE, SHAPE, **bound.kwargs)


def objective(spec: str) -> Any:
    bound = bind(spec, "objective", "generate")
    return lambda net, batch: bound.entry.obj(net, batch, **bound.kwargs)


def batch(count: int = 3, label: int = 9) -> dict[str, Any]:
    pictures = np.random.default_rng(1).random((count, *SHAPE), np.float32)
    return {"given": pictures, "wanted": pictures, "labels": np.full(count, label, np.int64)}


def tensors(count: int = 3, label: int = 9) -> dict[str, Any]:
    return {name: torch.from_numpy(value) for name, value in batch(count, label).items()}


def model(spec: str) -> Any:
    bound = bind(spec, "method", "generate")
    made = bound.entry.obj(**bound.kwargs)
    made.setup("cpu")
    return made


def trainer(how: str, of: str = "knows_classes", parts: str = "()") -> Trainer:
    spec = f"trained(arch=token(of={of}), objective={how}, optimizer=adam(lr=0.01), parts={parts}, steps=40, checks=1)"
    return Trainer(recipe_of(bind(spec, "method", "generate").kwargs), SHAPE, SHAPE, 0, "cpu")


X = torch.from_numpy(np.random.default_rng(3).standard_normal((4, *SHAPE))).float()


# ---------------------------------------------------------------------------------------- what the model is told


@pytest.mark.parametrize("of", ["knows_classes", FEW])
def test_the_vector_of_a_class_says_what_the_class_says(of: str) -> None:
    token, beside = arch(f"token(of={of}, begin=1)"), token_free(of)
    labels = torch.tensor([9, 0, -1, 9])
    token.know(torch.tensor([9, 9]))
    with torch.no_grad():
        assert torch.equal(token.denoised(X, 1.0, labels), beside(X, 1.0, torch.tensor([1, 0, -1, 1])))
        assert torch.equal(token.denoised(X, 1.0, None), beside(X, 1.0, None))
        token.vector += 1
        made, plain = token.denoised(X, 1.0, labels), beside(X, 1.0, torch.tensor([1, 0, -1, 1]))
    assert [torch.equal(a, b) for a, b in zip(made, plain, strict=True)] == [False, True, True, False]


def token_free(of: str) -> Any:
    made = model(of) if of != "knows_classes" else KnowsClasses()
    made.denoised(X, 1.0, None)
    return made.denoised


def test_pictures_without_labels_give_a_token_for_any_class() -> None:
    token = arch("token(of=knows_classes, begin=2)")
    token.know(torch.tensor([-1, -1]))
    with torch.no_grad():
        found = token.denoised(X, 1.0, torch.tensor([0, 1, 9, -1]))
        assert torch.equal(found, KnowsClasses().denoised(X, 1.0, torch.tensor([2, 2, 2, -1])))


@pytest.mark.parametrize("spec, why", [
    ("token(of=knows_classes, begin=7)", "has no class 7"),
    ("token(of=knows_none)", "has 0 tables of vectors"),
])  # fmt: skip
def test_what_has_no_such_class_is_refused_in_a_line(spec: str, why: str) -> None:
    bound = bind(spec, "arch", "generate")
    with pytest.raises(nb.UsageError, match=why) as raised:
        bound.entry.obj(SHAPE, SHAPE, **bound.kwargs)
    assert "\n" not in str(raised.value)


def test_pictures_of_two_classes_are_refused() -> None:
    token = arch()
    with pytest.raises(nb.UsageError, match="one class"):
        token.know(torch.tensor([3, 4]))
    token.know(torch.tensor([3, 3]))
    with pytest.raises(nb.UsageError, match="one class"):
        token.know(torch.tensor([4, 4]))


@pytest.mark.parametrize("how", ["inversion", "zeroth_order"])
def test_objectives_of_tokens_need_one(how: str) -> None:
    with pytest.raises(nb.UsageError, match="arch=token"):
        objective(how)(nn.Linear(1, 1), tensors())
    with pytest.raises(nb.UsageError, match="give less for least"):
        objective(f"{how}(least=0.9, most=0.9)")(arch(), tensors())


def test_personalized_asks_its_model_with_the_token_and_guidance_goes_around() -> None:
    own = model("personalized(model=knows_classes, token=holds_token)")
    labels = torch.tensor([9, 1, -1, 9])
    with torch.no_grad():
        due = KnowsClasses().denoised(X, 1.0, torch.tensor([2, 1, -1, 2]))
        assert torch.equal(own.denoised(X, 1.0, labels), due)
        guided = model("guided(model=personalized(model=knows_classes, token=holds_token), weight=3)")
        none = KnowsClasses().denoised(X, 1.0, None)
        torch.testing.assert_close(guided.denoised(X, 1.0, labels), none + 3 * (due - none))
        within = model("personalized(model=guided(model=knows_classes, weight=3), token=holds_token)")
        torch.testing.assert_close(within.denoised(X, 1.0, labels), none + 3 * (due - none))


def test_a_token_of_another_width_is_refused() -> None:
    own = model("personalized(model=knows_classes(dims=4), token=holds_token)")
    with pytest.raises(nb.UsageError, match=r"knows_classes\(dims=4\) .*\(4,\).*\(6,\): give a token"):
        own.denoised(X, 1.0, torch.tensor([9, 9, 9, 9]))
    with pytest.raises(nb.UsageError, match="arch=token"):
        model("personalized(model=knows_classes, token=knows_classes)")


# ---------------------------------------------------------------------------------------- gradients by forward passes


@pytest.mark.parametrize("of", ["knows_classes", FEW])
@pytest.mark.parametrize("n", [1, 3])
def test_the_gradient_is_that_of_differences_with_one_noise_and_one_time(of: str, n: int) -> None:
    token, mu = arch(f"token(of={of})"), 0.05
    torch.manual_seed(5)
    loss = objective(f"zeroth_order(n={n}, mu={mu})")(token, tensors())
    torch.autograd.backward(loss)
    torch.manual_seed(5)
    with torch.no_grad():
        clean, x, sigma = noised(tensors(), 0.5, 0.9, "zeroth_order")
        here, due = token_loss(token, clean, x, sigma, token.vector), torch.zeros(DIMS, dtype=torch.float64)
        for _ in range(n):
            z = torch.randn(DIMS)
            due += (token_loss(token, clean, x, sigma, token.vector + mu * z) - here) / mu * z
    torch.testing.assert_close(token.vector.grad, (due / (n * math.sqrt((DIMS + n - 1) / n))).float())
    assert float(loss.detach()) == pytest.approx(float(here))


def test_a_step_asks_the_model_one_and_n_times_for_the_same_noisy_pictures() -> None:
    token = arch()
    asked = token.conditioned.model.instance.asked
    asked.clear()
    objective("zeroth_order(n=4)")(token, tensors())
    assert len(asked) == 5
    assert all(torch.equal(x, asked[0][0]) and torch.equal(sigma, asked[0][1]) for x, sigma in asked)
    # Times from 0.5 to 0.9, of which tan(π/2 time) is the noise.
    assert all(1.0 <= float(s) <= math.tan(0.45 * math.pi) for s in asked[0][1].flatten())


def test_many_differences_are_the_gradient_of_back_propagation() -> None:
    token = arch()
    found = []
    for how in ("zeroth_order(n=600, least=0.2, most=0.8)", "inversion(least=0.2, most=0.8)"):
        torch.manual_seed(2)
        token.vector.grad = None
        torch.autograd.backward(objective(how)(token, tensors()))
        found.append(token.vector.grad.clone())
    assert float(nn.functional.cosine_similarity(*found, dim=0)) > 0.98
    assert float(found[0].norm() / found[1].norm()) == pytest.approx(1, abs=0.15)


def test_the_gradient_is_about_as_long_as_it_should_be_however_few_the_directions() -> None:
    """E |Σ z zᵀ g|² = n (d + n + 1) |g|², of which the divisor takes n (d + n - 1)."""
    rng, d = np.random.default_rng(0), 300
    for n in (1, 4, 50):
        z = rng.standard_normal((400, n, d))
        made = (z[..., :1] * z).sum(axis=1) / (n * math.sqrt((d + n - 1) / n))
        assert np.square(made).sum(axis=1).mean() == pytest.approx(1, abs=0.2)


def test_a_gradient_that_is_given_is_the_one_that_is_had_and_nothing_is_saved() -> None:
    vector, saved = nn.Parameter(torch.ones(5)), []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t):
        made = with_gradient(torch.tensor(7.0), vector, torch.arange(5.0))
    torch.autograd.backward(made)
    assert float(made.detach()) == 7 and torch.equal(vector.grad, torch.arange(5.0)) and not saved


@pytest.mark.parametrize("of", ["knows_classes", FEW])
def test_forward_passes_save_nothing_and_back_propagation_what_a_hand_count_says(of: str) -> None:
    costs = []
    for how in ("zeroth_order", "inversion"):
        one = trainer(how, of)
        one.advance(batch())
        costs.append(one.cost())
    forward, back = costs
    assert forward["saved_bytes"] == 0
    pixels = 3 * 16
    # What SiLU is given, at least; the weights are no part of it.
    assert 4 * pixels * 5 <= back["saved_bytes"] < 4 * pixels * 5 * 8
    numbers = sum(p.numel() for p in Net().parameters())
    for cost in costs:
        assert cost["gradient_bytes"] == 4 * DIMS and cost["optimizer_bytes"] == 4 * (2 * DIMS + 1)
        assert cost["parameter_bytes"] == 4 * (numbers + DIMS)


def test_gradients_pass_roundings_of_few_bits_and_change_nothing_else() -> None:
    token, x = arch(f"token(of={FEW})"), X[:3]
    clean, sigma = torch.zeros_like(x), torch.ones(3, 1, 1, 1)
    blocked = torch.autograd.grad(token_loss(token, clean, x, sigma, token.vector), [token.vector])[0]
    with StraightThrough():
        loss = token_loss(token, clean, x, sigma, token.vector)
    through = torch.autograd.grad(loss, [token.vector])[0]
    with torch.no_grad():
        assert torch.equal(loss, token_loss(token, clean, x, sigma, token.vector))
    whole = arch()
    due = torch.autograd.grad(token_loss(whole, clean, x, sigma, whole.vector), [whole.vector])[0]
    assert not blocked.any()
    assert float(nn.functional.cosine_similarity(through, due, dim=0)) > 0.99


def test_damped_adam_is_adam_with_its_eps() -> None:
    weight = nn.Parameter(torch.tensor([1.0, 1.0]))
    bound = bind("damped_adam(lr=0.1, eps=0.5)", "optimizer")
    optimizer = bound.entry.obj([weight], **bound.kwargs)
    weight.grad = torch.tensor([0.5, 1e-6])
    optimizer.step()
    torch.testing.assert_close(weight.detach(), 1 - 0.1 * torch.tensor([0.5 / 1.0, 1e-6 / 0.5]))


# ---------------------------------------------------------------------------------------- the subspace


def moving(count: int, dims: int, sizes: Any, seed: int = 0) -> Any:
    """Tokens that move along the first axes, by these sizes."""
    rng = np.random.default_rng(seed)
    moved = np.zeros((count, dims))
    moved[:, : len(sizes)] = rng.standard_normal((count, len(sizes))) * sizes
    return torch.from_numpy(moved + rng.standard_normal(dims))


def test_directions_in_which_tokens_hardly_move_are_taken_out_and_others_stay() -> None:
    """Values move together but for a thousandth: one direction has nearly all of the variance."""
    rng = np.random.default_rng(0)
    together, apart = rng.standard_normal((50, 1)), rng.standard_normal((50, 4))
    tokens = torch.from_numpy(np.concatenate([together + 1e-3 * apart, np.zeros((50, 2))], axis=1))
    removed = hardly_moved(tokens, 1e-3)
    assert len(removed) == 3
    torch.testing.assert_close(removed @ removed.T, torch.eye(3, dtype=torch.float64))
    along = torch.tensor([1.0, 1, 1, 1, 0, 0], dtype=torch.float64)
    torch.testing.assert_close(without(along, removed), along, atol=1e-2, rtol=0)
    still = torch.tensor([0.0, 0, 0, 0, 1, 2], dtype=torch.float64)  # what no token tells of
    torch.testing.assert_close(without(still, removed), still)
    across = torch.tensor([1.0, -1, 1, -1, 0, 0], dtype=torch.float64)
    assert float(without(across, removed).norm()) < 1e-2


def test_values_are_standardised_before_directions_are_found() -> None:
    tokens = moving(40, 5, [1, 1, 1, 1, 1])
    scaled = hardly_moved(tokens * torch.tensor([1, 1e3, 1, 1e-3, 1]) + 7, 0.3)
    torch.testing.assert_close(scaled.abs(), hardly_moved(tokens, 0.3).abs(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("nu", [1e-3, 0.2, 0.99])
def test_first_directions_that_have_the_variance_stay(nu: float) -> None:
    tokens = moving(200, 8, [1] * 8)
    values = ((tokens - tokens.mean(0)) / tokens.std(0, unbiased=False)).numpy()
    shares = np.sort(np.linalg.eigvalsh(values.T @ values))[::-1].cumsum()
    kept = int(np.searchsorted(shares / shares[-1], 1 - nu)) + 1
    assert len(hardly_moved(tokens, nu)) == 8 - kept


def test_nothing_is_taken_out_of_tokens_that_rest_or_where_nu_is_nothing() -> None:
    assert len(hardly_moved(torch.ones(9, 5), 0.5)) == 0
    assert len(hardly_moved(moving(9, 5, [1, 1]), 0.0)) == 0


def test_of_128_tokens_of_768_values_few_directions_can_go_and_the_cosine_gains_a_tenth_at_most() -> None:
    tokens = moving(128, 768, [1] * 768)
    removed = hardly_moved(tokens, 0.999)
    assert len(removed) == 126  # the first one stays, and 128 tokens vary in 127
    bound = math.sqrt(768 / (768 - 127))
    assert bound == pytest.approx(1.0946, abs=1e-4)
    rng = np.random.default_rng(1)
    truth = without(torch.from_numpy(rng.standard_normal(768)), removed)
    z = torch.from_numpy(rng.standard_normal((1000, 768)))
    made = (z @ truth)[:, None] * z
    kept = made - (made @ removed.T) @ removed
    cosines = [float(nn.functional.cosine_similarity(one, truth[None], dim=1).mean()) for one in (made, kept)]
    assert cosines[0] == pytest.approx(math.sqrt(2 / math.pi / 768), rel=0.08)
    assert 1.0 < cosines[1] / cosines[0] <= bound + 1e-3


def test_a_training_takes_directions_out_after_tau_steps_and_says_what_it_gained() -> None:
    one = trainer("zeroth_order(mu=0.01)", parts="token_subspace(tau=8, nu=0.2)")
    part, whole = one.parts[0], []
    take_out = part.before_step

    def watched(net: Any, step: int, steps: int) -> None:
        whole.append(float(net.vector.grad.norm()))
        take_out(net, step, steps)

    part.before_step = watched
    # Of the whole gradient eps / 2 is lost at each rounding: in three sums of DIMS products for each of DIMS directions
    # at most (two that take them out, one here), in the lengths and angles of the directions, and in a difference.
    bound = (3 * DIMS**1.5 + 2 * DIMS + 1) * torch.finfo(torch.float32).eps / 2
    removed = []
    for _ in range(24):
        one.advance(batch())
        removed.append(part.removed)
        if removed[-2:-1] not in ([], [None]):
            along = removed[-2] @ one.net.vector.grad
            assert float(along.norm()) <= bound * whole[-1]
    assert [one is None for one in removed] == [True] * 7 + [False] * 17
    found = one.figures()
    assert found["history_bytes"] == 8 * DIMS * 4
    assert 0 < found["removed"] <= 6
    assert found["gain_bound"] == pytest.approx(math.sqrt(DIMS / (DIMS - found["removed"])))
    assert -1 <= found["cosine"] <= 1 and -1 <= found["cosine_kept"] <= 1


def test_looks_leave_the_training_as_it_is_and_a_stopped_one_goes_on() -> None:
    ways = []
    for looking in (True, False):
        one = trainer("zeroth_order(mu=0.01)", parts="token_subspace(tau=4, nu=0.2)")
        for step in range(10):
            if step == 6:
                held, one = one.snapshot(), trainer("zeroth_order(mu=0.01)", parts="token_subspace(tau=4, nu=0.2)")
                one.resume(held)
            if not looking:
                one.parts[0].observe = lambda *_: None
            one.advance(batch())
        ways.append(one.net.vector.detach().clone())
    whole = trainer("zeroth_order(mu=0.01)", parts="token_subspace(tau=4, nu=0.2)")
    for _ in range(10):
        whole.advance(batch())
    assert torch.equal(ways[0], ways[1]) and torch.equal(ways[0], whole.net.vector)


@pytest.mark.parametrize("how", ["zeroth_order(mu=0.01, n=4)", "inversion(least=0.5, most=0.9)"])
def test_a_token_learns_and_the_checkpoint_holds_it_alone(how: str) -> None:
    one = trainer(how)
    before = {name: value.clone() for name, value in one.net.within.state_dict().items()}
    start = one.net.vector.detach().clone()
    for _ in range(40):
        one.advance(batch())
    torch.manual_seed(4)
    posed = noised(tensors(), 0.5, 0.9, "")
    with torch.no_grad():
        assert token_loss(one.net, *posed, one.net.vector) < token_loss(one.net, *posed, start)
    assert all(torch.equal(value, before[name]) for name, value in one.net.within.state_dict().items())
    assert one.net.state_dict().keys() == {"vector", "label"} and int(one.net.label) == 9
    other = arch()
    other.load_state_dict(one.net.state_dict())
    assert torch.equal(other.vector, one.net.vector) and not torch.equal(other.vector, start)
    assert isinstance(other, Token)
    with pytest.raises(RuntimeError, match="Missing key"):
        other.load_state_dict({"label": one.net.label})


# ---------------------------------------------------------------------------------------- sets and what learns nothing


def dataset(spec: str) -> Any:
    return nb.open_dataset(bind(spec, "dataset", "generate"))


def test_some_classes_are_those_pictures_and_keep_their_numbers() -> None:
    whole, some = (dataset(spec) for spec in (
        "digits(split=train, trained=100)", "some_classes(of=digits(split=train, trained=100), classes=(9, 4))"
    ))  # fmt: skip
    due = [item for item in map(whole.load, range(100)) if item.label in (4, 9)]
    found = [some.load(index) for index in range(len(some.ids))]
    assert [(a.id, a.label) for a in found] == [(b.id, b.label) for b in due] and {a.label for a in found} == {4, 9}
    assert all(
        isinstance(a, TrainingPicture) and np.array_equal(a.picture, b.picture) for a, b in zip(found, due, strict=True)
    )
    assert len(dataset("some_classes(of=digits(split=train), classes=(9,), n=5)").ids) == 5


def test_batches_of_some_classes_ask_for_these_before_these() -> None:
    whole = dataset("digits(n=2, count=5, labels=true)")
    some = dataset("some_classes(of=digits(n=2, count=5, labels=true), classes=(9, 4))")
    first, second = (some.load(index) for index in range(2))
    assert isinstance(first, LatentBatch) and isinstance(first.reference, Reference)
    assert sorted([*first.labels, *second.labels]) == [4] * 5 + [9] * 5
    reference = whole.load(0).reference
    own = np.isin(reference.labels, (4, 9))
    assert np.array_equal(first.reference.pictures, reference.pictures[own]) and first.reference is second.reference
    assert np.array_equal(first.reference.trained, reference.trained) and first.id == whole.load(0).id
    assert dataset("some_classes(of=digits(n=2, count=5), classes=(9,))").load(0).labels is None


@pytest.mark.parametrize("spec, why", [
    ("some_classes(of=digits, classes=(3, 3))", "each once"),
    ("some_classes(of=digits, classes=(12,))", "no reference pictures of these classes"),
    ("some_classes(of=digits(split=train), classes=(12,))", "no pictures of these classes"),
    ("some_classes(of=digits, classes=(3,), n=4)", "n is of training pictures"),
])  # fmt: skip
def test_classes_that_a_set_has_not_are_refused(spec: str, why: str) -> None:
    with pytest.raises(nb.UsageError, match=why):
        dataset(spec).load(0)


@nb.method("says_its_class", track="generate")
class SaysItsClass:
    """A model that says of each class the mean of that digit."""

    def __init__(self) -> None:
        self.net = nn.Linear(1, 1)
        self.net.classes = 9  # type: ignore[assignment]
        held = dataset("digits(split=train)")
        items = [held.load(index) for index in range(len(held.ids))]
        self.means = torch.stack([
            torch.from_numpy(np.mean([one.picture for one in items if one.label == k], axis=0)) for k in range(9)
        ])  # fmt: skip

    def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
        return torch.zeros_like(x) if labels is None else self.means[labels]


def test_the_nearest_class_is_asked_for_in_place_of_any() -> None:
    own = model("nearest_class(model=says_its_class, pictures=some_classes(of=digits(split=train), classes=(7,)))")
    assert own.nearest == 7
    x = torch.zeros(2, 1, 8, 8)
    assert torch.equal(own.denoised(x, 1.0, torch.tensor([9, 3])), own.model.instance.means[[7, 7]])
    assert not own.denoised(x, 1.0, None).any()
    with pytest.raises(nb.UsageError, match="add split=train"):
        model("nearest_class(model=says_its_class, pictures=digits)")
    with pytest.raises(nb.UsageError, match="knows no classes"):
        model("nearest_class(model=knows_none, pictures=digits(split=train))")


TOY = (
    "trained(arch=diffusion_unet(width=2, depth=1, classes=9), steps=2, checks=1, batch=4, validation=2, "
    "data=some_classes(of=digits(split=train, trained=60), classes=(0, 1, 2, 3, 4, 5, 6, 7, 8)))"
)


@pytest.mark.subprocess  # in which it is trained
def test_a_token_of_few_bits_is_trained_and_asked_as_one_method() -> None:
    few = f"quantized(model={TOY}, count=4, steps=2)"
    token = (
        f"trained(arch=token(of={few}, begin=4), objective=zeroth_order, optimizer=damped_adam, steps=2, checks=1, "
        "batch=2, validation=1, data=some_classes(of=digits(split=train, trained=60), classes=(9,)), "
        "parts=token_subspace(tau=2))"
    )
    found = nb.evaluate(
        f"euler(model=personalized(model={few}, token={token}), steps=2)",
        "some_classes(of=digits(n=1, count=2, reference=60, trained=60, labels=true), classes=(9,))",
        track="generate", metrics=["energy_distance", "agreement", "nfe"],
    )  # fmt: skip
    assert found.nfe == 2 and 0 <= found.agreement <= 1
