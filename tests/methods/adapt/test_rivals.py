"""EATA, SAR and CoTTA on a small network, and streams whose corruption changes."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.methods.adapt._adapting import StreamLearner, sure_enough
from noisebench.methods.adapt.cotta import CoTTA
from noisebench.methods.adapt.eata import EATA, fisher_information
from noisebench.methods.adapt.sar import SAR
from noisebench.methods.adapt.tent import Tent
from torch import nn

METHOD = bind("trained", "method", "classify")


def info() -> nb.Info:
    """What is told of one stream, whose draws begin anew."""
    return nb.Info({"classes": 3, "batch": 8}, b"a stream")


def network() -> nn.Module:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(2, track_running_stats=False)
    return nn.Sequential(nn.Conv2d(1, 2, 3), norm, nn.ReLU(), nn.Flatten(), nn.Linear(2 * 36, 3)).eval()


def begun(kind: Any, **how: Any) -> Any:
    """A method with that network, before its first batch."""
    made = kind(method=METHOD, **how)
    made.source = network().requires_grad_(False)
    made.information = None
    made.begin(info())
    return made


def batches(count: int) -> list[torch.Tensor]:
    return list(torch.rand((count, 8, 1, 8, 8), generator=torch.Generator().manual_seed(1)))


def said(method: Any, count: int = 3) -> torch.Tensor:
    return torch.cat([method.classify(batch, info()) for batch in batches(count)])


@pytest.mark.parametrize("kind", [EATA, SAR, CoTTA])
def test_a_batch_is_told_before_it_is_learned_from_and_a_stream_begins_anew(kind: Any) -> None:
    method = begun(kind, lr=0.1)
    first = said(method)
    assert torch.allclose(first[:8, 3:], network()(batches(1)[0]), atol=1e-6)
    assert first.shape == (24, 6)
    method.begin(info())
    assert torch.equal(said(method), first)


def test_without_its_rules_eata_and_sar_are_tent() -> None:
    tent = said(begun(Tent, lr=0.01))
    assert torch.allclose(said(begun(SAR, lr=0.01, below=1.0, rho=0.0, reset=0.0)), tent, atol=1e-5)
    one = begun(EATA, lr=0.01, below=1.0, margin=1.0)
    one._loss = lambda now: -(now.exp() * now).sum(dim=1).mean()
    assert torch.allclose(said(one), tent, atol=1e-6)


def test_eata_leaves_out_what_it_has_seen_and_what_is_unsure() -> None:
    method = begun(EATA, below=1.0, margin=0.4)
    sure = torch.tensor([[9.0, 0, 0]] * 2).log_softmax(dim=1)
    assert method._loss(sure) is not None and torch.allclose(method.mean, sure[0].exp())
    assert method._loss(sure) is None
    assert method._loss(torch.tensor([[0.0, 9, 0]]).log_softmax(dim=1)) is not None
    assert begun(EATA, below=0.1)._loss(torch.zeros(2, 3).log_softmax(dim=1)) is None


@pytest.mark.parametrize("count, whole", [(16, 128), (9, 64), (4, 32)], ids=["whole", "with a rest", "less than one"])
def test_the_fisher_information_is_the_mean_squared_gradient_of_whole_batches(count: int, whole: int) -> None:
    learner = StreamLearner(network().requires_grad_(False), 0.1)
    values = [one for group in learner.optimizer.param_groups for one in group["params"]]
    pictures = torch.cat(batches(count))
    found = fisher_information(learner.net, values, pictures)
    expected = [torch.zeros_like(one) for one in values]
    parts = pictures[:whole].split(64)
    for part in parts:
        logits = learner.net(part)
        gradients = torch.autograd.grad(nn.functional.cross_entropy(logits, logits.argmax(dim=1)), values)
        expected = [total + one**2 / len(parts) for total, one in zip(expected, gradients, strict=True)]
    assert all(torch.allclose(a, b) for a, b in zip(found, expected, strict=True))


def test_much_fisher_information_holds_the_network_where_it_was() -> None:
    moved = []
    for fisher in (0.0, 1e6):
        method = begun(EATA, lr=0.01, below=1.0, margin=1.0, fisher=fisher)
        method.information = [torch.ones_like(one) for one in method.first]
        said(method, 20)
        now = [one for group in method.learner.optimizer.param_groups for one in group["params"]]
        moved.append(sum(float((a - b).abs().sum().detach()) for a, b in zip(now, method.first, strict=True)))
    assert moved[1] < moved[0] / 2


def test_sar_begins_anew_where_one_class_is_said_of_all() -> None:
    method = begun(SAR, below=1.0, reset=100.0)
    learner = method.learner
    said(method, 1)
    assert method.learner is not learner and method.mean is None


def test_sure_enough_is_a_share_of_the_largest_entropy() -> None:
    half = torch.tensor([[0.5, 0.5, 1e-12]]).log()
    assert sure_enough(0.64)(half, half).all() and 0.62 < np.log(2) / np.log(3) < 0.64
    assert not sure_enough(0.62)(half, half).any()


def test_cotta_shifts_by_an_eighth_of_a_side_at_most_in_each_direction() -> None:
    method = begun(CoTTA)
    picture = torch.zeros(1, 1, 16, 16)
    picture[0, 0, 8, 8] = 1
    places = {divmod(int(method._view(picture).argmax()), 16) for _ in range(150)}
    assert {row for row, _ in places} == {6, 7, 8, 9, 10} and {column for _, column in places} == {*range(5, 11)}


def test_cotta_puts_all_weights_back_where_it_is_told_to() -> None:
    method = begun(CoTTA, lr=0.1, restored=1.0, views=2)
    said(method)
    assert all(torch.equal(a, b) for a, b in zip(method.net.parameters(), method.source.parameters(), strict=True))
    free = begun(CoTTA, lr=0.1, restored=0.0, kept=0.0, views=2)
    said(free)
    assert all(torch.equal(a, b) for a, b in zip(free.net.parameters(), free.teacher.parameters(), strict=True))


def test_a_changing_stream_brings_one_regime_after_the_other() -> None:
    spec = "changing(of=digits(n=20), regimes=(none, gaussian(sigma=100)), batch=10, rounds=2, streams=2)"
    data = nb.open_dataset(bind(spec, "dataset", "adapt"))
    item, other = data.load(0), data.load(1)
    assert len(item.pictures) == 40 and len(item.order) == 80
    assert [sorted(one) for one in item.order.reshape(4, 20)] == [[*range(20)], [*range(20, 40)]] * 2
    assert (item.order != other.order).any()
    noisy = [np.asarray(one.picture) for one in item.pictures[20:]]
    assert min(map(np.min, noisy)) == 0 and max(map(np.max, noisy)) == 1
    assert [one.label for one in item.pictures[:20]] == [one.label for one in item.pictures[20:]]
