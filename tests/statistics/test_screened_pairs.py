"""What float32 screens is what float64 finds for all pairs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from noisebench.statistics import screened_pairs
from noisebench.statistics.paired_tests import MANY, Floats, mean_differences
from noisebench.statistics.ranking import MethodPairs

METHODS = 40


def _steps(rng: np.random.Generator, n: int) -> Floats:
    """Methods from equal ones to such as differ clearly: some pairs are near the bound."""
    return rng.normal(size=(METHODS, n)) + np.linspace(0, 12 / np.sqrt(n), METHODS)[:, None]


def _ties(rng: np.random.Generator, n: int) -> Floats:
    """Half of the methods score as the others on most items, and one is ahead of another by a constant."""
    scores = rng.normal(size=(METHODS, n))
    half = METHODS // 2
    scores[half:] = scores[:half] + (rng.random((half, n)) < 0.3) * rng.normal(size=(half, n))
    scores[-1] = scores[0] + 0.5
    return scores


DRAWN: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "steps": _steps,
    "ties": _ties,
    "heavy tails": lambda rng, n: rng.standard_cauchy((METHODS, n)),
    "answers": lambda rng, n: (rng.random((METHODS, n)) < np.linspace(0.2, 0.9, METHODS)[:, None]).astype(float),
    "offsets": lambda rng, n: 1e-6 * rng.normal(size=(METHODS, n)) + 1e3 * rng.normal(size=(METHODS, 1)),
}


@pytest.mark.parametrize("n", [6, 8, 10, 40, 300])
@pytest.mark.parametrize("kind", list(DRAWN))
def test_float64_agrees(kind: str, n: int) -> None:
    for seed in range(3):
        scores = DRAWN[kind](np.random.default_rng(seed), n)
        pairs = MethodPairs(scores[np.argsort(-scores.mean(axis=1))])
        assert pairs.shape[0] > MANY
        (whole,) = mean_differences([pairs], str(seed))
        significant, shown = screened_pairs.significant_differences(pairs, str(seed), METHODS - 1)
        assert np.array_equal(significant, whole.significant)
        expected = whole.first(METHODS - 1)
        assert np.array_equal(shown.mean, expected.mean)
        assert np.array_equal(shown.significant, expected.significant)
        np.testing.assert_allclose(shown.interval, expected.interval, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("methods", [1, 2])
def test_one_pair_or_none_is_no_exception(methods: int) -> None:
    pairs = MethodPairs(np.random.default_rng(0).normal(size=(methods, 20)))
    significant, shown = screened_pairs.significant_differences(pairs, "", methods - 1)
    assert len(significant) == len(shown.mean) == methods - 1


def test_few_differences_are_computed_in_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = []
    tails_of = screened_pairs.tails_of

    def counted(differences: Floats, *others: object) -> Floats:
        rows.append(len(differences))
        return tails_of(differences, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(screened_pairs, "tails_of", counted)
    pairs = MethodPairs(_steps(np.random.default_rng(0), 40))
    significant, _ = screened_pairs.significant_differences(pairs, "", 0)
    assert 0 < significant.sum() < len(significant)
    assert sum(rows) < len(significant) / 4
