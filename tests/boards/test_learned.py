"""The line in a board's head that no learned method is ahead of the best other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from board_records import record
from noisebench.boards.board import Board
from noisebench.boards.build import boards
from noisebench.report.tables import facts
from noisebench.report.write import write_report
from noisebench.store.record import Record
from recipe_records import scored, training

SCORES = 28 + np.arange(12) / 10
NET = "trained(arch=unet(width=8))"


def denoiser(name: str, gain: float, *trained_on: str, **more: Any) -> Record:
    return record(name, {"psnr": SCORES + gain}, flags={"trained_on": list(trained_on)} if trained_on else None, **more)


def head(*records: Record) -> str:
    (board,) = boards(records)
    assert (board.learned_behind in facts(board)) is True
    return board.learned_behind


def test_all_learned_methods_behind_one_that_learns_nothing_are_said() -> None:
    words = head(denoiser("bm3d", 2), denoiser("dncnn", 1, "bsd400"), denoiser("nlm", 0))
    assert words.startswith("every learned method") and words.endswith("behind bm3d")


def test_a_network_trained_in_a_cell_is_learned_too() -> None:
    own = training(NET, 0, ((1, 1.0, 1.0),))
    assert head(own, scored(NET, 0, SCORES, own), denoiser("gaussian_filter", 1)).endswith("behind gaussian_filter")


def test_behind_is_said_only_where_it_is_told_apart() -> None:
    noise = np.random.default_rng(0).normal(0, 1, 12)
    close = record("dncnn", {"psnr": SCORES + noise - noise.mean() - 0.01}, flags={"trained_on": ["bsd400"]})
    words = head(denoiser("bm3d", 0), close)
    assert words.startswith("no learned method") and words.endswith("ahead of bm3d")


@pytest.mark.parametrize(
    "records",
    [
        (denoiser("dncnn", 2, "bsd400"), denoiser("bm3d", 1), denoiser("ffdnet", 0, "bsd400")),
        (denoiser("bm3d", 1), denoiser("nlm", 0)),
        (denoiser("dncnn", 1, "bsd400"), denoiser("ffdnet", 0, "bsd400")),
        (denoiser("bayes_optimum", 3), denoiser("dncnn", 2, "bsd400"), denoiser("bm3d", 1)),
    ],
)
def test_nothing_is_said_where_one_is_ahead_or_there_are_not_both(records: tuple[Record, ...]) -> None:
    assert head(*records) == ""


def test_other_tracks_say_nothing() -> None:
    plain = record("a", {"rmse": SCORES}, track="functions", rank_by="rmse")
    learned = record("b", {"rmse": SCORES + 1}, track="functions", rank_by="rmse", flags={"trained_on": ["x"]})
    made = [plain, learned]
    found: list[Board] = boards(made)
    assert [board.learned_behind for board in found] == [""]


def test_it_stands_in_the_head_of_the_report(tmp_path: Path) -> None:
    write_report([denoiser("bm3d", 2), denoiser("dncnn", 1, "bsd400")], tmp_path)
    lines = (tmp_path / "leaderboard.md").read_text().partition("## photos")[2].splitlines()
    assert "every learned method" in lines[2] and lines[2].endswith("behind bm3d")
