"""The trend over commits: what is compared, where a score changed, how it is said and drawn, and versions in git."""

from __future__ import annotations

import json
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from board_records import cost_record, record, sealed
from noisebench.cli import main
from noisebench.gate.trend import Commit, Trend, trend
from noisebench.report.trend import draw_trend, trend_lines, trend_markdown, trend_values
from noisebench.store.baseline import write_baseline
from noisebench.store.record import Record
from noisebench.store.results import Results


def cell(*values: float, metric: str = "psnr", **more: Any) -> Record:
    return sealed(record("nlm", {metric: list(values)}, **more))


def over(*commits: Sequence[Record]) -> Trend:
    return trend([Commit(f"c{n}", f"title {n}", Results.of(records)) for n, records in enumerate(commits)])


def test_a_drop_is_found_at_its_commit_and_said() -> None:
    found = over(*[[cell(30.0, 31.0)]] * 3, *[[cell(28.0, 31.0)]] * 2)
    (series,) = found.changed
    (change,) = series.changes
    assert (change.place, change.first, change.last, change.before, change.after) == (3, 1, 3, 30.5, 29.5)
    line, summary = trend_lines(found)
    assert "psnr: 30.5000 → 29.5000 dB (−1.0000) at c3 'title 3' (for sure after c1, up to c3)  ███▁▁" in line
    assert summary == "1 score over 5 commits: 1 changed (error rate 0.05 over all together)"
    assert "| −1.0000" in trend_markdown(found).replace("(", "| ") and "███▁▁" in trend_markdown(found)
    (values,) = trend_values(found)["series"]
    assert values["values"][4] == 29.5 and values["changes"][0]["between"] == ["c1", "c3"]
    plot = draw_trend(found)
    assert plot is not None and ET.fromstring(plot.svg).tag.endswith("svg")


def test_a_mistake_that_was_mended_is_two_changes() -> None:
    found = over(*[[cell(v, v)] for v in (30, 30, 30, 25, 30, 30)])
    assert [change.place for change in found.changed[0].changes] == [3, 4]


def test_noise_and_what_is_not_printed_are_no_changes() -> None:
    rng = np.random.default_rng(0)
    assert not over(*[[cell(*(30 + 0.1 * rng.normal(size=2)))] for _ in range(12)]).changed
    assert not over(*[[cell(v, v)] for v in (30, 30, 30.004, 30.004)]).changed
    falling = over(*[[cell(v, v)] for v in (30, 28, 27)])
    assert not falling.changed and "no change is told" in trend_lines(falling)[-1], "not that nothing changed"
    assert draw_trend(over([cell(1, 2)])) is None
    assert "a change needs 3" in trend_lines(over([cell(1, 2)], [cell(2, 2)]))[-1]


def test_each_score_more_needs_more_evidence() -> None:
    rng = np.random.default_rng(1)
    values = 30 + 0.05 * rng.normal(size=10) - 0.2 * (np.arange(10) >= 5)
    alone = [[cell(v, v)] for v in values]
    assert over(*alone).changed
    others = [[cell(*(30 + rng.normal(size=2)), dataset=f"d{n}") for n in range(200)] for _ in values]
    assert not over(*([*one, *more] for one, more in zip(alone, others, strict=True))).changed


def test_what_does_not_compare_with_the_last_commit_is_left_out() -> None:
    ok, failed = cell(30, 31), cell(30, 31, outcome="crashed", reason="gone")
    others = cell(9, 9, items=["other", "items"])
    elsewhere = cell(30, 31, regime="gaussian(sigma=50)")
    more = cell(30, 31, 99, items=["0", "1", "2"])
    found = over([others], [failed], [elsewhere], [ok], [ok])
    (series,) = found.series
    assert set(series.values) <= {0, 3, 4} and {3, 4} <= set(series.values)
    assert len(over([more], [ok]).series) == 1
    assert not over([ok], [failed]).series


def test_exact_items_are_in_no_mean() -> None:
    inf = float("inf")
    (series,) = over([cell(inf, 30)], [cell(31, 30)]).series
    assert [*series.values.values()] == [30, 30]
    assert not over([cell(inf, inf)], [cell(31, 30)]).series


def test_speeds_are_a_series_on_one_processor() -> None:
    found = over(*[[sealed(cost_record(p50=p50))] for p50 in (10, 10, 10, 20)])
    (series,) = found.changed
    assert series.metric == "time of a call" and "2.5000 → 5.0000×" in trend_lines(found)[0]


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with four versions of a baseline, of which the last is worse."""
    monkeypatch.chdir(tmp_path)
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "me")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    subprocess.run(["git", "init", "-q", "."], check=True)
    for number, value in enumerate((30.0, 30.001, 30.0, 28.0)):
        write_baseline(Path("baseline.json"), [cell(value, value)])
        subprocess.run(["git", "add", "baseline.json"], check=True)
        subprocess.run(["git", "commit", "-qm", f"Change {number}"], check=True)
    return tmp_path / "baseline.json"


def test_the_versions_that_git_has_are_read(
    history: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    write_baseline(Path("now.json"), [cell(28.0, 28.0)])
    assert main(["trend", "--history", "baseline.json", "now.json", "--to", "out"]) == 0
    told = capsys.readouterr().out
    assert "'Change 3'" in told and "1 score over 5 commits: 1 changed" in told, told
    assert Path("out/trend.svg").is_file() and "Change 3" in Path("out/trend.md").read_text()
    assert Path("summary.md").read_text() == Path("out/trend.md").read_text()
    assert main(["trend", "--history", "baseline.json", "--last", "2", "--json"]) == 0
    assert [one["title"] for one in json.loads(capsys.readouterr().out)["commits"]] == ["Change 2", "Change 3"]


@pytest.mark.parametrize(
    ("words", "due"),
    [
        ([], "name results, oldest first"),
        (["--history", "none.json"], "git has no version of none.json"),
        (["--history", "nowhere/b.json"], "is not there"),
        (["--history", "baseline.json", "--last", "0"], "--last must be a whole number from 1"),
        (["none.json"], "none.json"),
    ],
)
def test_mistakes_are_one_line(words: list[str], due: str, history: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trend", *words]) == 2
    told = capsys.readouterr()
    assert due in told.err and told.err.count("\n") == 1 and told.out == ""


def test_outside_of_a_repository_git_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert main(["trend", "--history", str(tmp_path / "b.json")]) == 2
    assert "git says" in capsys.readouterr().err
