"""Train the networks of the method `unet_blind` and write them rounded: two hours of one core.

    python benchmarks/remake_unet_blind.py STORE [grey|colour]

A training that STORE holds is not made again. Needs BSD400 and BSD68, or BSDS500_train and CBSD68, in NOISEBENCH_DATA.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from noisebench.methods.restore._rounded_kernels import write_kernels
from noisebench.methods.restore.unet_blind import COLOUR, GREY
from safetensors.torch import load_file

FOLDER = Path(__file__).resolve().parents[1] / "methods" / "restore"
SETS = {"grey": ("bsd400", "bsd68", GREY), "colour": ("bsds500_train", "cbsd68", COLOUR)}
"""What each kind of picture is trained on and judged on, and its file."""


def recipe(data: str) -> str:
    """A training in three stages: from nothing, on with a mean of weights, and on with larger crops at a low rate."""
    first = _stage(data, "batch=8, crop=64, steps=16000, optimizer=adamw(lr=0.001, beta2=0.99), checks=16")
    second = _stage(
        data, "batch=8, crop=64, steps=16000, optimizer=adamw(lr=0.0007, beta2=0.99), "
        f"parts=(pretrained(of={first}), ema), checks=8",
    )  # fmt: skip
    return _stage(
        data, "batch=4, crop=128, steps=6000, optimizer=adamw(lr=0.0003, beta2=0.99), "
        f"parts=(pretrained(of={second}), ema), checks=6",
    )  # fmt: skip


def _stage(data: str, rest: str) -> str:
    return (
        "trained(arch=unet(width=24, depth=4, bias_free=true), objective=supervised(loss=l1), "
        f"data={data}, regime=gaussian_range(low=0, high=55), {rest}, seed=0)"
    )


def main(store: str, *kinds: str) -> None:
    for kind in kinds or SETS:
        data, judged, name = SETS[kind]
        noisebench("run", "--store", store, "--methods", recipe(data), "--datasets", judged, "--regimes",
                   "gaussian(sigma=25)", "--metrics", "psnr", "--seed", "0", "--timeout", "8h")  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            checkpoint = Path(folder) / name
            noisebench("weights", "export", store, f"crop=128, data={data}", "--to", str(checkpoint))
            write_kernels(load_file(checkpoint), FOLDER / name, transposed="rise", recipe=recipe(data))
        print(f"{FOLDER / name}: {(FOLDER / name).stat().st_size} bytes")


def noisebench(*words: str) -> None:
    """Run a command of noisebench, and stop where it fails."""
    subprocess.run([str(Path(sys.executable).with_name("noisebench")), *words], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
