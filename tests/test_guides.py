"""The guides run as they stand: their files are written, their commands executed, in a folder of their own."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from conftest import ROOT
from noisebench.store.cells import read_records
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


NET = """
import torch
from torch import nn
from torch.nn import functional

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.smooth = nn.Conv2d(1, 1, 5, padding=2, padding_mode="replicate", bias=False)

    def forward(self, noisy):
        return noisy - self.smooth(noisy)
"""
NETS = """
import torch
from net import Net
from torch import nn
from torch.nn import functional

class LevelNet(Net):
    def forward(self, given):
        noisy, level = given.split(1, dim=1)
        return noisy - (level * 255 / 50).clamp(max=1) * (noisy - self.smooth(noisy))

class UNet(Net):
    def forward(self, noisy):
        if any(side % 8 for side in noisy.shape[2:]):
            raise RuntimeError("Sizes of tensors must match except in dimension 1")
        return self.smooth(noisy)

class NetX4(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1))

    def forward(self, small):
        return self.gain * functional.interpolate(small, scale_factor=4, mode="bicubic")
"""


def write_networks(folder: Path) -> None:
    """What the page on PyTorch networks says that the reader has: networks that do something by hand-set weights."""
    torch = pytest.importorskip("torch")
    (folder / "net.py").write_text(NET)
    (folder / "nets.py").write_text(NETS)
    row = torch.tensor([1.0, 4, 6, 4, 1]) / 16
    kernel = torch.outer(row, row)
    weak = 0.5 * kernel
    weak[2, 2] += 0.5
    for name, smooth in (("net", kernel), ("net_25", kernel), ("net_50", kernel), ("net_15", weak)):
        torch.save({"smooth.weight": smooth[None, None]}, folder / f"{name}.pth")
    for name in ("level", "unet"):
        held = {"epoch": 9, "state_dict": {"module.smooth.weight": kernel[None, None]}}
        torch.save(held, folder / f"{name}.pth")
    torch.save({"gain": torch.ones(1)}, folder / "x4.pth")
    dncnn = pytest.importorskip("spandrel.architectures.DnCNN", reason="needs noisebench[spandrel]").DnCNN
    torch.save({"params": dncnn(in_nc=1, out_nc=1, nc=8, nb=9, act_mode="R").state_dict()}, folder / "dncnn.pth")


def test_a_pytorch_network_from_file_to_row(tmp_path: Path) -> None:
    write_networks(tmp_path)
    (tmp_path / "clean").mkdir()
    for number in range(2):
        ramp = np.add.outer(np.arange(40), np.arange(30 + number)) * 3
        nb.write_picture(tmp_path / "clean" / f"p{number}.png", ramp.astype(np.uint8))
    said = follow("pytorch-network.md", tmp_path)
    lines = re.findall(r"^  \w+ .*", text_block("pytorch-network.md", "my_net: all fine"), re.MULTILINE)
    assert len(lines) == 4
    for line in lines:
        assert line in said, line

    def means(store: str) -> dict[str, list[float]]:
        """Mean PSNR by method, in the order of the regimes."""
        records = read_records(tmp_path / store)
        assert {r.cell["outcome"] for r in records} == {"ok"}
        found: dict[str, list[float]] = {}
        for r in sorted(records, key=lambda r: r.cell["regime"]["display"]):
            found.setdefault(r.cell["method"]["name"], []).append(float(np.mean(r.scores["psnr"])))
        return found

    levels = means("levels")
    for name in ("with_level", "for_each_level", "of_multiples"):
        gains = [own - identity for own, identity in zip(levels[name], levels["identity"], strict=True)]
        assert min(gains) > 1.5, name
    # Each level has weights, or an input, of its own.
    assert levels["for_each_level"][0] != levels["of_multiples"][0]
    assert levels["for_each_level"][1] == pytest.approx(levels["of_multiples"][1], abs=1e-9)
    assert means("program")["command"] == means("program")["my_net"]
    assert means("folder")["folder"] == pytest.approx(means("folder")["my_net"], abs=1e-4)
    small = means("x4")
    assert small["four_times"] == pytest.approx(small["bicubic"], abs=1)
    assert set(means("known")) == {"identity", "spandrel"}
    (record,) = [r for r in read_records(tmp_path / "nb-store") if r.cell["method"]["name"] == "my_net"]
    assert any(name.endswith("net.pth") for name in record.cell["opened"])
    assert record.cell["method"]["flags"]["trained_on"] == ["bsd400"]


def text_block(guide: str, beginning: str) -> str:
    """The block of a guide that shows what is printed and begins so."""
    blocks = [text for _, text in BLOCK.findall((ROOT / "docs" / guide).read_text(encoding="utf-8"))]
    (block,) = [text for text in blocks if text.startswith(beginning)]
    return block


def test_the_lines_for_other_networks_are_those_of_the_doctor() -> None:
    from noisebench.tracks.restore.readings import Reading

    text = (ROOT / "docs" / "pytorch-network.md").read_text(encoding="utf-8")
    for reading in (Reading("0–255", "0–255"), Reading("−1–1", "−1–1"), Reading(bgr=True)):
        ((_, line),) = reading.remedies(enlarges=False)
        assert re.split("[,:]", line)[0].replace("net(", "self.net(") in text, line


@pytest.mark.parametrize("guide", ["check.md", "compare.md", "paper-table.md", "notebooks.md", "pytorch-network.md"])
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
