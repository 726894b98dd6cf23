"""What the engine withstands: every way a method can misbehave, kill -9, two runs at once, a full disk."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import DATA
from messages import missing_by_line
from noisebench.components.datasets import open_dataset
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.store.cells import append_row, cell_dir, keys, open_store, partial_dir, read_record, read_rows
from noisebench.store.reading import read_records
from noisebench.store.upkeep import verify as verify_store
from noisebench.testing import throwaway
from warm_python import warm_folder

BAD = """
import os, sys, time, signal, subprocess
import numpy as np
import noisebench as nb

@nb.method("raises")
def raises(noisy, info):
    raise ValueError("a <b>bad</b>\\nday")

@nb.method("wrong_shape")
def wrong_shape(noisy, info):
    return noisy[..., 1:]

@nb.method("gives_nan")
def gives_nan(noisy, info):
    return noisy * float("nan")

@nb.method("gives_double", layout="hwc")
def gives_double(noisy, info):
    return noisy.astype(np.float64)

@nb.method("edits_input")
def edits_input(noisy, info):
    out = noisy.clone()
    noisy.zero_()
    return out

@nb.method("exits")
def exits(noisy, info):
    sys.exit(0)

@nb.method("exits_hard")
def exits_hard(noisy, info):
    os._exit(0)

@nb.method("aborts")
def aborts(noisy, info):
    os.abort()

@nb.method("interrupts")
def interrupts(noisy, info):
    raise KeyboardInterrupt

@nb.method("loops")
def loops(noisy, info):
    while True:
        pass

@nb.method("sleeps")
def sleeps(noisy, info):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(100)

@nb.method("allocates")
def allocates(noisy, info):
    held = []
    while True:
        held.append(np.ones(1 << 22))

@nb.method("grandchild")
def grandchild(noisy, info):
    subprocess.Popen(["sleep", "4242"])
    subprocess.Popen(["sleep", "4242"], start_new_session=True)
    return noisy

@nb.method("forks")
def forks(noisy, info):
    os.fork()
    return noisy

@nb.method("prints")
def prints(noisy, info):
    for _ in range(25):
        print("x" * (4 << 20))
    return noisy

@nb.method("needs_mask", needs=("mask",))
def needs_mask(noisy, info):
    return noisy

@nb.method("needs_package", requires=("no_such_package",))
def needs_package(noisy, info):
    return noisy
"""


def files_of(track):
    return get_track(track).outputs


def sleepers() -> list[int]:
    return [p.pid for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "4242"]]


def outcomes(document: dict) -> dict[str, str]:
    return {c["method"]: c["outcome"] for c in document["cells"]}


def run_bad(cli, tmp_path, *methods, extra=()):
    throwaway(tmp_path, "", bad=BAD)
    done = cli(
        "run", "--methods", "identity", *methods, "--datasets", "gaussian_field(n=2, size=24)", "--regimes",
        "gaussian(sigma=25)", "--plugin", "bad.py", "--metrics", "psnr", "--json", *extra, code=None,
    )  # fmt: skip
    return done, json.loads(done.stdout)


def test_every_misbehaviour_has_its_outcome_and_the_others_finish(cli, tmp_path):
    expected = {
        "identity": "ok", "raises": "failed", "wrong_shape": "invalid", "gives_nan": "invalid", "gives_double": "ok",
        "edits_input": "ok", "exits": "failed", "exits_hard": "crashed", "aborts": "crashed", "interrupts": "failed",
        "grandchild": "ok", "prints": "ok", "forks": "ok", "needs_mask": "skipped", "needs_package": "skipped",
    }  # fmt: skip
    done, document = run_bad(cli, tmp_path, *[m for m in expected if m != "identity"])
    assert outcomes(document) == expected
    assert done.returncode == 1
    assert sleepers() == []
    records = {r.cell.method.name: r for r in read_records(tmp_path / "nb-store")}
    assert "a <b>bad</b>" in records["raises"].cell.traceback
    assert records["raises"].cell.reason == (
        "ValueError: a <b>bad</b> day (bad.py, line 8) (picture 'gaussian_field_000')"
    )
    assert "SIGABRT" in records["aborts"].cell.reason
    assert "code 0 before it had finished" in records["exits_hard"].cell.reason
    assert not missing_by_line(records["edits_input"].cell.notes, ["edits its input", "a copy"])
    assert "NaN" in records["gives_nan"].cell.reason
    assert "no_such_package" in records["needs_package"].cell.reason
    for name in ("gives_double", "edits_input", "prints", "forks"):
        np.testing.assert_array_equal(records[name].scores["psnr"], records["identity"].scores["psnr"])
    assert verify_store(tmp_path / "nb-store", files_of) == []
    cli("report", "nb-store", "--to", "board")
    board = (tmp_path / "board" / "leaderboard.md").read_text()
    for name, outcome in expected.items():
        assert name in board
        if outcome != "ok":
            assert outcome in board


def test_a_denoiser_does_not_apply_where_pictures_are_made_smaller(cli, tmp_path):
    done = cli("run", "--methods", "median", "bicubic", "--datasets", "gaussian_field(n=1, size=24)", "--regimes",
               "downsample(scale=2)", "--json")  # fmt: skip
    assert outcomes(json.loads(done.stdout)) == {"median": "skipped", "bicubic": "ok"}


def test_a_time_limit_is_hard(cli, tmp_path):
    done, document = run_bad(cli, tmp_path, "loops", "sleeps", extra=("--timeout", "2"))
    assert outcomes(document) == {"identity": "ok", "loops": "timeout", "sleeps": "timeout"}
    assert done.returncode == 1


def test_a_memory_limit_is_hard(cli, tmp_path):
    done, document = run_bad(cli, tmp_path, "allocates", extra=("--memory", "512MiB"))
    assert outcomes(document) == {"identity": "ok", "allocates": "oom"}
    assert done.returncode == 1


COUNTED = """
import noisebench as nb

@nb.method("fails")
def fails(noisy, info):
    open("fails", "a").write("x")
    raise ValueError("no")

@nb.method("works")
def works(noisy, info):
    open("works", "a").write("x")
    return noisy
"""


def test_failures_are_tried_again_and_never_when_told(cli, tmp_path):
    throwaway(tmp_path, "", counted=COUNTED)

    def states(*extra: str) -> dict[str, tuple[str, str, int]]:
        """State and outcome of each method, and how often it has been called so far."""
        done = cli(
            "run", "--methods", "fails", "works", "--datasets", "gaussian_field(n=1, size=24)", "--regimes",
            "gaussian(sigma=25)", "--plugin", "counted.py", "--metrics", "psnr", "--json", *extra, code=1,
        )  # fmt: skip
        cells = json.loads(done.stdout)["cells"]
        return {c["method"]: (c["state"], c["outcome"], len((tmp_path / c["method"]).read_text())) for c in cells}

    assert states() == {"fails": ("run", "failed", 1), "works": ("run", "ok", 1)}
    assert states("--retry", "never") == {"fails": ("stored", "failed", 1), "works": ("stored", "ok", 1)}
    assert states() == {"fails": ("run", "failed", 2), "works": ("stored", "ok", 1)}
    assert states("--retry", "always") == {"fails": ("run", "failed", 3), "works": ("run", "ok", 2)}


SLOW = """
import time
import noisebench as nb

@nb.method("slow")
def slow(noisy, info):
    time.sleep(0.03)
    return noisy * 0.9 + 0.1 * info.rng.random()

@nb.method("slow_too")
def slow_too(noisy, info):
    time.sleep(0.02)
    return noisy
"""
SLOW_ARGS = (
    "run", "--methods", "slow", "slow_too", "--datasets", "gaussian_field(n=8, size=24)", "--regimes",
    "gaussian(sigma={15,25})", "--plugin", "slow.py", "--metrics", "psnr", "--jobs", "2", "--json",
)  # fmt: skip


def start(tmp_path: Path, *args: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "noisebench", *args], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "NOISEBENCH_DATA": str(DATA)},
    )  # fmt: skip


def wait_for_rows(store: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not list(store.glob("partial/*/rows.jsonl")):
        time.sleep(0.005)


def essence(store: Path) -> dict[str, list]:
    found = {}
    for record in read_records(store):
        found[record.cell.key] = [
            record.cell.outcome, record.items, record.input_sha256, record.output_sha256,
            [float(v) for v in record.scores["psnr"]],
        ]  # fmt: skip
    return found


def test_kill_9_at_random_moments_loses_nothing(cli, tmp_path):
    throwaway(tmp_path, "", slow=SLOW)
    cli(*SLOW_ARGS, "--store", "undisturbed")
    wanted = essence(tmp_path / "undisturbed")
    assert len(wanted) == 4
    store = tmp_path / "killed"
    moments = random.Random(7)
    kills = 0
    for _ in range(20):
        process = start(tmp_path, *SLOW_ARGS, "--store", "killed")
        wait_for_rows(store, 20)
        time.sleep(moments.uniform(0, 0.12))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
        deadline = time.monotonic() + 5
        before = {}
        while time.monotonic() < deadline and _cells_alive(store):
            time.sleep(0.01)
        assert not _cells_alive(store), "a cell outlives a killed run"
        if store.is_dir():
            before = {f.name: len(read_rows(f, f.name)) for f in store.glob("partial/*")}
            for name, n in before.items():
                rows = read_rows(partial_dir(store, name), name)
                assert len({r["index"] for r in rows}) == n
            assert verify_store(store, files_of) == []
        if len(keys(store)) == 4:
            for key in keys(store)[:2]:
                shutil.rmtree(store / "cells" / key[:2] / key)
    assert kills >= 10
    cli(*SLOW_ARGS, "--store", "killed")
    assert essence(store) == wanted
    assert verify_store(store, files_of) == []


def _cells_alive(store: Path) -> bool:
    for process in psutil.process_iter(["cmdline"]):
        if "noisebench.engine.fork_server" in (process.info["cmdline"] or []):
            try:
                if process.cwd() == str(store.parent) and process.status() != psutil.STATUS_ZOMBIE:
                    return True
            except psutil.Error:
                continue
    return False


def test_a_resumed_cell_keeps_the_rows_it_had(cli, tmp_path):
    throwaway(tmp_path, "", slow=SLOW.replace("0.03", "0.3"))
    args = [a for a in SLOW_ARGS if a != "slow_too"]
    process = start(tmp_path, *args)
    store = tmp_path / "nb-store"
    wait_for_rows(store)
    time.sleep(0.4)
    process.kill()
    process.wait()
    folders = list(store.glob("partial/*"))
    before = {f.name: read_rows(f, f.name) for f in folders}
    assert any(before.values())
    cli(*args)
    for key, rows in before.items():
        record = read_record(store, key)
        for row in rows:
            place = record.items.index(row["item"])
            assert record.seconds[place] == row["seconds"], "the picture was done twice"


def test_ctrl_c_stops_a_call_without_end_and_says_how_to_go_on(tmp_path):
    throwaway(tmp_path, "", bad=BAD)
    process = subprocess.Popen(
        [sys.executable, "-m", "noisebench", "run", "--methods", "sleeps", "--datasets", "gaussian_field(n=2, size=24)",
         "--regimes", "none", "--plugin", "bad.py"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list((tmp_path / "nb-store").glob("partial/*")):
        time.sleep(0.01)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "goes on from here" in err and "Traceback" not in err
    assert not _cells_alive(tmp_path / "nb-store")


def test_two_runs_on_one_store_do_each_cell_once(tmp_path, cli):
    throwaway(
        tmp_path,
        "",
        slow=SLOW.replace("time.sleep(0.03)", "open('calls', 'a').write('x'); time.sleep(0.03)").replace(
            "time.sleep(0.02)", "open('calls', 'a').write('x'); time.sleep(0.02)"
        ),
    )
    program = warm_folder() / "noisebench"
    runs = [subprocess.Popen([program, *SLOW_ARGS], cwd=tmp_path, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [p.wait(120) for p in runs] == [0, 0]
    store = tmp_path / "nb-store"
    assert len(keys(store)) == 4
    assert verify_store(store, files_of) == []
    assert len((tmp_path / "calls").read_text()) == 4 * 8


def test_a_full_disk_stops_the_run_with_one_line_and_leaves_nothing_damaged(cli, tmp_path):
    throwaway(tmp_path, "", slow=SLOW)
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", str(small)], capture_output=True)
    if mounted.returncode:
        pytest.skip("cannot mount a small file system here (needs root)")
    try:
        done = subprocess.run(
            [warm_folder() / "noisebench", *SLOW_ARGS, "--keep", "all", "--datasets",
             "gaussian_field(n=8, size=64)", "--store", str(small / "store")],
            cwd=tmp_path, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 1
        assert "no room left" in done.stderr and "Traceback" not in done.stderr
        assert verify_store(small / "store", files_of) == []
        subprocess.run(["mount", "-o", "remount,size=20m", str(small)], check=True)
        cli(*SLOW_ARGS, "--datasets", "gaussian_field(n=8, size=64)", "--store", small / "store")
        assert verify_store(small / "store", files_of) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


ONE_CELL = ("run", "--methods", "identity", "--datasets", "gaussian_field(n=3, size=24)", "--regimes", "none",
            "--metrics", "psnr", "--json")  # fmt: skip


def test_what_a_stopped_run_kept_of_items_without_a_row_is_in_no_cell(cli, tmp_path):
    (cell,) = json.loads(cli(*ONE_CELL, "--dry-run").stdout)["cells"]
    outputs = partial_dir(open_store(tmp_path / "nb-store"), cell["key"]) / "outputs"
    outputs.mkdir(parents=True)
    for name in ("00001.npy", "00001.json", "00001.png"):
        (outputs / name).touch()
    cli(*ONE_CELL)
    assert not (cell_dir(tmp_path / "nb-store", cell["key"]) / "outputs").exists()
    assert verify_store(tmp_path / "nb-store", files_of) == []
    said = "1 of the cells stored already has not the outputs that are to be kept: --retry always"
    assert said in cli(*ONE_CELL, "--keep", "all").stderr and said not in cli(*ONE_CELL).stderr
    cli(*ONE_CELL, "--keep", "all", "--retry", "always")
    assert said not in cli(*ONE_CELL, "--keep", "sample").stderr


def test_rows_of_a_run_that_kept_nothing_are_made_again_where_outputs_are_due(cli, tmp_path):
    store = tmp_path / "nb-store"
    cli(*ONE_CELL)
    (key,) = keys(store)
    record = read_record(store, key)
    item = open_dataset(bind("gaussian_field(n=3, size=24)", "dataset")).load(0)
    row = {"key": key, "index": 0, "line": get_track("restore").identify(item), "donor": None, "item": item.id,
           "input_sha256": record.input_sha256[0], "output_sha256": record.output_sha256[0], "note": "", "seconds": 1.0,
           "scores": {"psnr": None}}  # fmt: skip
    shutil.rmtree(store / "cells")
    partial_dir(store, key).mkdir(parents=True)
    append_row(partial_dir(store, key), row, 0)
    cli(*ONE_CELL, "--keep", "all")
    assert verify_store(store, files_of) == []


def test_an_edited_import_reruns_its_cells_only_and_why_names_it(cli, tmp_path):
    throwaway(
        tmp_path, "",
        one="import noisebench as nb\nimport strength\n\n@nb.method('one')\n"
        "def one(noisy, info):\n    return noisy * strength.S\n",
        strength="S = 0.5\n",
        two="import noisebench as nb\n\n@nb.method('two')\ndef two(noisy, info):\n    return noisy\n",
    )  # fmt: skip
    args = ("run", "--methods", "one", "two", "--plugin", "one.py", "--plugin", "two.py", "--datasets",
            "gaussian_field(n=2, size=24)", "--regimes", "none", "--json")  # fmt: skip

    def states():
        return {c["method"]: c["state"] for c in json.loads(cli(*args).stdout)["cells"]}

    assert states() == {"one": "run", "two": "run"}
    os.utime(tmp_path / "strength.py", (1, 1))
    assert states() == {"one": "stored", "two": "stored"}
    (tmp_path / "strength.py").write_text("S = 0.25\n")
    why = json.loads(cli("why", "nb-store", "--json").stdout)
    told = {e["method"]: (e["state"], e["changed"]) for e in why}
    assert told["two"] == ("up to date", [])
    assert told["one"][0] == "to be run again"
    assert not missing_by_line(told["one"][1], ["source file one/strength.py ", "method changed"])
    assert states() == {"one": "run", "two": "stored"}


def test_a_plugin_that_ends_the_process_is_a_usage_error(cli, tmp_path):
    (tmp_path / "ends.py").write_text("import os\nos._exit(0)\n")
    done = cli(
        "run",
        "--methods",
        "identity",
        "--datasets",
        "photos",
        "--regimes",
        "none",
        "--plugin",
        "ends.py",
        code=2,
    )
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "nb-store").exists()
