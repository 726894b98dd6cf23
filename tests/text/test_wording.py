"""How a person reads: `1 cell`, and sigma=5 before sigma=25, wherever counts and specs are shown."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from board_records import record
from noisebench.boards.build import boards
from noisebench.cli import main
from noisebench.comparing.comparison import compare
from noisebench.gate.check import check
from noisebench.report.data import report_data
from noisebench.report.leaderboard import leaderboard_csv
from noisebench.report.page.data import page_data
from noisebench.report.summary import summary
from noisebench.store.results import in_order
from noisebench.text.wording import by_number, counted

LEVELS = [f"gaussian(sigma={sigma})" for sigma in (5, 15, 25, 50, 100)]
ONE_OF_MANY = re.compile(r"(?<![\w.])1 (?!is\b|was\b|as\b)\w+s\b")


@pytest.mark.parametrize(
    ("n", "text"),
    [(0, "0 cells"), (1, "1 cell"), (2, "2 cells"), (1_204, "1,204 cells"), (1_000_001, "1,000,001 cells")],
)
def test_a_count_agrees_with_its_noun(n: int, text: str) -> None:
    assert counted(n, "cell") == text


def test_a_count_takes_the_plural_that_it_is_given() -> None:
    assert [counted(n, "entry is", "entries are") for n in (1, 2)] == ["1 entry is", "2 entries are"]


@pytest.mark.parametrize(
    "ordered",
    [
        LEVELS,
        ["gaussian(sigma=0.5)", "gaussian(sigma=1)", "gaussian(sigma=1.5)", "gaussian(sigma=10)"],
        ["poisson(peak=1e-05)", "poisson(peak=0.1)", "poisson(peak=2)", "poisson(peak=1000.0)"],
        ["shift(by=-10)", "shift(by=-9)", "shift(by=0)", "shift(by=9)"],
        ["set5", "set12", "set14"],
        ["blur(sigma=2) + gaussian(sigma=5)", "blur(sigma=2) + gaussian(sigma=25)", "blur(sigma=10)"],
        ["", "1", "2", "10", "a", "a1", "a1b2", "a1b10", "none", "real"],
    ],
)
def test_specs_and_names_are_sorted_by_the_numbers_in_them(ordered: list[str]) -> None:
    assert sorted(reversed(ordered), key=by_number) == ordered


def test_the_order_is_total_whatever_the_text() -> None:
    rng = random.Random(0)
    texts = sorted({"".join(rng.choices("a1.-e9(=, +٣²", k=rng.randint(0, 8))) for _ in range(2_000)}, key=by_number)
    assert texts == sorted(random.Random(1).sample(texts, len(texts)), key=by_number)


def test_boards_tables_page_and_summary_go_up_in_noise() -> None:
    records = [record("nlm", {"psnr": [30.0, 31.0]}, regime=regime) for regime in sorted(LEVELS)]
    data = report_data(records, "levels")
    assert [board.regime for board in boards(records)] == LEVELS
    assert [line.split(",")[2] for line in "".join(leaderboard_csv(data)).splitlines()[1:]] == LEVELS
    assert [board["r"] for board in page_data(data, [])["boards"]] == LEVELS
    assert [board["regime"] for board in json.loads("".join(summary(data)))["boards"]] == LEVELS


def test_compare_check_and_listings_go_up_in_noise() -> None:
    records = [record("nlm", {"psnr": [30.0, 31.0]}, regime=regime) for regime in sorted(LEVELS)]
    assert [d.regime for d in compare(records, records).differences] == LEVELS
    assert [f.regime for f in check(records, records).findings] == LEVELS
    assert in_order(sorted(LEVELS), [r.cell for r in records]) == LEVELS
    assert [line.rpartition(" · ")[2] for line in check([], records).new] == LEVELS


def test_methods_that_failed_are_listed_by_their_numbers() -> None:
    names = ["net(width=8)", "net(width=16)", "net(width=128)"]
    records = [record("net", {}, display=name, outcome="failed", reason="no") for name in sorted(names)]
    assert [f.label for f in boards(records)[0].failures] == names


def test_one_of_a_thing_is_named_as_one_by_every_verb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run = ["run", "--methods", "identity", "--datasets", "piecewise(n=1, size=16)", "--regimes", "gaussian(sigma=5)"]
    commands = [
        [*run, "--dry-run"], run, ["store", "ls", "nb-store"], ["store", "verify", "nb-store"],
        ["store", "gc", "nb-store"], ["why", "nb-store"], ["report", "nb-store", "--to", "board", "--bundle", "paper"],
        ["export", "nb-store", "--to", "a.json"], ["check", "b.json", "a.json", "--update"],
        ["check", "b.json", "nb-store", "--to", "gate"], ["compare", "a.json", "nb-store", "--to", "both"],
        ["store", "rm", "nb-store", "identity"], ["store", "rm", "nb-store", "identity", "--yes"],
    ]  # fmt: skip
    assert [main(words) for words in commands] == [0] * len(commands)
    said = "".join(capfd.readouterr())
    written = [p.read_text() for p in tmp_path.rglob("*") if p.suffix in (".md", ".xml", ".tex")]
    assert (
        len(written) > 5 and [ONE_OF_MANY.findall(text) for text in [said, *written] if ONE_OF_MANY.search(text)] == []
    )
    assert "1 cell to run, 0 stored already" in said and "1 cell would be removed" in said
