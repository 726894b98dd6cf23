"""Detection of attacked pictures: expected perturbation scores, their rivals, and metrics of sets of two classes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import registry
from noisebench.methods.classify import _deep_kernel
from noisebench.methods.classify._deep_kernel import DeepKernel
from noisebench.methods.classify._gaussian_kernel import GaussianKernel
from noisebench.methods.classify._perturbation import Perturbed, kept
from noisebench.tracks.classify import LabelledPicture
from noisebench.tracks.classify.detection import area_under_roc
from noisebench.tracks.classify.set_metrics import AnswerCollector
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KernelDensity

NET = "trained(arch=mlp(hidden=(16,)), steps=30, checks=1, seed=0)"
SET = f"natural_and_attacked(of=digits(n=20), by={NET}, eps=0.05, steps=5)"
FEW = "references=100"


@pytest.fixture(autouse=True)
def components() -> Iterator[None]:
    """A law of which scores are known, a classifier of one layer, and a detector, forgotten again after."""

    @nb.method("of_a_ball", track="generate")
    class OfABall:
        """Pictures of variance 0.25 about 0."""

        def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
            return x * 0.25 / (0.25 + sigma**2)

    @nb.method("one_layer", track="classify")
    class OneLayer:
        def __init__(self) -> None:
            self.net = torch.nn.Linear(64, 10)

        def setup(self, device: Any) -> None:
            with torch.no_grad():
                self.net.weight.copy_(torch.randn(10, 64, generator=torch.Generator().manual_seed(0)))
                self.net.bias.zero_()

        def classify(self, picture: Any, info: Any) -> Any:
            assert info.classes == 10
            return self.net(picture.flatten(1))

    @nb.method("by_brightness", track="classify", layout="hwc")
    def by_brightness(picture: Any, info: Any) -> Any:
        assert info.sample is None
        return np.array([0.0, *[picture.mean()] * (info.classes - 1)], np.float32)

    yield
    del registry("method", "generate")._entries["of_a_ball"]
    for name in ("one_layer", "by_brightness"):
        del registry("method", "classify")._entries[name]


def ready(spec: str) -> Any:
    made = nb.Classifier(nb.bind(spec, "method", "classify"))
    made.setup("cpu")
    return made


def pictures_of(spec: str) -> tuple[Any, Any]:
    dataset = nb.open_dataset(nb.bind(spec, "dataset", "classify"))
    items = [dataset.load(index) for index in range(len(dataset.ids))]
    return np.stack([item.picture for item in items]), np.array([item.label for item in items])


# ---- metrics of sets


def test_a_detector_is_scored_over_all_pairs_of_pictures_and_sees_pictures_alone() -> None:
    result = nb.evaluate("by_brightness", SET, "none", track="classify", metrics=["accuracy", "auroc", "fpr95"])
    pictures, labels = pictures_of(SET)
    found = result.record.cell.sets
    assert found["auroc"].value == pytest.approx(roc_auc_score(labels, pictures.mean(axis=(1, 2))), abs=1e-9)
    assert (found["auroc"].higher, found["fpr95"].higher, found["auroc"].n) == (True, False, 40)
    low, high = found["auroc"].interval
    assert low < found["auroc"].value < high
    half = norm.ppf(0.975) * found["auroc"].error
    assert found["auroc"].value - low == pytest.approx(half, rel=1e-4)


def test_of_more_classes_or_of_one_there_is_no_area(tmp_path: Path) -> None:
    result = nb.evaluate("uniform", "digits(n=5)", "none", track="classify", metrics=["auroc"])
    part = result.record.cell.sets["auroc"]
    assert part.value is None and "two classes" in part.note and "10" in part.note
    one = AnswerCollector({"auroc": {}}, tmp_path, 0, protocol=nb.bind("softmax", "protocol", "classify"))
    one.take(np.zeros(2), LabelledPicture("a", np.zeros((2, 2)), 1, ("x", "y")))
    one.take(np.zeros(2), LabelledPicture("b", np.zeros((2, 2)), -1, ("x", "y"), annotated=0))
    part = one.score()["auroc"]
    assert part["value"] is None and "0 pictures" in part["note"] and "1 of the second" in part["note"]


def test_what_was_taken_before_counts_as_if_it_had_just_been(tmp_path: Path) -> None:
    protocol, rng = nb.bind("softmax", "protocol", "classify"), np.random.default_rng(0)
    items = [LabelledPicture(str(i), np.zeros((2, 2)), i % 2, ("x", "y")) for i in range(12)]
    outputs = rng.normal(size=(12, 2))
    whole = AnswerCollector({"auroc": {}, "fpr95": {}}, tmp_path, 0, protocol=protocol)
    taken = [whole.take(output, item) for output, item in zip(outputs, items, strict=True)]
    resumed = AnswerCollector({"auroc": {}, "fpr95": {}}, tmp_path, 0, protocol=protocol, taken=taken[:7])
    for output, item in zip(outputs[7:], items[7:], strict=True):
        resumed.take(output, item)
    assert resumed.score() == whole.score()
    due = roc_auc_score(np.arange(12) % 2, outputs[:, 1] - outputs[:, 0])
    assert whole.score()["auroc"]["value"] == pytest.approx(due)


# ---- pictures


def test_each_picture_is_there_as_it_is_and_attacked_within_its_radius() -> None:
    natural, labels = pictures_of("digits(n=20)")
    dataset = nb.open_dataset(nb.bind(SET, "dataset", "classify"))
    pictures, said = pictures_of(SET)
    assert said.tolist() == [0] * 20 + [1] * 20 and len({*dataset.ids}) == 40
    assert dataset.load(3).group == dataset.load(23).group != dataset.load(4).group
    assert dataset.load(0).classes == ("natural", "attacked")
    np.testing.assert_array_equal(pictures[:20], natural)
    change = pictures[20:] - natural
    assert 0.04 < np.abs(change).max() <= 0.05 + 1e-6 and pictures.min() >= 0 and pictures.max() <= 1
    net = nb.learned(nb.bind(NET, "method", "classify"), 0, "test").net
    logits = [net(torch.from_numpy(one.reshape(-1, 1, 8, 8))).numpy() for one in (natural, pictures[20:])]
    own = [one[np.arange(20), labels] - logsumexp(one, axis=1) for one in logits]
    assert (own[1] < own[0]).all()


def test_what_the_classifier_is_not_for_is_refused() -> None:
    with pytest.raises(nb.UsageError, match=r"is for 10 classes of pictures \(1, 8, 8\)"):
        pictures_of(f"natural_and_attacked(of=blockdigits(of=digits(n=5)), by={NET})")
    with pytest.raises(nb.UsageError, match=r"natural_and_attacked: uniform .*give trained\("):
        pictures_of("natural_and_attacked(of=digits(n=5), by=uniform)")


# ---- scores


def test_the_normal_law_is_the_exact_model_of_its_moments() -> None:
    generate = nb.get_track("generate")
    ours, exact = (
        generate.open(nb.bind(spec, "method", "generate"))
        for spec in ("normal_law(of=gaussian_digits)", "exact(of=gaussian_digits)")
    )
    for one in (ours, exact):
        one.setup("cpu")
    x = torch.randn(5, 1, 8, 8, dtype=torch.float64)
    sigma = torch.tensor([0.01, 0.1, 1.0, 5.0, 80.0], dtype=torch.float64)[:, None, None, None]
    torch.testing.assert_close(ours.instance.denoised(x, sigma, None), exact.instance.denoised(x, sigma, None))
    fitted = generate.open(nb.bind("normal_law", "method", "generate"))
    fitted.setup("cpu")
    rows = pictures_of("digits(split=train)")[0].reshape(-1, 64).astype(np.float64) * 2 - 1
    covariance, off = np.cov(rows.T), x[0].flatten().numpy() - rows.mean(axis=0)
    due = rows.mean(axis=0) + covariance @ np.linalg.solve(covariance + 0.25 * np.eye(64), off)
    np.testing.assert_allclose(fitted.instance.denoised(x[:1], 0.5, None).flatten().numpy(), due, atol=1e-6)
    with pytest.raises(nb.Skip, match="normal_law is of pictures"):
        fitted.instance.denoised(torch.zeros(1, 1, 4, 4), 1.0, None)


def test_what_is_left_of_a_picture_is_that_of_a_thousand_discrete_steps() -> None:
    rates = np.linspace(0.1, 20, 1001)
    for time in (1, 5, 20, 1000):
        steps = (rates[:time] + rates[1 : time + 1]) / 2 / 1000
        assert kept(time) == pytest.approx(math.exp(-steps.sum()), rel=1e-9)
    assert math.sqrt(1 - kept(20)) == pytest.approx(0.0772, abs=1e-4)


def test_scores_are_of_pictures_on_the_scale_of_the_model_and_a_mean_over_times() -> None:
    pictures = np.random.default_rng(0).uniform(size=(3, 1, 2, 2)).astype(np.float32)
    clean = 2 * pictures.reshape(3, -1).astype(np.float64) - 1
    law = nb.bind("of_a_ball", "method", "generate")

    def rows(times: Any) -> Any:
        one = Perturbed(law, times)
        one.setup("cpu")
        return one.rows(pictures, np.random.default_rng(7))

    def score(time: int, noise: Any) -> Any:
        a = kept(time)
        return -(math.sqrt(a) * clean + math.sqrt(1 - a) * noise) / (a * 0.25 + 1 - a)

    noise = np.random.default_rng(7).standard_normal((2, 3, 4))
    np.testing.assert_allclose(rows([20]), score(20, noise[0]), rtol=1e-9)
    np.testing.assert_allclose(rows([5, 900]), (score(5, noise[0]) + score(900, noise[1])) / 2, rtol=1e-9)
    many = rows([20] * 4000)
    np.testing.assert_allclose(many, score(20, 0), atol=0.03)


def test_the_width_is_of_references_alone_and_none_is_its_own_neighbour() -> None:
    rows = np.random.default_rng(0).normal(size=(30, 5))
    kernel = GaussianKernel(rows)
    apart = [float(np.sum((rows[i] - rows[j]) ** 2)) for i in range(30) for j in range(30) if i != j]
    assert kernel.twice == pytest.approx(2 * np.median(apart))
    k = np.exp([[-np.sum((a - b) ** 2) / kernel.twice for b in rows] for a in rows])
    np.testing.assert_allclose(kernel.among(), -np.log((k.sum(axis=1) - 1) / 29))
    other = np.random.default_rng(1).normal(size=(2, 5))
    near = np.exp([[-np.sum((a - b) ** 2) / kernel.twice for b in rows] for a in other]).mean(axis=1)
    np.testing.assert_allclose(kernel.away(other), -np.log(near))
    # The squared discrepancy 1 - 2 m + c falls with the mean kernel m; far away it is 1 + c in numbers.
    far = kernel.away(np.stack([rows[0] + 100, rows[0] + 200]))
    assert np.isfinite(far).all() and far[0] < far[1]


def test_the_learned_kernel_tells_apart_what_it_was_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    natural, attacked = rng.normal(size=(2, 150, 6))
    attacked[:, 0] *= 4
    monkeypatch.setattr(_deep_kernel, "_STEPS", 40)
    kernel, again = (DeepKernel(natural[:50], natural[50:], attacked[:100]) for _ in range(2))
    others = [rng.normal(size=(200, 6)), rng.normal(size=(200, 6)) * [4, 1, 1, 1, 1, 1]]
    learned, fixed = (area_under_roc(*map(one.away, others))[0] for one in (kernel, GaussianKernel(natural[:50])))
    assert learned > fixed and learned > 0.7
    np.testing.assert_array_equal(again.away(attacked[:3]), kernel.away(attacked[:3]))
    a = kernel._tensor(natural[:50])
    deep, flat = kernel.net(a), a
    share = float(torch.sigmoid(kernel.logs[2]))
    k = np.array([[((1 - share) * torch.exp(-(deep[i] - deep[j]).square().sum() / (2 * kernel.logs[0].exp())) + share)
                   * torch.exp(-(flat[i] - flat[j]).square().sum() / (2 * kernel.logs[1].exp()))
                   for j in range(50)] for i in range(3)])  # fmt: skip
    np.testing.assert_allclose(kernel.among()[:3], -np.log((k.sum(axis=1) - 1) / 49), rtol=1e-6)


# ---- detectors


def test_noise_is_new_for_each_input_and_the_same_for_the_same_one() -> None:
    one = ready(f"eps_ad(last=3, {FEW})")
    picture = pictures_of("digits(n=1)")[0][0][:, :, None]
    info = [nb.Info({"classes": 2}, key) for key in (b"a", b"a", b"b")]
    said = [float(one.classify(picture, each)[1]) for each in info]
    assert said[0] == said[1] != said[2]
    rows = one.instance.kernel.rows
    assert rows.shape == (100, 64) and len(np.unique(rows.round(6), axis=0)) == 100


def test_a_picture_that_it_was_fitted_to_is_no_test() -> None:
    one = ready(f"eps_ad(last=1, {FEW})")
    picture = pictures_of("digits(split=train, n=1)")[0][0][:, :, None]
    with pytest.raises(nb.UsageError, match="is in digits.* as well"):
        one.classify(picture, nb.Info({"classes": 2}, b"a"))


def test_about_a_twentieth_of_natural_pictures_is_above_the_limit() -> None:
    pictures = pictures_of("digits")[0][:200, None]
    one = ready("eps_ad(references=400)").instance
    rows = one.perturbed.rows(pictures, np.random.default_rng(0))
    assert 0.01 <= (one.kernel.away(rows) > one.limit).mean() <= 0.12
    assert (one.kernel.among() > one.limit).mean() == pytest.approx(0.05, abs=0.005)


@pytest.mark.parametrize(
    ("spec", "picture", "classes", "problem"),
    [
        (f"eps_ad(last=1, {FEW})", (4, 4, 1), 2, "tells natural pictures"),
        (f"one_score(t=1, {FEW})", (8, 8, 1), 10, "not 10 classes"),
    ],
)
def test_what_is_not_its_own_is_skipped(spec: str, picture: Any, classes: int, problem: str) -> None:
    with pytest.raises(nb.Skip, match=problem):
        ready(spec).classify(np.zeros(picture, np.float32), nb.Info({"classes": classes}, b"a"))


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("eps_ad(references=700)", "twice as many pictures as references=700"),
        ("eps_ad(kernel=deep)", "kernel=deep is learned from attacks"),
        (f"one_score(t=5, attacks={SET})", "kernel=deep is learned from attacks"),
        ("eps_ad(score=identity)", "identity is no model of scores"),
        (f"eps_ad(last=1, {FEW}, kernel=deep, attacks=digits(n=30))", "is no natural_and_attacked"),
        ("softmax_confidence(method=oracle)", "cannot wrap oracle"),
    ],
)
def test_what_makes_no_detector_is_refused(spec: str, problem: str) -> None:
    with pytest.raises(nb.UsageError, match=problem):
        ready(spec)


def logits_of(pictures: Any) -> Any:
    weight = torch.randn(10, 64, generator=torch.Generator().manual_seed(0)).double().numpy()
    return pictures.reshape(len(pictures), 64).astype(np.float64) @ weight.T


def test_confidence_is_the_probability_of_the_likeliest_class() -> None:
    one, pictures = ready(f"softmax_confidence(method=one_layer, {FEW})").instance, pictures_of("digits(n=30)")[0]
    logits = logits_of(pictures)
    top = np.exp(logits.max(axis=1) - logsumexp(logits, axis=1))
    found = np.array([one.strangeness(picture[None], None) for picture in pictures])
    np.testing.assert_allclose(1 / (1 + np.exp(found)), top, rtol=1e-3)


def test_the_last_hidden_layer_is_what_the_last_linear_one_is_given() -> None:
    one, pictures = ready(f"mahalanobis(method=one_layer, {FEW})").instance, pictures_of("digits(n=30)")[0]
    logits, rows = one.hidden(pictures[:, None], 10)
    np.testing.assert_allclose(rows, pictures.reshape(30, -1), atol=1e-6)
    np.testing.assert_allclose(logits, logits_of(pictures), atol=1e-3)
    labels, pixels = one.seen(pictures[:, None], "pixels", 10)
    np.testing.assert_allclose(pixels, rows, atol=1e-6)
    assert labels.tolist() == logits.argmax(axis=1).tolist()


def test_the_distance_is_to_the_nearest_class_by_one_covariance() -> None:
    one = ready(f"mahalanobis(method=one_layer, on=pixels, {FEW})").instance
    rows = np.random.default_rng(0).uniform(size=(4, 64))
    inverse = np.linalg.inv(one.law.covariance_)
    due = [min((row - mean) @ inverse @ (row - mean) for mean in one.means) for row in rows]
    np.testing.assert_allclose(one._nearest(rows), due, rtol=1e-6)
    assert one.means.shape == (10, 64)


def test_the_density_is_that_of_the_class_that_is_said() -> None:
    one = ready(f"kernel_density(method=one_layer, on=pixels, {FEW})").instance
    rng = np.random.default_rng(0)
    for label, near in one.near.items():
        rows = near[:4] + 0.02 * rng.normal(size=(4, 64))  # near: far off scikit-learn's sums cancel
        due = -KernelDensity(bandwidth=one.width).fit(near).score_samples(rows)
        np.testing.assert_allclose(one._rarity(np.full(4, label), rows), due, rtol=1e-6)
    rows, labels = np.concatenate([one.near[2][:1], one.near[7][:1]]), np.array([7, 2])
    assert (one._rarity(labels, rows) > one._rarity(labels[::-1], rows)).all()
    away = np.full((1, 64), 50.0)
    squared = np.square(one.near[3] - away).sum(axis=1) / (2 * one.width**2)
    due = 32 * math.log(2 * math.pi * one.width**2) + math.log(len(squared)) - logsumexp(-squared)
    assert one._rarity(np.array([3]), away)[0] == pytest.approx(due)


def test_an_attack_is_found_by_the_mean_over_times_better_than_by_one_score() -> None:
    of = f"natural_and_attacked(of=digits(n=60), by={NET}, eps=0.03, steps=3)"
    mean, single = (
        nb.evaluate(method, of, "none", track="classify", metrics=["auroc"]).record.cell.sets["auroc"].value
        for method in ("eps_ad", "one_score(t=20)")
    )
    assert mean > 0.9 and mean > single + 0.1
