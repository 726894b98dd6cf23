"""The example of a leaderboard, from a pull request with an entry to its site, on a bare repository."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from bubblewrap import needs_bubblewrap
from conftest import ROOT
from shell import shell

EXAMPLE = ROOT / "docs" / "examples" / "leaderboard-repo"
JOBS = yaml.safe_load((EXAMPLE / ".github/workflows/entries.yml").read_text())["jobs"]
WHO = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER")
       for what, value in (("NAME", "A"), ("EMAIL", "a@localhost"))}  # fmt: skip


def step(job: str, name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one step of the pipeline there."""
    (command,) = (one["run"] for one in JOBS[job]["steps"] if one.get("name") == name)
    return shell(command, folder, BASE="origin/main", **WHO)


def fine(command: str, folder: Path) -> str:
    done = shell(command, folder, **WHO)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of a bare repository, whose main is the example."""
    fine("git init --quiet --bare --initial-branch=main board.git && git clone --quiet board.git board", tmp_path)
    shutil.copytree(EXAMPLE, tmp_path / "board", dirs_exist_ok=True)
    fine("git add --all && git commit --quiet --message Begin && git push --quiet origin HEAD:main", tmp_path / "board")
    return tmp_path / "board"


@needs_bubblewrap
def test_an_entry_is_verified_recorded_and_published(clone: Path) -> None:
    fine("git checkout --quiet -b median", clone)
    fine("noisebench run suite.yaml --methods median --store nb-store --keep all", clone)
    fine("noisebench pack nb-store --method median --to entries/median.nbz --outputs", clone)
    fine("git add entries && git commit --quiet --message 'Enter median' && git fetch --quiet", clone)
    assert step("verify", "Entries alone", clone).returncode == 0
    done = step("verify", "Verify", clone)
    assert done.returncode == 0, (clone / "comment.md").read_text()
    assert "verified: 1 of 1 cell" in (clone / "comment.md").read_text()
    done = step("verify", "Boards", clone)
    assert done.returncode == 0, done.stderr
    comment = (clone / "comment.md").read_text()
    assert "| median " in comment and "| nlm " in comment and "What moved most" not in comment
    fine("git checkout --quiet main && git merge --quiet median && git push --quiet", clone)
    done = step("publish", "Record", clone)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((clone / "entries" / "median.json").read_text())["verdict"] == "verified"
    assert "Record verifications" in fine("git log --oneline origin/main", clone)
    done = step("publish", "Site", clone)
    assert done.returncode == 0, done.stderr
    page = (clone / "site" / "entries" / "index.html").read_text()
    assert "median" in page and ">verified<" in page
    assert step("publish", "Record", clone).returncode == 0, "nothing is left to record"
    # A new version of the entry: what moved is commented, and it is verified anew.
    fine("git checkout --quiet -b wider", clone)
    fine(
        "noisebench run suite.yaml --methods 'median(size=5)' --store wider --keep all && rm entries/median.nbz", clone
    )
    fine("noisebench pack wider --method 'median(size=5)' --to entries/median.nbz --outputs", clone)
    fine("git add entries && git commit --quiet --message Widen && git fetch --quiet", clone)
    assert step("verify", "Verify", clone).returncode == 0 and step("verify", "Boards", clone).returncode == 0
    comment = (clone / "comment.md").read_text()
    assert "## What moved most" in comment and "](plots/" not in comment
    assert list((clone / "moved" / "median" / "plots").iterdir()), "the pictures are an artifact"
    fine("git checkout --quiet main && git merge --quiet wider && git push --quiet", clone)
    before = (clone / "entries" / "median.json").read_text()
    assert step("publish", "Record", clone).returncode == 0
    assert (clone / "entries" / "median.json").read_text() != before


def test_an_entry_that_is_moved_or_a_link_is_verified_too(clone: Path) -> None:
    fine("noisebench run suite.yaml --methods median --limit 1 --store nb-store", clone)
    fine("noisebench pack nb-store --method median --to entries/median.nbz", clone)
    fine("git add entries && git commit --quiet --message Enter && git push --quiet origin HEAD:main", clone)
    fine("git checkout --quiet -b moved && git mv entries/median.nbz entries/mine.nbz", clone)
    fine("printf x >> entries/mine.nbz && ln -s /etc/hostname entries/link.nbz", clone)
    fine("git add --all && git commit --quiet --message Move && git fetch --quiet", clone)
    assert step("verify", "Verify", clone).returncode == 1
    assert {"mine.nbz", "link.nbz"} <= set(re.findall(r"\w+\.nbz", (clone / "comment.md").read_text()))


def test_what_is_no_entry_is_refused(clone: Path) -> None:
    fine("git checkout --quiet -b worse && echo '# ours' >> suite.yaml && echo 'no entry' > entries/made_up.nbz", clone)
    fine("git add --all && git commit --quiet --message Cheat && git fetch --quiet", clone)
    done = step("verify", "Entries alone", clone)
    assert done.returncode == 1 and "suite.yaml" in done.stdout and "made_up" not in done.stdout
    assert step("verify", "Verify", clone).returncode == 1
    assert "made_up.nbz" in (clone / "comment.md").read_text()
    fine("git checkout --quiet main && git merge --quiet worse", clone)
    assert step("publish", "Record", clone).returncode == 0
    assert not (clone / "entries" / "made_up.json").exists(), "what is no entry has no record"
