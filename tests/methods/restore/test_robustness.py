"""A method that is told a wrong noise level does what it does at that level, on the same picture."""

from __future__ import annotations

import numpy as np
import pytest
from noisebench.components.registry import bind
from noisebench.suite.study import Axis, read_study
from noisebench.suite.suite import named_suites
from noisebench.text.errors import Skip
from noisebench.track.info import Info
from noisebench.tracks.restore.restorer import Restorer

NOISY = (0.5 + 0.1 * np.random.default_rng(0).normal(size=(24, 20, 3))).astype(np.float32)


def restore(spec: str, sigma: float) -> np.ndarray:
    one = Restorer(bind(spec, "method"))
    one.setup("cpu")
    return one.restore(NOISY, Info({"sigma": sigma}))


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_it_is_the_method_at_the_wrong_level(factor: float) -> None:
    wrong = restore(f"misinformed(method=nlm, factor={factor})", 0.1)
    assert np.array_equal(wrong, restore("nlm", 0.1 * factor))
    assert not np.array_equal(wrong, restore("nlm", 0.1))


def test_told_the_truth_it_is_the_method_itself() -> None:
    assert np.array_equal(restore("misinformed(method=bilateral, factor=1.0)", 0.1), restore("bilateral", 0.1))


def test_where_no_level_is_disclosed_it_is_skipped() -> None:
    with pytest.raises(Skip, match="needs sigma"):
        Restorer(bind("misinformed", "method")).restore(NOISY, Info({}))


def test_the_builtin_study_draws_quality_against_the_factor() -> None:
    suite, axes = read_study(named_suites()["misinformed"])
    assert axes == (Axis("misinformed.factor"),)
    assert all("{0.8,0.9,1.0,1.1,1.2}" in method for method in suite.methods)
