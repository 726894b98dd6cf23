"""Cells that need other cells: their order, what a lost ancestor does, and cells that want the machine alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from diary import Diary
from noisebench.engine.planning_process import plan_in_child
from noisebench.engine.pool import Pool
from noisebench.engine.run import RunOptions, run
from noisebench.store.cells import read_cell
from noisebench.suite.suite import CostPlan, Suite

PLUGIN = """
import time
import noisebench as nb


@nb.method("ok", layout="hwc")
def ok(noisy, info, *, n: int = 0):
    time.sleep(0.2)
    return noisy


@nb.method("raises", layout="hwc")
def raises(noisy, info):
    raise ValueError("no")
"""


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """Three cells that are ok and one that fails, on one small picture."""
    (tmp_path / "order_plugin.py").write_text(PLUGIN)
    return Suite(
        methods=("ok(n={1,2,3})", "raises"), datasets=("gaussian_field(n=1, size=16)",), regimes=("none",),
        plugins=(str(tmp_path / "order_plugin.py"),),
    )  # fmt: skip


def needing(monkeypatch: pytest.MonkeyPatch, after: dict[int, list[int]]) -> None:
    """Have the cell of each number need others, as a planner of trained methods does."""

    def planned(pool: Pool, suite: Suite, store: Any = None) -> Any:
        found = plan_in_child(suite)
        for number, needs in after.items():
            found["cells"][number].after = [found["cells"][n].key for n in needs]
        return found

    monkeypatch.setattr(Pool, "plan", planned)


def test_what_is_needed_runs_first_and_what_needs_nothing_does_not_wait(monkeypatch, suite, tmp_path) -> None:
    needing(monkeypatch, {0: [2], 1: [0]})
    diary = Diary()
    summary = run(suite, tmp_path / "s", RunOptions(jobs=2), diary)
    first, second, third, _ = (cell.key for cell in summary.cells)
    place = {entry: number for number, entry in enumerate(diary.said)}
    assert place["end", third] < place["start", first] and place["end", first] < place["start", second]
    assert diary.said[0] == ("start", third)
    assert [summary.outcome[cell.key] for cell in summary.cells] == ["ok", "ok", "ok", "failed"]


def test_a_cell_whose_ancestor_is_lost_is_blocked_and_tried_again_with_it(monkeypatch, suite, tmp_path) -> None:
    needing(monkeypatch, {0: [3], 1: [0]})
    summary = run(suite, tmp_path / "s", RunOptions(jobs=2), Diary())
    lost, first, second = (summary.cells[n].key for n in (3, 0, 1))
    assert [summary.outcome[c.key] for c in summary.cells] == ["blocked", "blocked", "ok", "failed"]
    assert (
        read_cell(tmp_path / "s", first).reason
        == f"needs cell {lost[:12]}, which is failed: ValueError: no (order_plugin.py, line 14) "
        "(picture 'gaussian_field_000')"
    )
    assert read_cell(tmp_path / "s", second).reason.startswith(f"needs cell {first[:12]}, which is blocked: ")
    assert not summary.ok
    (tmp_path / "order_plugin.py").write_text(PLUGIN.replace('raise ValueError("no")', "return noisy"))
    again = run(suite, tmp_path / "s2", RunOptions(jobs=2), Diary())
    assert set(again.outcome.values()) == {"ok"}
    retried = run(suite, tmp_path / "s2", RunOptions(jobs=2, retry="always"), Diary())
    assert len(retried.done) == 4


def test_cells_that_need_each_other_are_blocked_and_end(monkeypatch, suite, tmp_path) -> None:
    needing(monkeypatch, {0: [1], 1: [0]})
    summary = run(suite, tmp_path / "s", RunOptions(jobs=2), Diary())
    assert [summary.outcome[c.key] for c in summary.cells] == ["blocked", "blocked", "ok", "failed"]


def test_a_cost_has_the_machine_to_itself(suite, tmp_path) -> None:
    from dataclasses import replace

    diary = Diary()
    summary = run(replace(suite, cost=CostPlan(((16, 16),), 1)), tmp_path / "s", RunOptions(jobs=3), diary)
    alone = {cell.key for cell in summary.cells if cell.alone}
    assert len(alone) == 4
    running: set[str] = set()
    for what, key in diary.said:
        if what == "start":
            running.add(key)
            assert not (alone & running) or len(running) == 1
        else:
            running.discard(key)


def test_a_blocked_cell_is_listed_on_the_board(monkeypatch, suite, tmp_path, cli) -> None:
    needing(monkeypatch, {0: [3]})
    run(suite, tmp_path / "s", RunOptions(), Diary())
    cli("report", "s", "--to", "board")
    lost = json.loads((tmp_path / "board" / "summary.json").read_text())["failures"]
    assert sorted(failure["outcome"] for failure in lost) == ["blocked", "failed"]
