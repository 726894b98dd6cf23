"""`anagram`: views that lose nothing, what they are to show, how their noise is combined and weighed; its judges."""

from __future__ import annotations

import math
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.methods.generate._normal_classes import NormalClasses
from noisebench.methods.generate.anagram import Anagram, combined
from noisebench.tracks.generate import LatentBatch, Reference
from noisebench.tracks.generate.judges import shown
from noisebench.tracks.generate.scored import compared
from noisebench.tracks.generate.views import labels_of_views, view_of
from numpy.testing import assert_allclose

TRACK = get_track("generate")
MIXTURE = "mixture_digits(n=1, count={count}, reference=64, trained=600, labels=true)"
PICTURES = "pictures=mixture_digits(split=train, trained=600)"
AS_IS = bind("as_is", "protocol", "generate")
LAST = torch.tensor([8, 9])
NAMES = ("identity", "rot90", "rot180", "mirrored", "upside_down", "negative", "permuted")


def law_batch(count: int = 24) -> LatentBatch:
    item: LatentBatch = nb.open_dataset(bind(MIXTURE.format(count=count), "dataset", "generate")).load(0)
    return item


def opened(method: str) -> Any:
    runner = TRACK.open(bind(method, "method", "generate"))
    runner.setup("cpu")
    return runner


def sampled(method: str, item: LatentBatch) -> Any:
    case, runner = TRACK.pose(bind("none", "regime", "generate"), item, 0), opened(method)
    return runner.accept(runner.call(runner.prepare(case.given), case.info), case)


def agreement(samples: Any, item: LatentBatch, spec: str) -> Any:
    output = {"samples": np.asarray(samples, np.float32), "evaluations": None}
    bound = bind(f"view_agreement({spec})", "metric", "generate")
    case = TRACK.pose(bind("none", "regime", "generate"), item, 0)
    return TRACK.score(output, item, case, AS_IS, [bound])[bound.display]


# --------------------------------------------------------------------------------------------- views


@pytest.mark.parametrize("name", NAMES)
def test_a_view_turned_back_is_the_picture_and_no_length_changes(name: Any) -> None:
    pictures = np.random.default_rng(0).normal(size=(2, 3, 5, 5))
    view = view_of(name, 5, 5)
    assert np.array_equal(view.back(view.seen(pictures)), pictures)
    assert np.linalg.norm(view.seen(pictures)) == pytest.approx(np.linalg.norm(pictures))
    assert np.array_equal(view.seen(torch.from_numpy(pictures)).numpy(), view.seen(pictures))


def test_views_are_what_they_are_called() -> None:
    pictures = np.arange(2 * 3 * 4).reshape(1, 2, 3, 4)
    due = {
        "identity": pictures,
        "rot180": pictures[:, :, ::-1, ::-1],
        "mirrored": pictures[..., ::-1],
        "upside_down": pictures[:, :, ::-1],
        "negative": -pictures,
    }
    for name, picture in due.items():
        assert np.array_equal(view_of(name, 3, 4).seen(pictures), picture)  # type: ignore[arg-type]
    square = pictures[:, :, :3, :3]
    assert np.array_equal(view_of("rot90", 3, 3).seen(square), np.rot90(square, axes=(2, 3)))
    shuffled = view_of("permuted", 3, 4).seen(pictures)
    assert np.array_equal(np.sort(shuffled[0, 0], axis=None), np.arange(12)) and not np.array_equal(shuffled, pictures)
    assert np.array_equal(shuffled[0, 1], shuffled[0, 0] + 12)
    with pytest.raises(nb.Skip, match="quarter turn"):
        view_of("rot90", 3, 4)


def test_each_view_is_to_show_a_class_of_its_own() -> None:
    labels = np.arange(400) % 7 + 2
    found = labels_of_views(labels, 3)
    assert np.array_equal(found[0], labels)
    assert all(len(set(column)) == 3 for column in found.T)
    assert set(found.ravel()) == set(labels)
    counts = np.bincount(found[1], minlength=9)[2:]
    assert counts.min() > 35 and counts.max() < 85
    with pytest.raises(nb.Skip, match="3 views need"):
        labels_of_views(np.array([0, 1, 0]), 3)
    with pytest.raises(nb.Skip, match="labels=true"):
        labels_of_views(np.array([-1, 0, 1]), 2)


# ------------------------------------------------------------------------------------------- combining


@pytest.mark.parametrize(("rho", "plain"), [(0.0, 0.707), (0.3, 0.806), (0.8, 0.949)])
def test_rectified_noise_has_the_deviation_of_one_view(rho: float, plain: float) -> None:
    both = torch.randn(2, 3, 1, 200, 200, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    noise = torch.stack([both[0], rho * both[0] + math.sqrt(1 - rho**2) * both[1]])
    halves = torch.full((2, 3), 0.5)
    assert_allclose(combined(noise, halves, False).flatten(1).std(dim=1), plain, atol=0.01)
    for weights in (halves, torch.tensor([[0.2], [0.8]]).expand(2, 3)):
        assert_allclose(combined(noise, weights, True).flatten(1).std(dim=1), 1, atol=0.01)


def test_rectifying_keeps_what_views_agree_on_and_bounds_what_they_do_not() -> None:
    one = torch.randn(1, 1, 1, 40, 40, dtype=torch.float64)
    one = one / one.square().mean().sqrt()
    halves = torch.full((2, 1), 0.5)
    assert_allclose(combined(torch.cat([one, one]), halves, True), one[0], rtol=1e-9)
    against = torch.cat([3 * one, -one])
    assert_allclose(combined(against, halves, True), math.sqrt(2) * combined(against, halves, False), rtol=1e-9)


def test_a_view_by_itself_is_the_model() -> None:
    # Of a law that is the same in both views, each asks for the same noise.
    item = law_batch(8)
    x = torch.randn(8, 1, 8, 8, dtype=torch.float64)
    labels = torch.from_numpy(item.labels)
    model = opened("exact").instance
    one = Anagram(model=bind("exact", "method", "generate"), views=("identity", "identity"), balance=False,
                  combine="mean", pictures=None)  # fmt: skip
    one.setup("cpu")
    second = torch.from_numpy(labels_of_views(item.labels, 2)[1])
    due = (model.denoised(x, 0.5, labels) + model.denoised(x, 0.5, second)) / 2
    assert_allclose(one.denoised(x, 0.5, labels), due, atol=1e-9)
    assert_allclose(one.denoised(x, torch.full((8, 1, 1, 1), 0.5), labels), due, atol=1e-9)


def test_the_noise_of_a_view_is_turned_back() -> None:
    labels, x = torch.tensor([3, 5, 1]), torch.randn(3, 1, 8, 8, dtype=torch.float64)
    model = opened("exact").instance
    anagram = opened("anagram(model=exact, views=(identity, negative), combine=mean, balance=false)").instance
    second = torch.from_numpy(labels_of_views(labels.numpy(), 2)[1])
    due = (model.denoised(x, 1.0, labels) - model.denoised(-x, 1.0, second)) / 2
    assert_allclose(anagram.denoised(x, 1.0, labels), due, atol=1e-9)


# ------------------------------------------------------------------------------------------- balancing


def test_the_classifier_is_that_of_the_law_at_every_noise() -> None:
    item = nb.open_dataset(bind("mixture_digits(split=train, trained=4000)", "dataset", "generate"))
    classes = NormalClasses(bind("mixture_digits(split=train, trained=4000)", "dataset", "generate"), "cpu")
    pictures = torch.from_numpy(np.stack([item.load(i).picture for i in range(60)])).double()
    for sigma in (0.3, 1.5):
        x = pictures + sigma * torch.randn(
            pictures.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
        )
        law = law_batch().law
        assert law is not None
        logs = []
        for weight, mean, covariance in zip(law.weights, law.means, law.covariances, strict=True):
            off, total = x.flatten(1).numpy() - mean, covariance + sigma**2 * np.eye(64)
            quadratic = (off @ np.linalg.inv(total) * off).sum(axis=1)
            logs.append(np.log(weight) - 0.5 * (quadratic + np.linalg.slogdet(total)[1]))
        due = torch.from_numpy(np.stack(logs, axis=1)).softmax(dim=1)
        found = classes.shares(x, sigma)
        assert_allclose(found.sum(dim=1), 1)
        assert float((found - due).abs().mean()) < 0.01


def test_the_view_that_shows_less_weighs_more_and_the_more_so_the_less_noise_there_is() -> None:
    anagram = opened(f"anagram(model=exact, {PICTURES}, floor=0.25)").instance
    train = nb.open_dataset(bind("mixture_digits(split=train, trained=600)", "dataset", "generate"))
    shows = next(item for item in map(train.load, range(600)) if item.label == 3)
    clean = torch.from_numpy(shows.picture)[None].double()
    wanted = torch.tensor([[3], [8]])
    # Near no noise the first view shows its class for certain, the second does not: shares 1 and 0.25, to the power -2.
    assert_allclose(anagram._weights([clean, clean], 1e-6, wanted).flatten(), [1 / 17, 16 / 17], rtol=1e-3)
    far = anagram._weights([clean, clean], 1e6, wanted).flatten()
    assert_allclose(far, [0.5, 0.5], atol=0.02)


def test_one_class_that_is_asked_for_is_no_anagram() -> None:
    anagram = opened("anagram(model=exact, balance=false)").instance
    with pytest.raises(nb.Skip, match="labels=true"):
        anagram.denoised(torch.zeros(1, 1, 8, 8), 1.0, None)
    small = "mixture_patches(split=train, trained=80)"
    with pytest.raises(nb.Skip, match="class 9 is not among those"):
        opened(f"anagram(model=exact, pictures={small})").instance.denoised(torch.zeros(2, 1, 8, 8), 1.0, LAST)
    with pytest.raises(nb.Skip, match="name other pictures"):
        opened(f"anagram(model=exact, {PICTURES})").instance.denoised(torch.zeros(2, 1, 4, 6), 1.0, LAST)
    with pytest.raises(nb.UsageError, match=r"mixture_digits .*name digits\(split=train\)"):
        opened("anagram(model=exact, pictures=mixture_digits)")


# ---------------------------------------------------------------------------------------------- judges


@pytest.mark.parametrize("judge", ["neighbours", "convolutions"])
def test_judges_know_the_digits(judge: Any) -> None:
    item = nb.open_dataset(bind("digits(n=1, count=8)", "dataset", "generate")).load(0)
    reference = compared(item.reference, AS_IS)
    assert (shown(judge, reference.rows, item.shape, reference) == item.reference.labels).mean() > 0.97


def test_agreement_counts_views_samples_and_the_worst_view() -> None:
    item = law_batch(10)
    train = item.reference.trained
    assert train is not None and item.reference.trained_labels is not None and item.labels is not None
    first, second = labels_of_views(item.labels, 2)
    of = {label: train[np.flatnonzero(item.reference.trained_labels == label)[0]] for label in range(10)}
    upright = np.stack([of[label] for label in first])
    turned = np.stack([of[label][:, ::-1, ::-1] for label in second])
    found = [agreement(upright, item, f"over={over}") for over in ("mean", "least", "all")]
    other = [agreement(turned, item, f"over={over}") for over in ("mean", "least", "all")]
    assert found[0] == pytest.approx(0.5 + found[1] / 2) and found[1] == found[2] < 0.4
    assert other[0] == pytest.approx(0.5 + other[1] / 2)
    mixed = np.concatenate([upright[:6], turned[6:]])
    assert agreement(mixed, item, "over=least") <= agreement(mixed, item, "over=mean")
    assert agreement(mixed, item, "over=all") <= agreement(mixed, item, "over=least")


def test_agreement_of_views_is_not_defined_without_classes() -> None:
    plain = LatentBatch("batch-000", 4, Reference(np.zeros((2, 1, 2, 3), np.float32)))
    assert math.isnan(agreement(np.zeros((4, 1, 2, 3)), plain, ""))
    item = law_batch(4)
    assert item.labels is not None
    one = LatentBatch("batch-000", 4, item.reference, np.zeros(4, np.int64))
    assert "2 classes" in agreement(np.zeros((4, 1, 8, 8)), one, "").reason


def test_two_digits_are_read_from_one_picture() -> None:
    item = law_batch(60)
    spec = "euler(model={}, steps=15, most=15)"
    both = sampled(spec.format(f"anagram(model=guided(model=exact, weight=4), {PICTURES})"), item)
    alone = sampled(spec.format("exact"), item)
    assert both["evaluations"] == 15 * 2 * 2 and alone["evaluations"] == 15
    assert agreement(both["samples"], item, "over=all") > 0.5 > 0.2 > agreement(alone["samples"], item, "over=all")
