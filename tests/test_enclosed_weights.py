"""Checkpoints that come with noisebench: found by key in a checkout and in a package, and never stale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from noisebench.plan import plan
from noisebench.store.cells import keys, read_cell
from noisebench.suite import Suite
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
        assert key_today(card) == card["key"], (
            f"{file.name} was trained with other source files: `make weights` trains it anew"
        )


def test_all_of_them_are_small() -> None:
    sizes = [file.stat().st_size for file in enclosed_checkpoints()]
    assert all(size <= LARGEST for size in sizes) and sum(sizes) <= ALL


def test_the_default_recipe_is_not_trained_again(cli: Any, tmp_path: Path) -> None:
    (cell,) = [cell for cell in plan(Suite(methods=("trained",))) if cell["kind"] == "train"]
    assert known_checkpoint(cell["key"]) is not None, "the default recipe has no weights: `make weights` trains it"
    cli("run", "--methods", "trained", "--datasets", "photos", "--limit", "1", "--regimes", "gaussian(sigma=25)",
        "--store", "s")  # fmt: skip
    (made,) = [read_cell(tmp_path / "s", key) for key in keys(tmp_path / "s") if key == cell["key"]]
    assert made["training"]["imported"] is True


def test_the_list_names_each_with_its_state(cli: Any) -> None:
    listed = json.loads(cli("weights", "ls", "--json").stdout)
    assert {Path(one["file"]).name for one in listed} == {file.name for file in enclosed_checkpoints()}
    assert all(one["state"] == "used by key" for one in listed)


def test_one_that_is_stale_is_not_used_and_the_list_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from noisebench.cli import weights

    file, card = next(iter(enclosed_checkpoints().items()))
    old = {**card, "key": "0" * 64}
    folder = tmp_path / "weights"
    folder.mkdir()
    data = file.read_bytes()
    length = int.from_bytes(data[:8], "little")
    plain = json.dumps({k: v for k, v in json.loads(data[8 : 8 + length]).items() if k != "__metadata__"}).encode()
    bare = len(plain).to_bytes(8, "little") + plain + data[8 + length :]
    (folder / "old.safetensors").write_bytes(checkpoint.with_card(bare, old))  # type: ignore[arg-type]
    monkeypatch.setattr(checkpoint, "enclosed_folder", lambda: folder)
    assert known_checkpoint(card["key"]) is None
    said: list[Any] = []
    monkeypatch.setattr(weights, "print_json", said.extend)
    assert weights._list_enclosed(True) == 1
    assert said[0]["state"] == "stale: its source files have changed since"
