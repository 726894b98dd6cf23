"""Train the network of the method `unet_blind` and write it in 8 bits: an hour of one core.

    python benchmarks/remake_unet_blind.py STORE

A training that STORE holds is not made again. Needs BSD400 and BSD68 in NOISEBENCH_DATA.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

FILE = Path(__file__).resolve().parents[1] / "methods" / "restore" / "unet_blind.safetensors"
FIRST = (
    "trained(arch=unet(width=24, depth=4, bias_free=true), objective=supervised(loss=l1), data=bsd400, "
    "regime=gaussian_range(low=0, high=55), batch=8, crop=64, steps=16000, optimizer=adamw(lr=0.001, beta2=0.99), "
    "checks=16, seed=0)"
)
SECOND = (
    "trained(arch=unet(width=24, depth=4, bias_free=true), objective=supervised(loss=l1), data=bsd400, "
    "regime=gaussian_range(low=0, high=55), batch=8, crop=64, steps=16000, optimizer=adamw(lr=0.0007, beta2=0.99), "
    f"parts=(pretrained(of={FIRST}), ema), checks=8, seed=0)"
)


def main(store: str) -> None:
    noisebench("run", "--store", store, "--methods", SECOND, "--datasets", "bsd68", "--regimes", "gaussian(sigma=25)",
               "--metrics", "psnr", "--seed", "0", "--timeout", "8h")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "unet_blind.safetensors"
        noisebench("weights", "export", store, "pretrained", "--to", str(checkpoint))
        write_in_8_bits(checkpoint, FILE)


def noisebench(*words: str) -> None:
    """Run a command of noisebench, and stop where it fails."""
    subprocess.run([str(Path(sys.executable).with_name("noisebench")), *words], check=True)


def write_in_8_bits(checkpoint: Path, to: Path) -> None:
    """Round each kernel to steps of 1/127 of the largest value of its output channel."""
    tensors: dict[str, torch.Tensor] = {}
    with safe_open(checkpoint, "pt") as file:
        for name in file.keys():  # noqa: SIM118
            kernel = file.get_tensor(name)
            # A transposed convolution has its output channels second.
            others = (0, 2, 3) if name.startswith("rise") else (1, 2, 3)
            scale = kernel.abs().amax(dim=others, keepdim=True).clamp_min(1e-12) / 127
            tensors |= {name: (kernel / scale).round().to(torch.int8), f"{name}.scale": scale}
    save_file(tensors, to, metadata={"recipe": SECOND})
    print(f"{to}: {to.stat().st_size} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
