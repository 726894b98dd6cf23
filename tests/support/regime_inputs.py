"""Every regime of `restore`, and the golden hashes of their float32 input of a fixed grey and colour picture at seed 0.

They are made by `write_golden` alone, by hand: `python tests/support/regime_inputs.py`. A hash that changes means that
every stored result of that regime is void: raise the regime's `version` with it.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import get_args

import numpy as np
from noisebench.components.registry import bind
from noisebench.imaging.pixels import bytes_sha256
from noisebench.imaging.sample import Sample
from noisebench.tracks.restore.degrade import degrade_sample
from noisebench.tracks.restore.regimes.corruption import Kind

GOLDEN = Path(__file__).parents[1] / "golden" / "regimes.json"


SPECS = (
    "none",
    "real",
    "gaussian(sigma=25)",
    "gaussian(sigma=25, clip=True, bits=8)",
    "gaussian_range(low=5, high=50)",
    "gaussian_range(low=5, high=50, disclose=True)",
    "laplace(sigma=20)",
    "uniform(width=60)",
    "salt_pepper(p=0.2)",
    "impulse(p=0.2)",
    "mixture(sigmas=(10, 50), weights=(0.9, 0.1))",
    "correlated(sigma=25, radius=1.5)",
    "stripes(sigma=15)",
    "stripes(sigma=15, axis=column)",
    "poisson(peak=30)",
    "poisson_gaussian(peak=30, sigma=5)",
    "gamma(looks=4)",
    "rayleigh",
    "rician(sigma=20)",
    "sensor(iso=3200)",
    "sensor(iso=6400, ratio=20, shape=0, clip=True)",
    "eld",
    "eld(low=50, high=200, gain=2, clip=True)",
    "eld(model=poisson_gaussian)",
    "eld(model=gaussian)",
    "checkerboard",
    "checkerboard(part=1)",
    "negseq(of=photos)",
    "negseq(of=photos, turns=picture, adds=True)",
    "jpeg(quality=30)",
    "jpeg(quality=90, chroma='4:4:4')",
    "quantize(bits=3)",
    "exposure(gain=0.15, gamma=2)",
    "exposure(gain=3)",
    "mask(keep=0.4)",
    "kspace(accel=3, sigma=10)",
    "mask(keep=0.7, kind=holes)",
    "mask(keep=0.7, kind=strokes)",
    "downsample(scale=2)",
    "downsample(scale=3, kernel=bilinear)",
    "downsample(scale=3, kernel=area)",
    "downsample(scale=4, kernel=nearest)",
    "downsample(scale=2, bits=8)",
    "blur(sigma=1.6)",
    "blur(sigma=1.6, boundary=circular)",
    "blur(sigma=2, kernel=box)",
    "blur(sigma=1.5, kernel=disk)",
    "blur(sigma=2, kernel=motion, angle=30)",
    "downsample(scale=2) + gaussian(sigma=5)",
    "blur(sigma=1) + poisson(peak=50) + jpeg(quality=80)",
    "kair(sigma=25)",
    "restormer(sigma=25)",
    "dncnn_matlab(sigma=25)",
    "swinir(sigma=25)",
    *(f"corruption(kind={kind})" for kind in get_args(Kind)),
)


def picture(*shape: int, seed: int = 0) -> np.ndarray:
    """A fixed uint8 picture by integer arithmetic: smooth ramps with a texture, black and white included."""
    grid = np.indices(shape)
    mixed = sum((7 + 4 * axis) * g for axis, g in enumerate(grid)) + (grid[0] * grid[1]) % 31 + 53 * seed
    return (mixed % 256).astype(np.uint8)


def fixed(kind: str) -> Sample:
    """The two pictures of the golden hashes."""
    shape = {"grey": (37, 41), "colour": (40, 34, 3)}[kind]
    return Sample(kind, picture(*shape), noisy=picture(*shape, seed=1))


def hashes(specs: tuple[str, ...] = SPECS) -> dict[str, dict[str, str]]:
    """`input_sha256` of the fixed pictures under each spec, seed 0."""
    return {
        spec: {kind: bytes_sha256(degrade_sample(bind(spec, "regime"), fixed(kind))[0]) for kind in ("grey", "colour")}
        for spec in specs
    }


def write_golden() -> None:
    """Write the golden file. Only ever called by hand."""
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(hashes(), indent=1) + "\n")


def imresize_matrix(n: int, scale: int, kernel: str) -> np.ndarray:
    """(⌈n/scale⌉, n) weights by the textbook: u = (i+½)·s − ½, antialiased kernel, mirrored, row sums 1."""

    def h(t: float) -> float:
        t = abs(t)
        if kernel == "bilinear":
            return max(0.0, 1 - t)
        if t <= 1:
            return 1.5 * t**3 - 2.5 * t**2 + 1
        return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t < 2 else 0.0

    rows = np.zeros((math.ceil(n / scale), n))
    for i in range(len(rows)):
        u = (i + 0.5) * scale - 0.5
        for k in range(math.floor(u) - 3 * scale, math.ceil(u) + 3 * scale + 1):
            mirrored = k % (2 * n)
            rows[i, min(mirrored, 2 * n - 1 - mirrored)] += h((u - k) / scale)
        rows[i] /= rows[i].sum()
    return rows


if __name__ == "__main__":
    write_golden()
