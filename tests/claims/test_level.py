"""A level field: what arms of an effect do not have alike is named in the claim, or the claim is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from noisebench.claims.deciding import decide
from noisebench.claims.effect_verdicts import Judged, effect_row
from noisebench.claims.effects import Effect, all_claims, read_file
from noisebench.claims.expression import parsed
from noisebench.claims.figures import CellOf
from noisebench.claims.level import uneven_terms
from noisebench.claims.numbers import ClaimRow
from noisebench.text.errors import UsageError

CELL = CellOf("identity", "photos", "none", "uint8", "psnr")
EFFECT = Effect(
    name="a", group="g", paper="P", url="https://example.org", where="w", says="s", cells={"x": CELL, "y": CELL},
    holds="x > y", seeds=(0, 1, 2), systems=(1,),
)  # fmt: skip
NET = "trained(steps=100, batch=4, crop=16, checks=1)"


def on_seeds(*differences: float) -> list[dict[str, float]]:
    return [{"x": 1.0 + difference, "y": 1.0} for difference in differences]


def terms(holds: str, cells: Mapping[str, str | CellOf]) -> dict[str, str]:
    made = {
        name: CellOf(of, "photos", "gaussian(sigma=25)", metric="psnr") if isinstance(of, str) else of
        for name, of in cells.items()
    }
    return {**uneven_terms(parsed(holds, made, spread=True), made)}


def on(dataset: str, method: str = NET, metric: str = "psnr") -> CellOf:
    return CellOf(method, dataset, "gaussian(sigma=25)", metric=metric)


def test_arms_that_are_alike_are_level() -> None:
    assert terms("a > b", {"a": NET, "b": NET.replace("100", "50").replace("batch=4", "batch=8")}) == {}
    assert terms("a > b", {"a": NET, "b": "median"}) == {}  # what learns nothing has no training to compare


@pytest.mark.parametrize(
    ("rival", "due"),
    [
        (NET.replace("100", "50"), {"training": "b 51,200 values, a 102,000 values"}),
        (NET.replace("crop=16", "crop=32"), {"training": "b 410,000 values, a 102,000 values"}),
        (f"tuned(method={NET}, vary='optimizer.lr', over=(0.1, 0.2))", {"untuned rival": "a"}),
        (f"pixel_shuffle(method={NET})", {"read-out": "b pixel_shuffle, a none"}),
    ],
)
def test_what_arms_do_not_have_alike_is_named(rival: str, due: dict[str, str]) -> None:
    assert terms("b > a", {"a": NET, "b": rival}) == due


def test_items_are_compared_across_the_signs_of_an_expression() -> None:
    apart = {"a": on("photos"), "b": on("dead_leaves")}
    assert [*terms("a > b", apart)] == [*terms("a / b > 1", apart)] == [*terms("abs(a - b) <= 1", apart)] == ["items"]
    both = {**apart, "c": on("photos", "median"), "d": on("dead_leaves", "median")}
    assert terms("a - b > c - d", both) == {}
    assert terms("a > c and b > d", both) == {}
    assert terms("max(a, b) >= min(c, d)", both) == {}


def test_a_rival_without_a_grid_is_untuned_where_the_other_has_one() -> None:
    cells = {"own": f"tuned(method={NET}, vary='optimizer.lr', over=(0.1, 0.2))", "rival": NET}
    assert terms("own > rival", cells)["untuned rival"] == "rival"
    assert terms("own < rival", cells) == {"tuning": "rival 1, own 2"}
    errors = {name: on("photos", spec, "mse") for name, spec in cells.items()}
    assert terms("own < rival", errors)["untuned rival"] == "rival"


def test_an_untuned_rival_cannot_lose() -> None:
    effect = replace(EFFECT, uneven={"untuned rival": "y has the rate of x", "inputs": "x is told the level"})
    row = effect_row(effect, Judged(on_seeds(1.0, 1.1, 1.2)))
    assert row["verdict"] == "undecided"
    assert row["reason"].startswith("reproduced but for ") and "rival" in row["reason"]
    assert row["low"] > 0
    assert effect_row(effect, Judged(on_seeds(-1.0, -1.1, -1.2)))["verdict"] == "differs"

    runs = []

    def run(claims: object) -> list[ClaimRow]:
        runs.append(claims)
        return [
            effect_row(replace(effect, sequential=True, seeds=tuple(range(9))), Judged(on_seeds(*[1.0, 1.1, 1.2] * 3)))
        ]

    decide([effect], run, 60.0)
    assert len(runs) == 1  # no seed is added to what seeds cannot decide


def claim_file(folder: Path, more: str = "") -> Path:
    cell = 'dataset: photos, regime: "gaussian(sigma=25)", metric: psnr'
    file = folder / "mine.yaml"
    file.write_text(
        "paper: P\nurl: https://example.org\nkind: effect\nclaims:\n  - name: ahead\n    where: w\n    says: s\n"
        f'    cells:\n      own: {{method: "{NET}", {cell}}}\n'
        f'      rival: {{method: "{NET.replace("100", "50")}", {cell}}}\n'
        f'    holds: "own > rival"\n    seeds: [0]\n{more}'
    )
    return file


def test_an_uneven_claim_is_refused_until_it_says_why(tmp_path: Path, cli) -> None:
    done = cli("reproduce", "--claims", claim_file(tmp_path), code=2)
    assert done.stderr.count("\n") == 1
    assert "mine.yaml:9: ahead: uneven training: own 102,000 values, rival 51,200 values" in done.stderr
    assert "`uneven: {training: …}`" in done.stderr
    (effect,) = read_file(claim_file(tmp_path, "    uneven: {training: half the steps}\n"))
    assert isinstance(effect, Effect) and effect.uneven == {"training": "half the steps"}
    with pytest.raises(UsageError, match=r"mine.yaml:13: ahead: uneven: 'trainin': did you mean 'training'"):
        read_file(claim_file(tmp_path, "    uneven: {trainin: why}\n"))


def test_the_field_of_every_claim_is_level_in_what_it_does_not_name() -> None:
    wrong = {}
    for effect in all_claims():
        if isinstance(effect, Effect) and effect.kind == "effect":
            cells = {name: cell.at(effect.seeds[0]) for name, cell in effect.cells.items()}
            found = uneven_terms(parsed(effect.holds, cells, spread=True), cells)
            assert all(effect.uneven.values())
            if undeclared := found.keys() - effect.uneven.keys():
                wrong[effect.name] = undeclared
    assert wrong == {}
