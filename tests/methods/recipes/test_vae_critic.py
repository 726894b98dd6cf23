"""The VAE critic: its energies, who learns from what, and that it tells true shapes from other maps."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.parts.vae_critic import ShapeVAE, VAECritic
from noisebench.training.batches import training_batches
from noisebench.training.trainer import Trainer
from torch import nn

SHAPES = bind("ellipses(n=40, size=16, split=train)", "dataset", "segment")
CLASSES = len(nb.open_dataset(SHAPES).load(0).classes)


class Segmenter(nn.Module):
    """Logits of each pixel by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, CLASSES, 1)

    def forward(self, x: Any) -> Any:
        return self.layer(x)


def prepared(**given: Any) -> tuple[VAECritic, Segmenter, dict[str, Any]]:
    torch.manual_seed(0)
    part, net = VAECritic(shapes=SHAPES, **given), Segmenter()
    part.prepare(net, (1, 16, 16))
    batch = {"given": torch.rand(6, 1, 16, 16), "wanted": torch.zeros(6, 16, 16, dtype=torch.int64)}
    return part, net, batch


def added(part: VAECritic, net: nn.Module, batch: dict[str, Any]) -> Any:
    """What is added to a loss of 0."""
    part.batch(batch, 0, 10)
    net(batch["given"])
    return part.loss(net, torch.zeros(()), 0, 10)


def test_energy_is_the_mean_square_of_what_the_mean_code_changes() -> None:
    torch.manual_seed(0)
    critic, maps = ShapeVAE((CLASSES, 16, 24), 4, 5), torch.rand(3, CLASSES, 16, 24).softmax(dim=1)
    mean, _ = critic.code(critic.down(maps)).chunk(2, dim=1)
    again = critic.up(critic.decode(mean).reshape(3, *critic.small)).softmax(dim=1)
    torch.testing.assert_close(critic.energy(maps), (again - maps).square().mean(dim=(1, 2, 3)))


def test_the_divergence_of_codes_is_that_from_normal_noise() -> None:
    torch.manual_seed(0)
    critic, maps = ShapeVAE((CLASSES, 16, 16), 4, 5), torch.rand(3, CLASSES, 16, 16)
    mean, log_variance = critic.code(critic.down(maps)).chunk(2, dim=1)
    law = torch.distributions.Normal(mean, (log_variance / 2).exp())
    due = torch.distributions.kl_divergence(law, torch.distributions.Normal(0.0, 1.0)).sum(dim=1)
    torch.testing.assert_close(critic(maps)[1], due)


def test_the_segmenter_learns_from_the_energy_and_the_critic_does_not() -> None:
    part, net, batch = prepared(weight=3.0)
    term = added(part, net, batch)
    said = net(batch["given"]).softmax(dim=1)
    torch.testing.assert_close(term, 3 * part.critic.energy(said).mean())
    term.backward()
    assert net.layer.weight.grad is not None and float(net.layer.weight.grad.abs().sum()) > 0
    assert all(one.grad is None for one in part.critic.parameters())


def test_it_stands_beside_agreement_which_looks_at_copies_of_the_network() -> None:
    spec = (
        "trained(arch=unet(width=2, depth=2), objective=dice, parts=(vae_critic(shapes=ellipses(n=10, size=16, "
        "split=train), latent=4), agreement), data=boundary_noise(of=ellipses(n=20, size=16, split=train)), batch=4, "
        "steps=9, checks=1, validation=4)"
    )
    recipe = recipe_of(bind(spec, "method", "segment").kwargs)
    _, batches, _ = training_batches(recipe, get_track("segment"), 0)
    trainer = Trainer(recipe, batches.given, batches.wanted, 0, "cpu")
    assert all(np.isfinite(trainer.advance(batches(step))) for step in range(recipe.steps))
    (part,) = (one for one in trainer.parts if isinstance(one, VAECritic))
    assert {*part.figures()} == {"energy_true", "energy_said"}


def test_the_critic_learns_and_the_segmenter_does_not() -> None:
    part, net, batch = prepared()
    added(part, net, batch)
    before = [one.detach().clone() for one in (*part.critic.parameters(), *net.parameters())]
    part.after_step(net, 0, 10)
    after = [*part.critic.parameters(), *net.parameters()]
    changed = [not torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    inside = len(list(part.critic.parameters()))
    assert all(changed[:inside]) and not any(changed[inside:])


def test_true_shapes_come_to_have_less_energy_than_their_pixels_elsewhere() -> None:
    part, net, batch = prepared(lr=0.005, latent=8)
    for step in range(120):
        added(part, net, batch)
        part.after_step(net, step, 120)
    true = part._true_maps(40)
    shuffled = true.flatten(2)[:, :, torch.randperm(256)].reshape(true.shape)
    energies = [float(part.critic.energy(maps).mean().detach()) for maps in (true, shuffled)]
    assert energies[0] < 0.6 * energies[1]
    assert part.figures()["energy_true"] < part.figures()["energy_said"]
    again, _, _ = prepared(lr=0.005, latent=8)
    again.load(part.state())
    said = part.predicted
    torch.testing.assert_close(again.critic.energy(said), part.critic.energy(said))


def test_what_it_cannot_judge_is_refused() -> None:
    with pytest.raises(nb.UsageError, match=r"multiple of 8"):
        VAECritic(shapes=SHAPES).prepare(Segmenter(), (1, 15, 16))
    part, net, batch = prepared()
    with pytest.raises(nb.UsageError, match="segment"):
        part.batch({**batch, "wanted": torch.zeros(6, dtype=torch.int64)}, 0, 10)
    part.prepare(net, (1, 32, 32))
    with pytest.raises(nb.UsageError, match="smaller crop"):
        part.batch(batch, 0, 10)
