"""Recipes against each other: over items and seeds, at equal time and memory, with the grids of what is tuned."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from board_records import record
from messages import missing_from
from msgspec import structs
from noisebench.boards.build import boards
from noisebench.boards.recipes import Recipes, compare_recipes, differ, score_at
from noisebench.report.paper_table.build import paper_tables
from noisebench.report.paper_table.table import TableOptions
from noisebench.report.recipes import recipe_sections
from noisebench.report.short_names import short_names
from noisebench.report.write import write_report
from noisebench.store.cell import Request
from noisebench.store.cell_json import plain_values, why_not_sound
from noisebench.store.record import Record
from noisebench.store.results import Results
from recipe_records import MIB, scored, training
from stored_cells import why_no_cell

"""Step, seconds and score of each validation."""


def test_a_score_at_a_time_is_linear_between_validations_and_the_last_one_after_them() -> None:
    found = [score_at([2.0, 4.0], [20.0, 30.0], at) for at in (1.9, 2.0, 3.0, 4.0, 9.0)]
    assert found == [None, 20.0, 25.0, 30.0, 30.0]


# ------------------------------------------------------------------------------------------------ from records


FAST, SLOW, LEAN = (f"trained(arch=unet(width=8), optimizer={name}, steps=20)" for name in ("adam", "sgd", "sai"))
GRID = "tuned(method=trained(arch=unet(width=8), optimizer=sgd, steps=20), over=(0.1, 0.3), vary='optimizer.lr')"


def a_board() -> list[Record]:
    """Three recipes, three seeds: `adam` ends first; `sgd`, which is tuned, last and best; `sai` needs least memory."""
    made = []
    rng = np.random.default_rng(3)
    for seed in range(3):
        hard = 28 + np.arange(6) / 10 + seed / 100
        for label, curve, mib, shift in (
            (FAST, ((10, 2.0, 24.0), (20, 4.0, 26.0)), 8.0, 0.0),
            (LEAN, ((10, 3.0, 20.0), (20, 6.0, 24.0)), 4.0, -1.0),
        ):
            own = training(label, seed, curve, mib=mib)
            made += [own, scored(label, seed, hard + shift + rng.normal(0, 0.01, 6), own)]
        best = training(SLOW, seed, ((10, 3.0, 22.0), (20, 9.0, 28.0)), mib=6.0)
        lost = training(f"{SLOW}#", seed, ((1, 1.0, 0.0),), outcome="diverged")
        tuning = {
            "method": GRID, "vary": ["optimizer.lr"], "chosen": 0, "edge": ["optimizer.lr"],
            "variants": [
                {"values": ["0.1"], "key": best.cell.key, "outcome": "ok", "score": 28.0},
                {"values": ["0.3"], "key": lost.cell.key, "outcome": "diverged", "score": None},
            ],
        }  # fmt: skip
        made += [best, lost, scored(GRID, seed, hard + 1 + rng.normal(0, 0.01, 6), best, tuning)]
    return made


@pytest.fixture(scope="module")
def compared() -> Recipes:
    records = a_board()
    return compare_recipes(boards(records), records)


def test_one_test_over_items_and_trainings_decides_on_the_board_and_recipes_only_describe() -> None:
    records = a_board()
    (board,) = boards(records)
    (own,) = compare_recipes([board], Results.of(records)).boards
    assert [(row.label, row.ranks) for row in board.ranked] == [(GRID, (1, 1)), (FAST, (2, 2)), (LEAN, (3, 3))]
    assert [row.recipe.label for row in own.rows] == [GRID, FAST, LEAN]
    assert [row.mean for row in own.rows] == [row.scores["psnr"].mean for row in board.ranked]
    low, high = board.ranked[1].interval or (0, 0)
    assert board.ranked[1].difference == pytest.approx(-1, abs=0.02) and -1.2 < low < -1 < high < -0.8
    assert board.trainings_text == "tested over pictures and 3 trainings of each network"


def with_luck(records: Sequence[Record]) -> list[Record]:
    """The records where each training adds its own luck of about 2 dB to all items."""
    luck = iter(np.random.default_rng(5).normal(0, 2, len(records)))
    return [replace(r, scores={name: of + next(luck) for name, of in r.scores.items()}) for r in records]


def test_luck_of_trainings_tells_nothing_apart_that_items_alone_would() -> None:
    lucky = with_luck(a_board())
    (board,) = boards(lucky)
    assert [row.ranks for row in board.ranked] == [(1, 3)] * 3
    once = [replace(r, cell=structs.replace(r.cell, trained={}, tuned=[])) for r in lucky]
    (of_items,) = boards(once)
    assert [row.label for row in of_items.ranked] == [row.label for row in board.ranked]
    assert [row.ranks for row in of_items.ranked] == [(1, 1), (2, 2), (3, 3)] and of_items.trainings_text == ""


def test_the_table_of_a_paper_marks_what_the_test_over_trainings_tells_apart() -> None:
    def marked(records: Sequence[Record]) -> tuple[dict[str, str], str]:
        (table,) = paper_tables(boards(records), TableOptions())
        return {line.label: line.cells[0][0].mark for line in table.lines}, table.caption

    apart, caption = marked(a_board())
    assert apart == {GRID: "best", FAST: "second", LEAN: ""} and "over trainings too" in caption
    assert set(marked(with_luck(a_board()))[0].values()) == {""}
    once = [replace(r, cell=structs.replace(r.cell, trained={}, tuned=[])) for r in a_board()]
    assert "trainings" not in marked(once)[1]


def test_a_board_of_one_seed_says_that_it_speaks_of_these_weights(tmp_path: Path) -> None:
    one = [r for r in a_board() if r.cell.seed == 0]
    write_report(one, tmp_path)
    head = (tmp_path / "leaderboard.md").read_text().partition("## photos")[2].splitlines()[2]
    assert not missing_from(head, "these weights: ", "one training of each")


def with_scores(records: Sequence[Record], label: str, seed: int, change: Any) -> list[Record]:
    """The records with the scores of one recipe and seed changed."""
    return [
        replace(r, scores={"psnr": change(r.scores["psnr"].copy())})
        if r.cell.kind == "score" and (r.cell.method.display, r.cell.seed) == (label, seed)
        else r
        for r in records
    ]


def with_a_picture(one: Record) -> Record:
    """The record with one more picture, of 60 dB."""
    return replace(
        one,
        items=[*one.items, "q"], input_sha256=[*one.input_sha256, "q"], output_sha256=[*one.output_sha256, "q"],
        notes=[*one.notes, ""], seconds=np.append(one.seconds, 0.1),
        scores={"psnr": np.append(one.scores["psnr"], 60.0)},
        cell=structs.replace(one.cell, dataset=structs.replace(one.cell.dataset, items=7)),  # type: ignore[typeddict-item]
    )  # fmt: skip


def test_a_picture_that_one_recipe_has_exact_with_one_seed_is_left_out_for_all_and_said(tmp_path: Path) -> None:
    longer = [with_a_picture(r) if r.cell.kind == "score" else r for r in a_board()]
    one_exact = with_scores(longer, LEAN, 1, lambda psnr: np.where(psnr == 60.0, np.inf, psnr))
    (own,) = compare_recipes(boards(one_exact), one_exact).boards
    (before,) = compare_recipes(boards(a_board()), a_board()).boards
    assert [row.recipe.label for row in own.rows] == [row.recipe.label for row in before.rows]
    assert all(row.interval is not None for row in own.board.ranked[1:])
    write_report(one_exact, tmp_path)
    said = "psnr: in no mean: 1 of the 21 scores of each method"
    assert said in (tmp_path / "leaderboard.md").read_text()


def test_a_recipe_that_has_all_pictures_exact_is_named() -> None:
    # A track in which a method can be exact.
    records = [replace(r, cell=structs.replace(r.cell, track="classify")) for r in a_board()]
    for seed in range(3):
        records = with_scores(records, LEAN, seed, lambda psnr: psnr * np.inf)
    found = compare_recipes(boards(records), records)
    (own,) = found.boards
    assert ([row.recipe.label for row in own.rows], own.exact) == ([GRID, FAST], (LEAN,))
    (line,) = (line for line in recipe_sections(found, {})[0].lines if line.endswith(f": {LEAN}."))
    assert not missing_from(line, "exact on all pictures", "no table")


def test_a_board_says_what_a_part_does_not_cover() -> None:
    records = a_board()
    for one in records:
        if (trained := one.cell.training) is not None and trained.recipe == LEAN:
            one.cell.training = structs.replace(
                trained, figures={"nm_covers": 0.643, "tract_covers": 1.0, "zeros": 0.5}
            )
    lines = recipe_sections(compare_recipes(boards(records), records), {})[0].lines
    (line,) = (line for line in lines if "covers" in line)
    assert line.endswith("network: sai: nm covers 64.3 %.")


def test_quality_at_equal_time_is_that_when_the_fastest_had_ended(compared: Recipes) -> None:
    (race,) = compared.races
    assert race.time == 4.0
    after = {recipe.label: recipe.score_after(race.time) for recipe in race.recipes}
    assert after == {GRID: 23.0, FAST: 26.0, LEAN: pytest.approx(20 + 4 / 3)}
    assert [recipe.label for recipe in race.recipes] == [GRID, FAST, LEAN]


def test_one_seed_that_was_held_up_does_not_move_the_time() -> None:
    records = a_board()
    slow = training(FAST, 1, ((10, 200.0, 24.0), (20, 400.0, 26.0)), mib=8.0)
    records = [slow if r.cell.key == slow.cell.key else r for r in records]
    (race,) = compare_recipes(boards(records), records).races
    assert (race.time, race.recipes[1].score_after(3.0)) == (4.0, 25.0)


def test_quality_at_equal_memory_is_held_against_what_needs_no_more(compared: Recipes) -> None:
    (own,) = compared.boards
    behind = {row.recipe.label: (row.recipe.memory / MIB, round(row.behind, 1)) for row in own.rows}
    assert behind == {GRID: (6.0, 0.0), FAST: (8.0, -1.0), LEAN: (4.0, 0.0)}


def test_a_tuned_recipe_is_its_chosen_variant_and_pays_for_all_of_them() -> None:
    records = a_board()
    other = training(f"{SLOW}#", 0, ((1, 5.0, 1.0),))
    records = [other if r.cell.key == other.cell.key else r for r in records]
    (race,) = compare_recipes(boards(records), records).races
    tuned = next(recipe for recipe in race.recipes if recipe.label == GRID)
    assert [trial.training.cost.seconds for trial in tuned.trials] == [9.0, 9.0, 9.0]
    assert tuned.spent == 9 + 9 + 9 + 5


def test_recipes_that_were_validated_on_other_items_are_no_race() -> None:
    records = a_board()
    for record_ in records:
        if record_.cell.method.display == LEAN and record_.cell.training is not None:
            record_.cell.training = structs.replace(record_.cell.training, validation=["w0"])
    found = compare_recipes(boards(records), records)
    assert [len(race.recipes) for race in found.races] == [2, 1]


def test_several_methods_of_one_training_are_no_race_of_recipes() -> None:
    own = training(FAST, 0, ((10, 2.0, 24.0), (20, 4.0, 26.0)))
    records = [own, *(scored(f"{name}(model={FAST})", 0, 28 + np.arange(6) / 10, own) for name in ("ddim", "heun"))]
    found = compare_recipes(boards(records), records)
    assert (found.boards, found.races) == ((), ())
    # Beside one of another training each of a board is in a race, of which this one is not drawn.
    other = training(LEAN, 0, ((10, 3.0, 20.0),))
    other.cell.training = structs.replace(other.cell.training, validation=["w0"])
    records += [other, scored(LEAN, 0, 27 + np.arange(6) / 10, other)]
    found = compare_recipes(boards(records), records)
    assert [len(race.recipes) for race in found.races] == [2, 1]
    assert [differ(race.recipes) for race in found.races] == [False, False]


def test_a_report_of_recipes_has_their_board_grids_files_and_plots(tmp_path: Path) -> None:
    write_report(a_board(), tmp_path)
    text = (tmp_path / "statistics.md").read_text()
    section = text.partition("## Recipes: photos · gaussian(sigma=25)")[2].partition("\n## ")[0]
    assert "All have in common: trained(arch=unet(width=8), steps=20)." in section
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines()]
    cells = [line for line in lines if len(line) == 6 and line[0] in ("sgd, tuned", "adam", "sai")]
    assert [line[0] for line in cells] == ["sgd, tuned", "adam", "sai"]
    assert [line[1] for line in cells] == ["1", "2", "3"]
    assert [line[4:] for line in cells] == [["6", "best"], ["8", "−1.00"], ["4", "best"]]
    trainings = text.partition("\n## Recipes\n")[2]
    assert "after 4 s" in trainings and "optimizer.lr=0.1 |" in trainings and "28.00 chosen" in trainings
    assert "(diverged)" in trainings and "At an edge " in trainings
    names = sorted(file.name for file in (tmp_path / "plots").glob("recipe-*.svg"))
    assert names == [
        "recipe-memory-01-photos-gaussian-sigma-25.svg",
        "recipe-time-01-2-pictures-of-dead-leaves-gaussian-sigma-25.svg",
    ]
    rows = list(csv.DictReader((tmp_path / "recipes.csv").open()))
    assert [(row["recipe"], row["training_bytes"]) for row in rows] == [
        (GRID, str(6 * MIB)), (FAST, str(8 * MIB)), (LEAN, str(4 * MIB)),
    ]  # fmt: skip
    tried = list(csv.DictReader((tmp_path / "tuned.csv").open()))
    assert [(r["seed"], r["tried"], r["chosen"]) for r in tried[:2]] == [
        ("0", "optimizer.lr=0.1", "true"), ("0", "optimizer.lr=0.3", "false"),
    ]  # fmt: skip
    assert len(json.loads((tmp_path / "summary.json").read_text())["recipes"]["races"]) == 1


def test_a_metric_of_recipes_is_no_formula(tmp_path: Path) -> None:
    trained = {"metric": "=psnr"}
    made = [
        replace(r, cell=structs.replace(r.cell, training=structs.replace(r.cell.training, **trained)))
        if r.cell.training
        else r
        for r in a_board()
    ]
    write_report(made, tmp_path)
    assert {row["validation_metric"] for row in csv.DictReader((tmp_path / "recipes.csv").open())} == {"'=psnr"}
    assert {row["metric"] for row in csv.DictReader((tmp_path / "tuned.csv").open())} == {"'=psnr"}


def test_a_report_without_trainings_has_nothing_of_recipes(tmp_path: Path) -> None:
    write_report([record("nlm", {"psnr": np.arange(6.0)}), record("median", {"psnr": np.arange(6.0) + 1})], tmp_path)
    assert not [file for file in tmp_path.rglob("*") if "recipe" in file.name or "tuned" in file.name]
    assert all("ecipe" not in file.read_text() for file in tmp_path.glob("*.md"))
    assert "recipes" not in json.loads((tmp_path / "summary.json").read_text())


def test_a_damaged_grid_is_no_cell() -> None:
    cell = next(one.cell for one in a_board() if one.cell.tuned)
    cell = structs.replace(cell, after=[], inputs={}, request=Request())
    assert why_no_cell(plain_values(cell)) is None
    (tuning,) = cell.tuned
    why = why_not_sound(structs.replace(cell, tuned=[structs.replace(tuning, chosen=2)]))
    assert not missing_from(why or "", "tuned: ", "chosen", "variants")
    why = why_not_sound(structs.replace(cell, tuned=[structs.replace(tuning, vary=["a", "b"])]))
    assert not missing_from(why or "", "tuned: ", "a variant ", "value for each parameter")


def test_names_of_recipes_leave_out_what_all_have_alike() -> None:
    names, shared = short_names([FAST, SLOW, GRID, "SGD"])
    assert list(names.values()) == ["adam", "sgd", "sgd, tuned", "SGD"]
    longer, _ = short_names([FAST, SLOW.replace("steps=20", "steps=40")])
    assert list(longer.values()) == ["optimizer=adam, steps=20", "optimizer=sgd, steps=40"]
    names_of_two, _ = short_names([GRID, GRID.replace("0.3", "1")])
    assert list(names_of_two.values()) == [
        "trained, tuned(over=(0.1, 0.3), vary='optimizer.lr')",
        "trained, tuned(over=(0.1, 1), vary='optimizer.lr')",
    ]
    assert shared == "trained(arch=unet(width=8), steps=20)"
    assert short_names(["SGD", "Adam"]) == ({"SGD": "SGD", "Adam": "Adam"}, "")
