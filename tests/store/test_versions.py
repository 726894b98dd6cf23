"""Versions of an edited method in one store: the newest is shown and judged, older ones can be seen and removed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from board_records import cost_record, record, sealed, sha
from conftest import Run
from messages import missing_by_line, missing_from
from msgspec import structs
from noisebench.boards.build import boards
from noisebench.claims.stored import cells_by_input
from noisebench.comparing.comparison import compare
from noisebench.gate.check import check
from noisebench.report.data import report_data
from noisebench.store.cells import keys
from noisebench.store.export import export_text, read_export
from noisebench.store.reading import read_records
from noisebench.store.record import Record
from noisebench.store.versions import newest, older
from warm_python import warm_folder

PLUGIN = """
import noisebench as nb


@nb.method("mine")
def mine(noisy, info):
    return noisy * {factor}
"""
HERE = ("--plugin", "mine.py", "--datasets", "photos", "--regimes", "gaussian(sigma=25)", "--metrics", "psnr",
        "--store", "st")  # fmt: skip


def version(source: str, asked: str, *values: float, **more: Any) -> Record:
    return replace(record("nlm", {"psnr": values or (30.0, 31.0)}, source=source, **more), asked=asked)


def test_the_newest_version_is_the_one_that_was_asked_for_last() -> None:
    first, second = version("a", "2026-01-02"), version("b", "2026-01-01")
    kept = newest([second, first])
    assert kept == [first] and older([second, first], kept) == [second]


def test_a_place_has_a_newest_version_of_its_own() -> None:
    kept = [version("a", "2026-01-01", regime="gaussian(sigma=15)"), version("b", "2026-01-02")]
    assert newest(kept) == kept


def test_an_older_version_with_more_seeds_gets_no_board_of_its_own() -> None:
    old = [version("a", "2026-01-01", seed=seed) for seed in (0, 1)]
    (board,) = boards([*old, version("b", "2026-01-02", seed=0)])
    assert board.seeds == (0,) and len(board.rows) == 1


def test_other_weights_are_another_version() -> None:
    first, second = version("a", "2026-01-01"), version("a", "2026-01-02")
    cells: list[Any] = [
        structs.replace(one.cell, inputs={"weights": {"net.pth": sha}}) for one, sha in ((first, "x"), (second, "y"))
    ]
    first, second = (replace(one, cell=cell) for one, cell in zip((first, second), cells, strict=True))
    assert newest([first, second]) == [second]
    (whole,) = boards([first, second], all_versions=True)
    assert len(whole.rows) == 2


def test_versions_of_which_no_time_is_known_are_all_kept() -> None:
    kept = [version("a", ""), version("b", "")]
    assert newest(kept) == kept
    assert newest([*kept, version("c", "2026-01-01")])[0].asked


def test_costs_of_older_versions_are_not_listed() -> None:
    costs = [replace(cost_record(source=s), asked=when) for s, when in (("a", "2026-01-01"), ("b", "2026-01-02"))]
    assert [r.asked for r in report_data(costs, "").costs] == ["2026-01-02"]
    assert len(report_data(costs, "", all_versions=True).costs) == 2


def test_the_board_shows_the_newest_and_says_how_many_it_does_not() -> None:
    kept = [
        version("a", "2026-01-01"),
        version("b", "2026-01-02"),
        version("c", "2026-01-03"),
        record("tv", {"psnr": [1, 2]}),
    ]
    (board,) = boards(kept)
    assert [row.label for row in board.rows] == ["nlm", "tv"]
    assert any("not shown" in note and note.endswith("nlm (2)") for note in board.notes)
    (whole,) = boards(kept, all_versions=True)
    assert len(whole.rows) == 4 and not any("not shown" in note for note in whole.notes)


def test_compare_and_check_take_the_newest() -> None:
    store = [sealed(version("a", "2026-01-01", 20.0, 20.0)), sealed(version("b", "2026-01-02", 30.0, 30.0))]
    before = [sealed(version("z", "", 30.0, 30.0))]
    assert check(before, store).exit_code == 0
    assert [d.difference for d in compare(before, store).differences] == [0.0]


def test_a_board_says_which_method_is_of_another_source_than_on_other_boards() -> None:
    here, there = ({"regime": f"gaussian(sigma={level})"} for level in (15, 25))
    records = [
        version("a", "2026-01-01", **here),
        version("b", "2026-01-02", **there),
        *(record("tv", {"psnr": [29.0, 30.0]}, **where) for where in (here, there)),
    ]
    old, new = boards(records)
    sources = f"({sha('anlm')[:8]})", f"other boards ({sha('bnlm')[:8]})"
    assert not missing_by_line(old.warnings, ["nlm ", "another source", *sources, "run it again"])
    assert new.warnings == ()
    assert all(board.warnings == () for board in boards(records, all_versions=True))
    assert all(board.warnings == () for board in boards([*records, version("b", "2026-01-02", **here)]))


@pytest.mark.parametrize("asked", ["", "2026-01-01"])
def test_results_against_themselves_are_never_a_regression(asked: str) -> None:
    kept = [sealed(version("a", asked, 30.0, 31.0)), sealed(version("b", asked, 20.0, 21.0))]
    assert check(kept, kept).exit_code == 0


def test_costs_against_themselves_are_never_a_regression(tmp_path: Path) -> None:
    from noisebench.suite.rules import read_rules

    rules = tmp_path / "rules.yaml"
    rules.write_text("[{method: nlm, max_latency_rel: 1.1}]")
    kept = [sealed(cost_record(p50=p50, source=source)) for p50, source in ((10.0, "a"), (30.0, "b"))]
    assert [f.status for f in check(kept, kept, read_rules(rules)).findings if f.metric] == ["ok", "ok"]


@pytest.mark.parametrize("newer", ["a", "b"])
def test_claims_are_judged_by_the_newest_version(tmp_path: Path, newer: str) -> None:
    kept = [version(source, f"2026-01-0{1 + (source == newer)}", 30.0 + (source == newer)) for source in "ab"]
    (tmp_path / "x.json").write_text(export_text(kept))
    ((record,),) = cells_by_input([tmp_path / "x.json"]).scored.values()
    assert record.scores["psnr"].tolist() == [31.0]


def test_exports_keep_which_version_is_the_newest(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(export_text([version("a", "2026-01-01"), version("b", "")]))
    assert sorted(r.asked for r in read_export(tmp_path / "x.json")) == ["", "2026-01-01"]


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store `st` of two versions of a method, the first of which was asked for last."""
    import subprocess

    folder = tmp_path_factory.mktemp("edited")
    for factor in (0.9, 0.5, 0.9):
        (folder / "mine.py").write_text(PLUGIN.format(factor=factor))
        subprocess.run([str(warm_folder() / "noisebench"), "run", "--methods", "mine", *HERE, "--limit", "2"],
                       cwd=folder, check=True, capture_output=True)  # fmt: skip
    return folder


def test_a_version_that_was_gone_back_to_is_the_newest(edited: Path) -> None:
    kept = read_records(edited / "st")
    assert len(kept) == 2
    (shown,) = newest(kept)
    assert np.mean(shown.scores["psnr"]) == max(np.mean(r.scores["psnr"]) for r in kept)


def test_report_shows_older_versions_where_it_is_asked_to(cli: Run, edited: Path) -> None:
    few = cli("report", "st", "--to", "board", cwd=edited).stdout
    assert "photos (first 2 of 12)" in few and "mine (1)" in few
    cli("report", "st", "--to", "all", "--all-versions", cwd=edited)
    assert len(json.loads((edited / "all" / "summary.json").read_text())["boards"][0]["rows"]) == 2


def test_a_store_checked_against_itself_says_so(cli: Run, edited: Path) -> None:
    done = cli("check", "st", "st", cwd=edited)
    assert not missing_from(done.stdout, "BASELINE and CURRENT", "same results")


def test_gc_old_lists_older_versions_and_removes_them_when_told_to(cli: Run, edited: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(edited / "st", tmp_path / "st")
    assert "1 cell would be removed: add --yes" in cli("store", "gc", "st", "--old").stdout
    assert len(keys(tmp_path / "st")) == 2
    shown = [r.cell.key for r in newest(read_records(tmp_path / "st"))]
    cli("store", "gc", "st", "--old", "--yes")
    assert keys(tmp_path / "st") == shown


def test_rm_lists_what_a_filter_matches_and_removes_it_when_told_to(cli: Run, edited: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(edited / "st", tmp_path / "st")
    first, second = keys(tmp_path / "st")
    assert first[:12] in cli("store", "rm", "st", first[:8]).stdout
    assert len(keys(tmp_path / "st")) == 2
    cli("store", "rm", "st", first[:8], "--yes")
    assert keys(tmp_path / "st") == [second]
    assert "0 problems" in cli("store", "verify", "st").stdout


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("rm", "st"), "needs a FILTER"),
        (("rm", "st", ""), "needs a FILTER"),
        (("rm", "st", " ", "--yes"), "needs a FILTER"),
        (("rm", "st", "nothing"), "no stored cell matches 'nothing'"),
        (("gc", "st", "mine"), "takes no FILTER"),
        (("ls", "st", "--old"), "--old is of store gc"),
        (("gc", "st", "--yes"), "--yes is of store rm"),
    ],
)
def test_misplaced_arguments_of_store_are_refused(cli: Run, edited: Path, args: tuple[str, ...], why: str) -> None:
    assert why in cli("store", *args, cwd=edited, code=2).stderr
