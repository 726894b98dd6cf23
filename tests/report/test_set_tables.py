"""Set metrics on the page: a row a method, however many set metrics there are."""

from __future__ import annotations

import pytest
from conftest import ROOT
from noisebench.report.data import ReportData, report_data
from noisebench.report.set_metrics import set_table, wide_set_table
from noisebench.store.reading import read_records


@pytest.fixture(scope="module")
def generated() -> ReportData:
    return report_data(read_records(ROOT / "results" / "demo_generate.parquet"), "t")


def test_a_page_has_a_row_a_method_and_a_column_a_set_metric(generated: ReportData) -> None:
    (extra,) = (one for one in generated.extra if one.title == "Set metrics")
    (sets,) = (one for one in generated.sets if one is not None)
    assert extra.table == wide_set_table(sets)
    assert len(extra.table.rows) == len(generated.boards[0].rows) + 2
    assert len(extra.table.header) == 1 + len(sets.columns) and "coverage ↑" in extra.table.header
    assert [row[0] for row in extra.table.rows[-2:]] == ["floor", "N"]


def test_both_forms_of_the_table_have_the_same_values(generated: ReportData) -> None:
    (sets,) = (one for one in generated.sets if one is not None)
    wide = wide_set_table(sets)
    for metric, method, value, floor, count, *_ in set_table(sets).rows:
        place = wide.header.index(metric)
        by_method = {row[0]: row[place] for row in wide.rows}
        assert by_method[method].startswith(value)
        assert (by_method["floor"], by_method["N"]) == (floor, count)
