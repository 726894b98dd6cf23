"""An interval that leaves 0 out is printed so that one sees it."""

from __future__ import annotations

import pytest
from noisebench.report.tables import difference_text, ends_text
from noisebench.text.notation import Notation


@pytest.mark.parametrize(
    ("interval", "decimals", "expected"),
    [
        ((-0.07, -0.0042), 2, ("−0.07", "−0.004")),
        ((0.0004, 0.3), 2, ("0.0004", "0.30")),
        ((-0.07, 0.0042), 2, ("−0.07", "0.00")),
        ((-0.07, 0.0), 2, ("−0.07", "0.00")),
        ((-0.07, -0.0051), 2, ("−0.07", "−0.01")),
        ((-0.2, -0.00003), 4, ("−0.2000", "−0.00003")),
        ((0.0, 0.0), 2, ("0.00", "0.00")),
        ((-0.4, -0.4), 0, ("−0.4", "−0.4")),
    ],
)
def test_the_end_beside_0_has_the_digit_that_shows_it(
    interval: tuple[float, float], decimals: int, expected: tuple[str, str]
) -> None:
    assert ends_text(interval, Notation(decimals)) == expected
    assert difference_text(-0.05, interval, Notation(decimals or 2)).startswith("−0.05")


def test_a_comparison_has_one_decimal_more() -> None:
    assert ends_text((-0.07, -0.0042), Notation(2), 1) == ("−0.070", "−0.004")
    assert ends_text((-0.07, -0.00042), Notation(2), 1) == ("−0.070", "−0.0004")


def test_a_scientific_interval_keeps_its_digits() -> None:
    assert ends_text((-4.567e-7, 4.586e-06), Notation(3, scientific=True)) == ("−4.567e−07", "4.586e−06")
