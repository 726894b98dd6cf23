"""Arrow arrays from plain values and back, without pandas.

`pyarrow.array` and `to_numpy` would import pandas first, which takes longer than all else of a small store.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def text_array(values: Sequence[str | None], kind: Any = None) -> Any:
    """Texts as an Arrow array of strings, or of another kind of them; None is null."""
    import pyarrow as pa

    kind = kind or pa.string()
    known = np.array([value is not None for value in values], bool)
    texts = [value.encode() if value else b"" for value in values]
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int32 if kind == pa.string() else np.int64)
    return pa.Array.from_buffers(kind, len(texts), [_bitmap(known), pa.py_buffer(ends), pa.py_buffer(b"".join(texts))])


def number_array(values: npt.NDArray[Any], known: npt.NDArray[np.bool_] | None = None) -> Any:
    """Numbers or truth values as an Arrow array; those that are not `known` are null."""
    import pyarrow as pa

    kind = pa.from_numpy_dtype(values.dtype)
    data = np.packbits(values, bitorder="little") if values.dtype == bool else np.ascontiguousarray(values)
    return pa.Array.from_buffers(kind, len(values), [_bitmap(known), pa.py_buffer(data)])


def float_array(values: Sequence[float | None]) -> Any:
    """Numbers as an Arrow array of float64; None is null."""
    known = np.array([value is not None for value in values], bool)
    return number_array(np.array([0.0 if value is None else value for value in values], np.float64), known)


def numbers(column: Any, kind: Any = None) -> npt.NDArray[Any]:
    """The values of a column of numbers, where they lie; those that are null may be any."""
    whole = whole_column(column)
    dtype = np.dtype(kind or f"i{whole.type.bit_width // 8}")
    buffer = whole.buffers()[1]
    return np.frombuffer(buffer or b"", dtype, len(whole), whole.offset * dtype.itemsize)


def floats(column: Any) -> npt.NDArray[Any]:
    """The values of a column, NaN where one is null: of another type than float64 as it converts."""
    import pyarrow as pa

    whole = whole_column(column)
    if whole.type != pa.float64():
        return whole.to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]
    values = numbers(whole, np.float64)
    return values if not whole.null_count else np.where(valid(whole), values, np.nan)


def valid(column: Any) -> npt.NDArray[np.bool_]:
    """Which values of a column are not null."""
    whole = whole_column(column)
    if not whole.null_count:
        return np.ones(len(whole), bool)
    bits = np.unpackbits(np.frombuffer(whole.buffers()[0], np.uint8), bitorder="little")
    return bits[whole.offset :][: len(whole)].astype(bool)


def whole_column(column: Any) -> Any:
    """A column in one piece, where it lies if it is one."""
    if not hasattr(column, "num_chunks"):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _bitmap(known: npt.NDArray[np.bool_] | None) -> Any:
    """Which values are known, as Arrow has it: a bit each, nothing where all are."""
    import pyarrow as pa

    return None if known is None or known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))
