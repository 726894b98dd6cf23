"""Trainings that start where a shorter one of their recipe ended: the same bytes, or they start from nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from noisebench.components.registry import bind
from noisebench.engine.shared_starts import ignores_steps
from noisebench.planning.recipe import recipe_of
from noisebench.store.cell import Cell
from noisebench.store.cells import WEIGHTS, cell_dir, keys, read_cell
from noisebench.training.checkpoint import read_weights

RECIPE = "arch=unet(width=4, depth=1), data=dead_leaves(n=24, size=16), crop=16, batch=4, validation=4"
CONSTANT = f"{RECIPE}, schedule=constant, parts=(clip, ema(decay=0.9))"


@pytest.fixture
def train(cli: Any) -> Any:
    """Run methods on two small pictures; the steps at which a network was validated."""

    def call(store: str, *methods: str) -> list[str]:
        tested = ("--datasets", "gaussian_field(n=2, size=16)", "--regimes", "gaussian(sigma=25)")
        done = cli("run", "--methods", *methods, *tested, "--store", store, "--jobs", "1")
        return re.findall(r"step (\d+ of \d+)", done.stderr)

    return call


def training(store: Path, steps: int) -> tuple[Cell, dict[str, torch.Tensor]]:
    cells = [read_cell(store, key) for key in keys(store)]
    (cell,) = [one for one in cells if one.training is not None and one.training.steps == steps]
    return cell, read_weights(cell_dir(store, cell.key) / WEIGHTS)


def test_a_longer_training_starts_from_a_shorter_one_and_ends_with_the_same_bytes(train: Any, tmp_path: Path) -> None:
    short, long = (f"trained({CONSTANT}, steps={steps}, checks=2)" for steps in (8, 16))
    longest = f"trained({CONSTANT}, steps=24, checks=3)"
    assert train("s", longest, long, short) == ["4 of 8", "8 of 8", "16 of 16", "24 of 24"]
    assert train("alone", longest) == ["8 of 24", "16 of 24", "24 of 24"]
    (shared, weights), (alone, others) = training(tmp_path / "s", 24), training(tmp_path / "alone", 24)
    assert shared.key == alone.key and weights.keys() == others.keys()
    assert all(torch.equal(weights[name], others[name]) for name in weights)
    assert shared.training is not None and alone.training is not None
    for a, b in zip(shared.training.curve, alone.training.curve, strict=True):
        assert (a.step, a.loss, a.score) == (b.step, b.loss, b.score)
    for name in ("macs", "saved_bytes", "optimizer_bytes", "gradient_bytes"):
        assert getattr(shared.training.cost, name) == getattr(alone.training.cost, name) is not None
    assert shared.training.score == alone.training.score


def test_a_rate_that_falls_to_the_end_is_never_shared(train: Any, tmp_path: Path) -> None:
    short, long = (f"trained({RECIPE}, steps={steps}, checks=1)" for steps in (4, 8))
    assert train("s", long, short).count("8 of 8") == 1
    assert not (tmp_path / "s" / "starts").exists()


def test_one_that_is_validated_earlier_starts_from_nothing(train: Any) -> None:
    train("s", f"trained({CONSTANT}, steps=8, checks=1)")
    assert train("s", f"trained({CONSTANT}, steps=16, checks=4)") == [f"{step} of 16" for step in (4, 8, 12, 16)]


def test_one_that_is_run_again_starts_from_nothing(train: Any, cli: Any) -> None:
    long = f"trained({CONSTANT}, steps=16, checks=2)"
    train("s", f"trained({CONSTANT}, steps=8, checks=1)", long)
    tested = ("--datasets", "gaussian_field(n=2, size=16)", "--regimes", "gaussian(sigma=25)")
    again = cli("run", "--methods", long, *tested, "--store", "s", "--retry", "always")
    assert re.findall(r"step (\d+ of \d+)", again.stderr) == ["8 of 16", "16 of 16"]


def test_the_ends_that_trainings_start_from_are_removed_by_gc(train: Any, cli: Any, tmp_path: Path) -> None:
    train("s", f"trained({CONSTANT}, steps=4, checks=1)")
    assert len(list((tmp_path / "s" / "starts").iterdir())) == 1
    cli("store", "gc", "s")
    assert not list((tmp_path / "s" / "starts").iterdir())


@pytest.mark.parametrize(
    ("track", "given", "ignores"),
    [
        ("restore", "schedule=constant", True),
        ("restore", "schedule=constant, parts=(clip, ema)", True),
        ("restore", "schedule=cosine", False),
        ("restore", "schedule=one_cycle", False),
        ("restore", "schedule=constant, keep=best", False),
        ("restore", "schedule=constant, stop=patience", False),
        ("restore", "schedule=constant, parts=nm", False),
        ("classify", "schedule=constant, parts=binary", False),
        ("classify", "schedule=constant, parts=batch_hessian", False),
        ("classify", "schedule=constant, objective=small_loss", False),
    ],
)
def test_a_step_that_knows_the_end_is_noticed(track: str, given: str, ignores: bool) -> None:
    assert ignores_steps(recipe_of(bind(f"trained({given})", "method", track).kwargs)) is ignores
