"""An interval that leaves 0 out is printed so that one sees it."""

from __future__ import annotations

import pytest
from noisebench.report.tables import difference_text, ends_text


@pytest.mark.parametrize(
    ("interval", "decimals", "expected"),
    [
        ((-0.07, -0.0042), 2, ("−0.07", "−0.004")),
        ((0.0004, 0.3), 2, ("0.0004", "0.30")),
        ((-0.07, 0.0042), 2, ("−0.07", "0.00")),
        ((-0.07, 0.0), 2, ("−0.07", "0.00")),
        ((-0.07, -0.0051), 2, ("−0.07", "−0.01")),
        ((-0.2, -0.00003), 4, ("−0.2000", "−3e−05")),
        ((0.0, 0.0), 2, ("0.00", "0.00")),
        ((-0.4, -0.4), 0, ("−0.4", "−0.4")),
    ],
)
def test_the_end_beside_0_has_the_digit_that_shows_it(
    interval: tuple[float, float], decimals: int, expected: tuple[str, str]
) -> None:
    assert ends_text(interval, decimals) == expected
    assert difference_text(-0.05, interval, 2 if decimals == 0 else decimals).startswith("−0.05")


def test_a_comparison_has_one_decimal_more() -> None:
    assert ends_text((-0.07, -0.0042), 2, 1) == ("−0.070", "−0.004")
    assert ends_text((-0.07, -0.00042), 2, 1) == ("−0.070", "−0.0004")
