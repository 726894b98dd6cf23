"""What a name in a claim stands for: scores, set metrics, costs and what a training gave."""

from __future__ import annotations

import math
from typing import Any

import pytest
from board_records import changed, cost_record, record, training_of
from noisebench.claims.figures import CellOf, CellResult, value_of
from noisebench.store.cell import Cell, SetPart
from noisebench.store.cell_json import plain_values
from noisebench.store.training_figures import NoValue


def training(curve: list[tuple[int, float, float | None]] = (), **changes: Any) -> dict[str, Any]:
    points = [{"step": step, "seconds": seconds, "loss": 1.0, "score": score} for step, seconds, score in curve]
    cost = {"seconds": 9.5, "optimizer_bytes": 308, "macs": None, "reasons": {"macs": "an operation is not counted"}}
    return training_of(**{"score": 28.0, "curve": points, "cost": cost, "figures": {"zeros": 0.875}, **changes})


def cell(key: str = "k", **changes: Any) -> Cell:
    return changed(record().cell, key=key, **changes)


def set_part(value: float | None, note: str = "") -> SetPart:
    return SetPart(version=1, higher=False, unit="", features="", features_sha256="", resize="", reference="clean",
                   value=value, error=None, interval=None, n=1, d=1, floor=None, flags=[], note=note)  # fmt: skip


def trained(*trainings: dict[str, Any]) -> CellResult:
    return CellResult(trainings=[cell(str(n), training=one) for n, one in enumerate(trainings)])


def figure(name: str, found: CellResult, **known: float) -> float:
    return value_of(CellOf("m", training=name), found, known)


CURVE = [(10, 1.5, 20.0), (20, 3.0, 25.0), (30, 4.5, 24.0)]


@pytest.mark.parametrize(
    ("name", "due"),
    [
        ("seconds", 9.5),
        ("optimizer_bytes", 308.0),
        ("steps", 40.0),
        ("score", 28.0),
        ("zeros", 0.875),
        ("diverged", 0.0),
        ("steps_to(20)", 10.0),
        ("steps_to(20.01)", 20.0),
        ("seconds_to( 25 )", 3.0),
        ("steps_to(25.1)", math.inf),
        ("steps_to(rival)", 20.0),
    ],
)
def test_a_figure_of_a_training(name: str, due: float) -> None:
    assert figure(name, trained(training(CURVE)), rival=24.5) == due


def test_of_a_metric_that_is_better_the_lower_a_lower_score_is_as_good() -> None:
    lower = trained(training([(10, 1.0, 0.3), (20, 2.0, None), (30, 3.0, 0.1)], higher=False))
    assert figure("steps_to(0.2)", lower) == 30 and figure("steps_to(0.3)", lower) == 10


def test_a_score_that_is_not_known_is_reached_at_no_step() -> None:
    assert math.isnan(figure("steps_to(rival)", trained(training(CURVE)), rival=math.nan))


def test_of_several_trainings_that_with_the_best_validation_score_is_meant() -> None:
    both = [training(score=27.0, steps=1), training(score=28.5, steps=2), training(score=None, steps=3)]
    assert figure("steps", trained(*both)) == 2
    assert figure("steps", trained(*(one | {"higher": False} for one in both))) == 1


def test_what_cannot_be_had_says_why() -> None:
    for name, why in (("macs", "macs could not be measured: an operation is not counted"), ("zeroes", "mean 'zeros'")):
        with pytest.raises(NoValue, match=why):
            figure(name, trained(training()))
    with pytest.raises(NoValue, match="failed: no memory"):
        figure("steps", CellResult(outcome="failed", reason="failed: no memory"))


def test_a_training_that_diverged_is_nan_and_says_so_as_a_figure() -> None:
    lost = CellResult(trainings=[cell(outcome="diverged")], outcome="diverged")
    assert lost.diverged and math.isnan(figure("seconds", lost)) and math.isnan(figure("steps_to(1)", lost))
    assert math.isnan(value_of(CellOf("m", "d", "r", metric="psnr"), lost, {}))
    assert figure("diverged", lost) == 1


def test_a_variant_that_diverged_beside_one_that_did_not_only_loses() -> None:
    tuned = CellResult(cell(), {"psnr": 30.0}, [cell("a", outcome="diverged"), cell("b", training=training())])
    assert not tuned.diverged and value_of(CellOf("m", "d", "r", metric="psnr"), tuned, {}) == 30.0
    assert figure("diverged", tuned) == 0 and figure("steps", tuned) == 40
    not_run = CellResult(trainings=tuned.trainings, reason="not among these results")
    with pytest.raises(NoValue, match="not among these results"):
        value_of(CellOf("m", "d", "r", metric="psnr"), not_run, {})


def test_a_metric_of_each_item_is_a_mean_and_one_of_the_set_a_value() -> None:
    sets = {"fid": set_part(12.5), "kid": set_part(None, "less than 2 pictures")}
    found = CellResult(cell(sets=sets), {"psnr": 30.0})
    assert [value_of(CellOf("m", "d", "r", metric=m), found, {}) for m in ("psnr", "fid")] == [30.0, 12.5]
    with pytest.raises(NoValue, match="less than 2 pictures"):
        value_of(CellOf("m", "d", "r", metric="kid"), found, {})


def test_a_cost_is_a_number_and_a_latency_its_median() -> None:
    cost = plain_values(cost_record(reasons={"macs": "no torch"}).cell.cost)
    found = CellResult(cell(cost={**cost, "latency_ms": {"p50": 3.0, "p90": 4.0}, "latency_rel": 0.5}))
    values = [value_of(CellOf("m", cost=name), found, {}) for name in ("latency_ms", "latency_rel")]
    assert values == [3.0, 0.5]
    with pytest.raises(NoValue, match="^macs .*: no torch$"):
        value_of(CellOf("m", cost="macs"), found, {})


def test_the_seconds_of_a_cell_are_its_own_and_those_of_its_trainings() -> None:
    found = CellResult(cell("s", seconds=2.0), {}, [cell("t", seconds=30.0), cell("u", seconds=None)])
    assert found.seconds == {"s": 2.0, "t": 30.0, "u": 0.0}
