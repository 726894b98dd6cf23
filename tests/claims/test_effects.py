"""Effects: an expression over means that must hold on every seed, read strictly and never run as code."""

from __future__ import annotations

import ast
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from board_records import record, training_record
from conftest import ROOT
from noisebench.claims.comparisons import Inequality
from noisebench.claims.deciding import decide
from noisebench.claims.discoveries import discoveries_text, largest_standing
from noisebench.claims.edges import edge_notes, edges_of
from noisebench.claims.effect_verdicts import Judged, effect_row
from noisebench.claims.effects import Effect, all_claims, read_file
from noisebench.claims.expression import holds, parsed
from noisebench.claims.figures import CellOf, CellResult, value_of
from noisebench.claims.inference import Rows, SampledDifference, judge_sample
from noisebench.claims.judging import cells_of, judged_row
from noisebench.claims.stale import CellCode
from noisebench.claims.verdicts import VerdictCell, Verdicts, read_verdicts, row_of, verdicts_text, write_verdicts
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.planning.tuning_grid import grid_of
from noisebench.report.claims import claims_markdown
from noisebench.store.export import is_export
from noisebench.text.errors import UsageError

CELL = '{method: identity, dataset: "gaussian_field(n=1)", regime: none, metric: psnr}'
ROW = f'{{name: a, where: w, says: s, cells: {{x: {CELL}, y: {CELL}}}, holds: "x > y", seeds: [0, 1, 2]}}'
HEAD = "paper: P\nurl: https://example.org\nkind: effect\nclaims:\n"


def made_up(expression: str = "x > y", seeds: tuple[int, ...] = (0, 1, 2)) -> Effect:
    cell = CellOf("identity", "photos", "none", "uint8", "psnr")
    return Effect(
        name="a", group="g", paper="P", url="https://example.org", where="w", says="s", cells={"x": cell, "y": cell},
        holds=expression, seeds=seeds, systems=(1,),
    )  # fmt: skip


# ---- the expression


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("x > y", True),
        ("y > x", False),
        ("x >= y - 1 and y <= 0.51 * x", True),
        ("x < y or y == 1", True),
        ("0 < y < x", True),
        ("abs(y - x) <= 1", False),
        ("10 ** (-x / 10) < 1", True),
        ("max(x, y) == x and min(x, y) == y", True),
        ("log10(100 * y) == 2", True),
        ("x / (y - 1) > 0", False),  # cannot be computed: does not hold
        ("10 ** (1000 * x) > 0", False),
        ("(0 - x) ** 0.5 > 0", False),
        ("mean(x, y) == 2 and sqrt(y) == log(x / 3) + 1", True),
        ("lost < x or lost > x or lost == lost", False),  # what is not known compares with nothing
        ("max(x, lost) >= 3", False),
        ("max(lost, x) >= 3", False),
        ("never > x and y / never == 0", True),
        ("never <= never", False),  # two that were never reached
        ("never <= 0.5 * never or never == 2 * never", False),
    ],
)
def test_an_expression_has_its_value(text: str, due: bool) -> None:
    assert holds(text, {"x": 3.0, "y": 1.0, "lost": float("nan"), "never": float("inf")}) is due


def test_the_spread_is_the_standard_deviation_over_seeds() -> None:
    each = [{"x": 1.0, "y": 0.0}, {"x": 2.0, "y": 0.0}, {"x": 6.0, "y": 3.0}]
    means = {"x": 3.0, "y": 1.0}
    assert holds("abs(std(x) - 7 ** 0.5) <= 1e-12 and std(x - y) == 1 and std(7) == 0", means, each)
    assert not holds("std(x) > 0", means)
    for value in (math.nan, math.inf):
        assert not holds("std(x) > 0 or std(x) <= 0", means, [{"x": value}, {"x": 1.0}])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not an expression"),
        ("x", "compares nothing"),
        ("x + y", "compares nothing"),
        ("1 > 0", "names none of its cells"),
        ("z > 1", "'z' is none of its cells"),
        ("__import__('os').getcwd() > x", "can be called"),
        ("x.real > 1", "Attribute has no place"),
        ("[x][0] > 1", "has no place"),
        ("x > '1'", "is no number"),
        ("x > True", "is no number"),
        ("(lambda: x)() > 1", "can be called"),
        ("pow(x, 9) > 1", "is none of its cells|can be called"),
        ("abs() > x", "can be called, of numbers"),
        ("abs(x, y) > 1", "abs is not of 2 numbers"),
        ("sqrt(x, y) > 1", "sqrt is not of 2 numbers"),
        ("log(x, 2, y) > 1", "log is not of 3 numbers"),
        ("x > min(y)", "min is not of 1 number"),
        ("abs > x", "'abs' is none of its cells"),
        ("std(x) > 1", "say `over: mean`"),
        ("x > 1 if y else x > 2", "compares nothing"),
        ("(" * 400 + "x" + ")" * 400 + " > 1", "longer than 500"),
        ("x in y", "has no place"),
    ],
)
def test_nothing_else_is_taken(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parsed(text, ["x", "y"])


# ---- the verdict


def on_seeds(*differences: float) -> list[dict[str, float]]:
    return [{"x": 1.0 + difference, "y": 1.0} for difference in differences]


def test_an_effect_is_decided_by_its_interval_over_seeds() -> None:
    row = effect_row(made_up(), Judged(on_seeds(1.0, 1.25, 1.5), 1.0))
    assert (row["verdict"], row["reason"], row["comparison"]) == ("reproduced", "", "x - y")
    half = 4.302653 * 0.25 / math.sqrt(3)  # Student's t with two degrees of freedom
    assert [row["effect"], row["low"], row["high"]] == pytest.approx([1.25, 1.25 - half, 1.25 + half], rel=1e-6)
    assert effect_row(made_up("x < y"), Judged(on_seeds(1.0, 1.25, 1.5), 1.0))["verdict"] == "differs"
    # On each seed, and yet by chance perhaps.
    row = effect_row(made_up(), Judged(on_seeds(0.25, 1.0, 1.75), 1.0))
    assert (row["verdict"], row["more_seeds"]) == ("undecided", 2)
    assert row["reason"].startswith("2 more seeds ")
    row = effect_row(made_up(), Judged(on_seeds(-1.0, 0.01, 1.0), 1.0))
    assert row["reason"].startswith("more than 100 more seeds ")
    row = effect_row(made_up(), Judged(reason="needs the weights x"))
    assert (row["verdict"], row["reason"]) == ("not available", "needs the weights x")


def test_what_is_not_known_on_a_seed_decides_nothing_and_on_none_differs() -> None:
    lost = [{"x": math.nan, "y": 1.0}]
    row = effect_row(made_up(), Judged([*on_seeds(1.0, 1.25), *lost], 1.0, notes=["x diverged on seed 2"]))
    assert row["verdict"] == "undecided"
    assert row["reason"].startswith("has no mean ") and row["reason"].endswith("; x diverged on seed 2")
    assert effect_row(made_up(), Judged(lost * 3))["verdict"] == "differs"
    never = {"x": math.inf, "y": 1.0}
    assert effect_row(made_up(), Judged([never, *on_seeds(1.0, 1.25)]))["verdict"] == "undecided"
    assert effect_row(made_up(), Judged([never] * 3))["verdict"] == "reproduced"
    assert effect_row(made_up("x > x"), Judged([never] * 3))["verdict"] == "differs"


@pytest.mark.parametrize(
    ("expression", "verdict"), [("x > y", "reproduced"), ("x == y + 1", "reproduced"), ("x > y + 1", "differs")]
)
def test_what_no_seed_changes_is_decided_by_its_sign(expression: str, verdict: str) -> None:
    row = effect_row(made_up(expression), Judged(on_seeds(1.0, 1.0, 1.0)))
    assert (row["verdict"], row["low"]) == (verdict, row["high"])


@pytest.mark.parametrize(("mean", "verdict"), [(0.5, "reproduced"), (0.0, "undecided"), (-0.5, "differs")])
def test_a_sample_without_any_spread_is_judged_by_its_sign(mean: float, verdict: str) -> None:
    zero = ast.Constant(0)
    judged = judge_sample(Inequality(zero, zero, True, True), SampledDifference(mean, 0.0), 3)
    assert (judged.answer, judged.low, judged.high) == (verdict, mean, mean)
    assert judged.p == (0.0 if mean > 0 else 1.0)


@pytest.mark.parametrize(
    ("expression", "verdict", "comparison"),
    [
        ("x > y and x > y + 9", "differs", "x - (y + 9)"),
        ("x > y and x > y + 1", "undecided", "x - (y + 1)"),
        ("x > y or x > y + 9", "reproduced", "x - y"),
        ("x > y + 8 or x > y + 9", "differs", "x - (y + 8)"),
        ("y < x < y + 1", "undecided", "x - (y + 1)"),
        ("x > max(y, y + 9)", "differs", "x - (y + 9)"),
        ("max(y, y + 9) > x", "reproduced", "y + 9 - x"),
        ("abs(x - y) <= 9", "reproduced", "x - y - 9"),
        ("abs(x - y) <= 1", "undecided", "x - y - 1"),
        ("abs(x - y) > 0.1", "reproduced", "x - y - 0.1"),
        ("min(x - y, x - 2 * y) >= -9", "reproduced", "x - 2 * y - -9"),
    ],
)
def test_of_several_comparisons_all_or_one_must_be_decided(expression: str, verdict: str, comparison: str) -> None:
    row = effect_row(made_up(expression), Judged(on_seeds(1.0, 1.1, 1.2)))
    assert (row["verdict"], row["comparison"]) == (verdict, comparison)


def test_a_property_holds_on_every_seed_or_of_the_means() -> None:
    of_each = replace(made_up(), kind="property")
    assert effect_row(of_each, Judged(on_seeds(1.0, 2.0, 9.0)))["verdict"] == "reproduced"
    row = effect_row(of_each, Judged(on_seeds(1.0, -1.0, 2.0)))
    assert (row["verdict"], "effect" in row) == ("differs", False) and row["reason"].endswith(" seed 1")
    of_means = replace(of_each, over="mean")
    assert effect_row(of_means, Judged(on_seeds(1.0, -1.0, 2.0)))["verdict"] == "reproduced"
    row = effect_row(of_means, Judged(on_seeds(1.0, -1.0, -2.0), notes=["y diverged on seed 1"]))
    assert "the means" in row["reason"] and row["reason"].endswith("; y diverged on seed 1")


def test_one_seed_is_judged_by_itself() -> None:
    one = made_up(seeds=(4,))
    assert effect_row(one, Judged(on_seeds(1.0)))["verdict"] == "reproduced"
    row = effect_row(one, Judged(on_seeds(-1.0)))
    assert row["verdict"] == "differs" and row["reason"].endswith(" seed 4")


def test_items_widen_the_interval_where_all_cells_have_the_same() -> None:
    values = on_seeds(0.98, 1.0, 1.02)
    shift = [-1.0, -1.0, -0.5, 0.5, 1.0, 1.0]
    scores = {name: [[of[name] + (name == "x") * one for one in shift] for of in values] for name in "xy"}
    rows = {name: Rows(items="six", scores=scores[name]) for name in "xy"}
    seeds, both = (effect_row(made_up(), Judged(values, rows=of)) for of in ({}, rows))
    assert seeds["effect"] == pytest.approx(both["effect"])
    of_items = 2.570582 * math.sqrt(0.9 / 6)  # Student's t over six items, with five degrees of freedom
    assert both["high"] - both["effect"] == pytest.approx(of_items, rel=0.01)
    other = effect_row(made_up(), Judged(values, rows=rows | {"y": Rows(items="others", scores=scores["y"])}))
    assert other["high"] == seeds["high"] < both["high"]


def test_a_spread_over_seeds_has_pseudo_values() -> None:
    spread = replace(made_up("std(x) > std(y)"), over="mean")
    row = effect_row(spread, Judged(on_seeds(-1.0, 0.0, 1.0)))
    assert (row["verdict"], row["comparison"]) == ("undecided", "std(x) - std(y)")


def test_a_setting_whose_precondition_fails_cannot_show_it() -> None:
    effect = replace(made_up(), precondition="x > 30")
    row = effect_row(effect, Judged(on_seeds(1.0, 1.1, 1.2)))
    assert (row["verdict"], row["reason"]) == ("setting cannot show it", "x > 30 does not hold: x 2.1")
    row = effect_row(replace(effect, asks="x has learned"), Judged(on_seeds(1.0, 1.1, 1.2)))
    assert row["reason"] == "x has learned: x > 30 does not hold: x 2.1"
    assert effect_row(replace(effect, precondition="x > y"), Judged(on_seeds(1.0, 1.1, 1.2)))["verdict"] == "reproduced"


def test_a_cell_below_the_baseline_is_undertrained() -> None:
    effect = replace(made_up("x < y"), baseline="y")
    row = effect_row(effect, Judged(on_seeds(-1.0, -1.1, -1.2)))
    assert (row["verdict"], row["reason"]) == ("undertrained", "x below y")
    errors = {name: replace(cell, metric="mse") for name, cell in effect.cells.items()}
    assert effect_row(replace(effect, cells=errors), Judged(on_seeds(-1.0, -1.1, -1.2)))["verdict"] == "reproduced"


def test_most_of_many_effects_that_stand_are_true() -> None:
    assert largest_standing([0.001, 0.02, 0.03, 0.9]) == 0.03
    assert largest_standing([0.04, 0.9]) == -1.0
    rows = [effect_row(made_up(), Judged(on_seeds(1.0, 1.0 + d, 1.0 + 2 * d))) for d in (0.001, 0.4, 0.9, 0.0)]
    assert [row["verdict"] for row in rows] == ["reproduced", "reproduced", "undecided", "reproduced"]
    assert discoveries_text(rows).startswith("2 of 2 reproduced effects ")


# ---- seeds that are added


def test_seeds_are_added_until_they_decide() -> None:
    differences = [1.0, 0.9, 1.2, 0.8, 1.1, 1.0, 0.9, 1.3, 1.0, 1.1]
    runs: list[tuple[int, ...]] = []

    def run(effects: Any) -> list[Any]:
        runs.extend(effect.seeds for effect in effects)
        return [effect_row(one, Judged(on_seeds(*(differences[seed] for seed in one.seeds)), 3.0)) for one in effects]

    (row,) = decide([made_up()], run, math.inf)
    assert row["verdict"] == "reproduced" and row["sequential"] and runs == [(0, 1, 2), (0, 1, 2, 3)]
    runs.clear()
    (row,) = decide([made_up()], run, 0.5)
    assert (row["verdict"], runs) == ("undecided", [(0, 1, 2)])
    file = json.loads(verdicts_text([decide([made_up()], run, math.inf)[0]], {}, {}))
    assert (row_of(made_up(), [file]) or {})["verdict"] == "reproduced"


def test_seeds_decide_nothing_where_a_value_is_at_an_edge() -> None:
    def run(effects: Any) -> list[Any]:
        return [effect_row(one, Judged(on_seeds(1.0, 1.0, 1.0), 3.0, edges=["x: lr=1 of 0, 1"])) for one in effects]

    (row,) = decide([made_up()], run, math.inf)
    assert row["verdict"] == "undecided"
    assert row["reason"].startswith("reproduced but for ") and " edge " in row["reason"]


# ---- the files


def test_every_effect_names_what_exists_and_several_seeds_where_there_is_chance() -> None:
    effects = [claim for claim in all_claims() if isinstance(claim, Effect)]
    assert {e.name for e in effects} >= {"row_noise_is_shared_along_a_row", "speckle_of_four_looks"}
    for effect in effects:
        assert len(effect.seeds) >= (1 if effect.kind == "property" else 3) and effect.says and effect.where
        for cell in (cell.at(effect.seeds[0]) for cell in effect.cells.values()):
            for kind in ("method", "dataset", "regime", "protocol", "metric"):
                usual = getattr(get_track(cell.track).defaults, kind, "")
                if text := getattr(cell, kind) or usual:
                    bind(text, kind, cell.track)


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(HEAD + "  - " + ROW)
    (effect,) = read_file(tmp_path / "mine.yaml")
    assert (effect.name, effect.group, effect.kind, effect.seeds) == ("a", "mine", "effect", (0, 1, 2))
    assert effect.cells["x"] == CellOf("identity", "gaussian_field(n=1)", "none", "", "psnr")
    assert (effect.over, effect.size) == ("each", "quick")


LET = "let: {size: 16, set: 'gaussian_field(n=1, size=$size)', net: 'trained(data=$set)'}\nclaims:"


def test_names_stand_for_texts_in_cells_and_in_each_other(tmp_path: Path) -> None:
    row = (
        "{name: a, kind: property, size: full, where: w, says: s, over: mean, holds: 'x > std(y)', seeds: [0, 1],"
        " cells: {x: {method: $net, training: 'steps_to(1)'},"
        " y: {method: 'ensemble(method=$net)', cost: macs, size: 8x8},"
        " z: {method: identity, dataset: $set, regime: none, metric: psnr}}}"
    )
    (tmp_path / "mine.yaml").write_text(HEAD.replace("claims:", LET.replace("16", "'16'")) + "  - " + row)
    (effect,) = read_file(tmp_path / "mine.yaml")
    assert (effect.kind, effect.size, effect.over) == ("property", "full", "mean")
    net = "trained(data=gaussian_field(n=1, size=16))"
    assert effect.cells["x"] == CellOf(net, training="steps_to(1)")
    assert effect.cells["y"] == CellOf(f"ensemble(method={net})", cost="macs", size="8x8")
    assert effect.cells["z"].dataset == "gaussian_field(n=1, size=16)"


def test_a_seed_in_a_cell_is_that_which_is_judged(tmp_path: Path) -> None:
    row = ROW.replace("gaussian_field(n=1)", "$set", 1).replace("method: identity", "method: 'trained(data=$set)'", 1)
    text = HEAD.replace("claims:", "let: {set: 'gaussian_field(n=1, seed=$seed)'}\nclaims:")
    (tmp_path / "mine.yaml").write_text(text + "  - " + row)
    (effect,) = read_file(tmp_path / "mine.yaml")
    assert effect.cells["x"].texts["dataset"] == "gaussian_field(n=1, seed=$seed)"
    of_y = "gaussian_field(n=1)"
    assert [(name, cell.dataset, seed) for name, cell, seed in cells_of(effect)] == [
        (name, f"gaussian_field(n=1, seed={seed})" if name == "x" else of_y, seed) for seed in range(3) for name in "xy"
    ]
    asked: list[tuple[str, int]] = []

    def find(of: CellOf, seed: int) -> CellResult:
        asked.append((of.method, seed))
        return CellResult(cell=record().cell, means={"psnr": 1.0})

    judged_row(effect, find)
    assert asked[::2] == [(f"trained(data=gaussian_field(n=1, seed={seed}))", seed) for seed in range(3)]


def test_a_value_at_an_edge_of_what_was_tried_is_said_of_each_seed() -> None:
    method = "tuned(method=trained(data=bsd400), vary='optimizer.lr', over=(0.001, 0.01, 0.1))"
    specs = [one.canonical for _, one in grid_of(bind(method, "method")).variants]  # type: ignore[union-attr]
    # Validation scores of the three rates, on each seed: the middle is best on seed 1 alone.
    scores = {0: (30.0, 29.0, 28.0), 1: (28.0, 30.0, None), 2: (28.0, 29.0, 30.0), 3: (27.0, 26.0, 25.0)}

    def find(of: CellOf, seed: int) -> Any:
        made = [
            training_record(spec, seed, score=score, steps=10).cell
            for spec, score in zip(specs, scores[seed], strict=True)
        ]
        return CellResult(trainings=made)

    effect = replace(made_up("x == 10", (0, 1, 2, 3)), cells={"x": CellOf(method, training="steps")})
    row = judged_row(effect, find)
    tried = "of 0.001, 0.01, 0.1, on seed"
    assert row["edges"] == [f"x: optimizer.lr=0.001 {tried} 0, 3", f"x: optimizer.lr=0.1 {tried} 2"]
    assert row["verdict"] == "undecided"
    said = "at an edge of what was tried: x: optimizer.lr=0.001 of 0.001, 0.01, 0.1, on seed 0, 3 and x:"
    assert said in claims_markdown([row]).replace("\\", "")
    of_two = [("a", "lr=1 of 0, 1", 0), ("a", "lr=1 of 0, 1", 0), ("b", "lr=1 of 0, 1", 0), ("b", "lr=0 of 0, 1", 1)]
    assert edge_notes(of_two) == ["a, b: lr=1 of 0, 1, on seed 0", "b: lr=0 of 0, 1, on seed 1"]
    assert list(edges_of(CellOf("identity"), CellResult())) == []
    assert list(edges_of(CellOf("not_there"), CellResult())) == []


def test_what_is_not_known_of_edges_is_not_taken_for_none() -> None:
    effect = made_up()
    row = effect_row(effect, Judged([{"x": 2.0, "y": 1.0}] * 3, 1.0, ["k"], edges=["x: lr=1 of 0, 1, on seed 0"]))
    file = Verdicts(format="", environment={}, claims=[row], cells={})
    assert (row_of(effect, [file]) or {})["edges"] == row["edges"]
    del row["edges"]
    found = row_of(effect, [file])
    assert found is not None and "edges" not in found and found["verdict"] == "reproduced"
    assert "not recorded" not in claims_markdown([found])
    tuned = found | {"cells": {"x": {"method": "tuned(method=trained)"}}}
    assert "was not recorded" in claims_markdown([tuned])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- 1", "not a table"),
        (HEAD.replace("claims:", "let: {seed: d}\nclaims:") + "  - " + ROW, "let: $seed has a meaning of its own"),
        (HEAD + "  - " + ROW.replace("x > y", "x > z"), "a: holds: 'z' is none"),
        (HEAD + "  - " + ROW.replace("[0, 1, 2]", "[]"), "claims.0.seeds"),
        (HEAD + "  - " + ROW.replace("[0, 1, 2]", "[0, 1, 0]"), "a: seeds: 0 is given twice"),
        (HEAD + "  - " + ROW.replace("[0, 1, 2]", "[0, -1]"), "a: seeds: -1 is negative"),
        (HEAD + "  - " + ROW.replace("x > y", "abs(x, y) > 1"), "a: holds: abs is not of 2 numbers"),
        (HEAD + "  - " + ROW.replace("where: w, ", ""), "claims.0.where"),
        (HEAD + "  - " + ROW.replace("metric: psnr", "metric: psnr, more: 1"), "claims.0.cells"),
        (HEAD + "  - " + ROW + "\n  - " + ROW, "a is given twice"),
        (HEAD + "  - " + ROW.replace("metric: psnr", "metric: psnr, cost: macs"), "one of metric, training and cost"),
        (HEAD + "  - " + ROW.replace(", metric: psnr", ""), "one of metric, training and cost"),
        (HEAD + "  - " + ROW.replace("regime: none, ", ""), "with a metric has a dataset and a regime"),
        (HEAD + "  - " + ROW.replace("metric: psnr", "training: seconds, size: 8x8"), "size goes with cost"),
        (HEAD + "  - " + ROW.replace("metric: psnr", "cost: macs"), "a cost is of no dataset"),
        (
            HEAD + "  - " + ROW.replace(CELL, "{method: m, cost: mac}", 1),
            "a: cells: x.cost: 'mac': did you mean 'macs'?",
        ),
        (
            HEAD + "  - " + ROW.replace(CELL, "{method: m, cost: macs, size: 8 by 8}", 1),
            "a: cells: x.size: a size such",
        ),
        (
            HEAD + "  - " + ROW.replace("metric: psnr", "training: steps_to(y)", 1),
            "'y' is neither a number nor a cell above",
        ),
        (HEAD + "  - " + ROW.replace("method: identity", "method: $net"), "a: x.method: $net is not in `let`"),
        (HEAD + "  - " + ROW.replace("method: identity", "method: 5 $"), "a: x.method: a $ that begins no name"),
        (HEAD.replace("claims:", "let: {b: $c, c: d}\nclaims:") + "  - " + ROW, "let.b: $c is not in `let`"),
        (HEAD.replace("claims:", "let: {on: d}\nclaims:") + "  - " + ROW, "quote it, for YAML reads on, off"),
        (HEAD.replace("claims:", "let: {a-b: d}\nclaims:") + "  - " + ROW, "let: 'a-b' is no name"),
        (HEAD + "  - " + ROW.replace("where: w", "where: w, size: huge"), "claims.0.size"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(UsageError) as caught:
        read_file(tmp_path / "mine.yaml")
    assert problem in str(caught.value) and "mine.yaml" in str(caught.value) and "\n" not in str(caught.value)


# ---- files of verdicts


def stored(values: list[Any]) -> Any:
    """What a file of the verdict on `made_up` holds."""
    code = {"kind": "score", "track": "restore", "method": "identity", "regime": "none", "protocol": "uint8"}
    row = effect_row(made_up(), Judged(values, 1.0, ["k"], edges=[]))
    cells = {"k": VerdictCell(of=CellCode(**code, metrics=["psnr"], dataset="photos"), code="0" * 64)}  # type: ignore[typeddict-item]
    return json.loads(verdicts_text([row], cells, {}))


def test_a_value_in_a_file_may_be_whole_not_known_or_never_reached(tmp_path: Path) -> None:
    values = [{"x": 2, "y": 1.0}, {"x": math.inf, "y": 1.0}, {"x": math.nan, "y": 1.0}]
    (tmp_path / "v.json").write_text(json.dumps(stored(values)))
    file = read_verdicts(tmp_path / "v.json")
    assert file is not None
    assert (row_of(made_up(), [file]) or {})["reason"].startswith("has no mean ")


def test_a_compressed_file_is_read_as_the_plain_one_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    text = json.dumps(stored([{"x": 2, "y": 1.0}] * 3))
    for name in ("v.json", "v.json.zst"):
        write_verdicts(tmp_path / name, text)
    packed = tmp_path / "v.json.zst"
    assert read_verdicts(packed) == read_verdicts(tmp_path / "v.json") == json.loads(text)
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(UsageError, match=r"v\.json\.zst .*`noisebench reproduce --to`"):
        read_verdicts(packed)
    write_verdicts(packed, "{}")
    assert read_verdicts(packed) is None


@pytest.mark.parametrize("file", sorted((ROOT / "results" / "claims").iterdir()), ids=lambda file: file.stem)
def test_the_committed_files_are_read(file: Path) -> None:
    found = read_verdicts(file)
    if is_export(file):
        assert found is None
    else:
        held = json.loads(pa.input_stream(str(file), compression="zstd").read())
        assert json.dumps(found) == json.dumps(held)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("claims", {}),
        ("claims.0.name", 1),
        ("claims.0.cells.x", "identity"),
        ("claims.0.seeds", 1.5),
        ("claims.0.seeds", [0, 1, 2.0]),
        ("claims.0.seeds", [0, 1]),
        ("claims.0.reason", -1),
        ("claims.0.edges", 3),
        ("claims.0.seconds", "1"),
        ("claims.0.seconds", math.inf),
        ("claims.0.keys", ["k", "gone"]),
        ("claims.0.values", []),
        ("claims.0.values.1", {"x": 2.0}),
        ("claims.0.values.1.z", 2.0),
        ("claims.0.values.1.x", 10**400),
        ("claims.0.values.1.x", True),
        ("claims.0.values.1.x", None),
        ("cells", []),
        ("cells.k.code", None),
        ("cells.k.of.protocol", None),
        ("cells.k.of.dataset", 1),
        ("cells.k.of.track", []),
        ("cells.k.of.method", {}),
        ("cells.k.of.metrics", "psnr"),
        ("cells.k.of", {"method": "identity"}),
    ],
)
def test_a_damaged_file_of_verdicts_is_refused(tmp_path: Path, place: str, value: Any) -> None:
    held = at = stored([{"x": 2.0, "y": 1.0}] * 3)
    *way, last = [int(part) if part.isdigit() else part for part in place.split(".")]
    for part in way:
        at = at[part]
    at[last] = value
    (tmp_path / "v.json").write_text(json.dumps(held))
    with pytest.raises(UsageError, match=r"v\.json .*`noisebench reproduce --to`"):
        read_verdicts(tmp_path / "v.json")


# ---- the verb


def test_reproduce_runs_the_effects_of_a_system(cli) -> None:
    listed = cli("reproduce", "--system", 46, "--kind", "effect", "--list").stdout
    assert "speckle_of_four_looks" in listed and "row_noise" not in listed
    (row,) = json.loads(cli("reproduce", "speckle", "--json").stdout)["claims"]
    assert (row["name"], row["kind"], row["verdict"]) == ("speckle_of_four_looks", "effect", "reproduced")
    assert [v["snr"] for v in row["values"]] == pytest.approx([6.02] * 3, abs=0.09)
    system = json.loads(cli("list", "systems", "46", "--store", "nb-store", "--json").stdout)
    assert system["claims"].pop("speckle_of_four_looks") == "reproduced"
    assert set(system["claims"].values()) == {"not run"}
    table = cli("reproduce", "speckle")
    assert "abs(10 ** (-snr / 10) * 4 - 1) <= 0.02" in table.stdout and "\n  snr = 6.0" in table.stdout
    assert "1 claim: 1 reproduced" in table.stdout


def test_a_metric_may_be_written_in_any_order_and_with_its_defaults() -> None:
    """A cell names it in one way, a claim as its author does."""
    written = "error_band(low=0.1, high=0.25)"
    named = bind(written, "metric").display
    assert named != written
    found = CellResult(cell={"sets": {}}, means={named: 2.5})
    assert value_of(CellOf("identity", "photos", "none", metric=written), found, {}) == 2.5
    assert CellOf("identity", metric="of_a_plug_in(b=1, a=2)").scored_by == "of_a_plug_in(b=1, a=2)"
