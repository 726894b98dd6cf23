"""One notation a column, chosen from its values."""

from __future__ import annotations

import math

import pytest
from noisebench.text.notation import Notation, notation_of, notation_of_digits, number, telling_apart


@pytest.mark.parametrize(
    ("values", "decimals", "shown"),
    [
        ([28.567, 31.2], 2, ["28.57", "31.20"]),
        ([0.0052, 0.1887], 4, ["0.0052", "0.1887"]),
        ([0.00052, 0.1887], 4, ["0.000520", "0.188700"]),
        ([6.357e-11, 0.0198], 4, ["6.357e−11", "1.980e−02"]),
        ([2.834e-07, 1.0, 0.0], 5, ["2.834e−07", "1.000e+00", "0"]),
        ([-6.593, 4.263e-05], 3, ["−6.593", "0.000"]),
        ([8.682e-07, -1.223e-06], 4, ["8.682e−07", "−1.223e−06"]),
        ([0.3375, 1e-16], 4, ["0.3375", "0.0000"]),
        ([0.5, 123456.7], 4, ["0.50", "123456.70"]),
        ([123456.7], 4, ["123456.70"]),
        ([0.5, 3e7], 4, ["5.000e−01", "3.000e+07"]),
        ([math.nan, None, math.inf, -math.inf, 0.25], 4, ["n/d", "–", "inf", "−inf", "0.2500"]),
        ([0.001], 2, ["0.00"]),
    ],
)
def test_a_column_has_one_notation(values: list[float | None], decimals: int, shown: list[str]) -> None:
    notation = notation_of(values, decimals)
    assert [notation.text(value) for value in values] == shown


def test_values_without_decimals_of_their_own_show_four_digits_of_the_largest() -> None:
    assert [notation_of_digits([205.63, 12.34]).text(v) for v in (205.63, 12.34)] == ["205.6", "12.3"]
    assert notation_of_digits([]).text(math.nan) == "n/d"


def test_a_number_alone_and_one_with_more_decimals() -> None:
    assert [number(v, 4) for v in (0.80123, 0.00032149, 0.0, None)] == ["0.8012", "0.000321", "0.0000", "–"]
    assert [Notation(2).text(-0.001, more) for more in (0, 1)] == ["0.00", "−0.001"]
    assert Notation(3, scientific=True).text(-1.5e-7, 1) == "−1.5000e−07"


def test_so_many_digits_are_shown_where_they_are_asked_for() -> None:
    assert [Notation(2).text_of_digits(v, 2) for v in (3.2, 0.0003417, 0.0)] == ["3.20", "0.00034", "0.00"]
    assert Notation(3, scientific=True).text_of_digits(1.4e-5, 2) == "1.400e−05"


def test_what_a_test_tells_apart_does_not_look_equal() -> None:
    assert telling_apart(Notation(2), [(31.451, 31.4523), (30.0, 31.0)]) == Notation(3)
    assert telling_apart(Notation(3, True), [(1.00004e-5, 1.00001e-5)]).text(1.00004e-5) == "1.00004e−05"
    assert telling_apart(Notation(2), [(1.0, 1.0)]) == Notation(2)
    assert telling_apart(Notation(2), [(31.451, 31.4523)], 1) == Notation(2)
