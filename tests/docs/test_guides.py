"""README and guides run as they stand: files are written, commands and Python executed, output compared."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from bubblewrap import needs_bubblewrap
from conftest import ROOT
from guides import BLOCK, OF_TRACKS, PAGES, blocks_of, follow, not_printed
from noisebench.store.cells import open_store
from noisebench.store.reading import read_records
from shell import shell
from stored_cells import put

ELSEWHERE = {
    "bring-your-own.md": "test_bring_your_own.py",
    "data.md": "test_data_page.py",
    **dict.fromkeys([f"add-a-{what}.md" for what in ("method", "regime", "metric", "dataset", "track")],
                    "test_contributor_pages.py"),
    "functions.md": "test_contributor_pages.py",
    "pytorch-network.md": "test_guides.py",
}  # fmt: skip
"""Pages whose blocks another file of tests runs, in folders that it prepares."""
FOLLOWED = [p.name for p in PAGES if p.name not in ELSEWHERE and BLOCK.search(p.read_text(encoding="utf-8"))]
IN_A_SANDBOX = {"submissions.md"}
"""Pages that run a stranger's program."""
OF_A_STORE = {"reference.md", "notebooks.md", "plots.md"}
"""Pages that read a store which the reader has: a small one, which is made once. The README runs the demonstration."""


@pytest.fixture(autouse=True)
def usual_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """The width that the pages show, whatever terminal the tests run in."""
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of three methods at two levels."""
    folder = tmp_path_factory.mktemp("store")
    names = "--methods identity gaussian_filter nlm --datasets photos --limit 6"
    done = shell(f"noisebench run {names} --regimes 'gaussian(sigma={{15,25}})'", folder)
    assert done.returncode == 0, done.stderr
    return folder / "nb-store"


@pytest.mark.parametrize("page", [
    pytest.param(page, marks=[needs_bubblewrap] if page in IN_A_SANDBOX else [])
    for page in FOLLOWED if page not in OF_TRACKS
])  # fmt: skip
def test_every_block_of_a_page_runs_as_written(page: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if page in OF_A_STORE:
        shutil.copytree(request.getfixturevalue("store"), tmp_path / "nb-store")
    if page == "README.md":
        put_demonstration(tmp_path / "nb-store")
    (tmp_path / "results").mkdir()
    shutil.copy(ROOT / "results" / "demo.parquet", tmp_path / "results")
    # Its pipeline is that of the example repository, which test_example_repo.py runs.
    pipeline = BLOCK.findall((ROOT / "docs/examples/denoiser-repo/README.md").read_text(encoding="utf-8"))[0][2]
    AFTER.get(page, lambda said, folder: None)(follow(page, tmp_path, but=pipeline), tmp_path)


def put_demonstration(store: Path) -> None:
    """Store three quarters of the demonstration as committed: what is left runs each method, once, and all costs."""
    open_store(store)
    for record in read_records(ROOT / "results" / "demo.parquet"):
        ran = record.cell.outcome == "ok" and record.cell.kind == "score"
        if ran and record.cell.regime.display != "gaussian(sigma=25)" and record.cell.method.name != "vst":
            put(store, record)


def after_check(said: str, folder: Path) -> None:
    """The gate from zero to red and accepted."""
    assert "; picture astronaut dropped by " in said
    assert re.search(r"no regression: \d compared, 0 regressions\n", said)
    assert (folder / "noisebench-baseline/test_blur/test_it_is_as_good_as_it_was.json").is_file()
    message = (folder / "message.txt").read_text()
    assert "REGRESSION  blur · " in message
    assert "2 cells are" in message and "new baseline in baseline.json" in message


def after_compare(said: str, folder: Path) -> None:
    names = {"comparison.csv", "comparison.json", "comparison.md", "comparison.tex", "plots"}
    for to in ("compared-methods", "compared-stores"):
        assert names <= set(os.listdir(folder / to))


def after_readme(said: str, folder: Path) -> None:
    assert "50 cells: 47 ok, 3 skipped (23 run now" in said
    assert (folder / "board" / "leaderboard.html").is_file() and (
        folder / "paper" / "plugins" / "my_method.py"
    ).is_file()


def after_paper_table(said: str, folder: Path) -> None:
    guide = (ROOT / "docs" / "paper-table.md").read_text(encoding="utf-8")
    costs = guide.partition("## Costs")[2].partition("## Bold")[0]
    for text, board in ((guide.split("## Choices")[0], "board"), (costs, "board-with-costs")):
        shown = [line for line in text.splitlines() if line.startswith("|")]
        assert shown == [line for line in (folder / board / "table.md").read_text().splitlines() if line[:1] == "|"]
    assert "paper: named-board/table.tex" in said
    text = (folder / "named-board" / "table.md").read_text()
    assert "| Median, 5 × 5 |" in text and "Photographs (first 2 of 12)" in text


AFTER = {
    "check.md": after_check, "compare.md": after_compare, "README.md": after_readme,
    "paper-table.md": after_paper_table,
}  # fmt: skip


def test_few_blocks_are_not_run_and_each_says_why() -> None:
    blocks = [why for page in FOLLOWED for why, _, _ in blocks_of(page)]
    reasons = [why for why in blocks if why]
    assert len(reasons) * 10 <= len(blocks) and all(len(why.split()) > 3 for why in reasons)
    for page in ELSEWHERE:
        assert page in (ROOT / "tests" / "docs" / ELSEWHERE[page]).read_text(encoding="utf-8"), page
    assert not [p.name for p in PAGES if p.read_text(encoding="utf-8").count("not run:") != sum(
        bool(why) for why, _, _ in blocks_of(p.name))], "a reason stands right above its block"  # fmt: skip


def test_output_that_is_not_what_came_out_is_found() -> None:
    said = "psnr  25.12 dB\n4 cells: 4 ok (4 run now)\n"
    assert not_printed("psnr 25.12 dB\n4 cells: …\n", said) == []
    assert not_printed("psnr 25.13 dB\n4 cells: 5 ok…\n", said) == ["psnr 25.13 dB", "4 cells: 5 ok…"]


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
        assert {r.cell.outcome for r in records} == {"ok"}
        found: dict[str, list[float]] = {}
        for r in sorted(records, key=lambda r: r.cell.regime.display):
            found.setdefault(r.cell.method.name, []).append(float(np.mean(r.scores["psnr"])))
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
    (record,) = [r for r in read_records(tmp_path / "nb-store") if r.cell.method.name == "my_net"]
    assert any(name.endswith("net.pth") for name in record.cell.opened)
    assert record.cell.method.flags["trained_on"] == ["bsd400"]


def text_block(guide: str, beginning: str) -> str:
    """The block of a guide that shows what is printed and begins so."""
    blocks = [text for _, _, text in blocks_of(guide)]
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
    from noisebench.suite.rules import Rule

    text = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
    for key in Rule.__dataclass_fields__:
        assert key == "where" or f"`{key}`" in text, key
