"""Tables of Markdown: widths, sides and signs, as tabulate lays them out."""

from __future__ import annotations

import random

import pytest
import tabulate
from noisebench.report.tables import pipe_table
from noisebench.text.notation import number


def test_a_table_is_as_tabulate_makes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabulate, "WIDE_CHARS_MODE", False)
    draws = random.Random(0)

    def text() -> str:
        return "".join(draws.choice("ab1−✅日|\\_.  ") for _ in range(draws.randint(0, 8)))

    for _ in range(300):
        columns, count = draws.randint(1, 5), draws.randint(0, 4)
        header, numeric = [text() for _ in range(columns)], [draws.random() < 0.5 for _ in range(columns)]
        rows = [[text() for _ in range(columns)] for _ in range(count)]
        sides = ["right" if right else "left" for right in numeric] if rows else None
        due = tabulate.tabulate(rows, header, tablefmt="pipe", disable_numparse=True, colalign=sides)
        assert pipe_table(header, numeric, rows) == due.split("\n")


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.005, "1.00"), (-1.5, "−1.50"), (-0.001, "0.00"), (-0.0, "0.00"), (0.0, "0.00"), (float("inf"), "inf"),
     (float("-inf"), "−inf"), (float("nan"), "n/d"), (None, "–")],
)  # fmt: skip
def test_a_number_has_a_minus_where_something_is_left_of_it(value: float | None, text: str) -> None:
    assert number(value, 2) == text
