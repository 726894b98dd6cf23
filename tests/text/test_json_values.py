"""What JSON has in place of values that it lacks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from noisebench.text.json_values import plain


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, None),
        (-math.inf, "-inf"),
        ("a\ud800", "a?"),
        (1.23456789012, 1.23456789),
        (123456789012.0, 123456789000.0),
        ((1, {"a": math.inf}), [1, {"a": "inf"}]),
    ],
)
def test_what_json_lacks_is_replaced(value: Any, expected: Any) -> None:
    assert plain(value, 9) == expected


@pytest.mark.parametrize("value", [3.0, 3.25])
def test_a_number_of_numpy_becomes_one_of_python(value: float) -> None:
    assert type(plain({"a": np.float64(value)}, 9)["a"]) is float
    assert type(plain(np.float64(value))) is float
