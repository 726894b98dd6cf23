"""`noisebench certify`: a card that says what tiles and other forms of a method change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from noisebench.cli import main
from noisebench.testing import throwaway

PLUGIN = """
import noisebench as nb
import numpy as np

@nb.method("smooth", layout="hwc")
def smooth(noisy, info):
    padded = np.pad(noisy, ((1, 1), (0, 0), (0, 0)), mode="edge")
    return (padded[:-2] + padded[1:-1] + padded[2:]) / np.float32(3)
"""
CALL = [
    "certify", "smooth", "--plugin", "smooth.py", "--datasets", "gaussian_field(n=2, size=24)", "--no-costs",
    "--against", "tiled(method=smooth, size=12, overlap=0)", "tiled(method=smooth, size=12, overlap=1)",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    throwaway(tmp_path, "", smooth=PLUGIN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_card_says_what_tiles_change(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*CALL, "again", "int8", "--to", "card"]) == 0
    shown = capsys.readouterr().out
    card = json.loads((folder / "card" / "certificate.json").read_text(encoding="utf-8"))
    cut, enough, again, int8 = card["variants"]
    assert cut["pixel"]["value"] > 0.01 and cut["seams"]["difference"] > 5
    assert enough["pixel"]["value"] == again["pixel"]["value"] == 0 and enough["change"] == 0
    assert int8["pictures"] == 0 and int8["outcome"] == "skipped" and "no torch network" in int8["reason"]
    assert "again: equal to the bit; psnr 0.0000 dB on average; 2 pictures" in shown
    text = (folder / "card" / "certificate.md").read_text(encoding="utf-8")
    assert text.startswith("# Certificate of equivalence: smooth\n") and "- **int8**: not possible: no torch" in text
    assert "bound no others" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["certify", "unet_blind", "--against", "flaot16"], "name again, tiled, float16"),
        (["certify", "nlm(h={0.6,0.8})"], "sweep"),
        (["certify", "median", "--against", "again", "variant(of=median)", "--no-costs"], "given twice"),
        (["certify", "median", "--against", "variant(of=median, batch={2,3})"], "sweep"),
        (["certify", "median", "--limit", "0"], "--limit"),
        (["certify", "median", "--size", "big"], "--size"),
        (["certify", "no_such_method", "--no-costs"], "no_such_method"),
    ],
)
def test_a_mistake_is_one_line(
    words: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    error = capsys.readouterr().err.strip()
    assert message in error.splitlines()[-1]
