"""DivideMix: each network is told by the other which labels are right, and learns what the formulas say."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.archs.twins import Twins
from noisebench.recipes.objectives.divide_mix import divide_mix, targets
from noisebench.recipes.parts._noise_detectors import low_mode
from noisebench.recipes.parts.co_divide import CoDivide, losses_of
from noisebench.training.batches import training_batches
from noisebench.training.trainer import Trainer

GIVEN, CLASSES = (1, 2, 2), 3


def twins() -> Twins:
    torch.manual_seed(0)
    return Twins(GIVEN, (CLASSES,), of=bind("mlp(hidden=(8,))", "arch"))


def batch(count: int = 12) -> dict[str, Any]:
    drawn = torch.Generator().manual_seed(1)
    return {
        "given": torch.rand(count, *GIVEN, generator=drawn),
        "wanted": torch.randint(0, CLASSES, (count,), generator=drawn),
        "truth": torch.zeros(count, dtype=torch.int64),
        "index": torch.arange(count) + 40,
    }


def test_each_network_is_told_the_posterior_of_the_other() -> None:
    net, seen = twins(), batch()
    part = CoDivide(warmup=1)
    part.prepare(net)
    assert "clean" not in part.batch(seen, 0, 10)
    told = part.batch(seen, 1, 10)["clean"]
    first, second = (low_mode(losses_of(one, seen["given"], seen["wanted"])) for one in net.both)
    np.testing.assert_allclose(told.numpy(), np.stack([second, first]), atol=1e-6)
    assert not np.allclose(first, second)


def test_labels_are_refined_by_the_network_and_guessed_by_both_and_sharpened() -> None:
    labels, clean = torch.tensor([0, 1]), torch.tensor([0.75, 0.25])
    own = torch.tensor([[0.2, 0.6, 0.2], [0.1, 0.1, 0.8]])
    both = torch.tensor([[0.3, 0.3, 0.4], [0.2, 0.2, 0.6]])
    found = targets(labels, clean, clean >= 0.5, own, both, temperature=0.5)
    # 0.75 (1, 0, 0) + 0.25 (0.2, 0.6, 0.2) = (0.8, 0.15, 0.05), squared and normalised; the other is that of both.
    due = torch.tensor([[0.64, 0.0225, 0.0025], [0.04, 0.04, 0.36]])
    torch.testing.assert_close(found, due / due.sum(dim=1, keepdim=True))


@pytest.mark.parametrize("clean", [1.0, 0.0])
def test_the_loss_is_that_of_the_formula(clean: float) -> None:
    """All labels kept, or none; the mixing is drawn again by the same numbers."""
    net, seen = twins(), batch() | {"clean": torch.full((2, 12), clean)}
    torch.manual_seed(5)
    found = divide_mix(net, seen)
    torch.manual_seed(5)
    p = [one(seen["given"]).softmax(dim=1).detach() for one in net.both]
    powers = ((p[0] + p[1]) / 2) ** 2
    wanted = F.one_hot(seen["wanted"], CLASSES).float() if clean else powers / powers.sum(dim=1, keepdim=True)
    due = torch.zeros(())
    for one in net.both:
        drawn = torch.distributions.Beta(4.0, 4.0).sample()
        share, other = float(max(drawn, 1 - drawn)), torch.randperm(12)
        logits = one(share * seen["given"] + (1 - share) * seen["given"][other])
        mixed, q = share * wanted + (1 - share) * wanted[other], logits.softmax(dim=1)
        own = -(mixed * q.log()).sum(dim=1).mean() if clean else 25 * (q - mixed).square().mean()
        mean = q.mean(dim=0)
        due = due + own + (1 / CLASSES * (1 / CLASSES / mean).log()).sum()
    torch.testing.assert_close(found, due)


def test_before_anything_is_told_both_learn_the_labels_as_they_are() -> None:
    net, seen = twins(), batch()
    due = sum(F.cross_entropy(one(seen["given"]), seen["wanted"]) for one in net.both)
    torch.testing.assert_close(divide_mix(net, seen), due)


def test_a_training_with_flipped_labels_tells_them_apart_and_goes_on_after_a_stop() -> None:
    spec = (
        "trained(data=flipped_labels(of=digits(split=train, n=600), share=0.3), arch=twins(of=mlp(hidden=(32,))), "
        "optimizer=adamw(lr=0.01), objective=divide_mix, parts=co_divide(warmup=3), batch=50, steps=72, checks=1, "
        "validation=20)"
    )
    recipe = recipe_of(bind(spec, "method", "classify").kwargs)
    _, batches, _ = training_batches(recipe, get_track("classify"), 0)
    trainer = Trainer(recipe, batches.given, batches.wanted, 0, "cpu")
    for step in range(recipe.steps):
        trainer.advance(batches(step))
    (part,) = (one for one in trainer.parts if isinstance(one, CoDivide))
    assert part.figures()["clean_auroc"] > 0.9
    again = CoDivide(warmup=3)
    again.prepare(twins())
    again.load(part.state())
    assert again.clean == part.clean and again.epochs == part.epochs and again.since == part.since


def test_one_network_is_refused() -> None:
    with pytest.raises(nb.UsageError, match="arch=twins"):
        CoDivide().prepare(torch.nn.Flatten())
    with pytest.raises(nb.UsageError, match="arch=twins"):
        divide_mix(torch.nn.Flatten(), batch())
