"""One command of each extra, run where noisebench is installed with that extra alone: `make test-extras`.

python extras.py NAME    run the command of an extra in an empty folder; exits 1 where it did not score
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PICTURE = ["--datasets", "photos", "--regimes", "gaussian(sigma=25)", "--limit", "1"]
CLIP = ["--track", "audio", "--datasets", "voices(n=1)", "--regimes", "coloured(snr=10)"]
GRAPH = ["--track", "graph", "--datasets", "erdos_renyi(n=1)", "--regimes", "equal(sigma=1)"]
SAMPLES = ["--track", "functions", "--datasets", "bumps(n=1)", "--regimes", "gaussian(sigma=0.1)"]
LATENTS = ["--track", "generate", "--datasets", "digits(n=1, count=4)", "--regimes", "none"]
RUNS = {
    "audio": [*CLIP, "--methods", "noisereduce", "wpe", "--metrics", "pesq"],
    "bm3d": [*PICTURE, "--methods", "bm3d"],
    "clip": [
        "--track", "generate", "--datasets", "digits(n=1, count=4, labels=true)", "--regimes", "none",
        "--methods", "identity", "--metrics", "clip_score(model=clip, texts='clip/texts.txt')",
    ],
    "cluster": [*PICTURE, "--methods", "identity", "--cluster", "local(workers=1)"],
    "diffusion": [
        *LATENTS, "--methods", "diffusers_sampler(model=diffusers(path=pipeline), scheduler=ddim, steps=2)",
        "--metrics", "energy_distance",
    ],
    "dnsmos": [*CLIP, "--methods", "identity", "--metrics", "dnsmos", "--protocol", "plain(rate=16000)"],
    "fid": [
        "--datasets", "photos", "--regimes", "gaussian(sigma=25)", "--methods", "identity",
        "--metrics", "fd(features=efficientnet_lite0, allow_small=true)",
    ],
    "graph": [*GRAPH, "--methods", "pc", "--metrics", "shd_cpdag"],
    "iqa": [*PICTURE, "--methods", "identity", "--metrics", "pyiqa(name=gmsd)"],
    "sklearn": [*SAMPLES, "--methods", "k_nn"],
    "spandrel": [*PICTURE, "--methods", "spandrel(path='dncnn.pth')"],
    "torch": [*PICTURE, "--methods", "unet_blind", "--metrics", "torchmetrics(name=TotalVariation)"],
}  # fmt: skip
"""What is passed to `noisebench run`."""
PYTHON = {
    "pandas": ["-c", "import noisebench as nb; nb.evaluate('identity', limit=1).frame.psnr.mean()"],
    "mutants": [str(ROOT / "benchmarks" / "mutants.py"), "--help"],
    "medical": ["-c", "import nibabel, pydicom.pixels"],
    "onnx": ["-c", "import onnx, onnxruntime"],
    "sign": ["-c", "import cryptography.hazmat.primitives.asymmetric.ed25519"],
    "peers": ["-c", "import cleanfid.fid, efficientnet_lite_pytorch, piq, torch_fidelity"],
}
"""Of the other extras: what is passed to Python."""


def make_pipeline() -> None:
    """A tiny pipeline of diffusers, untrained, in the folder `pipeline`."""
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    net = UNet2DModel(
        sample_size=8, in_channels=1, out_channels=1, layers_per_block=1, block_out_channels=(8, 16),
        down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2, norm_num_groups=4,
    )  # fmt: skip
    DDPMPipeline(net, DDPMScheduler()).save_pretrained("pipeline")


def make_clip() -> None:
    """A tiny CLIP model, untrained, and the texts of ten classes, in the folder `clip`."""
    from tiny_clip import make_tiny_clip

    make_tiny_clip(Path("clip"))


def make_checkpoint() -> None:
    """A small DnCNN for grey pictures, untrained, in `dncnn.pth`."""
    import torch
    from spandrel.architectures.DnCNN import DnCNN

    torch.save(DnCNN(in_nc=1, out_nc=1, nc=8, nb=9, act_mode="R").state_dict(), "dncnn.pth")


MAKES = {"clip": make_clip, "diffusion": make_pipeline, "spandrel": make_checkpoint}
"""What makes the files that a command reads."""


def run(extra: str, folder: str) -> int:
    """Run the command of an extra in a folder: 0 where all that it runs scored."""
    if extra in PYTHON:
        return subprocess.run([sys.executable, *PYTHON[extra]], cwd=folder).returncode
    if extra in MAKES:
        with contextlib.chdir(folder):
            MAKES[extra]()
    done = subprocess.run(
        [sys.executable, "-m", "noisebench", "run", *RUNS[extra]], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    print(done.stdout, end="")
    return 0 if re.search(r"^\d+ cells?: \d+ ok \(", done.stdout, re.MULTILINE) else 1


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(run(sys.argv[1], folder))
