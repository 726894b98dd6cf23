"""Budgets of the engine, as ratios inside one run: start-up, overhead of isolation, a run that has nothing to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from noisebench.plan import key_of
from noisebench.store.cells import commit, open_store, partial_dir, read_records

RESULTS = Path(__file__).resolve().parent.parent / "results" / "demo.json"

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
    def bare() -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        return time.perf_counter() - start

    benchmark.pedantic(lambda: call("--help", cwd=tmp_path), rounds=5)
    ours, python = best(lambda: call("--help", cwd=tmp_path), 7), best(bare, 7)
    print(f"\nnoisebench --help {ours:.3f} s, of which the bare interpreter {python:.3f} s (target 0.15 s)")


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
        return float(record.cell["seconds"])

    script = (
        "import sys, time, cv2, torch; sys.path.insert(0, '.'); cv2.setNumThreads(1); torch.set_num_threads(1)\n"
        "import busy, numpy as np, noisebench as nb\n"
        "from noisebench.tracks.restore import open_dataset\nfrom noisebench.registry import DATASETS, bind\n"
        "data = open_dataset(bind('photos', DATASETS))\nstart = time.perf_counter()\n"
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
    print(
        f"\nlong cell {ours:.2f} s, bare loop {theirs:.2f} s: overhead {100 * (ours / theirs - 1):+.1f} % (target 3 %)"
    )


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
    print(f"\nan isolated short cell costs {(best(many, 2) - best(one, 2)) / 39:.3f} s (target 0.1 s)")


@pytest.fixture
def big_store(tmp_path):
    """1,000 stored cells of one method on one picture under as many regimes."""
    call(
        "run", "--methods", "identity", "--datasets", "gaussian_field(n=1, size=16)", "--regimes", "gaussian(sigma=1)",
        "--metrics", "psnr", cwd=tmp_path,
    )  # fmt: skip
    regimes = [f"gaussian(sigma={i})" for i in range(1, 1001)]
    from noisebench.plan import plan
    from noisebench.suite import Suite

    suite = Suite(
        methods=("identity",), datasets=("gaussian_field(n=1, size=16)",), regimes=tuple(regimes), metrics=("psnr",)
    )
    store = open_store(tmp_path / "nb-store")
    (sample,) = read_records(store)
    for cell in plan(suite):
        assert cell["key"] == key_of(cell["inputs"])
        if cell["key"] != sample.cell["key"]:
            partial_dir(store, cell["key"]).mkdir(parents=True, exist_ok=True)
            row = {
                "item": "0",
                "input_sha256": "0",
                "output_sha256": "0",
                "note": "",
                "seconds": 1.0,
                "scores": {"psnr": 30.0},
            }
            commit(store, {**sample.cell, **cell, "outcome": "ok", "reason": ""}, [row])
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
    print(f"\n1,000 stored cells: {best(lambda: call('run', 's.yaml', cwd=big_store), 3):.2f} s (target 2 s)")


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


def test_report_of_many_cells(benchmark, tmp_path):
    """1,000 cells × 100 pictures in a child: time a cell and the peak of its memory."""
    script = f"""
import os, re, sys, time
os.fsync = os.fdatasync = lambda fd: None
from copy import deepcopy
from pathlib import Path
import numpy as np
from noisebench.plan import key_of
from noisebench.report.write import write_report
from noisebench.store.cells import commit, open_store, partial_dir, read_records
from noisebench.store.record import Record
base = next(r for r in read_records(Path({str(RESULTS)!r})) if r.cell["kind"] == "score")
store, rng = open_store(Path("big")), np.random.default_rng(0)
for i in range(1000):
    method, level = i % 100, i // 100 + 1
    cell = deepcopy(dict(base.cell))
    cell["inputs"]["i"] = i
    cell |= {{"key": key_of(cell["inputs"]), "outcome": "ok", "notes": [], "request": {{}}}}
    cell["method"] |= {{"name": f"m{{method}}", "spec": f"m{{method}}", "display": f"m{{method}}"}}
    cell["regime"] |= {{"spec": f"gaussian(sigma={{level}}.0)", "display": f"gaussian(sigma={{level}})"}}
    cell["dataset"]["pictures"] = 100
    rows = [
        {{"item": f"p{{j}}", "input_sha256": f"{{level:032}}{{j:032}}", "output_sha256": f"{{i:032}}{{j:032}}",
          "note": "", "seconds": 0.1, "scores": {{"psnr": 30 + rng.normal(), "ssim": 0.8}}}}
        for j in range(100)
    ]
    partial_dir(store, cell["key"]).mkdir(parents=True)
    commit(store, cell, rows)
start, busy = time.perf_counter(), time.process_time()
write_report(read_records(store), Path("board"))
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(time.perf_counter() - start, time.process_time() - busy, peak)
"""

    def once() -> list[float]:
        done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True)
        return [float(v) for v in done.stdout.split()]

    wall, cpu, peak = benchmark.pedantic(once, rounds=1)
    print(f"\nreport of 1,000 cells × 100 pictures: {wall:.1f} s wall, {cpu:.1f} s CPU, {peak:.0f} MiB")
    print("(target for 10,000 cells: 15 s, 1 GiB)")


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
