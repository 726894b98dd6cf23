"""McNemar's exact test: against scipy and by hand, Holm's correction, and where boards and comparisons show it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from board_records import record
from noisebench.boards.build import boards
from noisebench.boards.order_stability import evidence_of
from noisebench.comparing.comparison import compare
from noisebench.comparing.difference import READING
from noisebench.report import comparison as report
from noisebench.report.comparison_files import comparison_csv, comparison_values
from noisebench.report.order_stability import evidence_values, sections
from noisebench.statistics.mcnemar import is_binary, mcnemar, mcnemar_of_all
from noisebench.store.record import Record
from scipy.stats import binomtest


def scored(name: str, values: Sequence[float]) -> Record:
    return record(name, {"psnr": values})


@pytest.mark.parametrize(("better", "worse"), [(0, 0), (0, 1), (3, 0), (5, 5), (1, 9), (40, 17), (700, 612)])
def test_it_is_the_binomial_of_the_items_that_differ(better: int, worse: int) -> None:
    due = binomtest(better, better + worse, 0.5).pvalue if better + worse else 1.0
    assert float(mcnemar(better, worse)) == float(mcnemar(worse, better)) == pytest.approx(due, rel=1e-9)


def test_six_to_none_is_two_of_sixty_four() -> None:
    assert float(mcnemar(6, 0)) == pytest.approx(2 / 64)
    assert mcnemar([6, 5], [0, 0]).tolist() == pytest.approx([2 / 64, 2 / 32])


def test_holm_multiplies_the_least_by_all_and_never_falls() -> None:
    wins = np.array([[0, 10, 9], [0, 0, 4], [0, 3, 0]])
    p = mcnemar_of_all(wins)
    assert (p == p.T).all() and (np.diag(p) == 1).all()
    assert p[0, 1] == pytest.approx(3 * 2 / 1024) and p[0, 2] == pytest.approx(2 * 2 / 512)
    assert p[1, 2] == pytest.approx(1.0)
    same = mcnemar_of_all(np.array([[0, 6, 6], [0, 0, 6], [0, 0, 0]]))
    assert same[np.triu_indices(3, 1)] == pytest.approx(np.full(3, 6 / 64))


def test_only_zeros_and_ones_are_binary() -> None:
    assert is_binary(np.array([[0.0, 1.0]])) and is_binary(np.ones(3))
    assert not any(map(is_binary, (np.array([0.0, 0.5]), np.array([np.nan, 1.0]), np.array([np.inf]), np.zeros(0))))


RIGHT = {"good": [1.0] * 11 + [0.0], "poor": [0.0] * 8 + [1.0] * 3 + [0.0], "worst": [0.0] * 12}


def test_a_board_of_right_and_wrong_has_the_matrix_and_keeps_its_ranks() -> None:
    records = [scored(name, values) for name, values in RIGHT.items()]
    (board,) = boards(records)
    found = evidence_of(board)
    assert found is not None and found.mcnemar is not None
    assert found.labels == ("good", "poor", "worst")
    assert found.mcnemar[0, 1] == pytest.approx(2 * 2 / 2**8) and found.mcnemar[1, 2] == pytest.approx(2 / 2**3)
    (section,) = sections([board], [found], [])
    caption, table = section.tables[1]
    assert caption.startswith("p of McNemar's exact test") and table.rows[0] == ("1", "good", "·", "0.016", "0.0029")
    assert "It decides nothing here" in " ".join(section.lines)
    assert json.dumps(evidence_values(found)["mcnemar"])


def test_a_board_of_other_scores_has_none() -> None:
    records = [scored(name, [value / 2 for value in values]) for name, values in RIGHT.items()]
    (board,) = boards(records)
    found = evidence_of(board)
    assert found is not None and found.mcnemar is None
    (section,) = sections([board], [found], [])
    assert len(section.tables) == 2 and "mcnemar" not in evidence_values(found)


def test_a_comparison_has_the_column_where_a_metric_is_right_or_wrong() -> None:
    good, poor = scored("good", RIGHT["good"]), scored("poor", RIGHT["poor"])
    found = compare([good], [poor], across=True)
    (row,) = found.differences
    assert row.counts == (0, 4, 8) and row.mcnemar == pytest.approx(2 / 2**8)
    table = report.difference_table(found)
    assert table.header[-1] == "McNemar p" and table.rows[0][-1] == "0.0078"
    assert "McNemar p: where every score is 0 or 1" in report.comparison_markdown(found)
    assert "mcnemar_p" in "".join(comparison_csv(found)).splitlines()[0]
    assert comparison_values(found)["differences"][0]["mcnemar_p"] == pytest.approx(2 / 2**8)
    other = compare([scored("good", [right / 2 for right in RIGHT["good"]])], [poor], across=True)
    assert "McNemar p" not in report.difference_table(other).header
    assert comparison_values(other)["about"] == READING
