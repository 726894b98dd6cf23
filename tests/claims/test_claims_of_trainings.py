"""Claims on what is trained: each cell is run once, and stores, exports and the verb give one verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from noisebench.claims.effects import read_file
from noisebench.claims.stored import judged
from noisebench.components.plugins import load_plugin
from noisebench.store.cells import keys, read_cell
from warm_python import warm_folder

PLUGIN = """
import noisebench as nb
import torch


@nb.arch("two_layers")
class TwoLayers(torch.nn.Module):
    def __init__(self, given, wanted):
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Conv2d(given[0], 8, 3, padding=1), torch.nn.Conv2d(8, wanted[0], 1))

    def forward(self, x):
        return x + self.body(x)


@nb.part("count_steps")
class CountSteps:
    def __init__(self):
        self.seen = 0

    def after_step(self, net, step, steps):
        self.seen += 1

    def figures(self):
        return {"steps_seen": float(self.seen)}
"""

# Grey pictures: 8·9 + 8 + 8 + 1 = 89 parameters in 4 tensors. Adam has two numbers for each, diffGrad three, and either
# counts the steps of each tensor in 4 bytes; SGD-SaI has one number for each.
CLAIMS = """
paper: P
url: https://example.org
kind: effect
let:
  net: "arch=two_layers, data=dead_leaves(n=12, size=16), crop=16, batch=4, validation=4, steps=3, checks=3"
  adam: "trained($net, optimizer=adam)"
  set: "gaussian_field(n=2, size=16)"
claims:
  - name: bytes_of_optimizers
    kind: property
    where: "the definitions"
    says: "SGD-SaI keeps half of what Adam keeps, diffGrad half as much again."
    cells:
      adam: {method: $adam, training: optimizer_bytes}
      sai: {method: "trained($net, optimizer=sgd_sai)", training: optimizer_bytes}
      diffgrad: {method: "trained($net, optimizer=diffgrad)", training: optimizer_bytes}
    holds: "sai == 4 * 89 and adam - 4 * 4 == 2 * sai and diffgrad - 4 * 4 == 3 * sai"
    seeds: [0]
  - name: a_training_has_a_course
    where: "here"
    says: "It takes all steps to where it ends, and none is as good as 99 dB."
    over: mean
    cells:
      psnr: {method: $adam, dataset: $set, regime: "gaussian(sigma=25)", metric: psnr}
      end: {method: $adam, training: score}
      soon: {method: $adam, training: "steps_to(end)"}
      never: {method: $adam, training: "seconds_to(99)"}
      seen: {method: "trained($net, optimizer=adam, parts=(count_steps,))", training: steps_seen}
      macs: {method: $adam, cost: macs, size: 8x8}
    holds: "psnr > 0 and soon <= 3 and never > 1e9 and seen == 3 and macs == 8 * 8 * (8 * 9 + 8)"
    seeds: [0]
  - name: a_rate_can_be_too_high
    where: "here"
    says: "What diverges is beaten by nothing, and beats nothing."
    cells:
      high: {method: "trained($net, optimizer=sgd(lr=1e9))", dataset: $set, regime: "gaussian(sigma=25)", metric: psnr}
      adam: {method: $adam, dataset: $set, regime: "gaussian(sigma=25)", metric: psnr}
      lost: {method: "trained($net, optimizer=sgd(lr=1e9))", training: diverged}
    holds: "lost == 1 and (adam > high or adam <= high)"
    seeds: [0]
  - name: no_such_method
    where: "here"
    says: "What it needs beside is not run for it."
    cells:
      noisy: {method: identity, dataset: $set, regime: "gaussian(sigma=25)", metric: psnr}
      bad: {method: mediann, dataset: $set, regime: "gaussian(sigma=25)", metric: psnr}
    holds: "bad > noisy"
    seeds: [0]
  - name: no_such_figure
    size: full
    where: "here"
    says: "A part that is not there finds nothing."
    cells:
      none: {method: $adam, training: zeros}
    holds: "none > 0"
    seeds: [0]
"""
DUE = {
    "bytes_of_optimizers": ("reproduced", ""),
    "a_training_has_a_course": ("reproduced", ""),
    "a_rate_can_be_too_high": ("differs", "does not hold on seed 0; high diverged on seed 0"),
    "no_such_method": ("not available", "bad: unknown method 'mediann': did you mean 'median'?"),
    "no_such_figure": ("not available", "none: its training has no figure 'zeros': none is known"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("claims")
    (made / "claims_plugin.py").write_text(PLUGIN)
    (made / "mine.yaml").write_text(CLAIMS)
    return made


@pytest.fixture(scope="module")
def first(folder: Path) -> Any:
    """What the verb prints of a first run, into the store `s`."""
    import os
    import subprocess

    words = ("reproduce", "--claims", "mine.yaml", "--plugin", "claims_plugin.py", "--store", "s", "--json")
    done = subprocess.run(
        [str(warm_folder() / "noisebench"), *words], cwd=folder, capture_output=True, text=True, env=dict(os.environ),
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    return done


def verdicts(rows: list[Any]) -> dict[str, tuple[str, str]]:
    return {row["name"]: (row["verdict"], row["reason"]) for row in rows}


def test_trainings_and_costs_are_judged_beside_scores(first: Any) -> None:
    rows = json.loads(first.stdout)["claims"]
    assert verdicts(rows) == DUE
    by_name = {row["name"]: row for row in rows}
    assert by_name["bytes_of_optimizers"]["kind"] == "property"
    assert by_name["bytes_of_optimizers"]["values"] == [{"adam": 728.0, "sai": 356.0, "diffgrad": 1084.0}]
    assert by_name["a_training_has_a_course"]["values"][0]["never"] == "inf"
    assert by_name["a_rate_can_be_too_high"]["values"][0] | {"adam": 0} == {"high": None, "adam": 0, "lost": 1.0}


def test_what_several_claims_need_is_run_once_and_each_is_told_when_its_last_cell_ends(
    first: Any, folder: Path
) -> None:
    cells = [read_cell(folder / "s", key) for key in keys(folder / "s")]
    assert sorted(cell.kind for cell in cells) == ["cost"] + 2 * ["score"] + 5 * ["train"]
    assert "8 cells to run, 0 stored already" in first.stderr
    told = [line for line in first.stderr.splitlines() if line.startswith("claim ")]
    assert sorted(told) == sorted(
        f"claim {name}: {verdict}" + (f": {reason}" if reason else "") for name, (verdict, reason) in DUE.items()
    )
    assert first.stderr.index("claim no_such_figure") < first.stderr.index("[8/8]")


def test_the_seconds_of_a_verdict_are_those_of_all_its_cells_each_once(first: Any, folder: Path) -> None:
    (row,) = [r for r in json.loads(first.stdout)["claims"] if r["name"] == "a_training_has_a_course"]
    cells = [read_cell(folder / "s", key) for key in row["keys"]]
    assert sorted(cell.kind for cell in cells) == ["cost", "score", "train", "train"]
    assert row["seconds"] == pytest.approx(sum(cell.seconds for cell in cells))


def test_stores_and_exports_give_the_same_verdicts_until_the_code_is_another(
    cli: Any, first: Any, folder: Path
) -> None:
    cli("export", "s", "--to", "s.json", "--no-pictures", cwd=folder)
    load_plugin(str(folder / "claims_plugin.py"))
    claims = read_file(folder / "mine.yaml")
    ran = json.loads(first.stdout)["claims"]
    for results in ("s", "s.json"):
        rows = judged(claims, [folder / results])
        assert verdicts(rows) == {**DUE, "no_such_method": ("not available", "not among these results")}
        assert [row.get("stale") for row in rows] == [False, False, False, None, None]
        assert [row["seconds"] for row in rows[:3]] == pytest.approx([row["seconds"] for row in ran[:3]])
    assert {row["reason"] for row in judged(claims, [])} == {"not among these results"}


def test_a_cell_of_other_code_is_stale(cli: Any, first: Any, folder: Path) -> None:
    words = ("reproduce", "--claims", "mine.yaml", "--plugin", "other.py", "--from", "s", "bytes_of_optimizers")
    (folder / "other.py").write_text(PLUGIN + "\n# another version\n")
    done = cli(*words, cwd=folder)
    assert "bytes_of_optimizers: reproduced (stale)" in done.stdout
    assert "  adam = 728\n  sai = 356\n  diffgrad = 1084\n" in done.stdout


def test_claims_are_chosen_by_kind_and_size(cli: Any, folder: Path) -> None:
    def named(*options: str) -> list[str]:
        done = cli("reproduce", "--claims", "mine.yaml", "--list", "--json", *options, cwd=folder)
        return [claim["name"] for claim in json.loads(done.stdout)]

    assert named("--kind", "property") == ["bytes_of_optimizers"]
    assert named("--size", "full") == ["no_such_figure"]
    assert named("--kind", "effect", "--size", "quick") == [
        "a_training_has_a_course", "a_rate_can_be_too_high", "no_such_method",
    ]  # fmt: skip
    done = cli("reproduce", "--claims", "mine.yaml", "--kind", "property", "--size", "full", cwd=folder, code=2)
    assert "no full property claim" in done.stderr and "`noisebench reproduce --list`" in done.stderr
