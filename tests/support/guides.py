"""Pages of the documents, done as they say."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import yaml
from checkout import ROOT
from noisebench.claims.effects import read_file
from noisebench.cli import parser
from noisebench.cli.run import suite_of
from noisebench.planning.plan import plan
from noisebench.planning.trainings import ReadOnce
from noisebench.suite.study import read_study
from noisebench.suite.suite import read_suite
from shell import shell

BLOCK = re.compile(r"^(?:<!-- not run: ([^\n]+) -->\n)?```(\w*)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)


NAMED = re.compile(r"# ([\w./-]+\.(?:py|yaml|toml))\n")


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


OF_TRACKS = {"adapt.md", "audio.md", "classify.md", "generate.md", "graph.md", "learned-restorers.md", "matrix.md",
             "segment.md", "text.md", "training.md"}  # fmt: skip
"""Pages that `test_track_guides.py` follows, so that two workers share the pages."""


def blocks_of(page: str) -> list[tuple[str, str, str]]:
    """(why it is not run, language, text) of each fenced block of a page."""
    (path,) = [p for p in PAGES if p.name == page]
    return BLOCK.findall(path.read_text(encoding="utf-8"))


def follow(page: str, folder: Path, but: str = "") -> str:
    """Do what a page says, block by block; what its commands printed. Output that it shows must be what came out.

    A block that begins with the name of a file is that file. Other Python is run as it stands, suites and claims are
    read. A block without a language shows what the last commands printed. The block `but` is left out. On the page of
    a track one that is runs alone is planned: its names, parameters and data hold, and what it runs, the tests of its
    components do.
    """
    said, last = [], ""
    once = ReadOnce()
    for why, language, text in blocks_of(page):
        name = NAMED.match(text)
        if why or text == but:
            continue
        if name:
            (folder / name[1]).parent.mkdir(parents=True, exist_ok=True)
            (folder / name[1]).write_text(text)
        elif page in OF_TRACKS and language == "sh" and only_runs(text):
            plan_runs(text, folder, once)
        elif language in ("sh", "python"):
            (folder / "block.py").write_text(text)
            done = shell(text if language == "sh" else "python block.py", folder)
            assert done.returncode == 0, f"{page}: {text}\n{done.stdout}{done.stderr}"
            last = done.stdout + done.stderr
            said.append(done.stdout)
        elif language == "yaml":
            read_example(text, folder, once)
        elif language == "":
            differ = not_printed(text, last)
            assert not differ, f"{page} shows {differ}, but what came out is\n{last}"
    return "".join(said)


def only_runs(text: str) -> bool:
    """Whether a block is runs of the project's own components, of which nothing is asked afterwards."""
    commands = [line for line in text.splitlines() if not line.startswith(" ")]
    return "--plugin" not in text and all(re.match(r"noisebench run --|[A-Z]+=", command) for command in commands)


def plan_runs(text: str, folder: Path, once: ReadOnce) -> None:
    """Plan what each command of a block would run, in this process: that saves each the start of two others."""
    say = "noisebench() { printf '%s\\0' \"$@\" ''; }\n"
    told = shell(say + text, folder)
    assert told.returncode == 0, f"{text}\n{told.stderr}"
    commands = told.stdout.split("\0\0")[:-1]
    assert len(commands) == text.count("noisebench run --")
    with contextlib.chdir(folder):
        for command in commands:
            assert plan(suite_of(parser().parse_args(command.split("\0"))), once), command


def read_example(text: str, folder: Path, once: ReadOnce) -> None:
    """Read a suite, a study or claims as noisebench does, and plan the cells of a suite."""
    file = folder / "example.yaml"
    file.write_text(text)
    fields = yaml.safe_load(text)
    if "claims" in fields:
        assert read_file(file)
        return
    suite = read_study(file)[0] if "study" in fields else read_suite(file)
    with contextlib.chdir(folder):
        planned = {cell.dataset.display for cell in plan(suite, once)}
    assert planned >= set(suite.datasets)


def not_printed(shown: str, said: str) -> list[str]:
    """The lines of a page that no printed line equals; `…` stands for anything, and spaces for any spaces."""
    printed = [" ".join(line.split()) for line in said.splitlines()]
    missing = []
    for line in shown.splitlines():
        pattern = re.escape(" ".join(line.split())).replace("…", ".*")
        if not any(re.fullmatch(pattern, one) for one in printed):
            missing.append(line)
    return missing
