"""Claims at several budgets: each is trained anew, the largest decides, and a trend is told where seeds support it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from messages import missing_from
from noisebench.claims.budgets import at_budget, cells_at
from noisebench.claims.effect_verdicts import Judged, effect_row
from noisebench.claims.effects import Effect, read_file
from noisebench.claims.figures import CellOf
from noisebench.claims.published import judged_claim
from noisebench.components.longer_trainings import METHODS_THAT_TRAIN
from noisebench.components.registry import registry
from noisebench.suite.reading import InvalidValue
from noisebench.text.errors import UsageError

NO_TREND = "no trend that its spread supports"
CLAIM = """
paper: P
url: https://example.org
kind: effect
let:
  net: "arch=unet(width=4, depth=1), data=dead_leaves(n=12, size=16), crop=16, batch=2, validation=4, checks=1, steps=2"
  set: "gaussian_field(n=2, size=16)"
  noise: "gaussian(sigma=25)"
claims:
  - name: adam_is_ahead_of_slow_steps
    where: "made up for this test"
    says: "Adam restores better than SGD at a low rate, by 0.01 dB or more."
    cells:
      adam: {method: "trained($net, optimizer=adam(lr=0.01))", dataset: $set, regime: $noise, metric: psnr}
      slow: {method: "trained($net, optimizer=sgd(lr=0.0001))", dataset: $set, regime: $noise, metric: psnr}
      noisy: {method: identity, dataset: $set, regime: $noise, metric: psnr}
    holds: "adam >= slow + 0.01"
    seeds: [0, 1]
    budgets: [1, 2, 8]
"""


def cell(method: str, training: str = "") -> CellOf:
    return CellOf(method, training=training) if training else CellOf(method, "photos", "none", metric="psnr")


def effect(*budgets: int) -> Effect:
    names = {name: cell(f"trained(steps=5, seed=$seed, batch={n})") for n, name in enumerate(("x", "y"), 1)}
    cells, smaller = cells_at({**names, "noisy": cell("identity")}, budgets)
    return Effect(
        name="a", group="g", paper="P", url="https://example.org", where="w", says="s", cells=cells, smaller=smaller,
        holds="x > y", seeds=(0, 1, 2), budgets=budgets,
    )  # fmt: skip


def judged(*gaps: float, spread: float = 0.01) -> Judged:
    """`gaps` are those of budgets 1, 4 and 16; seeds lie a spread apart."""
    values = []
    for seed in (-1, 0, 1):
        gap = [one + seed * spread for one in gaps]
        values.append({"x": gap[2], "y": 0.0, "noisy": 0.0, "x@1": gap[0], "y@1": 0.0, "x@4": gap[1], "y@4": 0.0})
    return Judged(values)


def test_every_training_is_as_many_times_as_long() -> None:
    cells = {
        "end": cell("trained(steps=10, arch=unet(width=4), seed=$seed)", "score"),
        "soon": cell("trained(steps=10, arch=unet(width=4), seed=$seed)", "steps_to(end)"),
        "wrapped": cell("rddm(method=tuned(method=trained(steps=3), vary='optimizer.lr', over=(0.1, 0.2)), steps=5)"),
        "given": cell("identity"),
    }
    largest, smaller = cells_at(cells, (1, 4))
    assert largest["end"].method == "trained(steps=40, arch=unet(width=4), seed=$seed)"
    assert largest["wrapped"].method == (
        "rddm(method=tuned(method=trained(steps=12), vary='optimizer.lr', over=(0.1, 0.2)), steps=5)"
    )
    assert largest["given"] == cells["given"] and [*smaller] == ["end@1", "soon@1", "wrapped@1"]
    assert (largest["soon"].training, smaller["soon@1"].training) == ("steps_to(end)", "steps_to(end@1)")
    with pytest.raises(InvalidValue, match="trained .*budgets multiply: write steps="):
        cells_at({"x": cell("trained(batch=4)")}, (1, 4))


def test_our_methods_that_train_are_known_without_an_import() -> None:
    for track in registry("track", "").names():
        methods = registry("method", track)
        trained = {name for name in methods.names() if getattr(methods.get(name).obj, "trained", False)}
        assert trained == METHODS_THAT_TRAIN & {*methods.names()}, track


def test_a_name_stands_for_its_cell_at_a_budget() -> None:
    of = {"x": 3.0, "noisy": 9.0, "x@1": 1.0}
    assert at_budget(of, 1, ["x@1"]) == {"x": 1.0, "noisy": 9.0}
    assert at_budget(of, 4, ["x@1"]) == {"x": 3.0, "noisy": 9.0}
    assert at_budget({"x": 3.0}, 1, ["x@1"]) == {}  # rows of items that are not there at that budget


def test_the_largest_budget_decides_and_the_trend_stands_beside_it() -> None:
    row = effect_row(effect(1, 4, 16), judged(0.9, 0.6, 0.3))
    assert row["verdict"] == "reproduced" and row["effect"] == pytest.approx(0.3)
    assert [(one["budget"], round(one["effect"], 6)) for one in row["budgets"]] == [(1, 0.9), (4, 0.6), (16, 0.3)]
    assert row["trend"].startswith("0.9 [0.8752, 0.9248] at 1 x, 0.6 ")
    assert "at 16 x: it shrinks by 0.3 " in row["trend"] and row["trend"].endswith(" 0 at 64 x")
    assert effect_row(effect(1, 4, 16), judged(-0.9, -0.6, -0.3))["verdict"] == "differs"


@pytest.mark.parametrize(
    ("gaps", "spread", "due"),
    [
        ((0.3, 0.6, 0.9), 0.01, ": it grows by 0.3 with each 4 times the steps"),
        ((0.9, 0.85, 0.8), 0.001, ": it shrinks by 0.05 with each 4 times the steps"),  # 0 lies too far away
        ((0.9, 0.3, 0.3), 0.01, f": {NO_TREND}"),  # no line
        ((0.3, 0.3, 0.3), 0.01, f": {NO_TREND}"),
    ],
)
def test_a_trend_is_told_where_a_line_fits(gaps: tuple[float, ...], spread: float, due: str) -> None:
    trend = effect_row(effect(1, 4, 16), judged(*gaps, spread=spread))["trend"]
    assert trend.endswith(due)


def test_slopes_that_differ_over_seeds_are_no_trend() -> None:
    values = [
        {"x": 0.3 + 0.3 * seed, "y": 0.0, "noisy": 0.0, "x@1": 0.9, "y@1": 0.0, "x@4": 0.6 + 0.15 * seed, "y@4": 0.0}
        for seed in (-4, 0, 1)
    ]
    assert effect_row(effect(1, 4, 16), Judged(values))["trend"].endswith(NO_TREND)


def test_a_cell_below_the_baseline_at_a_smaller_budget_is_not_undertrained() -> None:
    at_first = replace(effect(1, 4, 16), baseline="noisy")
    of = [{**values, "x@1": -9.0, "x": 1.0, "y": 0.0} for values in judged(0.9, 0.6, 0.3).values]
    assert effect_row(at_first, Judged(of))["verdict"] == "reproduced"


def test_a_grid_that_was_widened_once_decides_at_its_edge() -> None:
    once = Judged(judged(0.9, 0.6, 0.3).values, edges=["x: lr=1 of 0, 1, on seed 0"])
    assert effect_row(effect(1, 4, 16), once)["verdict"] == "undecided"
    row = effect_row(replace(effect(1, 4, 16), widened=True), once)
    assert (row["verdict"], row["edges"]) == ("reproduced", ["x: lr=1 of 0, 1, on seed 0"])


@pytest.mark.parametrize("budgets", ["[4]", "[1, 1]", "[0, 1]", "[4, 1]"])
def test_budgets_grow(budgets: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(CLAIM.replace("[1, 2, 8]", budgets))
    with pytest.raises(UsageError, match="budgets: .* two numbers or more"):
        read_file(file)


def test_a_claim_is_run_at_each_budget_and_judged_again_from_its_file(cli, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(CLAIM)
    done = cli("reproduce", "--claims", "mine.yaml", "--store", "s", "--to", "v.json", "--json", code=None)
    (row,) = json.loads(done.stdout)["claims"]
    assert [one["budget"] for one in row["budgets"]] == [1, 2, 8]
    assert row["effect"] == row["budgets"][-1]["effect"] and row["trend"]
    assert "steps=16" in row["cells"]["adam"]["method"] and "steps=2," in row["cells"]["adam@1"]["method"] + ","
    assert len({row["values"][0][name] for name in ("adam@1", "adam@2", "adam")}) == 3
    assert len(row["keys"]) == 2 * (
        2 * 3 * 2 + 1
    )  # on each seed of each arm and budget a training and a score; the input
    (again,) = json.loads(cli("reproduce", "--claims", "mine.yaml", "--from", "v.json", "--json", code=None).stdout)[
        "claims"
    ]
    assert (again["trend"], again["budgets"]) == (row["trend"], row["budgets"])
    cli("reproduce", "--claims", "mine.yaml", "--from", "v.json", "--to", "trend.svg", code=None)
    assert (tmp_path / "trend.svg").read_bytes().startswith(b"<?xml")
    refused = cli("reproduce", "dncnn", "--from", "v.json", "--to", "trend.svg", code=2).stderr
    assert not missing_from(refused, "no claim", "budgets")


def test_effects_at_budgets_go_into_the_package() -> None:
    row = effect_row(effect(1, 4, 16), judged(0.9, 0.6, 1 / 3))
    one = judged_claim(effect(1, 4, 16), row)
    assert [(of.budget, of.effect) for of in one.budgets] == [(1, 0.9), (4, 0.6), (16, 0.333333)]
    assert one.trend == row["trend"] and msgspec.json.decode(msgspec.json.encode(one), type=type(one)) == one
    assert judged_claim(effect(1, 4, 16), effect_row(effect(1, 4, 16), judged(math.nan, 0.6, 0.3))).budgets == ()
