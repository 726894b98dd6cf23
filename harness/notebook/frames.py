"""Stored results as pandas frames."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.folders import path_of
from ..store.cell import MetricPart
from ..store.reading import read_records
from ..store.record import Record, order_of
from ..store.results import Results
from ..text.errors import UsageError
from ..text.extras import needs_packages
from ..text.json_values import plain

if TYPE_CHECKING:
    import pandas


def frame(*sources: str | os.PathLike[str]) -> pandas.DataFrame:
    """The rows of stores and exports, one a cell and item, in the order of the cells' keys.

    Columns: `track`, `method`, `dataset`, `regime`, `seed`, `protocol` (display forms), `item`, each metric (float64,
    NaN where the score is not defined or the cell has none), `seconds`, `input_sha256`, `output_sha256`, `note`,
    `outcome`, `key`. Cells that are not ok give the rows that they have; costs have none. A cell of several sources
    counts once. Raises `UsageError` for what is neither a store nor an export, and where pandas is not installed.

        >>> rows = nb.frame("results/demo.parquet")
        >>> float(rows[rows.method == "nlm"].groupby("regime").psnr.mean().round(2)["gaussian(sigma=25)"])
        29.56
    """
    by_key: dict[str, Record] = {}
    for source in sources:
        for record in read_records(path_of(source, "a store or export")):
            by_key.setdefault(record.cell.key, record)
    return frame_of(Results.of(by_key[key] for key in sorted(by_key)))


def frame_class() -> type[pandas.DataFrame]:
    """The class of frames. Raises `UsageError` where pandas is not installed."""
    try:
        from pandas import DataFrame
    except ImportError:
        raise UsageError(f"a frame {needs_packages(['pandas'])}") from None
    frame: type[pandas.DataFrame] = DataFrame
    return frame


def frame_of(records: Results) -> pandas.DataFrame:
    """The rows of records, one a cell and item, in their order: the columns of `frame`; a lone surrogate is a `?`."""
    make_frame = frame_class()
    counts = [len(record.items) for record in records]

    def each(values: Sequence[Any], kind: Any = object) -> Any:
        return np.repeat(np.array(plain(values), dtype=kind), counts)

    def joined(values: Sequence[Any]) -> Any:
        return np.concatenate([np.empty(0), *values])

    cells = [record.cell for record in records]
    return make_frame(
        {
            "track": each([cell.track for cell in cells]),
            "method": each([cell.method.display for cell in cells]),
            "dataset": each([cell.dataset.display for cell in cells]),
            "regime": each([cell.regime.display for cell in cells]),
            "seed": each([cell.seed for cell in cells], np.int64),
            "protocol": each([cell.protocol.display for cell in cells]),
            "item": plain([item for record in records for item in record.items]),
            **{
                plain(name): joined([record.scores.get(name, np.full(len(record.items), np.nan)) for record in records])
                for name in _metrics_of(records)
            },
            "seconds": joined([record.seconds for record in records]),
            "input_sha256": plain([sha for record in records for sha in record.input_sha256]),
            "output_sha256": plain([sha for record in records for sha in record.output_sha256]),
            "note": plain([note for record in records for note in record.notes]),
            "outcome": each([cell.outcome for cell in cells]),
            "key": each([cell.key for cell in cells]),
        }
    )


def _metrics_of(records: Results) -> list[str]:
    """Every metric with a column, in the order that the metrics ask for."""
    parts: dict[str, MetricPart] = {}
    for record in records:
        parts.update({name: record.cell.metrics[name] for name in record.scores})
    return sorted(parts, key=lambda name: (order_of(name, parts[name]), name))
