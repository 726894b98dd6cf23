"""The order in which a method is given items says nothing of them, and changes nothing that is stored."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import cv2
import noisebench as nb
import numpy as np
import pytest
from conftest import DATA
from noisebench.components.registry import bind
from noisebench.store.cells import read_rows
from noisebench.store.reading import read_records
from noisebench.testing import throwaway
from noisebench.track.order import copy_rows, in_order, presented
from warm_python import warm_folder

COUNTER = """
import numpy as np
import noisebench as nb

@nb.method("counter", track="classify")
class Counter:
    calls = 0

    def classify(self, noisy, info):
        import torch
        logits = torch.zeros(1, info.classes)
        logits[0, self.calls % info.classes] = 1
        self.calls += 1
        return logits

@nb.method("thoughtful", layout="hwc")
def thoughtful(noisy, info):
    import time
    time.sleep(0.05)
    return noisy
"""
CLASSES = ("a", "b", "c", "d", "e")


@pytest.fixture
def by_turns(tmp_path: Path) -> str:
    """A folder of pictures, whose set has the five classes by turns."""
    rng = np.random.default_rng(0)
    for number in range(30):
        for name in CLASSES:
            file = tmp_path / "pictures" / name / f"{number:02d}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(file), rng.integers(0, 256, (8, 8), dtype=np.uint8))
    throwaway(tmp_path, "", counter=COUNTER)
    return "folder(path=pictures)"


def test_a_run_tells_a_counter_no_label(cli, tmp_path, by_turns):
    cli("run", "--track", "classify", "--plugin", "counter.py", "--methods", "counter", "--datasets", by_turns,
        "--regimes", "none", "--metrics", "accuracy", "ece")  # fmt: skip
    (record,) = read_records(tmp_path / "nb-store")
    ids = list(nb.open_dataset(bind(f"folder(path='{tmp_path}/pictures')", "dataset", "classify")).ids)
    assert [one.split("/")[0] for one in ids[:6]] == ["a", "b", "c", "d", "e", "a"], "the set has its classes by turns"
    assert record.items == ids, "rows are in the order of the dataset"
    assert record.scores["accuracy"].mean() < 0.35, "chance is 0.2, and one who knows the order has 1"
    assert record.cell.sets["ece"].n == len(ids)


def test_evaluate_tells_a_counter_no_label(by_turns, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    calls = []

    def counter(noisy, info):
        calls.append(noisy)
        logits = np.zeros(info.classes, np.float32)
        logits[(len(calls) - 1) % info.classes] = 1
        return logits

    result = nb.evaluate(counter, by_turns, track="classify", metrics="accuracy")
    assert result.mean("accuracy") < 0.35


@pytest.mark.skipif(not (DATA / "cifar10_subset").is_dir(), reason="no cifar10_subset at NOISEBENCH_DATA")
def test_a_counter_scores_chance_on_cifar10(monkeypatch):
    monkeypatch.setenv("NOISEBENCH_DATA", str(DATA))
    calls = []

    def counter(noisy, info):
        calls.append(noisy)
        return np.eye(10, dtype=np.float32)[(len(calls) - 1) % 10]

    result = nb.evaluate(counter, "cifar10_subset(n=500)", track="classify", metrics="accuracy")
    assert result.mean("accuracy") == pytest.approx(0.1, abs=0.05)


def test_the_order_is_keyed_by_seed_and_does_not_depend_on_how_many_items_there_are():
    ids = [f"item_{n}" for n in range(100)]
    order = presented(ids, 0)
    assert sorted(order) == list(range(100)) == in_order(order, order)
    assert order == presented(ids, 0) != presented(ids, 1)
    assert [n for n in order if n < 50] == presented(ids[:50], 0)
    assert abs(np.corrcoef(order, range(100))[0, 1]) < 0.3


def test_parts_of_a_file_are_put_into_another_order(tmp_path):
    (tmp_path / "from").write_bytes(b"aabcccd")
    copy_rows(tmp_path / "from", tmp_path / "to", [2, 1, 0, 3, 1], [3, 2, 0, 4, 1])
    assert (tmp_path / "to").read_bytes() == b"cccaadb"


def test_a_killed_run_goes_on_with_the_next_item_of_the_order_to_the_same_end(cli, tmp_path):
    throwaway(tmp_path, "", counter=COUNTER)
    args = ["run", "--plugin", "counter.py", "--methods", "thoughtful", "--seed", "3",
            "--datasets", "gaussian_field(n=12, size=64)", "--regimes", "gaussian(sigma=25)",
            "--metrics", "psnr", "kid(features=efficientnet_lite0_mid)"]  # fmt: skip
    cli(*args, "--store", "whole")
    store = tmp_path / "killed"
    process = subprocess.Popen(
        [warm_folder() / "noisebench", *args, "--store", "killed"], cwd=tmp_path, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, env={**os.environ, "NOISEBENCH_DATA": str(DATA)},
    )  # fmt: skip
    places: list[int] = []
    deadline = time.monotonic() + 60
    while len(places) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
        places = [row["index"] for folder in store.glob("partial/*") for row in read_rows(folder, folder.name)]
    process.send_signal(signal.SIGKILL)
    process.wait()
    order = presented([f"gaussian_field_{n:03d}" for n in range(12)], 3)
    assert 5 <= len(places) < 12 and places == order[: len(places)]
    cli(*args, "--store", "killed")
    (whole,), (resumed,) = read_records(tmp_path / "whole"), read_records(store)
    assert whole.items == resumed.items and whole.output_sha256 == resumed.output_sha256
    assert (whole.scores["psnr"] == resumed.scores["psnr"]).all()
    assert whole.cell.sets == resumed.cell.sets
