"""Ranks and critical differences against those of SciPy, whose import takes longer than a small report."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from noisebench.statistics.friedman import critical_difference, friedman
from scipy.stats import friedmanchisquare, rankdata, studentized_range


@pytest.mark.parametrize("decimals", [0, 1, 9])
@pytest.mark.parametrize("methods", [3, 7, 60])
def test_ranks_and_statistic_are_those_of_scipy(methods: int, decimals: int) -> None:
    scores = np.random.default_rng(methods).normal(size=(methods, 12)).round(decimals)
    found = friedman(scores)
    assert found is not None and found.mean_ranks == tuple(rankdata(-scores, axis=0).mean(axis=1))
    expected = friedmanchisquare(*scores)
    assert (found.chi2, found.p) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.1])
def test_critical_difference_is_by_the_studentized_range(alpha: float) -> None:
    for methods in (2, 3, 10, 100, 1000):
        quantile = studentized_range.ppf(1 - alpha, methods, np.inf) / np.sqrt(2)
        expected = quantile * np.sqrt(methods * (methods + 1) / (6 * 30))
        assert critical_difference(methods, 30, alpha) == pytest.approx(expected, rel=1e-12)


def test_no_statistics_of_scipy_are_imported() -> None:
    script = (
        "import sys; import numpy as np; from noisebench.statistics.friedman import friedman; "
        "friedman(np.eye(6)); assert 'scipy.stats' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
