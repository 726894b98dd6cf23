"""Methods of equal work that leave the allocator in different states: are their costs one number, idle and busy?"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from targets import hold

SIDES = (64, 256, 1024)
LOOPS = {
    "equal work, × ref apart, beside 0 busy loops": 0,
    "equal work, × ref apart, beside 2 busy loops": 2,
    "equal work, × ref apart, beside 6 busy loops": 6,
}
METHODS = """
import noisebench as nb
import numpy as np

class Still:
    def setup(self, device):
        self.out = None

    def restore(self, noisy, info):
        if self.out is None:
            self.out = np.empty_like(noisy)
        for _ in range(200):
            np.arctan(noisy, out=self.out)
        return self.out

@nb.method("holds_nothing", layout="hwc")
class HoldsNothing(Still):
    pass

@nb.method("freed_ten_mebibytes", layout="hwc")
class FreedTenMebibytes(Still):
    def setup(self, device):
        super().setup(device)
        np.ones(10 * 2**17)

@nb.method("holds_blocks_of_every_size", layout="hwc")
class HoldsBlocks(Still):
    def setup(self, device):
        super().setup(device)
        self.held = [np.ones(2**k) for k in range(10, 21)]

@nb.method("reserves_a_block_a_call", layout="hwc")
class ReservesABlock(Still):
    def restore(self, noisy, info):
        np.empty(2**20)
        return super().restore(noisy, info)
"""
NAMES = ("holds_nothing", "freed_ten_mebibytes", "holds_blocks_of_every_size", "reserves_a_block_a_call")
CHILD = """
import json, sys, torch
import methods
from noisebench.cost.measure import measure
from noisebench.components.registry import bind
from noisebench.track.protocols import get_track

torch.set_num_threads(1)
name, side = sys.argv[1], int(sys.argv[2])
bound = bind(name, "method"), bind("none", "regime")
print(json.dumps(measure(get_track("restore"), *bound, (side, side), repeats=10, device="cpu", threads=1)))
"""


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


@pytest.mark.timeout(3600)
def test_equal_work_has_one_cost(benchmark, tmp_path: Path) -> None:
    (tmp_path / "methods.py").write_text(METHODS)
    apart: dict[str, float] = {}

    def cost(name: str, side: int) -> dict:
        done = subprocess.run(
            [sys.executable, "-c", CHILD, name, str(side)], cwd=tmp_path, check=True, capture_output=True
        )
        return json.loads(done.stdout)

    def every() -> None:
        for target, count in LOOPS.items():
            with busy_loops(count):
                for side in SIDES:
                    costs = [cost(name, side) for name in NAMES]
                    found = [c["latency_rel"] for c in costs]
                    apart[target] = max(apart.get(target, 1.0), max(found) / min(found))
                    shown = {
                        "× ref": found,
                        "p50 ms": [c["latency_ms"]["p50"] for c in costs],
                        "reference ms": [c["reference_ms"] for c in costs],
                        "busy": [c["busy"] for c in costs],
                    }
                    said = ", ".join(f"{what} {' '.join(f'{v:.3g}' for v in values)}" for what, values in shown.items())
                    print(f"\n{count} busy loops, {side}×{side}: {said}", end="", flush=True)

    benchmark.pedantic(every, rounds=1)
    hold(apart)
