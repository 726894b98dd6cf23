"""Stored requests planned again, many at once: what each would be made of alone; and plans between processes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import UNSET, structs
from noisebench.engine.packing import packed, unpacked
from noisebench.planning import replan as replanning
from noisebench.planning.cells import PlannedCell
from noisebench.planning.plan import plan
from noisebench.planning.replan import Replanned, replan
from noisebench.store.cell_json import plain_values
from noisebench.suite.suite import CostPlan, Suite

SUITE = Suite(
    methods=("identity", "gaussian_filter(width={3,5})"),
    datasets=("piecewise(n=2, size=8)", "piecewise(n=3, size=8)"),
    regimes=("gaussian(sigma=15)", "gaussian(sigma=25)"),
    seeds=(0, 1),
    cost=CostPlan(((16, 16),), 2),
)


@pytest.fixture(scope="module")
def requests() -> list[Any]:
    """Those of a suite but for one, so that not every block is whole; one twice, and some that cannot be planned."""
    cells = plan(SUITE)
    found = [cell.request for cell in cells[:3] + cells[4:]]
    odd = [
        structs.replace(found[0], methods=["no_such_method"]),
        structs.replace(found[0], regimes=["gaussian(sigma=-1)"]),
    ]
    lacking = structs.replace(found[0], protocol=UNSET)
    return [*found, found[5], *odd, lacking, structs.replace(found[1], seeds=[0, 1])]


def test_many_requests_get_what_each_gets_alone(requests):
    together = replan(requests)
    alone = [replan([request])[0] for request in requests]
    assert together == alone and len({found.key for found in together[:-5] if found.key}) == len(plan(SUITE)) - 1
    assert [bool(found.error) for found in together[-5:]] == [False, True, True, True, False]
    assert "its request lacks 'protocol'" in together[-2].error and "no_such_method" in together[-4].error


def test_a_suite_is_planned_in_few_plans(requests, monkeypatch):
    plans: list[Suite] = []
    monkeypatch.setattr(replanning, "plan", lambda suite: plans.append(suite) or plan(suite))
    replan(plan_requests := [cell.request for cell in plan(SUITE) if cell.kind == "score"])
    assert len(plan_requests) == 24 and len(plans) == 4
    assert all(len(suite.methods) == 3 and len(suite.regimes) == 2 for suite in plans)


def test_a_plan_is_the_same_behind_the_line_between_processes_and_says_each_part_once():
    cells = plan(SUITE)
    sent = json.loads(json.dumps(packed(cells)))
    back = unpacked(sent, PlannedCell)
    assert json.dumps(back, default=plain_values) == json.dumps(cells, default=plain_values)
    assert back[0].words is back[-1].words and back[0].inputs["sources"] is back[3].inputs["sources"]
    some = [Replanned(error="x"), Replanned()]
    assert unpacked(json.loads(json.dumps(packed(some))), Replanned) == some
