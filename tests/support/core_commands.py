"""The commands that need no torch, run where it is not installed, and what is refused there: `make test-core`.

python core_commands.py          run them in an empty folder; exits 1 where one does not end as it should
python core_commands.py --size   say how large this environment is, and fail where that is too much
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import noisebench as nb
import numpy as np
from noisebench.cli import main

MOST = 700e6
"""Bytes of an environment with noisebench alone."""
EXTRA = 'pip install "noisebench[torch]"'
REMEDY = f"needs the package torch: {EXTRA}"
PICTURE = ["--datasets", "photos", "--regimes", "gaussian(sigma=25)", "--limit", "1"]
COMMANDS: list[tuple[list[str], int, tuple[str, ...]]] = [
    (["run", *PICTURE, "--methods", "gaussian_filter", "median", "unet_blind", "--store", "nb"], 0,
     ("2 ok, 1 skipped", REMEDY)),
    (["run", *PICTURE, "--methods", "trained(arch=dncnn,data=photos)"], 2, (REMEDY,)),
    (["run", *PICTURE, "--methods", "median", "trained(arch=dncnn,data=photos)", "--store", "part"], 0,
     ("1 cell: 1 ok", "trained(arch=dncnn,data=photos) is left out", REMEDY)),
    (["run", *PICTURE, "--methods", "median", "--metrics", "torchmetrics(name=TotalVariation)"], 2, (EXTRA,)),
    (["run", *PICTURE, "--methods", "median", "--device", "cuda"], 2, (REMEDY,)),
    (["report", "nb", "--to", "board"], 0, ("gaussian_filter", REMEDY)),
    (["export", "nb", "--to", "nb.parquet"], 0, ("nb.parquet",)),
    (["compare", "nb", "--method", "gaussian_filter", "median"], 0, ("psnr",)),
    (["check", "nb.parquet", "nb"], 0, ("0 regressions",)),
    (["why", "nb"], 0, ("unet_blind",)),
    (["pack", "nb", "--method", "median", "--to", "median.nbz"], 0, ("median.nbz",)),
    (["verify", "median.nbz", "--rerun", "1"], 0 if shutil.which("bwrap") else 3, ("median",)),
    (["score", "restored", "clean"], 0, ("psnr",)),
    (["explain", "restored/a.png", "clean/a.png"], 0, ("psnr",)),
    (["explain", "--noisy", "restored/a.png", "clean/a.png", "--seeds", "2"], 0, ("numpy default_rng, seed 0",)),
    (["doctor", "gaussian_filter"], 0, ("all fine",)),
    (["doctor", "unet_blind"], 1, (REMEDY,)),
    (["list", "methods"], 0, ("unet_blind",)),
    (["list", "metrics"], 0, ("needs torch",)),
    (["list", "archs"], 0, ("needs the package torch",)),
    (["list", "systems"], 0, ()),
]  # fmt: skip
"""The words of each, its exit code, and what it must say."""


def run_commands() -> list[str]:
    """Run all in the current folder: a line for each that did not end as it should."""
    clean = nb.open_dataset(nb.bind("photos", "dataset")).load(0).clean
    for folder, sigma in (("clean", 0), ("restored", 5)):
        Path(folder).mkdir()
        noise = np.random.default_rng(0).normal(0, sigma, clean.shape) if sigma else 0
        nb.write_picture(f"{folder}/a.png", np.clip(clean * 255 + noise, 0, 255).round().astype(np.uint8))
    wrong = []
    for words, code, texts in COMMANDS:
        start, output = time.perf_counter(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            ended = main(words)
        command, shown = f"noisebench {' '.join(words)}", output.getvalue()
        flowing = " ".join(shown.split())
        print(f"{time.perf_counter() - start:5.1f} s  {ended}  {command}", flush=True)
        if ended != code or not all(text in flowing for text in texts) or "Traceback" in shown:
            wrong.append(f"{command}: exit code {ended} where {code} was due, with {texts} in\n{shown}")
    try:
        nb.evaluate("unet_blind", limit=1)
        wrong.append("nb.evaluate ran a network")
    except nb.Skip as skip:
        wrong += [] if str(skip) == REMEDY else [str(skip)]
    return wrong


def size_of_environment() -> int:
    """The bytes of all files of the environment that runs this."""
    folders = (os.scandir(folder) for folder, _, _ in os.walk(sys.prefix))
    return sum(one.stat(follow_symlinks=False).st_size for folder in folders for one in folder if one.is_file())


if __name__ == "__main__":
    if "--size" in sys.argv:
        size = size_of_environment()
        print(f"{size / 1e6:.0f} MB in {sys.prefix}")
        sys.exit(size > MOST)
    with tempfile.TemporaryDirectory() as place, contextlib.chdir(place):
        mistakes = run_commands()
    for mistake in mistakes:
        print(mistake)
    sys.exit(bool(mistakes))
