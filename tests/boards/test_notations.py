"""Each column of a board has one notation, in the terminal, the tables and on the page."""

from __future__ import annotations

import math
import re

import numpy as np
from board_records import record
from noisebench.boards.build import boards
from noisebench.report.data import report_data
from noisebench.report.page.data import page_data
from noisebench.report.tables import board_table, remarks

BASE = np.linspace(20, 30, 12)


def test_means_that_are_told_apart_do_not_look_equal() -> None:
    wobble = 1e-5 * np.sin(np.arange(12))
    (board,) = boards([record("a", {"psnr": BASE}), record("b", {"psnr": BASE - 0.001 + wobble})])
    assert "b" in board.rows[0].apart
    first, second = (row[2] for row in board_table(board).rows)
    assert (first, second) == ("25.000", "24.999")
    assert page_data(report_data([record("a", {"psnr": BASE})], "x"), [])["boards"][0]["columns"][0][3] == 2


def test_a_column_of_many_powers_of_ten_is_scientific_with_all_that_follows_from_it() -> None:
    records = [
        record(name, {"mse": size * (1 + 0.1 * np.sin(np.arange(12) + size))}, rank_by="mse")
        for name, size in (("a", 6e-11), ("b", 0.02), ("c", 0.3))
    ]
    (board,) = boards(records)
    table = board_table(board)
    texts = [cell for row in table.rows for cell in row[2:5]]
    numbers = [part.strip("[],") for text in texts for part in text.split() if part != "best"]
    assert len(numbers) == 12 and all(re.fullmatch(r"−?\d\.\d{3}e[+−]\d\d", one) for one in numbers)
    (shown,) = page_data(report_data(records, "x"), [])["boards"]
    assert shown["columns"][0][3] == "e3" and len(shown["values"][0]) == 1


def test_a_metric_that_is_defined_for_no_method_has_no_column_but_a_reason() -> None:
    records = [record(name, {"psnr": BASE - at, "ssim": np.full(12, math.nan)}) for at, name in enumerate("ab")]
    (board,) = boards(records)
    assert [title for title in board_table(board).header if "ssim" in title] == []
    (line,) = [line for line in remarks(board) if "ssim" in line]
    assert line.startswith("no column ssim: not defined on 12 of 12")
    (shown,) = page_data(report_data(records, "x"), [])["boards"]
    assert [column[0] for column in shown["columns"]] == ["psnr"] and shown["rank"] == 0
