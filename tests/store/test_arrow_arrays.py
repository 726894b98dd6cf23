"""Arrow arrays made without pandas are those that pyarrow makes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from noisebench.store.arrow_arrays import float_array, floats, number_array, numbers, text_array, valid

TEXTS = ["a", "", None, "é\n", "日本", None, "x" * 100, "", "z"]


@pytest.mark.parametrize("texts", [TEXTS, TEXTS[:1], [None], []], ids=["mixed", "one", "null", "none"])
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()], ids=str)
def test_texts_are_those_of_pyarrow(texts: list[str | None], kind: pa.DataType) -> None:
    made = text_array(texts, kind)
    made.validate(full=True)
    assert made.equals(pa.array(texts, kind))
    assert made.null_count == texts.count(None)


@pytest.mark.parametrize("values", [np.arange(-3, 9), np.linspace(0, 1, 11, dtype=np.float32), np.arange(13) % 3 == 0])
def test_numbers_and_truth_values_are_those_of_pyarrow(values: np.ndarray) -> None:
    there = np.arange(len(values)) % 4 != 1
    for mask in (None, there, np.ones(len(values), bool)):
        made = number_array(values, mask)
        made.validate(full=True)
        assert made.equals(pa.array(values, mask=None if mask is None else ~mask))
    assert number_array(values[::2]).equals(pa.array(values[::2]))


def test_a_part_of_a_column_is_read_where_it_lies() -> None:
    column = float_array([0.5, None, 1.5, float("nan"), None, 2.0, 3.0, 4.0, None, 5.0])
    for part in (column, column.slice(1), column.slice(3, 5), pa.chunked_array([column, column.slice(4)])):
        expected = part.to_numpy(zero_copy_only=False)
        np.testing.assert_array_equal(floats(part), expected)
        assert valid(part).tolist() == part.is_valid().to_pylist()
    np.testing.assert_array_equal(floats(pa.array([1, None, 3])), [1, np.nan, 3])
    np.testing.assert_array_equal(numbers(pa.array([1, 2, 3], pa.int32()).slice(1)), [2, 3])
