"""Checkpoints that come with noisebench: found by key in a checkout and in a package, and never stale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from noisebench.cli import weights
from noisebench.planning.plan import plan
from noisebench.store.cells import read_cell
from noisebench.suite.suite import named_suites, read_suite
from noisebench.training import checkpoint
from noisebench.training.checkpoint import enclosed_checkpoints, enclosed_folder, key_today, known_checkpoint

LARGEST, ALL = 2 << 20, 20 << 20


def test_a_checkout_has_them_in_its_results() -> None:
    assert enclosed_folder() == ROOT / "results" / "weights"


def test_a_package_has_them_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "__file__", str(tmp_path / "noisebench" / "training" / "checkpoint.py"))
    (tmp_path / "noisebench" / "weights").mkdir(parents=True)
    assert enclosed_folder() == tmp_path / "noisebench" / "weights"


def test_each_has_the_key_that_its_recipe_has_today() -> None:
    for file, card in enclosed_checkpoints().items():
        assert key_today(card) == card.key, (
            f"{file.name} was trained with other source files: `make weights` trains it anew"
        )


def test_all_of_them_are_small() -> None:
    sizes = [file.stat().st_size for file in enclosed_checkpoints()]
    assert all(size <= LARGEST for size in sizes) and sum(sizes) <= ALL


@pytest.mark.skipif(not enclosed_checkpoints(), reason="no weights lie in results/weights: `make weights` trains them")
def test_the_recipe_quick_is_not_trained_again(cli: Any, tmp_path: Path) -> None:
    (cell,) = [cell for cell in plan(read_suite(named_suites()["quick"])) if cell.kind == "train"]
    assert known_checkpoint(cell.key) is not None, "the recipe quick has no weights: `make weights` trains it"
    cli("run", "quick", "--limit", "1", "--store", "s")
    made = read_cell(tmp_path / "s", cell.key)
    assert made.training.imported is True


def test_the_list_names_each_with_its_state(cli: Any) -> None:
    listed = json.loads(cli("weights", "ls", "--json").stdout)
    assert {Path(one["file"]).name for one in listed} == {file.name for file in enclosed_checkpoints()}
    assert all(one["state"] == "used by key" for one in listed)


def test_one_is_found_by_its_key_and_the_list_says_where_that_is_no_more_the_key_of_its_recipe(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "enclosed"
    folder.mkdir()
    monkeypatch.setattr(checkpoint, "enclosed_folder", lambda: folder)
    said: list[Any] = []
    monkeypatch.setattr(weights, "print_json", lambda found: said.append(found[0]["state"]))
    spec = (
        "trained(arch=unet(width=2, depth=1), data=dead_leaves(n=6, size=8), crop=8, validation=2, steps=2, checks=1)"
    )
    cli("run", "--methods", spec, "--datasets", "photos", "--limit", "1", "--regimes", "none", "--store", "s")
    cli("weights", "export", "s", "--to", folder / "small.safetensors")
    (card,) = enclosed_checkpoints().values()
    assert known_checkpoint(card.key) == folder / "small.safetensors"
    assert known_checkpoint("0" * 64) is None
    assert weights._list_enclosed(True) == 0
    data = (folder / "small.safetensors").read_bytes()
    (folder / "small.safetensors").write_bytes(data.replace(card.key.encode(), b"0" * 64))
    assert known_checkpoint(card.key) is None
    assert weights._list_enclosed(True) == 1
    used, stale = said
    assert used == "used by key" and stale.startswith("stale: ") and "source files" in stale
