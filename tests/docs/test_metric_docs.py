"""docs/metrics.md lists metrics as they are registered, and its table of speed is the one that the script makes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("metric_table", ROOT / "benchmarks" / "metric_table.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows_of(table: str, script: ModuleType) -> dict[tuple[str, str], list[str]]:
    """(metric, size) → a cell for each library, of the table whose header the script writes."""
    header = "| metric | size | " + " | ".join(script.LIBRARIES) + " |"
    lines = table.splitlines()
    rows: dict[tuple[str, str], list[str]] = {}
    for line in lines[lines.index(header) + 2 :]:
        if not line.startswith("|"):
            break
        metric, size, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        rows[metric, size] = cells
    return rows


def rate(cell: str) -> float:
    return float(cell.split("·")[0].strip(" *"))


def test_the_list_of_metrics_is_of_the_registered_ones(script: ModuleType) -> None:
    """A new metric needs no row at once; a row says what its metric is today."""
    page = TEXT.partition("<!-- list -->")[2].partition("<!-- end of list -->")[0].split("\n")
    listed = [line for line in page if line]
    assert set(listed) <= set(script.metric_list().split("\n")), "run `python benchmarks/metric_table.py --list`"
    assert len(listed) > 30 and any(line.startswith("| `psnr` |") for line in listed)


def test_the_table_of_speed_is_of_our_definitions_and_marks_the_fastest(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = list(script.SIZES)
    monkeypatch.setattr(script, "SIZES", {"192²": (192, 192)})
    made = rows_of(script.speed_table({"192²": 1}), script)
    assert len(made) == 7
    for row, cells in made.items():
        assert float(cells[0].split("·")[1]) <= 1e-6, row
        rates = [rate(cell) for cell in cells if "·" in cell]
        assert [rate(cell) for cell in cells if "**" in cell] == [max(rates)], row
    assert list(rows_of(TEXT, script)) == [(metric, size) for size in sizes for metric, _ in made]
