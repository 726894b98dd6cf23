"""Budgets of the engine, as ratios inside one run: start-up, overhead of isolation, a run that has nothing to do."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from msgspec import structs
from noisebench.store.cell import CellIdentity
from noisebench.store.cells import commit, open_store, partial_dir
from noisebench.store.reading import read_records
from targets import hold

PLUGIN = """
import cv2
import numpy as np
import noisebench as nb

@nb.method("busy", layout="hwc")
def busy(noisy, info, *, rounds: int = 40):
    out = noisy
    for _ in range(rounds):
        out = cv2.GaussianBlur(out, (0, 0), 4.0).reshape(noisy.shape)
    return out
"""


def call(*args: str, cwd: Path) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "noisebench", *args], cwd=cwd, check=True, capture_output=True)
    return time.perf_counter() - start


def best(function, times: int) -> float:
    return min(function() for _ in range(times))


def test_start_up(benchmark, tmp_path):
    def python(code: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - start

    benchmark.pedantic(lambda: call("--help", cwd=tmp_path), rounds=5)
    print(f"\nthe bare interpreter takes {best(lambda: python('pass'), 7):.3f} s of these:")
    imported = "import sys, noisebench; assert 'torch' not in sys.modules"
    ours = best(lambda: call("--help", cwd=tmp_path), 7)
    hold({"import noisebench": best(lambda: python(imported), 7), "noisebench --help": ours})
    hold({"noisebench list systems, CPU": best(lambda: cpu_seconds("list", "systems", cwd=tmp_path), 3)})


def test_overhead_of_a_long_cell(benchmark, tmp_path):
    (tmp_path / "busy.py").write_text(PLUGIN)
    args = [
        "--methods",
        "busy(rounds=400)",
        "--plugin",
        "busy.py",
        "--datasets",
        "photos",
        "--regimes",
        "gaussian(sigma=25)",
    ]

    def harness() -> float:
        call("run", *args, "--retry", "always", cwd=tmp_path)
        (record,) = read_records(tmp_path / "nb-store")
        return float(record.cell.seconds)

    script = (
        "import sys, time, cv2, torch; sys.path.insert(0, '.'); cv2.setNumThreads(1); torch.set_num_threads(1)\n"
        "import busy, numpy as np, noisebench as nb\n"
        "data = nb.open_dataset(nb.bind('photos', 'dataset'))\nstart = time.perf_counter()\n"
        "for i in range(len(data.ids)):\n"
        "    clean = data.load(i).clean\n    noisy, info = nb.degrade('gaussian(sigma=25)', clean)\n"
        "    hwc = noisy.reshape(*clean.shape[:2], -1)\n"
        "    out = busy.busy(hwc, info, rounds=400)\n    nb.score(out.reshape(clean.shape), clean)\n"
        "print(time.perf_counter() - start)\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

    def bare() -> float:
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, env=environment, check=True, capture_output=True
        )
        return float(done.stdout)

    benchmark.pedantic(harness, rounds=1)
    pairs = [(harness(), bare()) for _ in range(3)]
    ours, theirs = (min(p[i] for p in pairs) for i in (0, 1))
    print(f"\nlong cell {ours:.2f} s, bare loop {theirs:.2f} s")
    hold({"overhead of a long cell": 100 * (ours / theirs - 1)})


def test_overhead_of_short_cells(benchmark, tmp_path):
    def many() -> float:
        return call(
            "run", "--methods", "identity", "--datasets", "gaussian_field(n=1, size=32)", "--regimes",
            "gaussian(sigma={" + ",".join(map(str, range(1, 41))) + "})", "--jobs", "1", "--retry", "always",
            cwd=tmp_path,
        )  # fmt: skip

    def one() -> float:
        return call(
            "run", "--methods", "identity", "--datasets", "gaussian_field(n=1, size=32)", "--regimes",
            "gaussian(sigma=1)", "--jobs", "1", "--retry", "always", cwd=tmp_path,
        )  # fmt: skip

    benchmark.pedantic(many, rounds=1)
    hold({"overhead of a short cell": (best(many, 2) - best(one, 2)) / 39})


def cpu_seconds(*args: str, cwd: Path) -> float:
    """Processor time of a call and of all that it waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    call(*args, cwd=cwd)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_processor_time_of_short_cells_and_of_a_start(benchmark, tmp_path):
    """`identity` takes microseconds: what a cell of it costs is what the engine costs."""

    def cells(n: int) -> float:
        return cpu_seconds(
            "run", "--methods", "identity", "--datasets", "gaussian_field(n=4, size=32)", "--regimes",
            "gaussian(sigma={" + ",".join(map(str, range(1, n + 1))) + "})", "--jobs", "1", "--retry", "always",
            cwd=tmp_path,
        )  # fmt: skip

    one = benchmark.pedantic(lambda: best(lambda: cells(1), 3), rounds=1)
    hold({
        "a cell of 4 small pictures beyond its method, CPU": (best(lambda: cells(41), 3) - one) / 40,
        "starting a run, CPU": one,
    })  # fmt: skip


ONE_PROCESS = """
import json, time, cv2, noisebench as nb
from pathlib import Path
from noisebench.track.calling import call_on, item_row
from noisebench.store.cells import append_row
from noisebench.track.protocols import get_track
cv2.setNumThreads(1)
track, method = get_track("restore"), nb.Restorer(nb.bind("identity", "method"))
data, regime = nb.open_dataset(nb.bind('folder(path="pictures")', "dataset")), nb.bind("gaussian(sigma=25)", "regime")
protocol, metrics = nb.bind("uint8", "protocol"), [nb.bind(m, "metric") for m in ("psnr", "ssim")]
Path("rows.jsonl").unlink(missing_ok=True)
start, length = time.perf_counter(), 0
for index in range(len(data.ids)):
    item = data.load(index)
    case = track.pose(regime, item, 0)
    output, seconds, _ = call_on(method, case, "cpu")
    row = {**item_row(track, item, case, output, seconds, protocol, metrics), "line": track.identify(item)}
    append_row(Path(), row, length)
    length += len(json.dumps(row)) + 1
print(time.perf_counter() - start)
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="two processors are needed to work side by side")
def test_restoring_and_scoring_go_side_by_side(benchmark, tmp_path):
    """A cell against a loop that does the same work in one process; pairs, on a machine that does nothing else."""
    import cv2

    draws = np.random.default_rng(0)
    (tmp_path / "pictures").mkdir()
    for number in range(200):
        picture = cv2.GaussianBlur(draws.uniform(0, 255, (512, 512, 3)).astype(np.float32), (0, 0), 4)
        scaled = cv2.normalize(picture, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
        cv2.imwrite(str(tmp_path / "pictures" / f"{number:03d}.png"), scaled)

    def cell() -> float:
        call("run", "--methods", "identity", "--datasets", 'folder(path="pictures")', "--regimes", "gaussian(sigma=25)",
             "--retry", "always", cwd=tmp_path)  # fmt: skip
        (record,) = read_records(tmp_path / "nb-store")
        return float(record.cell.seconds)

    def loop() -> float:
        done = subprocess.run(
            [sys.executable, "-c", ONE_PROCESS], cwd=tmp_path, check=True, capture_output=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        return float(done.stdout)

    benchmark.pedantic(cell, rounds=1)
    pairs = [(cell(), loop()) for _ in range(3)]
    ours, theirs = (min(p[i] for p in pairs) for i in (0, 1))
    print(f"\n200 pictures: a cell {ours:.2f} s, one process {theirs:.2f} s, load {os.getloadavg()[0]:.1f}")
    hold({"200 pictures of 512×512 RGB, times as fast as one process": theirs / ours})


@pytest.fixture
def big_store(tmp_path):
    """1,000 stored cells of one method on one picture under as many regimes."""
    call(
        "run", "--methods", "identity", "--datasets", "gaussian_field(n=1, size=16)", "--regimes", "gaussian(sigma=1)",
        "--metrics", "psnr", cwd=tmp_path,
    )  # fmt: skip
    regimes = [f"gaussian(sigma={i})" for i in range(1, 1001)]
    from noisebench.planning.plan import plan
    from noisebench.suite.suite import Suite

    suite = Suite(
        methods=("identity",), datasets=("gaussian_field(n=1, size=16)",), regimes=tuple(regimes), metrics=("psnr",)
    )
    store = open_store(tmp_path / "nb-store")
    (sample,) = read_records(store)
    for cell in plan(suite):
        if cell.key != sample.cell.key:
            partial_dir(store, cell.key).mkdir(parents=True, exist_ok=True)
            row = {
                "item": "0",
                "input_sha256": "0",
                "output_sha256": "0",
                "note": "",
                "seconds": 1.0,
                "scores": {"psnr": 30.0},
            }
            own = {field: getattr(cell, field) for field in CellIdentity.__struct_fields__}
            commit(store, structs.replace(sample.cell, **own), [row])
    (tmp_path / "s.yaml").write_text(
        "methods: [identity]\ndatasets: ['gaussian_field(n=1, size=16)']\nmetrics: [psnr]\n"
        "regimes: ['gaussian(sigma={" + ",".join(map(str, range(1, 1001))) + "})']\n"
    )
    return tmp_path


def test_a_run_of_1000_stored_cells(benchmark, big_store):
    benchmark.pedantic(lambda: call("run", "s.yaml", cwd=big_store), rounds=3)
    done = subprocess.run(
        [sys.executable, "-m", "noisebench", "run", "s.yaml", "--json"], cwd=big_store, capture_output=True, check=True
    )
    assert {c["state"] for c in json.loads(done.stdout)["cells"]} == {"stored"}
    hold({"a run of 1,000 stored cells": best(lambda: call("run", "s.yaml", cwd=big_store), 3)})


def test_peak_memory_is_measured_exactly(benchmark):
    from noisebench.cost.measure import peak_memory

    errors = []
    for mebi in (16, 64, 256):
        reasons: dict[str, str] = {}
        peak = peak_memory(lambda m=mebi: float(np.ones(m << 17).sum()), "cpu", reasons)
        assert peak is not None, reasons
        errors.append(f"{mebi} MiB: {100 * (peak / (mebi << 20) - 1):+.2f} %")
    benchmark.pedantic(lambda: nb.degrade("gaussian(sigma=25)", np.zeros((64, 64), np.uint8)), rounds=3)
    print("\npeak memory against known allocations: " + ", ".join(errors))


def test_parent_memory_does_not_grow_with_the_pictures(benchmark, tmp_path):
    def peak(n: int) -> float:
        script = (
            "import re, sys\nfrom noisebench.cli import main\n"
            f"main(['run', '--methods', 'identity', '--datasets', 'gaussian_field(n={n}, size=32)', '--regimes', 'none'"
            f", '--store', 's{n}'])\n"
            "status = open('/proc/self/status').read()\n"
            "print(int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) / 1024)\n"
        )
        done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True)
        return float(done.stdout.split()[-1])

    few, many = benchmark.pedantic(lambda: (peak(2), peak(400)), rounds=1)
    print(f"\npeak memory of the parent: {few:.1f} MiB for 2 pictures, {many:.1f} MiB for 400")
    hold({"memory of the parent, 400 pictures to 2": many / few})
