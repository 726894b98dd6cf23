"""Kept pictures are scored under a new metric or protocol without calling the method; what is damaged is made again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from messages import missing_from
from noisebench.components.tracks import get_track
from noisebench.store.cell import Cell
from noisebench.store.cells import cell_dir, keys, read_cell, read_record
from noisebench.store.keys import key_of
from noisebench.store.reading import read_records
from noisebench.store.seals import files_seal
from noisebench.store.upkeep import gc
from noisebench.store.upkeep import verify as verify_store
from noisebench.testing import throwaway
from warm_python import warm_folder

COUNTS = """
import noisebench as nb

open("imported", "a").write("x")

@nb.method("counts")
def counts(noisy, info):
    open("calls", "a").write("x")
    return noisy * 0.9
"""
BRIGHT = """
import noisebench as nb

@nb.metric("bright", version=1)
def bright(pair):
    return float(pair.x.mean())
"""
N = 4
LEVELS = (1, 2, 3, 4, 5, 6)
ARGS = ("run", "--methods", "counts", "--plugin", "counts.py", "--plugin", "bright.py", "--datasets",
        f"gaussian_field(n={N}, size=24)", "--json")  # fmt: skip
ALL = ("--regimes", "gaussian(sigma={" + ",".join(map(str, LEVELS)) + "})")


def files_of(track):
    return get_track(track).outputs


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """A folder with the plug-ins and a store of six cells that kept all their pictures."""
    folder = tmp_path_factory.mktemp("base")
    throwaway(folder, "", counts=COUNTS, bright=BRIGHT)
    args = [*ARGS, *ALL, "--metrics", "psnr", "bright", "--keep", "all"]
    subprocess.run([str(warm_folder() / "noisebench"), *args], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def lab(base, tmp_path) -> Path:
    """A copy of `base`, and the working folder of the test."""
    shutil.copytree(base, tmp_path, dirs_exist_ok=True)
    for file in tmp_path.glob("nb-store/cells/*/*/cell.json"):
        file.write_text(file.read_text().replace(json.dumps(str(base)), json.dumps(str(tmp_path))).replace(
            f"{base}/", f"{tmp_path}/"))  # fmt: skip
        sealed = {name: (file.parent / name).read_bytes() for name in ("cell.json", "scores.parquet")}
        (file.parent / "seal").write_bytes(files_seal(sealed))
    return tmp_path


@pytest.fixture
def run(cli, lab):
    def call(*args: str) -> dict[str, dict]:
        cells = json.loads(cli(*ARGS, *args).stdout)["cells"]
        return {c["regime"].removeprefix("gaussian(sigma=").rstrip(")"): c for c in cells}

    return call


def count(folder: Path, name: str = "calls") -> int:
    return os.path.getsize(folder / name)


def stored(store: Path, metrics: dict[str, int]) -> dict[str, Cell]:
    """The stored cells of these metrics by noise level."""
    found = [read_cell(store, key) for key in keys(store)]
    return {c.regime.display.removeprefix("gaussian(sigma=").rstrip(")"): c
            for c in found if c.inputs["metrics"] == metrics}  # fmt: skip


BASE = {"psnr": 1, "bright": 1}


def test_a_new_protocol_calls_no_method_and_imports_no_plugin(run, cli, lab):
    donor = stored(lab / "nb-store", BASE)["3"]
    args = ("--regimes", "gaussian(sigma=3)", "--metrics", "psnr", "--protocol", "float")
    assert run(*args, "--dry-run")["3"]["state"] == "re-score"
    imported = count(lab, "imported")
    cell = run(*args)["3"]
    assert (cell["state"], cell["outcome"]) == ("re-scored", "ok")
    assert cell["reason"] == f"re-scored from cell {donor.key[:12]}"
    assert count(lab) == N * len(LEVELS)
    assert count(lab, "imported") == imported + 1, "only planning imports the plug-in"
    text = cli("why", "nb-store", cell["key"]).stdout
    assert f"re-scored from what cell {donor.key[:12]} kept" in text and "up to date" in text


def test_a_new_metric_gives_the_numbers_of_a_fresh_run(run, lab):
    metrics = ("psnr", "ssim", "residual_whiteness", "bright")  # one that needs the noisy picture too
    args = ("--regimes", "gaussian(sigma=3)", "--metrics", *metrics)
    cell = run(*args)["3"]
    assert (cell["state"], count(lab)) == ("re-scored", N * len(LEVELS)), "the plug-in's metric is scored as well"
    run(*args, "--store", "afresh")
    (fresh,) = read_records(lab / "afresh")
    again = read_record(lab / "nb-store", fresh.cell.key)
    donor = read_record(lab / "nb-store", stored(lab / "nb-store", BASE)["3"].key)
    for name in ("items", "input_sha256", "output_sha256", "notes"):
        assert getattr(again, name) == getattr(fresh, name)
    for metric in metrics:
        assert np.isfinite(fresh.scores[metric]).all()
        np.testing.assert_array_equal(again.scores[metric], fresh.scores[metric])
    np.testing.assert_array_equal(again.seconds, donor.seconds)
    assert (again.cell.setup_s, again.cell.environment) == (donor.cell.setup_s, donor.cell.environment)
    assert again.cell.rescored.source == donor.cell.key
    assert fresh.cell.rescored is None and donor.cell.rescored is None
    assert verify_store(lab / "nb-store", files_of) == []


def test_damage_is_noticed_and_only_what_is_damaged_is_restored_again(run, lab):
    store = lab / "nb-store"
    lenders = stored(store, BASE)
    files = {level: cell_dir(store, c.key) / "outputs" / "00003.npy" for level, c in lenders.items()}
    good = {level: np.load(file) for level, file in files.items()}
    np.save(files["1"], good["1"] + np.float32(1e-3))
    files["2"].write_bytes(files["2"].read_bytes()[:-7])
    files["3"].unlink()
    np.save(files["4"], good["4"].reshape(12, 48, 1))
    # Of an earlier run that was stopped while it restored this cell: not to be mixed with what is lent.
    key = key_of({**lenders["5"].inputs, "metrics": {"ssim": 1}})
    (store / "partial" / key).mkdir(parents=True)
    row = {"key": key, "index": 0, "picture": "", "item": "", "input_sha256": "", "output_sha256": "",
           "seconds": -1.0, "scores": {"ssim": -1.0}, "note": ""}  # fmt: skip
    (store / "partial" / key / "rows.jsonl").write_text(json.dumps(row) + "\n")
    told = run(*ALL, "--metrics", "ssim", "--keep", "all")
    assert {level: c["state"] for level, c in told.items()} == {
        "1": "run", "2": "run", "3": "run", "4": "run", "5": "re-scored", "6": "re-scored",
    }  # fmt: skip
    assert {c["outcome"] for c in told.values()} == {"ok"}
    assert count(lab) == N * len(LEVELS) + 4 * N
    for level, what in (("1", "damaged"), ("2", "damaged"), ("3", "missing"), ("4", "damaged")):
        reason = told[level]["reason"]
        assert not missing_from(reason, f"cell {lenders[level].key[:12]} cannot be used", "outputs/00003.npy", what)
        assert reason.endswith(": made again")
    for level, cell in told.items():
        record = read_record(store, cell["key"])
        file = cell_dir(store, cell["key"]) / "outputs" / "00003.npy"
        np.testing.assert_array_equal(np.load(file), good[level])
        assert (record.seconds > 0).all() and record.cell.notes == []
        assert (record.cell.rescored is not None) == (level in "56")
        assert (level in "56") == file.samefile(files[level]) if files[level].exists() else level == "3"
    problems = verify_store(store, files_of)
    assert sorted(p.split(":")[0] for p in problems) == sorted(f"cell {lenders[n].key[:12]}" for n in "123")
    assert all("outputs/00003.npy" in p for p in problems)
    # Each cell stays whole when another goes.
    for cell in lenders.values():
        shutil.rmtree(cell_dir(store, cell.key))
    gc(store)
    assert verify_store(store, files_of) == []
    again = run(*ALL, "--metrics", "psnr", "ssim")
    assert {c["state"] for c in again.values()} == {"re-scored"} and count(lab) == N * len(LEVELS) + 4 * N
    for level, cell in again.items():
        assert read_cell(store, cell["key"]).rescored.source == told[level]["key"]
        assert not (cell_dir(store, cell["key"]) / "outputs").exists(), "kept only where asked for"


def test_why_says_that_a_cell_would_be_scored_anew(cli, lab):
    (lab / "bright.py").write_text(BRIGHT.replace("version=1", "version=2"))
    told = json.loads(cli("why", "nb-store", "--json").stdout)
    assert {e["state"] for e in told} == {"to be re-scored"}
    file, version = told[0]["changed"]
    assert not missing_from(file, "source file bright/bright.py ", "metrics changed (")
    assert version == "metrics.bright changed (1 → 2)" and told[0]["rescored_from"] is None


RETRIED = """
import os, time
import noisebench as nb

@nb.method("waits")
def waits(noisy, info):
    open("calls", "a").write("x")
    if os.path.exists("first"):
        raise ValueError("not yet")
    while not os.path.exists("go"):
        time.sleep(0.01)
    return noisy
"""


def test_a_cell_that_another_run_retries_is_waited_for_and_done_once(tmp_path, cli):
    throwaway(tmp_path, "", waits=RETRIED)
    args = ["run", "--methods", "waits", "--plugin", "waits.py", "--datasets", "gaussian_field(n=1, size=16)",
            "--regimes", "none", "--metrics", "psnr", "--json"]  # fmt: skip
    (tmp_path / "first").touch()
    cli(*args, code=1)
    (tmp_path / "first").unlink()
    both = []
    for _ in range(2):
        both.append(
            subprocess.Popen([str(warm_folder() / "noisebench"), *args], cwd=tmp_path, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and count(tmp_path) < 2:
            time.sleep(0.02)
    assert both[1].stderr is not None and "1 cell to run" in both[1].stderr.readline()
    time.sleep(0.5)
    (tmp_path / "go").touch()
    (told,), (waited,) = (json.loads(p.communicate(timeout=60)[0])["cells"] for p in both)
    assert (told["outcome"], told["state"]) == ("ok", "run")
    assert (waited["outcome"], waited["state"]) == ("ok", "stored")
    assert count(tmp_path) == 2 and len(keys(tmp_path / "nb-store")) == 1
