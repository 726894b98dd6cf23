"""README and guides run as they stand: files are written, commands and Python executed, output compared."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from noisebench.claims.effects import read_effects
from noisebench.claims.numbers import read_claims
from noisebench.study import read_study
from noisebench.suite import read_suite
from shell import shell

BLOCK = re.compile(r"^(?:<!-- not run: ([^\n]+) -->\n)?```(\w*)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NAMED = re.compile(r"# ([\w./-]+\.(?:py|yaml|toml))\n")
ELSEWHERE = {
    "bring-your-own.md": "test_bring_your_own.py",
    **dict.fromkeys([f"add-a-{what}.md" for what in ("method", "regime", "metric", "dataset", "track")],
                    "test_contributor_pages.py"),
    "functions.md": "test_contributor_pages.py",
}  # fmt: skip
"""Pages whose blocks another file of tests runs, in folders that it prepares."""
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FOLLOWED = [p.name for p in PAGES if p.name not in ELSEWHERE and BLOCK.search(p.read_text(encoding="utf-8"))]
DEMO = {"README.md", "reference.md"}
"""Pages that begin with the store of the demonstration, which is made once."""


def blocks_of(page: str) -> list[tuple[str, str, str]]:
    """(why it is not run, language, text) of each fenced block of a page."""
    (path,) = [p for p in PAGES if p.name == page]
    return BLOCK.findall(path.read_text(encoding="utf-8"))


def follow(page: str, folder: Path, but: str = "") -> str:
    """Do what a page says, block by block; what its commands printed. Output that it shows must be what came out.

    A block that begins with the name of a file is that file. Other Python is run as it stands, suites and claims are
    read. A block without a language shows what the last commands printed. The block `but` is left out.
    """
    said, last = [], ""
    for why, language, text in blocks_of(page):
        name = NAMED.match(text)
        if why or text == but:
            continue
        if name:
            (folder / name[1]).parent.mkdir(parents=True, exist_ok=True)
            (folder / name[1]).write_text(text)
        elif language in ("sh", "python"):
            (folder / "block.py").write_text(text)
            done = shell(text if language == "sh" else "python block.py", folder)
            assert done.returncode == 0, f"{page}: {text}\n{done.stdout}{done.stderr}"
            last = done.stdout + done.stderr
            said.append(done.stdout)
        elif language == "yaml":
            read_example(text, folder)
        elif language == "":
            differ = not_printed(text, last)
            assert not differ, f"{page} shows {differ}, but what came out is\n{last}"
    return "".join(said)


def read_example(text: str, folder: Path) -> None:
    """Read a suite, a study or claims as noisebench does, and plan the cells of a suite."""
    file = folder / "example.yaml"
    file.write_text(text)
    fields = yaml.safe_load(text)
    if "claims" in fields:
        assert read_effects(file) if fields["kind"] == "effect" else read_claims(file)
        return
    suite = read_study(file)[0] if "study" in fields else read_suite(file)
    done = shell(f"noisebench run {file.name} --dry-run --store none", folder)
    assert done.returncode == 0 and all(name in done.stdout for name in suite.datasets), done.stderr


def not_printed(shown: str, said: str) -> list[str]:
    """The lines of a page that no printed line equals; `…` stands for anything, and spaces for any spaces."""
    printed = [" ".join(line.split()) for line in said.splitlines()]
    missing = []
    for line in shown.splitlines():
        pattern = re.escape(" ".join(line.split())).replace("…", ".*")
        if not any(re.fullmatch(pattern, one) for one in printed):
            missing.append(line)
    return missing


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the first command of the README."""
    folder = tmp_path_factory.mktemp("demo")
    done = shell("noisebench run demo", folder)
    assert done.returncode == 0, done.stderr
    return folder / "nb-store"


@pytest.mark.parametrize("page", FOLLOWED)
def test_every_block_of_a_page_runs_as_written(page: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if page in DEMO:
        shutil.copytree(request.getfixturevalue("demo"), tmp_path / "nb-store")
    (tmp_path / "results").mkdir()
    shutil.copy(ROOT / "results" / "demo.json", tmp_path / "results")
    # Its pipeline is that of the example repository, which test_example_repo.py runs.
    pipeline = BLOCK.findall((ROOT / "docs/examples/denoiser-repo/README.md").read_text(encoding="utf-8"))[0][2]
    AFTER.get(page, lambda said, folder: None)(follow(page, tmp_path, but=pipeline), tmp_path)


def after_check(said: str, folder: Path) -> None:
    """The gate from zero to red and accepted."""
    assert "; picture astronaut dropped by " in said
    assert re.search(r"no regression: \d compared, 0 regressions\n", said)
    assert (folder / "noisebench-baseline/test_blur/test_it_is_as_good_as_it_was.json").is_file()
    message = (folder / "message.txt").read_text()
    assert "REGRESSION  blur · " in message and "2 cells are the new baseline in baseline.json" in message


def after_compare(said: str, folder: Path) -> None:
    names = {"comparison.csv", "comparison.json", "comparison.md", "comparison.tex", "plots"}
    for to in ("compared-methods", "compared-stores"):
        assert names <= set(os.listdir(folder / to))


def after_readme(said: str, folder: Path) -> None:
    assert "50 cells: 47 ok, 3 skipped" in said
    assert (folder / "board" / "leaderboard.html").is_file() and (
        folder / "paper" / "plugins" / "my_method.py"
    ).is_file()


AFTER = {"check.md": after_check, "compare.md": after_compare, "README.md": after_readme}


def test_few_blocks_are_not_run_and_each_says_why() -> None:
    reasons = [why for page in FOLLOWED for why, _, _ in blocks_of(page) if why]
    assert len(reasons) <= 8 and all(len(why.split()) > 3 for why in reasons)
    for page in ELSEWHERE:
        assert page in (ROOT / "tests" / ELSEWHERE[page]).read_text(encoding="utf-8"), page
    assert not [p.name for p in PAGES if p.read_text(encoding="utf-8").count("not run:") != sum(
        bool(why) for why, _, _ in blocks_of(p.name))], "a reason stands right above its block"  # fmt: skip


def test_output_that_is_not_what_came_out_is_found() -> None:
    said = "psnr  25.12 dB\n4 cells: 4 ok (4 run now)\n"
    assert not_printed("psnr 25.12 dB\n4 cells: …\n", said) == []
    assert not_printed("psnr 25.13 dB\n4 cells: 5 ok…\n", said) == ["psnr 25.13 dB", "4 cells: 5 ok…"]


@pytest.mark.parametrize("guide", ["check.md", "compare.md"])
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
