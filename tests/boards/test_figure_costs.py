"""Figures of a training that are a cost: declared by a part, stored, and what reports set quality against."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs
from noisebench.components.registry import bind
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.parts.hawq_v2 import HawqV2
from noisebench.report.write import write_report
from noisebench.store.record import Record
from noisebench.text.errors import UsageError
from noisebench.training.trainer import Trainer
from recipe_records import scored, training

PART = """
import noisebench as nb


@nb.part("halved")
class Halved:
    costs = {"share": "share of weights"}

    def figures(self):
        return {"share": 0.5, "luck": 7.0}
"""


def recipes(figures: Mapping[str, Mapping[str, float]]) -> list[Record]:
    """A board of a recipe a name with these figures, of which `bits` is a cost; each scores a dB more than the last."""
    made = []
    for seed in range(3):
        for better, (name, found) in enumerate(figures.items()):
            one = training(name, seed, ((10, 2.0, 24.0),))
            costs = {"bits": "bits a weight"} if "bits" in found else {}
            own = {**found, "luck": float(seed)}
            one.cell.training = structs.replace(one.cell.training, figures=own, figure_costs=costs)
            made += [one, scored(name, seed, (28 + better + np.arange(6) / 10).tolist(), one)]
    return made


def section(folder: Path) -> list[list[str]]:
    """The tables of the board of recipes, a list of cells a line."""
    text = (folder / "statistics.md").read_text().partition("## Recipes: ")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]


def costs_of(part: str) -> dict[str, str]:
    spec = f"trained(arch=dncnn(depth=3, width=4), objective=supervised(loss=l2), parts={part}, steps=4, checks=1)"
    one = Trainer(recipe_of(bind(spec, "method").kwargs), (1, 8, 8), (1, 8, 8), 0, "cpu")
    for _ in range(4):
        one.advance({name: np.zeros((1, 1, 8, 8), np.float32) for name in ("given", "wanted")})
    one.finish()
    found: dict[str, str] = one.figure_costs()
    return found


def test_the_bits_of_an_allocation_are_a_cost() -> None:
    assert costs_of("hawq_v2(budget=4, allocation=uniform)") == {"average_bits": "bits a weight"}


def test_a_part_that_names_no_cost_has_none() -> None:
    assert costs_of("binary") == {}


def test_a_cost_that_is_no_figure_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HawqV2, "costs", {"average_bit": "bits a weight"})
    with pytest.raises(UsageError, match="^part hawq_v2.*: .*costs .*'average_bit'.* figures"):
        costs_of("hawq_v2(budget=4, allocation=uniform)")


def test_a_plug_in_part_tells_its_cost_and_the_report_has_it_as_a_column(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "halved.py").write_text(PART)
    recipe = (
        "trained(arch=dncnn(depth=2, width=4), data=dead_leaves(n=12, size=16), crop=16, batch=2, steps=2, checks=1"
    )
    cli(
        "run", "--methods", f"{recipe}, validation=2, parts=halved)", f"{recipe}, validation=2, parts=(ema, halved))",
        "--datasets", "photos", "--limit", 1, "--regimes", "gaussian(sigma=25)", "--plugin", tmp_path / "halved.py",
        "--store", tmp_path / "s",
    )  # fmt: skip
    cli("report", tmp_path / "s", "--to", tmp_path / "board")
    head, _, *rows = section(tmp_path / "board")[:4]
    assert head[-1] == "share of weights" and [row[-1] for row in rows] == ["0.5", "0.5"]


def test_quality_is_drawn_against_a_cost_of_those_that_have_it(tmp_path: Path) -> None:
    write_report(recipes({"two": {"bits": 2.0}, "four": {"bits": 4.0}, "whole": {}}), tmp_path)
    plots = sorted(file.name for file in (tmp_path / "plots").glob("recipe-cost-*.svg"))
    assert plots == ["recipe-cost-01-bits-photos-gaussian-sigma-25.svg"]
    head, _, *rows = section(tmp_path)[:5]
    assert head[-1] == "bits a weight"
    assert [(row[0], row[-1]) for row in rows] == [("whole", "–"), ("four", "4"), ("two", "2")]


def test_what_costs_all_the_same_or_one_alone_is_not_drawn(tmp_path: Path) -> None:
    write_report(recipes({"two": {"bits": 2.0}, "other": {"bits": 2.0}}), tmp_path / "same")
    write_report(recipes({"two": {"bits": 2.0}, "whole": {}}), tmp_path / "one")
    assert not list(tmp_path.rglob("recipe-cost-*"))
    assert section(tmp_path / "one")[0][-1] == "in this memory"


def test_a_cost_of_nothing_has_no_place_on_a_logarithmic_axis(tmp_path: Path) -> None:
    write_report(recipes({"none": {"bits": 0.0}, "two": {"bits": 2.0}}), tmp_path)
    assert not list(tmp_path.rglob("recipe-cost-*"))


def test_figures_that_all_have_stand_in_a_table_and_every_figure_in_the_file(tmp_path: Path) -> None:
    write_report(recipes({"two": {"bits": 2.0, "odd": 5.0}, "four": {"bits": 4.0}}), tmp_path)
    tables = section(tmp_path)
    assert ["recipe", "luck"] in tables and ["two", "1"] in tables
    rows = list(csv.DictReader((tmp_path / "recipes.csv").open()))
    found = [(r["recipe"], r["figure bits"], r["figure luck"], r["figure odd"]) for r in rows]
    assert found == [("four", "4", "1", ""), ("two", "2", "1", "5")]
