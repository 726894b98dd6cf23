"""A tuned method: the declared grid of a trained one, of which the variant with the best validation score is used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from messages import missing_by_line
from noisebench.components.registry import bind
from noisebench.engine.tuning import tuning_notes
from noisebench.planning.plan import plan
from noisebench.planning.tuning_grid import at_edge, best, grid_of
from noisebench.store.cell import TunedVariant, Tuning
from noisebench.store.cells import keys, read_cell
from noisebench.suite.suite import Suite
from noisebench.text.errors import UsageError

TINY = "arch=tiny, data=dead_leaves(n=24, size=16), crop=16, batch=4, validation=4, schedule=constant, checks=1"
PLUGIN = """
import noisebench as nb
import torch


@nb.arch("tiny")
class Tiny(torch.nn.Module):
    def __init__(self, given, wanted, *, width: int = 4):
        super().__init__()
        self.body = torch.nn.Conv2d(given[0], wanted[0], 3, padding=1)

    def forward(self, x):
        return x + self.body(x)
"""


def variants(spec: str, track: str = "restore") -> list[str]:
    grid = grid_of(bind(spec, "method", track))
    assert grid is not None
    return [one.display for _, one in grid.variants]


def test_the_path_names_a_parameter_of_the_method_or_of_a_component_within_it() -> None:
    assert variants("tuned(method=trained, vary=steps, over=(40, 50))") == ["trained(steps=40)", "trained(steps=50)"]
    assert variants("tuned(method=trained(optimizer=sgd), vary='optimizer.lr', over=(0.1, 1))") == [
        "trained(optimizer=sgd)",
        "trained(optimizer=sgd(lr=1))",
    ]
    assert variants("tuned(method=trained, vary='objective.loss', over=(l2, 'charbonnier(eps=0.01)'))") == [
        "trained(objective=supervised(loss=l2))",
        "trained(objective=supervised(loss=charbonnier(eps=0.01)))",
    ]
    assert variants("tuned(method=trained(parts=(clip, nm(n=2, m=4))), vary='parts.nm.m', over=(16,))") == [
        "trained(parts=(clip, nm(m=16, n=2)))"
    ]


def test_every_track_that_trains_has_it() -> None:
    spec = "tuned(method=trained, vary=steps, over=(20, 30))"
    assert variants(spec, "classify") == variants(spec) == ["trained(steps=20)", "trained(steps=30)"]


def test_a_grid_has_one_key_however_its_numbers_are_written() -> None:
    spec = "tuned(method=trained, vary='optimizer.lr', over={})"
    made = [bind(spec.format(over), "method") for over in ("(1.0, 2e3)", "(1, 2000)")]
    assert made[0].canonical == made[1].canonical == bind(made[0].display, "method").canonical


def test_what_a_default_component_is_made_with_stays() -> None:
    (one,) = variants("tuned(method=trained, vary='optimizer.weight_decay', over=(0.5,))")
    assert one == "trained(optimizer=adamw(beta2=0.99, lr=0.002, weight_decay=0.5))"


def test_two_parameters_are_crossed_outer_values_first() -> None:
    spec = "tuned(method=tuned(method=trained, vary=batch, over=(4, 2)), vary='optimizer.lr', over=(0.1, 0.3))"
    grid = grid_of(bind(spec, "method"))
    assert grid is not None
    assert grid.vary == ("batch", "optimizer.lr")
    assert [values for values, _ in grid.variants] == [("4", "0.1"), ("2", "0.1"), ("4", "0.3"), ("2", "0.3")]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("tuned(method=trained, vary=stepz, over=(4, 5))", "trained has no parameter 'stepz': did you mean 'steps'"),
        ("tuned(method=trained, vary='steps.x', over=(4,))", "steps of trained is a plain value, and has no 'x'"),
        ("tuned(method=trained, vary='parts.nm.m', over=(4,))", "parts of trained are named by nothing"),
        ("tuned(method=trained(parts=(clip, clip)), vary='parts.clip.norm', over=(1,))", "has 'clip' twice"),
        ("tuned(method=nlm, vary=h, over=(1, 2))", "tuned takes a method that is trained, not nlm"),
        ("tuned(method=trained, vary=steps, over=(400, 400))", "steps=400 gives the same variant twice"),
        ("tuned(method=trained, vary=steps, over=(-1, 2))", "steps must be a whole number from 1"),
        ("tuned(method=trained, vary=steps, over=())", "over must be a list"),
    ],
)
def test_what_is_no_grid_is_said_before_anything_runs(spec: str, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("(", r"\(")):
        plan(Suite(methods=(spec,), regimes=("none",)))


def test_the_best_score_counts_and_of_equal_ones_the_earlier() -> None:
    assert best([20.0, 30.0, None, 30.0], higher=True) == 1
    assert best([20.0, 30.0, None, 20.0], higher=False) == 0
    assert best([None, None], higher=True) is None


def test_a_best_value_at_an_edge_of_the_numbers_tried_is_named() -> None:
    values = [["0.1", "4", "a"], ["0.3", "4", "b"], ["1.0", "4", "a"]]
    assert at_edge(["lr", "batch", "kind"], values, 0) == ["lr"]
    assert at_edge(["lr", "batch", "kind"], values, 1) == []
    assert at_edge(["lr", "batch", "kind"], values, 2) == ["lr"]


def test_a_note_says_what_was_chosen_of_what_and_that_it_lies_at_an_edge() -> None:
    variants = [TunedVariant(values=[batch, rate], key="") for rate in ("0.1", "0.3") for batch in ("2", "4", "8")]
    tuning = Tuning(method="tuned", vary=["batch", "optimizer.lr"], variants=variants, chosen=4, edge=["optimizer.lr"])
    chosen, tried = "batch=4 and optimizer.lr=0.3, ", "batch=2, 4, 8 and optimizer.lr=0.1, 0.3; "
    assert not missing_by_line(tuning_notes(tuning), [f" to {chosen}", f" of {tried}", "optimizer.lr ", "at an edge"])
    assert tuning_notes(Tuning(method="tuned", vary=["batch"], variants=variants)) == []


def test_variants_are_the_trainings_that_other_methods_use_too() -> None:
    tuned = "tuned(method=trained(steps=30), vary='optimizer.lr', over=(0.1, 0.2))"
    alone = "trained(steps=30, optimizer=adamw(lr=0.2, beta2=0.99))"
    cells = plan(Suite(methods=(tuned, alone), datasets=("gaussian_field(n=2)",), regimes=("none",), seeds=(0, 1)))
    trained = {(c.method.display, c.seed): c.key for c in cells if c.kind == "train"}
    assert len(trained) == 4
    scored = {(c.method.name, c.seed): c for c in cells if c.kind == "score"}
    (grid,) = scored["tuned", 1].tuned
    assert [one.key for one in grid.variants] == [
        trained["trained(optimizer=adamw(beta2=0.99, lr=0.1), steps=30)", 1],
        trained["trained(optimizer=adamw(beta2=0.99, lr=0.2), steps=30)", 1],
    ]
    assert scored["trained", 1].after == [grid.variants[1].key]


@pytest.fixture
def run(cli: Any, tmp_path: Path) -> Any:
    """Run methods on two small pictures; returns their score cells, by the name of the method."""
    (tmp_path / "tiny_arch.py").write_text(PLUGIN)

    def call(*methods: str, code: int = 0) -> tuple[Any, dict[str, Any]]:
        done = cli(
            "run", "--methods", *methods, "--datasets", "gaussian_field(n=2, size=16)", "--regimes",
            "gaussian(sigma=25)", "--plugin", tmp_path / "tiny_arch.py", "--store", "s", code=code,
        )  # fmt: skip
        cells = [read_cell(tmp_path / "s", key) for key in keys(tmp_path / "s")]
        return done, {cell.method.name: cell for cell in cells if cell.kind == "score"}

    return call


def test_the_best_variant_is_used_and_one_that_diverged_loses(run: Any, cli: Any, tmp_path: Path) -> None:
    one = f"trained({TINY}, steps=12, optimizer=sgd(lr=0.1))"
    grid = f"tuned(method=trained({TINY}, steps=12, optimizer=sgd), vary='optimizer.lr', over=(0.001, 1e7, 0.1))"
    _, cells = run(one, grid, f"ensemble(method={grid})")
    (tuning,) = cells["tuned"].tuned
    assert [variant.outcome for variant in tuning.variants] == ["ok", "diverged", "ok"]
    assert (tuning.chosen, tuning.edge) == (2, [])
    rows = {name: _scores(tmp_path / "s", cell.key) for name, cell in cells.items()}
    assert rows["tuned"] == rows["trained"]
    assert cells["ensemble"].outcome == "ok" and cells["ensemble"].tuned == cells["tuned"].tuned
    said = "tuned by validation to optimizer.lr=0.1, of optimizer.lr=0.001, 10000000, 0.1"
    assert cells["tuned"].notes == [said]
    cli("report", "s", "--to", "board")
    assert said in (tmp_path / "board" / "leaderboard.md").read_text()
    cli("store", "verify", "s")


def test_where_every_variant_diverged_the_method_is_blocked(run: Any) -> None:
    grid = f"tuned(method=trained({TINY}, steps=12, optimizer=sgd), vary='optimizer.lr', over=(1e7, 1e8))"
    _, cells = run(grid, code=1)
    assert cells["tuned"].outcome == "blocked" and cells["tuned"].tuned[0].chosen is None


def _scores(store: Path, key: str) -> list[float]:
    from noisebench.store.cells import read_record

    return list(read_record(store, key).scores["psnr"])
