"""The verbs that read whole stores, on 10,000 cells × 100 pictures, each in a child: seconds and the peak of memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from targets import hold

HERE = Path(__file__).parent
CELLS = 10_000
MEASURE = """
import re, sys, time
from pathlib import Path
start, busy = time.perf_counter(), time.process_time()
from noisebench.store.reading import read_records
{work}
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(time.perf_counter() - start, time.process_time() - busy, peak)
"""
WORK = {
    "report": "from noisebench.report.write import write_report\nwrite_report(read_records(Path('a')), Path('board'))",
    "compare": "from noisebench.comparing.comparison import compare\n"
    "from noisebench.report.comparison import write_comparison\n"
    "write_comparison(compare(read_records(Path('a')), read_records(Path('b'))), Path('difference'))",
    "check": "from noisebench.gate.check import check\n"
    "from noisebench.report.verdict import verdict_junit, verdict_lines, verdict_markdown\n"
    "verdict = check(read_records(Path('a')), read_records(Path('b')))\n"
    "verdict_lines(verdict), verdict_markdown(verdict), verdict_junit(verdict)",
}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stores a and b of the same inputs and other scores, each with its index."""
    folder = tmp_path_factory.mktemp("large")
    for name, seed in (("a", 0), ("b", 1)):
        script = (
            "from big_store import make; from noisebench.store.reading import read_cells; "
            f"read_cells(make({str(folder / name)!r}, {CELLS}, seed={seed}))"
        )
        subprocess.run([sys.executable, "-c", script], cwd=HERE, check=True)
    return folder


def measure(verb: str, folder: Path) -> list[float]:
    """Seconds, CPU seconds and peak MiB of a verb in a child."""
    script = MEASURE.format(work=WORK[verb])
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, check=True, capture_output=True, text=True)
    return [float(v) for v in done.stdout.split()[-3:]]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("verb", list(WORK))
def test_verbs_on_stores_of_many_cells(benchmark, stores, verb):
    wall, cpu, peak = benchmark.pedantic(lambda: measure(verb, stores), rounds=1)
    print(f"\n{verb} of {CELLS:,} cells × 100 pictures: {wall:.1f} s wall, {cpu:.1f} s CPU, {peak:.0f} MiB")
    if verb == "report":
        hold({"a report of 10,000 cells": wall, "a report of 10,000 cells, memory": peak})
