"""The example repository, as its pipeline runs it: green, then red after a planted loss and a planted slow-down."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from shell import shell

EXAMPLE = ROOT / "docs" / "examples" / "denoiser-repo"
DEFINED = '@nb.method("dct_shrink", needs=("sigma",))\ndef dct_shrink('
TWICE = f"""

{DEFINED}noisy, info):
    once(noisy, info)
    return once(noisy, info)
"""


def workflow() -> dict[str, str]:
    """Commands of the pipeline by the name of their step, but for the installation."""
    job = yaml.safe_load((EXAMPLE / ".github/workflows/quality.yml").read_text())["jobs"]["quality"]
    return {step["name"]: step["run"] for step in job["steps"] if "run" in step and step["name"] != "Install"}


def step(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one step there as a pipeline does."""
    return shell(command, folder, GITHUB_STEP_SUMMARY=str(folder / "summary.md"))


def fine(command: str, folder: Path) -> str:
    done = step(command, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def copy(source: Path, folder: Path) -> Path:
    """What a pipeline checks out: everything that is not ignored."""
    left = shutil.ignore_patterns("nb-store", "check", "summary.md", "__pycache__", ".*")
    return Path(shutil.copytree(source, folder, ignore=left))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository after its first green pipeline here, with the speeds of this machine in its baseline."""
    folder = copy(EXAMPLE, tmp_path_factory.mktemp("example") / "repository")
    steps = workflow()
    fine(steps["Test"], folder)
    fine(steps["Measure"], folder)
    # Scores are the same everywhere; how the committed speed compares depends on the processor.
    assert "no regression: 6 compared, 0 regressions" in fine("noisebench check baseline.json nb-store", folder)
    updated = fine("noisebench check baseline.json nb-store --update", folder)
    assert "6 cells are" in updated and "new baseline in baseline.json" in updated
    return folder


def test_the_pipeline_runs_what_the_documents_say() -> None:
    commands = list(workflow().values())
    assert [c.split()[:2] for c in commands] == [["pytest"], ["noisebench", "run"], ["noisebench", "check"]]
    for document in (EXAMPLE / "README.md", ROOT / "docs" / "check.md"):
        blocks = re.findall(r"```sh\n(.*?)```", document.read_text(), re.DOTALL)
        assert "\n".join([*commands, ""]) in blocks, document.name


def test_it_is_green(repository: Path) -> None:
    assert "no regression: 7 compared, 0 regressions" in fine(workflow()["Check"], repository)
    assert (repository / "summary.md").read_text().startswith("# ✅ noisebench check")
    assert ET.parse(repository / "check" / "check.xml").getroot().get("failures") == "0"


def test_a_tenth_of_a_db_less_makes_it_red(repository: Path, tmp_path: Path) -> None:
    folder = copy(repository, tmp_path / "repository")
    source = (folder / "denoiser.py").read_text()
    (folder / "denoiser.py").write_text(source.replace("THRESHOLD = 2.75", "THRESHOLD = 2.95"))
    steps = workflow()

    red = step(steps["Test"], folder)
    assert red.returncode == 1
    assert "2 failed" in red.stdout
    loss = r"−0\.(?:09|10)\d\d"
    scores = rf"psnr: 29\.9\d+ → 29\.8\d+ \({loss}\), worst picture \w+ \(−0\.\d+\): the mean dropped by "
    assert re.search(rf"REGRESSION  dct_shrink · photos · .* · {scores}", red.stdout), red.stdout

    fine(steps["Measure"], folder)
    red = step(steps["Check"], folder)
    assert red.returncode == 1
    named = r"REGRESSION  dct_shrink · photos · gaussian\(sigma=25\) · uint8@1 · seed 0 · "
    assert re.search(rf"{named}{scores}0\.\d+ dB, more than 0\.02 \(default\)", red.stdout), red.stdout
    summary = (folder / "summary.md").read_text()
    assert summary.startswith("# ❌ noisebench check")
    row = rf"\| dct_shrink \| photos \|.*\| psnr \| 4 \| 29\.9\d+ \| 29\.8\d+ \| {loss} \| \w+ \(−0\."
    assert re.search(row, re.sub(" +", " ", summary)), summary
    failures = {case.get("classname") for case in ET.parse(folder / "check/check.xml").iter("testcase") if len(case)}
    assert failures == {"dct_shrink"}


def test_twice_the_work_makes_it_red(repository: Path, tmp_path: Path) -> None:
    folder = copy(repository, tmp_path / "repository")
    source = (folder / "denoiser.py").read_text()
    assert source.count(DEFINED) == 1
    (folder / "denoiser.py").write_text(source.replace(DEFINED, "def once(") + TWICE)
    fine(workflow()["Measure"], folder)
    red = step(workflow()["Check"], folder)
    assert red.returncode == 1, red.stdout
    lost = [line for line in red.stdout.splitlines() if line.startswith("REGRESSION ")]
    assert len(lost) == 1
    assert re.search(
        r"dct_shrink · cost at 128×128, cpu, 1 thread · .* × the baseline's relative (latency|CPU time), "
        r"more than 1\.5 \(rules\.yaml:4\)",
        lost[0],
    )
