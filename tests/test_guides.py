"""The guides run as they stand: their files are written, their commands executed, in a folder of their own."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from conftest import ROOT
from shell import shell

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def follow(guide: str, folder: Path, but: str = "") -> str:
    """Do what a guide says, step by step; what its commands printed. The block `but` is left out."""
    said = []
    for language, text in BLOCK.findall((ROOT / "docs" / guide).read_text(encoding="utf-8")):
        name = re.match(r"# (\w+\.(?:py|yaml))\n", text)
        if name:
            (folder / name[1]).write_text(text)
        elif language == "sh" and text != but:
            done = shell(text, folder)
            assert done.returncode == 0, f"{guide}: {text}\n{done.stdout}{done.stderr}"
            said.append(done.stdout)
    return "".join(said)


def test_the_gate_from_zero_to_red_and_accepted(tmp_path: Path) -> None:
    # Its pipeline is that of the example repository, which test_example_repo.py runs.
    pipeline = BLOCK.findall((ROOT / "docs/examples/denoiser-repo/README.md").read_text(encoding="utf-8"))[0][1]
    said = follow("check.md", tmp_path, but=pipeline)
    assert re.search(r"REGRESSION  blur · photos · gaussian\(sigma=25\) .* psnr: .*: the mean dropped by ", said)
    assert "; picture astronaut dropped by " in said and "exit code 1\n" in said
    assert re.search(r"no regression: \d compared, 0 regressions\n", said)
    assert (tmp_path / "noisebench-baseline/test_blur/test_it_is_as_good_as_it_was.json").is_file()
    message = (tmp_path / "message.txt").read_text()
    assert "REGRESSION  blur · " in message and "2 cells are the new baseline in baseline.json" in message


def test_comparisons(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    shutil.copy(ROOT / "results" / "demo.json", tmp_path / "results")
    said = follow("compare.md", tmp_path)
    row = "gaussian_filter → nlm photos gaussian(sigma=15) uint8@1 0 psnr ↑ 12 31.029 32.890 +1.861 [0.080, 3.483]"
    assert row in re.sub(" +", " ", said)
    assert "9 of its 12 inputs are not there: the dataset has other pictures" in said
    assert "the regime is absent: there are gaussian(sigma=15), gaussian(sigma=25)" in said
    names = ["comparison.csv", "comparison.json", "comparison.md", "comparison.tex", "plots"]
    assert {name for folder in ("methods", "stores") for name in os.listdir(tmp_path / folder)} >= set(names)


def test_the_table_of_a_paper(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    shutil.copy(ROOT / "results" / "demo.json", tmp_path / "results")
    said = follow("paper-table.md", tmp_path)
    guide = (ROOT / "docs" / "paper-table.md").read_text(encoding="utf-8")
    shown = [line for line in guide.split("## Choices")[0].splitlines() if line.startswith("|")]
    assert shown == [line for line in (tmp_path / "board" / "table.md").read_text().splitlines() if line[:1] == "|"]
    assert "the table for a paper: named-board/table.tex" in said
    text = (tmp_path / "named-board" / "table.md").read_text()
    assert "| Median, 5 × 5 |" in text and "Photographs (first 2 of 12)" in text


@pytest.mark.parametrize("guide", ["check.md", "compare.md", "paper-table.md", "notebooks.md"])
def test_links_lead_somewhere(guide: str) -> None:
    text = (ROOT / "docs" / guide).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / "docs" / target).exists(), target
    for page in ("README.md", "docs/reference.md"):
        assert guide in (ROOT / page).read_text(encoding="utf-8"), page


def test_the_gate_guide_names_every_key_of_a_rule() -> None:
    from noisebench.gate.rules import Rule

    text = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
    for key in Rule.__dataclass_fields__:
        assert key == "where" or f"`{key}`" in text, key
