"""Systems as a screen and as a page."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import remake_published
import soundfile
from conftest import ROOT, Run
from msgspec import structs
from noisebench.claims.budgets import AtBudget
from noisebench.claims.effects import all_claims
from noisebench.claims.systems import JudgedSystem, judged_systems, read_systems
from noisebench.report.plots.budgets import draw_budgets
from noisebench.report.systems import commands_for_own_data, effect_text, system_page, system_text

PAGES = ROOT / "docs" / "systems"


@pytest.fixture(scope="module")
def judged() -> list[JudgedSystem]:
    return judged_systems(read_systems(), all_claims())


def test_a_screen_holds_all_of_a_system(judged: list[JudgedSystem]) -> None:
    for one in judged:
        for width in (80, 120):
            lines = system_text(one, width).splitlines()
            assert max(map(len, lines)) <= width and len(lines) <= 60
            flat = " ".join(" ".join(lines).split())
            assert all(f"{headline.name} {headline.verdict_text}; " in flat for headline in one.headlines)
            assert all(part in flat for part in (one.system.source, one.system.lacks, *one.files, *one.system.suites))
            assert all(part in flat for part in (*one.system.published, one.system.departs))


def test_an_effect_that_is_rounding_is_zero(judged: list[JudgedSystem]) -> None:
    one = structs.replace(judged[0].judged[0], comparison="a - b", effect=-8.6e-18, low=-0.05, high=0.08)
    assert effect_text(one) == "a - b = 0 [-0.05, 0.08]"
    assert effect_text(structs.replace(one, effect=-8.6e-4)).startswith("a - b = -0.00086 ")


def test_a_page_says_what_the_screen_does(judged: list[JudgedSystem]) -> None:
    one = judged[47]
    page = system_page(one, {suite: f"../../reports/{suite}" for suite in one.system.suites}, one.system.suites[0])
    assert page.startswith("# 48. WTA-CRS\n\nWeight gradients")
    for headline in one.headlines:
        assert f"| `{headline.name}` | {headline.verdict_text}" in page
        assert f" | {headline.steps} | {len(headline.seeds)} |" in page
    known = [headline for headline in one.headlines if headline.low is not None]
    assert known and all(f"[{headline.low:.3g}, {headline.high:.3g}]` |" in page for headline in known)
    assert "![train_row_sampling](../../reports/train_row_sampling/board.png)" in page and one.system.lacks in page


def test_a_page_says_how_a_system_was_released(judged: list[JudgedSystem]) -> None:
    system = replace(judged[9].system, published=("method red_diff(lr=0.5)",), departs="its prior")
    page = system_page(replace(judged[9], system=system), dict.fromkeys(system.suites, "b"))
    assert "## As released\n\n- `method red_diff(lr=0.5)`\n\nNot here: its prior.\n" in page


def test_the_committed_pages_are_made_of_the_verdicts_of_the_package() -> None:
    pages = {f"{number}.md": text for number, text in remake_published.system_pages(all_claims()).items()}
    assert {path.name: path.read_text() for path in PAGES.glob("*.md")} == pages and len(pages) == 57


def test_effects_at_several_budgets_are_told_and_drawn(judged: list[JudgedSystem]) -> None:
    trend = "0.5 [0.4, 0.6] at 1 x, 0.2 [0.1, 0.3] at 4 x"
    first = structs.replace(
        judged[48].judged[0], budgets=(AtBudget(1, 0.5, 0.4, 0.6), AtBudget(4, 0.2, 0.1, 0.3)), trend=trend
    )
    one = replace(judged[48], judged=(first, *judged[48].judged[1:]))
    assert f"by budget: {trend}" in " ".join(system_text(one, 80).split())
    page = system_page(one, dict.fromkeys(one.system.suites, "b"))
    assert f"- `{first.name}`: {trend.replace('[', chr(92) + '[')}" in page.replace(chr(92) + "]", "]")
    assert "![effect against budget](49_budgets.png)" in page
    plot = draw_budgets([first])
    assert plot is not None and draw_budgets([structs.replace(first, budgets=())]) is None
    (axes,) = plot.figure.axes
    steps = first.steps or 0
    assert [tick.get_text() for tick in axes.get_xticklabels()] == [f"1 ×\n{steps // 4:,}", f"4 ×\n{steps:,}"]
    assert axes.get_ylabel() == first.comparison


def test_what_pages_link_to_is_there() -> None:
    for page in PAGES.glob("*.md"):
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
            assert (PAGES / target).is_file(), (page.name, target)


def test_own_data_is_named_where_the_suite_can_use_it_as_it_is(judged: list[JudgedSystem]) -> None:
    commands = {one.system.number: commands_for_own_data(one.system) for one in judged}
    assert commands[2] == [
        "noisebench run without_clean_pictures_white \\", '  --datasets "folder(path=my_pictures)"'
    ]  # fmt: skip
    assert "folder(path=my_clips, rate=8000)" in commands[36][-1]
    assert "--regimes none --metrics si_sdr" in commands[30][-2]  # no closures of recordings are known
    # Of pairs of the same scene, of classes and of sets of samples there is no folder that serves every suite.
    for number in (6, 13, 27, 35):
        assert commands[number][0].endswith("> mine.yaml") and commands[number][-1] == "noisebench run mine.yaml"


def test_the_command_for_pairs_of_speech_and_egg_is_planned(
    judged: list[JudgedSystem], cli: Run, tmp_path: Path
) -> None:
    for folder in ("my_eggs", "my_clips"):
        (tmp_path / folder).mkdir()
        soundfile.write(tmp_path / folder / "a.wav", np.sin(np.arange(4_000)), 16_000)
    words = shlex.split("".join(commands_for_own_data(judged[29].system)[1:]).replace("\\", ""))
    assert "pairs(clean=my_eggs, noisy=my_clips, rate=8000)" in cli(*words[1:], "--dry-run").stdout


def test_the_command_for_own_data_is_planned(judged: list[JudgedSystem], cli: Run, tmp_path: Path) -> None:
    (tmp_path / "my_tables").mkdir()
    np.savetxt(tmp_path / "my_tables" / "mine.csv", np.arange(12.0).reshape(4, 3), delimiter=",")
    words = shlex.split("".join(commands_for_own_data(judged[21].system)).replace("\\", ""))
    assert words[:3] == ["noisebench", "run", "demo_matrix"]
    planned = cli(*words[1:], "--dry-run").stdout
    assert "tables(path=my_tables)" in planned and "gaussian_psd" not in planned
