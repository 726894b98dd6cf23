"""What a plan stores of its metrics."""

from __future__ import annotations

import pytest
from noisebench.components.registry import bind
from noisebench.planning.plan import metric_part
from noisebench.store.record import arrow_of, goal_of


@pytest.mark.parametrize(
    ("track", "metric"),
    [
        ("graph", "varsortability"),
        ("graph", "scaling"),
        ("graph", "edges"),
        ("matrix", "numerical_rank"),
        ("functions", "width_floor(lam=1)"),
        ("generate", "score_linear_ev(of=digits)"),
    ],
)
def test_what_is_neither_better_high_nor_low_has_no_arrow(track: str, metric: str) -> None:
    part = metric_part(bind(metric, "metric", track))
    assert arrow_of(goal_of(track, metric, part)) == ""


@pytest.mark.parametrize(("track", "metric", "arrow"), [("generate", "kurtosis", "→ 3"), ("graph", "shd", "↓")])
def test_what_has_a_best_value_is_shown_with_it(track: str, metric: str, arrow: str) -> None:
    part = metric_part(bind(metric, "metric", track))
    assert arrow_of(goal_of(track, metric, part)) == arrow
