"""The part `ema`: a running mean of the weights is validated and kept, and the training goes on from the weights."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.planning.recipe import recipe_of
from noisebench.text.errors import UsageError
from noisebench.training.trainer import Trainer
from torch import nn


def ema(decay: float) -> Any:
    made = bind(f"ema(decay={decay})", "part")
    return made.entry.obj(**made.kwargs)


def scalar(value: float) -> Any:
    net = nn.Module()
    net.weight = nn.Parameter(torch.tensor([value]))
    return net


def set_to(net: Any, value: float) -> None:
    with torch.no_grad():
        net.weight.fill_(value)


def trainer(parts: str) -> Trainer:
    spec = f"trained(arch=unet(width=4, depth=1), optimizer=sgd(lr=0.1), parts={parts}, steps=6, checks=1)"
    return Trainer(recipe_of(bind(spec, "method").kwargs), (1, 8, 8), (1, 8, 8), 0, "cpu")


def batch(step: int) -> dict[str, Any]:
    rng = np.random.default_rng(step)
    return {name: rng.uniform(size=(2, 1, 8, 8)).astype(np.float32) for name in ("given", "wanted")}


def tensors(one: Trainer) -> list[torch.Tensor]:
    return [p.detach().clone() for p in one.net.parameters()]


@pytest.mark.parametrize("other", ["nm", "hawq_v2(allocation=uniform)", "binary", "weight_change"])
def test_behind_a_part_with_a_last_word_it_is_refused_and_before_it_it_is_taken(other: str) -> None:
    name = other.partition("(")[0]
    with pytest.raises(
        UsageError,
        match=f"^parts: ema .*{name} .*: put ema first, before {name}$",
    ):
        recipe_of(bind(f"trained(parts=(clip, {other}, ema))", "method").kwargs)
    for parts in (f"(ema, {other})", "(clip, ema)", "(ema, ema(decay=0.9))"):
        recipe_of(bind(f"trained(parts={parts})", "method").kwargs)


def test_the_mean_follows_the_weights_by_its_formula() -> None:
    part, net = ema(0.15), scalar(1.0)
    part.after_step(net, 0, 9)
    assert part.mean["weight"].item() == 1.0
    set_to(net, 3.0)
    part.after_step(net, 1, 9)  # (1 + 1) / (10 + 1) is more than the decay, 0.15, which counts
    assert part.mean["weight"].item() == pytest.approx(0.15 * 1.0 + 0.85 * 3.0)
    part, net = ema(0.9), scalar(1.0)
    part.after_step(net, 0, 9)
    set_to(net, 3.0)
    part.after_step(net, 1, 9)  # at first the decay is that of the steps so far
    assert part.mean["weight"].item() == pytest.approx(2 / 11 * 1.0 + 9 / 11 * 3.0)


def test_a_validation_sees_the_mean_and_the_training_goes_on_from_the_weights() -> None:
    with_mean, plain = trainer("(ema(decay=0.9),)"), trainer("()")
    for step in range(3):
        with_mean.advance(batch(step))
        plain.advance(batch(step))
    before = tensors(with_mean)
    with with_mean.validated():
        assert not with_mean.net.training
        seen = tensors(with_mean)
    assert all(torch.equal(a, b) for a, b in zip(before, tensors(with_mean), strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(before, seen, strict=True))
    with_mean.advance(batch(3))
    plain.advance(batch(3))
    assert all(torch.equal(a, b) for a, b in zip(tensors(with_mean), tensors(plain), strict=True))
    with with_mean.validated():
        seen = tensors(with_mean)
    with_mean.finish()
    assert all(torch.equal(a, b) for a, b in zip(seen, tensors(with_mean), strict=True))


def test_a_training_that_goes_on_from_a_snapshot_has_the_mean_of_one_that_was_never_stopped() -> None:
    whole = trainer("(ema(decay=0.9),)")
    for step in range(2):
        whole.advance(batch(step))
    held = io.BytesIO(whole.snapshot()).getvalue()
    other = trainer("(ema(decay=0.9),)")
    other.resume(held)
    for one in (whole, other):
        for step in range(2, 4):
            one.advance(batch(step))
        one.finish()
    assert all(torch.equal(a, b) for a, b in zip(tensors(whole), tensors(other), strict=True))
