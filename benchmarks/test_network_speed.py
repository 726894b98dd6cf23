"""DnCNN on pictures of 481×321 with two threads: a bare loop of restore and score against `noisebench run`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

import noisebench as nb
import pytest
from noisebench.store.reading import read_records
from targets import hold

PICTURES, ROUNDS, THREADS = 3, 2, 2
SUITE = f"""
suite: speed
methods: [dncnn]
datasets: [bsd68]
regimes: ["kair(sigma=25)"]
limits: {{timeout: 3600, threads: {THREADS}}}
"""
BARE = f"""
import time, cv2, torch, noisebench as nb
torch.set_num_threads({THREADS}), cv2.setNumThreads({THREADS})
data = nb.open_dataset(nb.bind("bsd68", "dataset"))
start = time.perf_counter()
bound = nb.bind("dncnn", "method")
method = bound.entry.obj(**bound.kwargs)
method.setup("cpu")
for i in range({PICTURES}):
    clean = data.load(i).clean
    noisy, info = nb.degrade("kair(sigma=25)", clean)
    restored = method.restore(torch.from_numpy(noisy).reshape(1, 1, *clean.shape), info)
    nb.score(restored[0, 0].numpy(), clean, metrics=("psnr", "ssim"))
print(time.perf_counter() - start)
"""


@pytest.fixture(autouse=True)
def _weights():
    try:
        nb.Restorer(nb.bind("dncnn", "method")).setup("cpu")
    except nb.Skip as reason:
        pytest.skip(str(reason))


@pytest.mark.timeout(3600)
def test_dncnn(benchmark, tmp_path):
    (tmp_path / "speed.yaml").write_text(SUITE)
    names = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"}
    environment = {**os.environ, **dict.fromkeys(names, str(THREADS))}
    loops, cells, pictures = [], [], []

    def python(*words: str) -> str:
        done = subprocess.run([sys.executable, *words], cwd=tmp_path, env=environment, check=True, capture_output=True)
        return done.stdout.decode()

    def pair() -> None:
        loops.append(float(python("-c", BARE)))
        python("-m", "noisebench", "run", "speed.yaml", "--limit", str(PICTURES), "--jobs", "1", "--retry", "always")
        (record,) = read_records(Path(tmp_path, "nb-store"))
        cells.append(float(record.cell.seconds))
        pictures.extend(map(float, record.seconds))

    benchmark.pedantic(pair, rounds=ROUNDS)
    ratios = [ours / bare for ours, bare in zip(cells, loops, strict=True)]
    print(
        f"\nDnCNN, {THREADS} threads, load {os.getloadavg()[0]:.1f}: {statistics.median(pictures):.2f} s a picture of "
        f"481×321 (best {min(pictures):.2f}); a cell of {PICTURES} takes {min(cells):.2f} s, the bare loop "
        f"{min(loops):.2f} s: median of pairs {100 * (statistics.median(ratios) - 1):+.1f} %"
    )
    hold({"overhead of a long cell of a network": 100 * (min(cells) / min(loops) - 1)})
