"""An adversarial generator: its training, the search for a latent, projection, and what it adds to a rare class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from given_trainings import give_training
from noisebench.components.registry import bind
from noisebench.datasets.classify._arrays import LabelledArrays
from noisebench.datasets.classify._generator import trained_generator
from noisebench.planning.cells import method_flags
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.archs.generator import Generator, Search
from noisebench.recipes.parts._adversary import Adversary
from noisebench.track.info import Info
from noisebench.training.trainer import Trainer

HOW = "crop=8, batch=4, validation=2, checks=1, precision=float32, data='rim_lesions(split=train, n=9, size=12)'"
GENERATOR = (
    "trained(arch=generator(latent=3, width=2, steps=2), objective=adversarial, "
    f"parts=(discriminator(width=2), ema), {HOW}, steps=6)"
)
SHAPE = (1, 8, 8)


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def draws() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def opened(spec: str) -> Any:
    return nb.open_dataset(bind(spec, "dataset", "classify"))


def generator(shape: tuple[int, ...] = SHAPE, **how: Any) -> Generator:
    torch.manual_seed(0)
    return Generator(shape, shape, **{"latent": 3, "width": 2, **how})


def adversary(shift: int = 0) -> Adversary:
    torch.manual_seed(1)
    return Adversary(SHAPE, 4, shift)


def trainer(spec: str = GENERATOR, seed: int = 7) -> Trainer:
    return Trainer(recipe_of(bind(spec, "method").kwargs), SHAPE, SHAPE, seed, "cpu")


def a_batch(step: int) -> dict[str, Any]:
    clean = draw(4, *SHAPE, seed=step).sigmoid().numpy()
    return {"given": clean, "wanted": clean}


# ---- the generator and its law


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 13, 13), (1, 5, 5), (2, 32, 32)])
def test_pictures_are_of_the_size_it_was_made_for(shape: tuple[int, ...]) -> None:
    made = generator(shape).drawn(2, draws())
    assert made.shape == (2, *shape)
    torch.testing.assert_close(generator(shape).drawn(2, draws()), made)


def test_draws_have_the_noise_it_has_learned_and_pictures_none() -> None:
    net = generator((1, 32, 32))
    net.spread.data.fill_(-1.0)
    w = net.mapping(draw(1, 3)).expand(200, -1)
    torch.manual_seed(0)
    with torch.no_grad():
        assert float(net.pictures(w).std(dim=0).max()) < 1e-6
        for parameter in net.styles.parameters():
            parameter.zero_()
        assert float(net.drawn(200).std(dim=0).mean()) == pytest.approx(float(F.softplus(torch.tensor(-1.0))), rel=0.02)


def test_its_law_is_that_of_its_latents() -> None:
    net = generator(latent=4)
    mean, root = net.law()
    with torch.no_grad():
        w = net.mapping(draw(40_000, 4, seed=3))
    assert float((w.mean(dim=0) - mean).abs().max()) < 0.03
    torch.testing.assert_close(root @ root.T, torch.cov(w.T), atol=0.02, rtol=0.05)


# ---- the search


def test_the_rate_rises_and_falls_and_noise_is_gone_after_three_quarters() -> None:
    search = Search(steps=100, lr=0.2, jitter=0.05)
    assert search.rate(0) == pytest.approx(0.04) and search.rate(5) == search.rate(74) == pytest.approx(0.2)
    assert search.rate(87) == pytest.approx(0.2 * (1 - np.cos(np.pi * 0.52)) / 2)
    assert search.rate(74) > search.rate(87) > search.rate(99) > 0
    assert search.moved(0) == 0.05 and search.moved(30) == pytest.approx(0.05 * 0.36)
    assert search.moved(75) == search.moved(99) == 0


def test_what_it_made_is_found_again_and_other_pictures_in_a_batch_change_nothing() -> None:
    net = generator()
    mean, root = net.law()
    with torch.no_grad():
        made = net.pictures(mean + draw(3, 3) / 2 @ root.T)
        middle = net.pictures(mean[None])
    search = Search(steps=150, jitter=0.0, prior=0.0)
    found = net.projected(made, search, draws())
    assert float((found - made).square().mean()) < 1e-2 * float((middle - made).square().mean())
    torch.testing.assert_close(net.projected(made[1:2], search, draws()), found[1:2], atol=1e-4, rtol=0)


def test_a_strong_prior_leaves_the_mean_latent_and_none_the_nearest() -> None:
    net = generator()
    mean, _ = net.law()
    far = 1 + draw(2, *SHAPE)
    held = net.projected(far, Search(steps=60, jitter=0.0, prior=1e6), draws())
    torch.testing.assert_close(held, net.pictures(mean[None]).expand_as(held), atol=2e-3, rtol=0)
    errors = [
        float((net.projected(far, Search(steps=60, jitter=0.0, prior=prior), draws()) - far).square().mean())
        for prior in (0.0, 30.0, 1e6)
    ]
    assert errors[0] < errors[1] < errors[2]


def test_the_loss_is_that_of_noise_of_the_strength_that_makes_it_likeliest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a linear maker, k = 1 of D values, the search ends where the derivative of the posterior is 0."""
    net = generator(latent=1)
    direction = draw(1, *SHAPE, seed=2)
    monkeypatch.setattr(net, "pictures", lambda w: w[:, :, None, None] * direction)
    mean, root = net.law()
    x = draw(1, *SHAPE, seed=4) + 2 * direction
    made = net.projected(x, Search(steps=600, jitter=0.0), draws())
    w = float((made * direction).sum() / direction.square().sum())
    place = (w - float(mean)) / float(root)
    slope = 64 * float(((made - x) * direction).sum()) * float(root) / float((made - x).square().sum())
    assert slope + place == pytest.approx(0, abs=0.02)
    assert abs(place) > 0.1


# ---- the discriminator


def test_true_pictures_slope_is_what_r1_adds() -> None:
    net, true, made = adversary(), draw(4, *SHAPE).sigmoid(), draw(4, *SHAPE, seed=1).sigmoid()
    leaf = true.clone().requires_grad_()
    (slope,) = torch.autograd.grad(net(leaf).sum(), leaf)
    added = net.mistakes(true, made, 3.0) - net.mistakes(true, made, 0.0)
    assert added.item() == pytest.approx(1.5 * float(slope.square().sum()) / 4, rel=1e-4)
    assert net.mistakes(true, made, 0.0).item() == pytest.approx(
        (F.softplus(-net(true)).mean() + F.softplus(net(made)).mean()).item(), rel=1e-5
    )


def test_maker_and_discriminator_leave_each_other_alone() -> None:
    net, made = adversary(), draw(4, *SHAPE).requires_grad_()
    net.doubt(made).backward()
    assert made.grad is not None and all(p.grad is None and p.requires_grad for p in net.parameters())
    made.grad = None
    net.mistakes(draw(4, *SHAPE, seed=1), made, 1.0).backward()
    assert made.grad is None and all(p.grad is not None for p in net.parameters())


def test_pictures_are_moved_each_by_itself_with_their_edges_repeated() -> None:
    true = draw(6, *SHAPE)
    torch.manual_seed(0)
    moved = adversary(shift=2)._moved(true)
    padded = F.pad(true, (2, 2, 2, 2), mode="replicate")
    places = set()
    for item in range(6):
        fits = [
            (down, across)
            for down in range(5)
            for across in range(5)
            if torch.equal(padded[item, :, down : down + 8, across : across + 8], moved[item])
        ]
        assert len(fits) == 1
        places.update(fits)
    assert len(places) > 2
    assert adversary()._moved(true) is true


# ---- the recipe


def test_both_learn_in_turn_and_a_stopped_training_goes_on_as_if_it_was_not() -> None:
    whole, first = trainer(), trainer()
    before = [p.clone() for p in whole.parts[0].network.parameters()]
    for step in range(6):
        assert np.isfinite(whole.advance(a_batch(step)))
    assert any(not torch.equal(a, b) for a, b in zip(before, whole.parts[0].network.parameters(), strict=True))
    for step in range(3):
        first.advance(a_batch(step))
    second = trainer(seed=7)
    second.resume(first.snapshot())
    for step in range(3, 6):
        second.advance(a_batch(step))
    assert second.weights() == whole.weights()
    for a, b in zip(whole.parts[0].network.parameters(), second.parts[0].network.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_discriminator_is_in_the_snapshot_and_not_in_the_weights() -> None:
    one = trainer()
    assert set(one.net.state_dict()) == set(generator().state_dict())
    assert set(one.parts[0].state()) == {"network", "optimizer"}


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (f"trained(arch=generator(width=2), objective=adversarial, {HOW}, steps=1)", "give parts=discriminator"),
        (f"trained(arch=dncnn(depth=2, width=2), objective=adversarial, {HOW}, steps=1)", "arch=generator"),
        (f"trained(arch=dncnn(depth=2, width=2), parts=discriminator, {HOW}, steps=1)", "arch=generator"),
    ],
)
def test_what_does_not_go_together_is_refused(spec: str, why: str) -> None:
    with pytest.raises(nb.UsageError, match=why):
        trainer(spec).advance(a_batch(0))


# ---- the method


@pytest.fixture
def projection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`generator_projection` whose training this process has; takes what else it is told."""
    monkeypatch.setenv("NOISEBENCH_TRAINED", "{}")
    one = trainer()
    give_training(tmp_path, GENERATOR, one, "restore", SHAPE, SHAPE)

    def made(words: str = "") -> nb.Restorer:
        restorer = nb.Restorer(bind(f"generator_projection(method={GENERATOR}, steps=5{words})", "method"))
        restorer.setup("cpu")
        return restorer

    return made


def test_larger_pictures_are_projected_in_squares_in_each_channel(projection: Any) -> None:
    noisy = draw(19, 11, 3).sigmoid().numpy()
    whole = projection(", jitter=0").restore(noisy, Info({}), noisy.shape)
    assert whole.shape == noisy.shape
    one = projection(", jitter=0").restore(noisy[:, :, 1:2], Info({}), (19, 11, 1))
    np.testing.assert_allclose(one, whole[:, :, 1:2], atol=1e-5)
    corner = projection(", jitter=0").restore(noisy[:8, :8], Info({}), (8, 8, 3))
    np.testing.assert_allclose(corner[:4, :3], whole[:4, :3], atol=1e-5)


def test_what_is_smaller_than_the_generator_makes_is_skipped(projection: Any) -> None:
    with pytest.raises(nb.Skip, match="8×8 pixels, more than 7×20"):
        projection().restore(np.zeros((7, 20, 1), np.float32), Info({}))


def test_draws_are_of_the_picture_and_steps_are_told(projection: Any) -> None:
    noisy, told = draw(8, 8, 1).sigmoid().numpy(), []
    one, again = (projection().restore(noisy, Info({}, key=b"a")) for _ in range(2))
    np.testing.assert_array_equal(one, again)
    assert np.abs(projection().restore(noisy, Info({}, key=b"b")) - one).max() > 0
    projection().restore(noisy, Info({}).heard_by(lambda done, of: told.append((done, of))))
    assert told == [(step, 5) for step in range(5)]


def test_it_is_of_generators_alone_and_says_what_it_was_trained_on() -> None:
    with pytest.raises(nb.UsageError, match="generator_projection takes trained"):
        method_flags(bind("generator_projection(method=trained)", "method"))
    flags = method_flags(bind(f"generator_projection(method={GENERATOR})", "method"))
    assert flags["blind"] and list(flags["trained_on"]) == ["rim_lesions(n=9, size=12, split=train)"]


# ---- more of a rare class

RINGS = "rim_lesions(split=train, n=20, rims=0.5, kind=rim, size=12)"
SMALL = "arch=generator(latent=3, width=2), steps=4"


def test_a_generator_learns_the_brightness_and_the_noise_of_a_set() -> None:
    rng = np.random.default_rng(0)
    flat = 0.3 + 0.4 * rng.random((200, 1, 1, 1)) + 0.1 * rng.standard_normal((200, 1, 8, 8))
    held = LabelledArrays(flat.astype(np.float32), np.zeros(200, np.int64), ("flat",), ("a brightness each",))
    net = trained_generator(held, bind("generator(latent=2, width=4)", "arch"), 500, 0, "it")
    made = net.drawn(300, draws())
    means = made.mean(dim=(1, 2, 3))
    assert float(means.mean()) == pytest.approx(0.5, abs=0.06)
    assert float(means.std()) == pytest.approx(0.4 / 12**0.5, abs=0.05)
    assert float((made - made.mean(dim=(2, 3), keepdim=True)).std()) == pytest.approx(0.1, abs=0.03)


def test_generated_pictures_are_of_the_class_and_of_their_seed() -> None:
    one, again, other = (opened(f"generated(of={RINGS}, n=3, {SMALL}, seed={seed})") for seed in (0, 0, 1))
    items = [one.load(i) for i in range(3)]
    assert [item.label for item in items] == [1] * 3 and items[0].picture.shape == (12, 12)
    assert np.abs(items[0].picture - items[1].picture).max() > 0
    np.testing.assert_array_equal(again.load(2).picture, items[2].picture)
    assert np.abs(other.load(2).picture - items[2].picture).max() > 0
    with pytest.raises(nb.UsageError, match="2 classes: give pictures of one"):
        opened(f"generated(of='rim_lesions(split=train, n=40, rims=0.5)', {SMALL})")


def test_projected_pictures_keep_labels_and_energy() -> None:
    discs = "rim_lesions(n=8, rims=0.5, kind=disc, size=12)"
    after = opened(f"generator_projected(of={discs}, onto={RINGS}, {SMALL}0, search=3)")
    before = opened(discs)
    items = [after.load(i) for i in range(len(before.ids))]
    assert {item.label for item in items} == {0}
    assert [item.id for item in items] == [f"{name}_projected" for name in before.ids]
    assert all(item.picture.shape == (12, 12) for item in items)
    taken = after._planes - after._nearest
    given_back = np.stack([item.picture for item in items])[:, None] - after._nearest
    assert given_back.std() == pytest.approx(taken.std(), rel=0.15)
    with pytest.raises(nb.UsageError, match="those of rim_lesions"):
        opened(f"generator_projected(of=rim_lesions, onto={RINGS}, {SMALL})")


def test_networks_of_another_kind_are_refused() -> None:
    with pytest.raises(nb.UsageError, match="arch=generator"):
        opened(f"generated(of={RINGS}, arch=unet(width=4, depth=1))")
