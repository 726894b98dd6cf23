"""Methods of equal work that leave the allocator in different states: are their costs one number, idle and busy?
Methods of equal code on several processors: does the range over the reference operations hold what did not change?"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from noisebench.cost.pace import compute_over
from noisebench.store.cell import Cost
from noisebench.store.cell_json import checked
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
import torch
from torch import nn

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

@nb.method("u_net", layout="hwc")
class UNet:
    def setup(self, device):
        def two(i, o):
            layers = nn.Conv2d(i, o, 3, padding=1), nn.ReLU(), nn.Conv2d(o, o, 3, padding=1), nn.ReLU()
            return nn.Sequential(*layers)
        self.down = nn.ModuleList([two(1, 16), two(16, 32), two(32, 64)])
        self.up = nn.ModuleList([two(96, 32), two(48, 16)])
        self.last = nn.Conv2d(16, 1, 1)

    @torch.no_grad()
    def restore(self, noisy, info):
        fine = self.down[0](torch.from_numpy(noisy[..., 0]).float()[None, None])
        middle = self.down[1](nn.functional.max_pool2d(fine, 2))
        x = self.down[2](nn.functional.max_pool2d(middle, 2))
        for layer, beside in zip(self.up, (middle, fine)):
            x = layer(torch.cat([nn.functional.interpolate(x, scale_factor=2), beside], 1))
        return self.last(x)[0, 0, :, :, None].double().numpy()
"""
OLDER = {"NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR", "OPENCV_CPU_DISABLE": "AVX512-SKX,AVX512-ICL"}
PROCESSORS = {
    "its own": {},
    "vectors of numpy and torch off": {
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR AVX2 FMA3", "ATEN_CPU_CAPABILITY": "default",
    },
    "AVX2": {
        **OLDER, "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
    },
    "SSE4": {
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR AVX2 FMA3", "ATEN_CPU_CAPABILITY": "default",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2", "ONEDNN_MAX_CPU_ISA": "SSE41", "OPENBLAS_CORETYPE": "Nehalem",
        "OPENCV_CPU_DISABLE": "AVX512-SKX,AVX512-ICL,AVX2,FMA3,AVX",
    },
}  # fmt: skip
"""As which processor libraries are told to compute: no other machine, but other speeds of the same code."""
TIMES = 3
"""Each cost is measured so often, and the medians are compared."""
DEMO = ("gaussian_filter", "bilateral", "median", "nlm", "u_net")
NAMES = ("holds_nothing", "freed_ten_mebibytes", "holds_blocks_of_every_size", "reserves_a_block_a_call")
CHILD = """
import json, sys, torch
import methods
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.cost.measure import measure
from noisebench.store.cell_json import plain_values

torch.set_num_threads(1)
name, side, regime = sys.argv[1], int(sys.argv[2]), sys.argv[3]
bound = bind(name, "method"), bind(regime, "regime")
cost = measure(get_track("restore"), *bound, (side, side), repeats=10, device="cpu", threads=1)
print(json.dumps(cost, default=plain_values))
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


def measured(folder: Path, name: str, side: int, regime: str, processor: Mapping[str, str]) -> dict:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, name, str(side), regime],
        cwd=folder, env={**os.environ, **processor}, check=True, capture_output=True,
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.mark.timeout(3600)
def test_equal_work_has_one_cost(benchmark, tmp_path: Path) -> None:
    (tmp_path / "methods.py").write_text(METHODS)
    apart: dict[str, float] = {}

    def cost(name: str, side: int) -> dict:
        return measured(tmp_path, name, side, "none", {})

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


@pytest.mark.timeout(7200)
def test_what_did_not_change_lies_within_the_range_of_the_references(benchmark, tmp_path: Path) -> None:
    (tmp_path / "methods.py").write_text(METHODS)
    beyond = {"equal code on other processors, × beyond its range": 1.0}

    def relative(name: str, processor: str) -> dict[str, float]:
        """The latency of a method over each reference operation."""
        found = []
        for _ in range(TIMES):
            plain = measured(tmp_path, name, 256, "gaussian(sigma=25)", PROCESSORS[processor])
            cost = checked(plain, Cost)
            found.append({what: cost.latency_rel * factor for what, factor in compute_over(cost).items()})
        return {what: statistics.median(one[what] for one in found) for what in found[0]}

    def every() -> None:
        for name in DEMO:
            own = relative(name, "its own")
            for processor in list(PROCESSORS)[1:]:
                other = relative(name, processor)
                ratios = {what: other[what] / own[what] for what in own}
                shown = ", ".join(f"{what} {ratio:.2f}" for what, ratio in ratios.items())
                print(f"\n{name}, {processor}: relative to {shown}", end="", flush=True)
                off = max(min(ratios.values()), 1 / max(ratios.values()))
                beyond.update({target: max(worst, off) for target, worst in beyond.items()})

    benchmark.pedantic(every, rounds=1)
    hold(beyond)
