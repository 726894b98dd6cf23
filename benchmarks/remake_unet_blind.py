"""Train the networks of the method `unet_blind` and write them rounded: three hours of one core each.

    python benchmarks/remake_unet_blind.py STORE [grey|colour]

A training that STORE holds is not made again. Needs BSD400 and BSD68, or BSDS500_train and CBSD68, in
NOISEBENCH_DATA. The fourth stage of the files in the package began from kernels rounded to 8 bits, so that a training
from nothing gives networks like these, not the same bits.
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
SETS = {"grey": ("bsd400", "bsd68", GREY, 12000), "colour": ("bsds500_train", "cbsd68", COLOUR, 10000)}
"""What each kind of picture is trained on and judged on, its file, and the steps of its last stage alone."""


def recipe(kind: str) -> str:
    """A training in stages: from nothing, with a mean of weights, with larger crops, and on more pictures.

    Photographs of BSDS500 have no area without light and, as JPEG, no sharp edges of colours. So the fourth stage adds
    black and white areas and drawn pictures, and a fifth in colour adds pictures of half the size.
    """
    data = SETS[kind][0]
    first = _stage(data, "batch=8, crop=64, steps=16000, optimizer=adamw(lr=0.001, beta2=0.99), checks=16")
    second = _stage(
        data, "batch=8, crop=64, steps=16000, optimizer=adamw(lr=0.0007, beta2=0.99), "
        f"parts=(pretrained(of={first}), ema), checks=8",
    )  # fmt: skip
    third = _with_large_crops(data, "steps=6000, optimizer=adamw(lr=0.0003, beta2=0.99)", second, checks=6)
    rest = "steps=12000, optimizer=adamw(lr=0.0003, beta2=0.99)"
    if kind == "grey":
        return _with_large_crops(_more(data, "dead_leaves(n=120, size=256)", data), rest, third)
    fourth = _with_large_crops(_more(data, "dead_leaves(n=60, size=256, color=true)", data), rest, third)
    halves = f"rescaled(of={data}, factors=(0.5,))"
    both = f"rescaled(of={data}, factors=(0.5, 1))"
    wider = _more(both, "dead_leaves(n=200, size=256, color=true)", halves)
    return _with_large_crops(wider, "steps=10000, optimizer=adamw(lr=0.0006, beta2=0.99)", fourth)


def _more(data: str, drawn: str, spread: str) -> str:
    """Pictures, drawn ones, and those with black and white areas."""
    return f"joined(of=joined(of={data}, more={drawn}), more=levels(of={spread}, black=0.2, white=0.85))"


def _with_large_crops(data: str, rest: str, of: str, checks: int = 8) -> str:
    return _stage(data, f"batch=4, crop=128, {rest}, parts=(pretrained(of={of}), ema), checks={checks}")


def _stage(data: str, rest: str) -> str:
    return (
        "trained(arch=unet(width=24, depth=4, bias_free=true), objective=supervised(loss=l1), "
        f"data={data}, regime=gaussian_range(low=0, high=55), {rest}, seed=0)"
    )


def main(store: str, *kinds: str) -> None:
    for kind in kinds or SETS:
        _, judged, name, steps = SETS[kind]
        noisebench("run", "--store", store, "--methods", recipe(kind), "--datasets", judged, "--regimes",
                   "gaussian(sigma=25)", "--metrics", "psnr", "--seed", "0", "--timeout", "8h")  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            checkpoint = Path(folder) / name
            noisebench("weights", "export", store, f"steps={steps}", "--to", str(checkpoint))
            write_kernels(load_file(checkpoint), FOLDER / name, transposed="rise", recipe=recipe(kind))
        print(f"{FOLDER / name}: {(FOLDER / name).stat().st_size} bytes")


def noisebench(*words: str) -> None:
    """Run a command of noisebench, and stop where it fails."""
    subprocess.run([str(Path(sys.executable).with_name("noisebench")), *words], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
