"""Classifiers of scikit-learn as rivals, and scores of probabilities beside its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.metrics import brier_score_loss, top_k_accuracy_score


def ready(spec: str) -> nb.Classifier:
    made = nb.Classifier(nb.bind(spec, "method", "classify"))
    made.setup()
    return made


def digits(spec: str) -> list[Any]:
    found = nb.open_dataset(nb.bind(spec, "dataset", "classify"))
    return [found.load(i) for i in range(len(found.ids))]


def scored(metric: str, said: Any, label: int) -> float:
    bound = nb.bind(metric, "metric", "classify")
    return float(bound.entry.obj(said, label, **bound.kwargs))


def test_the_nearest_pictures_vote() -> None:
    seen, asked = digits("digits(split=train)"), digits("digits(n=30)")
    pixels = np.stack([item.picture.ravel() for item in seen])
    told = ready("k_nn(k=3)")
    for item in asked:
        nearest = np.argsort(np.square(pixels - item.picture.ravel()).sum(axis=1), kind="stable")[:3]
        votes = np.bincount([seen[i].label for i in nearest], minlength=10)
        logits = told.classify(item.picture[:, :, None], nb.Info({"classes": 10}))
        np.testing.assert_allclose(logits, np.log(votes + 1), rtol=1e-6)


def test_more_neighbours_than_pictures_are_refused() -> None:
    assert ready("k_nn(data=digits(n=4), k=4)").classify(np.zeros((8, 8, 1)), nb.Info({"classes": 10})).shape == (10,)
    with pytest.raises(nb.UsageError, match=r"k_nn: k=5 .* 4 .*digits\(n=4\): give k=4"):
        ready("k_nn(data=digits(n=4))")


@pytest.mark.parametrize(("method", "least"), [("k_nn", 0.95), ("svm", 0.95), ("logistic_regression", 0.9)])
def test_they_know_digits_and_say_what_they_were_fitted_to(method: str, least: float) -> None:
    assert nb.evaluate(method, "digits(n=200)", track="classify").accuracy >= least
    assert ready(method).bound.entry.obj.flags(data=nb.bind("digits(n=7)", "dataset", "classify")) == {
        "trained_on": ("digits(n=7)",)
    }


@pytest.mark.parametrize("method", ["k_nn(k=1, {})", "svm({})", "logistic_regression({})"])
def test_a_class_that_was_not_seen_is_hardly_possible_and_two_are_told_apart(method: str) -> None:
    few = method.format("data=digits(split=train, n=2)")
    seen = digits("digits(split=train, n=2)")
    logits = ready(few).classify(seen[0].picture[:, :, None], nb.Info({"classes": 10}))
    assert int(logits.argmax()) == seen[0].label
    assert set(np.flatnonzero(logits == -50)) == set(range(10)) - {item.label for item in seen}


def test_other_pictures_are_skipped() -> None:
    told = ready("k_nn")
    for shape, classes in (((8, 9, 1), 10), ((8, 8, 3), 10), ((8, 8, 1), 2)):
        with pytest.raises(nb.Skip, match="fitted to 10 classes of pictures"):
            told.classify(np.zeros(shape, np.float32), nb.Info({"classes": classes}))


def test_scores_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    said = log_softmax(rng.normal(size=(50, 6)), axis=1)
    labels = rng.integers(6, size=50)
    brier = np.mean([scored("brier", one, label) for one, label in zip(said, labels, strict=True)])
    assert brier == pytest.approx(
        brier_score_loss(labels, np.exp(said), labels=range(6), scale_by_half=False), rel=1e-9
    )
    for k in (1, 2, 5):
        found = np.mean([scored(f"top_k(k={k})", one, label) for one, label in zip(said, labels, strict=True)])
        assert found == pytest.approx(top_k_accuracy_score(labels, said, k=k, labels=range(6)))


def test_of_equally_likely_classes_the_first_are_taken() -> None:
    guess = np.log(np.full(4, 0.25))
    assert [scored("top_k(k=2)", guess, label) for label in range(4)] == [1, 1, 0, 0]


def test_they_run_beside_a_guess(tmp_path: Path, cli: Any) -> None:
    done = cli("run", "--track", "classify", "--methods", "uniform", "k_nn", "--datasets", "digits(n=9)", "--regimes",
               "none", "--metrics", "accuracy", "top_k(k=2)", "brier")  # fmt: skip
    assert "2 cells: 2 ok" in done.stdout
