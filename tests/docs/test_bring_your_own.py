"""The examples of docs/bring-your-own.md, run as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from conftest import ROOT
from noisebench.store.reading import read_records
from noisebench.store.record import Record
from warm_python import warm_folder

TEXT = (ROOT / "docs" / "bring-your-own.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"(?ms)^## ([^\n]+)\n(.*?)(?=^## |\Z)", TEXT))
BLOCK = re.compile(r"(?ms)^```(\w+)(?: (setup|file=(\S+)))?\n(.*?)^```$")


def follow(section: str, folder: Path) -> list[Record]:
    """Write the files of a section, then run its commands; what they leave in the store."""
    for language, kind, name, body in BLOCK.findall(SECTIONS[section]):
        if name:
            (folder / name).write_text(body, encoding="utf-8")
        elif language == "sh" and kind != "setup":
            path = os.pathsep.join([str(warm_folder()), str(Path(sys.executable).parent), os.environ["PATH"]])
            done = subprocess.run(
                ["sh", "-eu", "-c", body], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True
            )
            assert done.returncode == 0, f"{body}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return read_records(folder / "nb-store")


def outcomes(records: list[Record]) -> dict[str, str]:
    return {r.cell.method.name: r.cell.outcome for r in records}


def test_every_section_is_tried():
    tried = {"A network in another environment", "A compiled program", "Pictures from somebody else's repository",
             "Large pictures and self-ensembles"}  # fmt: skip
    assert set(SECTIONS) == tried


def test_a_network_in_another_environment(tmp_path: Path):
    theirs = tmp_path / "theirs"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", theirs], check=True)
    # Instead of an installation that takes minutes, the environment borrows ours.
    (site,) = theirs.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    records = {r.cell.method.name: r for r in follow("A network in another environment", tmp_path)}
    assert outcomes(list(records.values())) == {"identity": "ok", "command": "ok"}
    assert np.mean(records["command"].scores["psnr"]) > np.mean(records["identity"].scores["psnr"]) + 3
    assert set(records["command"].cell.inputs["weights"]) == {"restore.py", "theirs/bin/python"}


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_a_compiled_program(tmp_path: Path):
    records = {r.cell.method.name: r for r in follow("A compiled program", tmp_path)}
    assert outcomes(list(records.values())) == {"identity": "ok", "command": "ok"}
    # Half the noise power, less what smoothing costs in detail.
    gain = np.mean(records["command"].scores["psnr"]) - np.mean(records["identity"].scores["psnr"])
    assert 1.5 < gain < 10 * np.log10(2)


def test_pictures_from_somebody_elses_repository(tmp_path: Path):
    (tmp_path / "clean").mkdir()
    for number in range(2):
        ramp = np.add.outer(np.arange(40), np.arange(30 + number)) * 3
        nb.write_picture(tmp_path / "clean" / f"p{number}.png", ramp.astype(np.uint8))
    (tmp_path / "their_test.py").write_text(
        "import sys, cv2, numpy as np\nfrom pathlib import Path\n"
        "source, target = map(Path, sys.argv[1:])\ntarget.mkdir()\n"
        "for file in source.glob('*.npy'):\n"
        "    restored = cv2.GaussianBlur(np.load(file), (0, 0), 1)\n"
        "    cv2.imwrite(str(target / f'{file.stem}.png'), np.rint(restored.clip(0, 1) * 255).astype(np.uint8))\n"
    )
    records = {r.cell.method.name: r for r in follow("Pictures from somebody else's repository", tmp_path)}
    assert outcomes(list(records.values())) == {"identity": "ok", "folder": "ok"}
    assert np.mean(records["folder"].scores["psnr"]) > np.mean(records["identity"].scores["psnr"]) + 5
    assert records["folder"].input_sha256 == records["identity"].input_sha256


def test_large_pictures_and_self_ensembles(tmp_path: Path):
    records = follow("Large pictures and self-ensembles", tmp_path)
    assert outcomes(records) == {"tiled": "ok", "ensemble": "ok"}
    board = (tmp_path / "board" / "leaderboard.md").read_text()
    assert "tiled" in board and "self-ensemble" in board
