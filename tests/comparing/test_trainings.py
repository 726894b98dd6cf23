"""Rows of several trainings: one a metric, judged as a board judges them; what one training says is said."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from board_records import record
from msgspec import structs
from noisebench.boards.build import boards
from noisebench.cli import main
from noisebench.comparing.comparison import Comparison, choose, compare
from noisebench.comparing.difference import READING, READING_TRAININGS, READING_WEIGHTS, reading_text
from noisebench.report.comparison import difference_table
from noisebench.report.comparison_files import comparison_csv, comparison_values
from noisebench.store.export import write_export
from noisebench.store.record import Record
from noisebench.store.results import Results
from recipe_records import scored, training

FAST, SLOW = "trained(arch=unet(width=8))", "trained(arch=unet(width=4))"
ITEMS = 28 + np.arange(12) / 10


def trained(label: str, gains: Sequence[float], first: int = 0) -> list[Record]:
    """A cell for each of some seeds, whose training gains so much."""
    rng = np.random.default_rng(len(label))
    made = []
    for seed, gain in enumerate(gains, first):
        own = training(label, seed, ((1, 1.0, 1.0),))
        made += [scored(label, seed, ITEMS + gain + rng.normal(0, 0.01, 12), own)]
    return made


def against(a: Sequence[Record], b: Sequence[Record]) -> Comparison:
    return compare(choose(a, FAST, "a"), choose(b, SLOW, "b"), across=True)


def test_several_trainings_are_one_row_with_the_interval_of_a_board_of_the_two() -> None:
    a, b = trained(FAST, (0.0, 0.2, 0.1)), trained(SLOW, (1.0, 1.3, 1.1))
    (d,) = against(a, b).differences
    (board,) = boards([*a, *b])
    best, other = board.ranked
    assert (best.label, d.seeds, d.where[-11:]) == (SLOW, (0, 1, 2), "seeds 0,1,2")
    assert d.difference == pytest.approx(-(other.difference or 0))
    # The resamples of items are keyed by the board: all else is the same.
    assert d.interval == pytest.approx([-end for end in (other.interval or ())[::-1]], abs=0.01)
    assert d.p <= 0.05 and d.interval is not None and d.interval[0] > 0


def test_luck_of_trainings_is_not_told_apart_though_each_seed_alone_would_be() -> None:
    a, b = trained(FAST, (0.0, 2.0, -1.0)), trained(SLOW, (1.0, -1.0, 3.0))
    (d,) = against(a, b).differences
    assert d.p > 0.05 and d.interval is not None and d.interval[0] < 0 < d.interval[1]
    for seed in range(3):
        (alone,) = against(a[seed : seed + 1], b[seed : seed + 1]).differences
        assert (alone.seeds, alone.p <= 0.05) == ((seed,), True)


def test_what_is_shown_names_all_seeds() -> None:
    found = against(trained(FAST, (0.0, 0.2, 0.1)), trained(SLOW, (1.0, 1.3, 1.1)))
    assert difference_table(found).rows[0][4] == "0,1,2"
    (row,) = csv.DictReader(io.StringIO("".join(comparison_csv(found))))
    assert row["seed"] == "0,1,2"
    (values,) = comparison_values(found)["differences"]
    assert (values["seed"], values["seeds"]) == (None, [0, 1, 2])
    assert reading_text(found.differences) == f"{READING} {READING_TRAININGS}"


def test_one_training_speaks_of_these_weights() -> None:
    found = against(trained(FAST, (0.0,)), trained(SLOW, (1.0,)))
    assert reading_text(found.differences) == f"{READING} {READING_WEIGHTS}"


def test_one_network_on_several_seeds_stays_a_row_a_seed() -> None:
    cells = trained(FAST, (0.0, 0.2, 0.1))
    once = [replace(r, cell=structs.replace(r.cell, trained=cells[0].cell.trained)) for r in cells]
    assert [d.seeds for d in compare(once, once).differences] == [(0,), (1,), (2,)]


def test_a_trained_method_is_held_against_one_that_is_not() -> None:
    plain = [record("nlm", {"psnr": ITEMS}, seed=seed) for seed in range(3)]
    cells = trained(FAST, (1.0, 1.2, 1.1))
    plain = [
        replace(one, items=cell.items, input_sha256=cell.input_sha256, cell=structs.replace(
            one.cell, dataset=cell.cell.dataset, regime=cell.cell.regime, protocol=cell.cell.protocol))
        for one, cell in zip(plain, cells, strict=True)
    ]  # fmt: skip
    (d,) = compare(choose(plain, "nlm", "a"), choose(cells, FAST, "b"), across=True).differences
    assert d.seeds == (0, 1, 2) and d.p <= 0.05


def test_trainings_of_other_metrics_widen_the_interval_as_more_pairs_do() -> None:
    a, b = trained(FAST, (0.0, 0.2, 0.1)), trained(SLOW, (1.0, 1.3, 1.1))
    (alone,) = against(a, b).differences

    def twice(cells: Sequence[Record]) -> list[Record]:
        return [
            replace(r, scores={**r.scores, "ssim": r.scores["psnr"] / 100},
                    cell=structs.replace(r.cell, metrics={**r.cell.metrics, "ssim": r.cell.metrics["psnr"]}))
            for r in cells
        ]  # fmt: skip

    both = against(twice(a), twice(b)).differences
    assert [d.metric for d in both] == ["psnr", "ssim"]
    assert np.ptp(both[0].interval or ()) > np.ptp(alone.interval or ())


def test_only_where_more_items_help_their_number_is_offered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def printed(count: int) -> str:
        gains = (0.0, 0.2, 0.1)[:count]
        write_export(tmp_path / "r.json", Results.of([*trained(FAST, gains), *trained(SLOW, gains[::-1])]))
        assert main(["compare", str(tmp_path / "r.json"), "--method", FAST, SLOW]) == 0
        return capsys.readouterr().out

    assert "plan-size" in printed(1) and "plan-size" not in printed(3)
