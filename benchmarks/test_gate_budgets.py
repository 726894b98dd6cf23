"""Budgets of the verbs that read two stores, and of the report, at 1,000 cells × 100 pictures each, in children.

`python benchmarks/test_gate_budgets.py` does the same at 10,000.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MEASURE = """
import re, sys, time
from pathlib import Path
start, busy = time.perf_counter(), time.process_time()
from noisebench.store.cells import read_records
{work}
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(time.perf_counter() - start, time.process_time() - busy, peak)
"""
WORK = {
    "report": "from noisebench.report.write import write_report\nwrite_report(read_records(Path('a')), Path('board'))",
    "compare": "from noisebench.analysis.compare import compare\n"
    "from noisebench.report.comparison import write_comparison\n"
    "write_comparison(compare(read_records(Path('a')), read_records(Path('b'))), Path('difference'))",
    "check": "from noisebench.analysis.check import check\n"
    "from noisebench.report.verdict import verdict_junit, verdict_lines, verdict_markdown\n"
    "verdict = check(read_records(Path('a')), read_records(Path('b')))\n"
    "verdict_lines(verdict), verdict_markdown(verdict), verdict_junit(verdict)",
}


def make(folder: Path, cells: int) -> None:
    """Stores a and b of the same inputs and other scores."""
    for name, seed in (("a", 0), ("b", 1)):
        script = f"from big_store import make; make({str(folder / name)!r}, {cells}, seed={seed})"
        subprocess.run([sys.executable, "-c", script], cwd=HERE, check=True)


def measure(verb: str, folder: Path) -> list[float]:
    """Seconds, CPU seconds and peak MiB of a verb in a child."""
    script = MEASURE.format(work=WORK[verb])
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, check=True, capture_output=True, text=True)
    return [float(v) for v in done.stdout.split()[-3:]]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("big")
    make(folder, 1_000)
    return folder


@pytest.mark.parametrize("verb", list(WORK))
def test_verbs_on_stores_of_many_cells(benchmark, stores, verb):
    wall, cpu, peak = benchmark.pedantic(lambda: measure(verb, stores), rounds=1)
    print(f"\n{verb} of 1,000 cells × 100 pictures: {wall:.1f} s wall, {cpu:.1f} s CPU, {peak:.0f} MiB")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        make(Path(name), 10_000)
        for verb in WORK:
            wall, cpu, peak = measure(verb, Path(name))
            print(f"{verb} of 10,000 cells × 100 pictures: {wall:.1f} s wall, {cpu:.1f} s CPU, {peak:.0f} MiB")
