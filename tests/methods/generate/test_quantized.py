"""A model of few bits: ranges beside a search of all, states beside the flow, and what its layers multiply."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.cost.measure import measure
from noisebench.methods.generate._ranges import best_range, channels_rounded, rounded
from noisebench.methods.generate._stepping import levels
from noisebench.store.cell import Cost
from noisebench.track.calling import call_on
from torch import nn

TRACK = get_track("generate")
BATCH = "gaussian_digits(n=1, count=6, reference=16, trained=4{})"
SMALL = "count=24, steps=12"


class Net(nn.Module):
    """Convolutions of every kind that samplers' networks have, and a linear layer for the level."""

    classes: ClassVar[int] = 3

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.tell, self.never = nn.Linear(2, 4), nn.Linear(2, 4)
        self.down = nn.Conv2d(1, 4, 3, stride=2, padding=1)
        self.middle, self.norm = nn.Conv2d(4, 4, 3, padding=1), nn.GroupNorm(2, 4)
        self.up = nn.ConvTranspose2d(4, 2, 2, stride=2)
        self.out = nn.Conv2d(2, 1, 1, bias=False)

    def forward(self, x: Any, level: Any, labels: Any) -> Any:
        told = torch.stack([level.sin(), 0 * level if labels is None else labels.to(level) / 3], dim=1)
        y = nn.functional.silu(self.down(x) + self.tell(told)[:, :, None, None])
        return self.out(self.up(y + nn.functional.silu(self.norm(self.middle(y)))))


SHARED = Net()


@nb.method("of_few_weights", track="generate")
class OfFewWeights:
    """A model as a user has it; its network is that of all of its kind."""

    def __init__(self) -> None:
        self.net = SHARED

    def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
        sigma = torch.as_tensor(sigma, dtype=torch.float32).reshape(-1, 1, 1, 1).expand(len(x), 1, 1, 1)
        made = self.net((x / (1 + sigma**2).sqrt()).float(), sigma.flatten().log(), labels)
        return (x / (1 + sigma**2) + 0.1 * made).to(x.dtype)


@nb.method("is_a_module", track="generate")
class IsAModule(nn.Module):
    """A model that is a module itself."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 1)

    def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
        return self.conv(x.float().flatten(2)).reshape(x.shape).to(x.dtype)


def model(spec: str, shape: tuple[int, ...] = (1, 8, 8), ask: bool = True) -> Any:
    """A model that is set up and calibrated."""
    bound = bind(spec, "method", "generate")
    made = bound.entry.obj(**bound.kwargs)
    made.setup("cpu")
    if ask:
        with torch.no_grad():
            made.denoised(torch.zeros(1, *shape), 1.0, None)
    return made


def noisy(count: int = 5, side: int = 8) -> Any:
    return torch.from_numpy(np.random.default_rng(3).standard_normal((count, 1, side, side))).float()


def drawn(method: str, more: str = "") -> Any:
    item = nb.open_dataset(bind(BATCH.format(more), "dataset", "generate")).load(0)
    runner = TRACK.open(bind(method, "method", "generate"))
    runner.setup("cpu")
    return call_on(runner, TRACK.pose(bind("none", "regime", "generate"), item, 0), "cpu")[0]


# ---------------------------------------------------------------------------------------- ranges


def test_rounded_values_are_on_the_levels_of_an_integer_with_a_zero_of_its_own() -> None:
    values = torch.linspace(-2, 5, 301)
    made = rounded(values, -1.0, 3.0, 4)
    step = 4 / 15
    integers = made / step
    torch.testing.assert_close(integers, integers.round(), rtol=0, atol=1e-5)
    assert len(made.unique()) == 16 and 0.0 in made.tolist()
    inside = (values > float(made.min())) & (values < float(made.max()))
    assert float((made - values)[inside].abs().max()) <= step / 2 + 1e-6


def lost(values: Any, low: float, high: float, bits: int) -> float:
    """The mean of |error|^2.4 by numpy, of the same levels."""
    values, step = values.numpy().astype(np.float64), (high - low) / (2**bits - 1)
    zero = np.rint(-low / step)
    made = (np.clip(np.rint(values / step) + zero, 0, 2**bits - 1) - zero) * step
    return float(np.mean(np.abs(values - made) ** 2.4))


@pytest.mark.parametrize("bits", [3, 4, 6])
@pytest.mark.parametrize("kind", ["two-sided", "of SiLU", "positive", "with outliers"])
def test_a_range_loses_hardly_more_than_the_best_of_all(bits: int, kind: str) -> None:
    values = torch.from_numpy(np.random.default_rng(1).standard_normal(600)).float() * 2
    values = {"two-sided": values, "of SiLU": nn.functional.silu(values), "positive": values.abs(),
              "with outliers": torch.cat([values, torch.tensor([25.0])])}[kind]  # fmt: skip
    low, high = best_range(values, bits)
    ends = [[share * min(float(values.min()), 0) for share in np.linspace(0, 1, 51)],
            [share * float(values.max()) for share in np.linspace(0.02, 1, 50)]]  # fmt: skip
    best = min(lost(values, a, b, bits) for a in ends[0] for b in ends[1])
    assert lost(values, low, high, bits) <= 1.001 * best
    assert kind != "positive" or low == 0
    whole = lost(values, min(float(values.min()), 0), float(values.max()), bits)
    assert bits > 4 or lost(values, low, high, bits) < whole


def test_the_power_reaches_further_than_squares_do() -> None:
    values = torch.cat([torch.linspace(-1, 1, 2000), torch.tensor([4.0])])
    low, high = best_range(values, 4)
    squares = min(
        np.linspace(0.08, 4, 50), key=lambda end: float((rounded(values, low, end, 4) - values).square().sum())
    )
    assert high > squares


def test_each_output_channel_has_an_end_of_its_own() -> None:
    rows = torch.from_numpy(np.random.default_rng(2).standard_normal((3, 40))).float() * torch.tensor([[1], [9], [0.1]])
    made = channels_rounded(rows, 4)
    torch.testing.assert_close(made, torch.cat([channels_rounded(row[None], 4) for row in rows]))
    assert all(len(row.unique()) <= 15 for row in made)
    for row, own in zip(rows.numpy().astype(np.float64), made.numpy(), strict=True):
        steps = np.abs(row).max() * np.arange(1, 101)[:, None] / 100 / 7
        least = (np.abs(np.clip(np.rint(row / steps), -7, 7) * steps - row) ** 2.4).mean(axis=1).min()
        assert np.mean(np.abs(own - row) ** 2.4) == pytest.approx(least, rel=1e-4)
    assert torch.equal(channels_rounded(torch.zeros(2, 5), 4), torch.zeros(2, 5))


# ---------------------------------------------------------------------------------------- calibration


@pytest.mark.parametrize("calibration", ["ndtc", "uniform", "first", "last"])
def test_states_are_those_of_the_full_model_at_the_level_that_they_are_said_to_have(calibration: str) -> None:
    made = model(f"quantized(model=of_few_weights, calibration={calibration}, {SMALL})", ask=False)
    x, sigma, labels = made._states((1, 8, 8), "cpu")
    places = [made.levels.index(float(one)) for one in sigma.flatten()]
    assert labels.tolist() == [-1, 0, 1, 2] * 6
    assert {"first": set(places) == {0}, "last": set(places) == {11}}.get(calibration, len(set(places)) > 5)
    full = OfFewWeights()
    start = 80 * torch.from_numpy(nb.keyed_generator(nb.text_key("calibration")).standard_normal((24, 1, 8, 8)))
    for own, begun, label, place in zip(x, start, labels, places, strict=True):
        at = begun[None]
        for high, low in zip(made.levels[:place], made.levels[1 : place + 1], strict=True):
            with torch.no_grad():
                at = at + (low - high) * (at - full.denoised(at, high, label[None])) / high
        torch.testing.assert_close(own[None], at, rtol=1e-5, atol=1e-4)


def test_steps_of_calibration_follow_the_normal_law_that_is_cut_at_the_ends() -> None:
    made = model("quantized(model=of_few_weights, count=20000, steps=2)", ask=False)
    made.levels = levels("cosine", 10, 0.002, 80.0)[:-1]
    made._full = lambda x, sigma, labels: x
    _, sigma, _ = made._states((1, 1, 1), "cpu")
    left = np.array([9 - made.levels.index(float(one)) for one in sigma.flatten()])
    cumulative = [0.5 * (1 + math.erf((step + 0.5 - 4) / 4 / math.sqrt(2))) for step in range(9)] + [1.0]
    np.testing.assert_allclose(np.bincount(left, minlength=10) / 20000, np.diff([0.0, *cumulative]), atol=0.012)


def test_the_model_as_it_is_and_the_calibration_cost_no_evaluations() -> None:
    whole = drawn("euler(model=of_few_weights, steps=4)")
    few, again = (drawn(f"euler(model=quantized(model=of_few_weights, {SMALL}), steps=4)") for _ in range(2))
    assert whole["evaluations"] == few["evaluations"] == 4
    assert np.array_equal(few["samples"], again["samples"])


# ---------------------------------------------------------------------------------------- what is rounded


def test_layers_multiply_few_levels_of_both_and_the_ends_have_eight_bits() -> None:
    made = model(f"quantized(model=of_few_weights, bits=3, {SMALL})")
    net = made.model.instance.net
    given: dict[str, Any] = {}
    for name in ("tell", "down", "middle", "up", "out"):
        getattr(net, name).register_forward_pre_hook(lambda _, x, name=name: given.update({name: x[0]}))
    x = noisy()
    with torch.no_grad():
        made.denoised(x, torch.tensor([0.1, 0.5, 1, 4, 9]), torch.tensor([0, 1, 2, -1, 0]))
    for name in ("tell", "middle", "up"):
        layer = getattr(net, name)
        rows = layer.weight.transpose(0, 1) if name == "up" else layer.weight
        assert all(len(row.unique()) <= 7 for row in rows) and len(given[name].unique()) <= 8, name
    for name in ("down", "out"):
        assert 8 < len(given[name].unique()) <= 256, name
    assert torch.equal(net.never.weight, SHARED.never.weight) and torch.equal(net.norm.weight, SHARED.norm.weight)


def test_weights_or_activations_alone_are_rounded() -> None:
    x, spec = noisy(), "quantized(model=of_few_weights, bits=4, of={}, {})"
    weights, activations = (model(spec.format(what, SMALL)) for what in ("weights", "activations"))
    assert not torch.equal(weights.model.instance.net.middle.weight, SHARED.middle.weight)
    assert torch.equal(activations.model.instance.net.middle.weight, SHARED.middle.weight)
    with torch.no_grad():
        by_hand = OfFewWeights()
        by_hand.net = weights.model.instance.net
        torch.testing.assert_close(weights.denoised(x, 1.0, None), by_hand.denoised(x, 1.0, None), rtol=0, atol=0)
        assert not torch.equal(activations.denoised(x, 1.0, None), OfFewWeights().denoised(x, 1.0, None))


def test_another_model_of_the_same_network_stays_as_it_is() -> None:
    before = {name: value.clone() for name, value in SHARED.state_dict().items()}
    model(f"quantized(model=of_few_weights, bits=2, {SMALL})")
    assert all(torch.equal(value, before[name]) for name, value in SHARED.state_dict().items())
    assert not any(module._forward_pre_hooks for module in SHARED.modules())


def test_set_up_twice_it_is_rounded_once() -> None:
    once, twice = (model(f"quantized(model=of_few_weights, bits=4, {SMALL})") for _ in range(2))
    twice.setup("cpu")
    x = noisy()
    with torch.no_grad():
        assert torch.equal(once.denoised(x, 0.7, None), twice.denoised(x, 0.7, None))


@pytest.mark.parametrize("side", [8, 12])
def test_more_bits_are_nearer_to_the_full_model(side: int) -> None:
    x, sigma = noisy(16, side), torch.logspace(-1, 1, 16)
    with torch.no_grad():
        full = OfFewWeights().denoised(x, sigma, None)
        off = [
            float((model(f"quantized(model=of_few_weights, bits={bits}, {SMALL})", (1, side, side))
                   .denoised(x, sigma, None) - full).square().mean())
            for bits in (3, 5, 8)
        ]  # fmt: skip
    assert off[0] > 4 * off[1] > 16 * off[2] > 0


def test_weights_that_another_rule_makes_are_made_plain() -> None:
    bound = bind(f"quantized(model=of_few_weights, bits=3, {SMALL})", "method", "generate")
    made = bound.entry.obj(**bound.kwargs)
    made.model.instance.net = Net()
    nn.utils.parametrizations.weight_norm(made.model.instance.net.middle)
    made.setup("cpu")
    with torch.no_grad():
        made.denoised(noisy(), 1.0, None)
    assert all(len(row.unique()) <= 7 for row in made.model.instance.net.middle.weight)


def test_a_model_that_is_a_module_itself_is_rounded() -> None:
    made = model(f"quantized(model=is_a_module, bits=8, {SMALL})", (1, 5, 7))
    x = torch.linspace(-1, 1, 35).reshape(1, 1, 5, 7)
    with torch.no_grad():
        assert len(made.denoised(x, 1.0, None).unique()) < len(x.unique())


# ---------------------------------------------------------------------------------------- bytes, and what is refused


def test_bytes_of_weights_are_those_of_the_bits_the_scales_and_all_else() -> None:
    regime = bind("none", "regime", "generate")

    def cost(method: str) -> Cost:
        return measure(TRACK, bind(method, "method", "generate"), regime, (8, 8, 1), repeats=1, device="cpu", threads=1)

    whole, few = cost("euler(model=of_few_weights, steps=2)"), cost(
        f"euler(model=quantized(model=of_few_weights, bits=4, {SMALL}), steps=2)"
    )  # fmt: skip
    number = sum(p.numel() for p in SHARED.parameters())
    assert whole.params == few.params == number and whole.weight_bytes == 4 * number
    four = {"tell": (8, 4), "middle": (4 * 4 * 9, 4), "up": (4 * 2 * 4, 2)}
    eight = {"down": (4 * 9, 4), "out": (2, 1)}
    rounded_ones = sum(n for n, _ in (*four.values(), *eight.values()))
    due = sum(n // 2 + 4 * rows for n, rows in four.values()) + sum(n + 4 * rows for n, rows in eight.values())
    assert few.weight_bytes == due + 4 * (number - rounded_ones)
    assert model(f"quantized(model=of_few_weights, of=activations, {SMALL})").weight_bytes == 4 * number


@pytest.mark.parametrize("spec", ["exact", "guided(model=of_few_weights)"])
def test_a_model_without_a_network_of_its_own_is_refused_in_a_line(spec: str) -> None:
    with pytest.raises(nb.UsageError, match=r"holds no torch network .* trained\(…\)") as raised:
        model(f"quantized(model={spec})")
    assert "\n" not in str(raised.value)


def test_a_network_of_which_no_layer_is_called_is_refused() -> None:
    bound = bind(f"quantized(model=of_few_weights, {SMALL})", "method", "generate")
    made = bound.entry.obj(**bound.kwargs)
    made.setup("cpu")
    made.model.instance.denoised = lambda x, sigma, labels: x
    with pytest.raises(nb.UsageError, match=r"quantized: of_few_weights.*write layer\(x\)"):
        made.denoised(noisy(), 1.0, None)


def test_guidance_goes_around_it() -> None:
    few = f"quantized(model=of_few_weights, {SMALL})"
    found = drawn(f"euler(model=guided(model={few}, weight=3), steps=3)", ", labels=true")
    assert found["evaluations"] == 6


def test_the_difference_of_two_samplers_is_that_of_their_samples() -> None:
    whole = "euler(model=of_few_weights, steps=3)"
    few = whole.replace("of_few_weights", f"quantized(model=of_few_weights, bits=4, {SMALL})")
    found = drawn(f"difference(of={few}, beside={whole})")["samples"]
    np.testing.assert_allclose(found, drawn(few)["samples"] - drawn(whole)["samples"], atol=1e-5)
    noisy_one = "ddpm(model=of_few_weights, steps=3)"
    assert not drawn(f"difference(of={noisy_one}, beside={noisy_one})")["samples"].any()


TOY = (
    "trained(arch=diffusion_unet(width=8, depth=1, classes=10), steps=20, checks=1, batch=16, validation=8, "
    "data=digits(split=train, trained=100))"
)


@pytest.mark.subprocess  # in which it is trained
def test_a_trained_model_is_calibrated_before_it_is_asked(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    data = "digits(n=1, count=8, reference=30, trained=100, labels=true)"

    def off(bits: int) -> float:
        few = f"euler(model=quantized(model={TOY}, bits={bits}, {SMALL}), steps=3)"
        spec = f"difference(of={few}, beside=euler(model={TOY}, steps=3))"
        found = nb.evaluate(spec, data, track="generate", metrics=["rms", "nfe"])
        assert found.nfe == 6
        return float(found.rms)

    assert 0 < off(12) < 0.2 * off(3)
