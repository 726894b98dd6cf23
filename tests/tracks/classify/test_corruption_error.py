"""Mean corruption error: against numbers by hand, which reference is taken, and where there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
from board_records import record
from noisebench.boards.build import boards
from noisebench.report.write import write_report
from noisebench.store.record import Record
from noisebench.tracks.classify.corruption_error import corruption_errors, mean_corruption_error

FOG, SNOW = "fog", "snow"
WRONG = {
    "mean": {FOG: (2, 4, 5, 6, 8), SNOW: (2, 2, 2, 2, 2)},  # a baseline, see `board_records`
    "net": {FOG: (1, 1, 2, 3, 3), SNOW: (1, 1, 1, 1, 1)},
    "worst": {FOG: (10,) * 5, SNOW: (10,) * 5},
}


def cell(method: str, kind: str, severity: int, wrong: int, **more: int) -> Record:
    """Ten pictures of which so many are wrong."""
    accuracy = [float(n >= wrong) for n in range(10)]
    return record(method, {"accuracy": accuracy}, track="classify", dataset="digits", protocol="softmax",
                  regime=f"corruption(kind={kind}, severity={severity})", rank_by="accuracy", **more)  # fmt: skip


def cells(methods: Sequence[str], kinds: Sequence[str] = (FOG, SNOW)) -> list[Record]:
    return [cell(m, k, s, wrong) for m in methods for k in kinds for s, wrong in enumerate(WRONG[m][k], 1)]


def test_it_is_the_mean_of_the_ratios_of_summed_errors() -> None:
    (one,) = corruption_errors(boards(cells(["net", "mean", "worst"])))
    assert (one.title, one.kinds, one.reference, one.baseline) == ("digits", (FOG, SNOW), "mean", True)
    # Of fog 10 and of snow 5 wrong where the baseline has 25 and 10: the mean of 0.4 and 0.5, not 15 / 35.
    assert one.mce == pytest.approx({"net": 0.45, "mean": 1.0, "worst": (50 / 25 + 50 / 10) / 2})
    assert one.mean == pytest.approx({"net": 0.15, "mean": 0.35, "worst": 1.0}) and not one.left_out


def test_without_a_baseline_what_errs_most_is_the_reference() -> None:
    (one,) = corruption_errors(boards(cells(["net", "worst"])))
    assert (one.reference, one.baseline) == ("worst", False)
    assert one.mce == pytest.approx({"net": (10 / 50 + 5 / 50) / 2, "worst": 1.0})


def test_a_corruption_without_all_five_severities_is_not_in_it() -> None:
    records = [r for r in cells(["net", "worst"]) if "snow, severity=4" not in r.cell.regime.display]
    records += [cell("net", "frost", 1, 2), cell("worst", "frost", 1, 3)]
    (one,) = corruption_errors(boards(records))
    assert one.kinds == (FOG,) and one.mce["net"] == pytest.approx(0.2)
    assert corruption_errors(boards([cell(m, FOG, s, 3) for m in ("net", "worst") for s in range(1, 5)])) == []


def test_who_is_not_on_all_boards_is_left_out_by_name() -> None:
    (one,) = corruption_errors(boards([*cells(["net", "worst"]), *cells(["mean"], [FOG])]))
    assert one.left_out == ("mean",) and set(one.mce) == {"net", "worst"} and one.reference == "worst"
    assert corruption_errors(boards(cells(["net"]))) == []


def test_a_reference_that_errs_nowhere_gives_no_value() -> None:
    assert math.isnan(mean_corruption_error({FOG: 0.1, SNOW: 0.2}, {FOG: 0.0, SNOW: 0.2}))
    nothing = [cell("mean", FOG, s, 0) for s in range(1, 6)] + [cell("net", FOG, s, s) for s in range(1, 6)]
    (one,) = corruption_errors(boards(nothing))
    assert all(math.isnan(value) for value in one.mce.values()) and one.mean["net"] == pytest.approx(0.3)


def test_the_report_has_the_table_and_names_the_reference(tmp_path: Path) -> None:
    write_report(cells(["net", "mean", "worst"]), tmp_path)
    text = (tmp_path / "statistics.md").read_text().partition("## Mean corruption error: digits")[2]
    lines = [[part.strip() for part in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    assert lines[0] == ["method", "mCE (%)", "mean error (%)"]
    assert lines[2:5] == [["net", "45.0", "15.0"], ["mean", "100.0", "35.0"], ["worst", "350.0", "100.0"]]
    assert "of mean, the baseline" in text and "2 corruptions: fog, snow; ImageNet-C has 15" in text
    assert "Mean corruption error: digits: Lower is better" in (tmp_path / "leaderboard.html").read_text()
