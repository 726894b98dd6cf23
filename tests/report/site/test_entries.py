"""Entries on a site: badges, filter, history of places, and what a hostile entry cannot do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from board_records import record
from browser import BASE, HOSTILE, WOBBLE, findings, in_browser
from msgspec import structs
from noisebench.cli import main
from noisebench.report.site.build import build_site
from noisebench.report.site.entries import SiteEntry, entry_boards
from noisebench.store.record import Record
from noisebench.store.results import Results
from noisebench.submissions.folder import read_folder
from noisebench.submissions.pack import pack
from site_examples import CATALOGUE, NOW, Page, broken_links, source
from stored_cells import ARRAYS, keeping, made, put

OURS = [
    record("identity", {"psnr": BASE - 9}),
    record("nlm", {"psnr": BASE + WOBBLE}),
    record("median", {"psnr": BASE - 3}),
]


def entry(name: str, *records: Record, day: int = 1, verdict: str = "verified", **fields: object) -> SiteEntry:
    known: Mapping[str, object] = {
        "name": name, "method": records[0].cell.method.display, "packed_at": f"2026-03-{day:02d}T00:00:00+00:00",
        "signer": "", "sha256": "0" * 64, "verdict": verdict, "checks": (), "cite": "", "links": (),
        "results": Results.of(records), **fields,
    }  # fmt: skip
    return SiteEntry(**known)  # type: ignore[arg-type]


def net(name: str, gain: float, **more: object) -> Record:
    return record(name, {"psnr": BASE + gain}, source=name, **more)  # type: ignore[arg-type]


def built(to: Path, entries: Sequence[SiteEntry], ours: Sequence[Record] = OURS) -> Path:
    build_site([source("ours", ours)], CATALOGUE, to, NOW, lambda _: None, entries)
    return to


def page(site: Path, path: str) -> Page:
    return Page((site / path).read_text(encoding="utf-8"))


def rows_of(site: Path) -> list[str]:
    """What a filter may hide each row by."""
    return [given["data-is"] or "" for tag, given in page(site, "entries/index.html").elements if "data-is" in given]


def test_rows_have_badges_dates_and_what_the_filter_hides_them_by(tmp_path):
    site = built(tmp_path / "s", [
        entry("good", net("good_net", 1)),
        entry("seen", net("seen_net", 2, flags={"trained_on": ["photos"]}), day=2, verdict=""),
        entry("wrong", net("wrong_net", 3), day=3, verdict="refuted"),
    ])  # fmt: skip
    shown = page(site, "entries/index.html")
    for text in ("verified", "refuted", "not verified yet", "contaminated", "2026-03-02", "good_net", "of this site"):
        assert text in shown.text
    # The list of entries, the newest first; then the rows of the board, the best first.
    board = ["unverified", "contaminated unverified", "", "", "", ""]
    assert rows_of(site) == ["unverified", "unverified", "", *board]
    assert list(broken_links(site)) == []


def test_the_boards_are_there_as_markdown_too_whose_names_are_text(tmp_path):
    sent = [entry("new", net("<b>net|x", 1), verdict="scores verified")]
    text = (built(tmp_path / "site", sent) / "entries" / "boards.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + len(OURS) + 1 and "<b>" not in text
    assert len({row.replace(r"\|", "").count("|") for row in rows}) == 1
    (row,) = (row for row in rows if " new " in row)
    assert "scores verified" in row and "2026-03-01" in row


def test_a_page_of_an_entry_has_its_place_at_its_date_and_since(tmp_path):
    site = built(tmp_path / "s", [entry("a", net("a_net", 1), day=1), entry("b", net("b_net", 2), day=5)])
    assert "2026-03-01: 1 of 4; 2026-03-05: 2 of 5" in page(site, "entries/entry-a.html").text
    assert "2026-03-05: 1 of 5" in page(site, "entries/entry-b.html").text


def test_an_entry_of_a_method_of_the_site_stands_beside_it_and_replaces_nothing(tmp_path):
    mine = replace(OURS[1], scores={"psnr": BASE + 5})
    boards, left_out = entry_boards([entry("nlm", mine)], OURS)
    rows = [(row.name, row.spec in boards[0].entries) for row in boards[0].board.rows]
    assert rows == [("nlm", True), ("nlm", False), ("median", False), ("identity", False)] and left_out == []


def test_an_entry_cannot_be_the_baseline_nor_turn_a_ranking():
    forged = net("forged", 9, flags={"role": "baseline", "baseline": True})
    cell = forged.cell
    turned = {"psnr": structs.replace(cell.metrics["psnr"], higher=False, decimals=0)}
    forged = replace(forged, cell=structs.replace(cell, metrics=turned, suite={"name": "x", "rank_by": "none"}))
    (one,), _ = entry_boards([entry("forged", *[forged] * 5)], OURS)
    assert one.board.rank_by is not None and (one.board.rank_by.higher, one.board.rank_by.decimals) == (True, 2)
    assert {row.label: row.role for row in one.board.rows}["forged"] == ""
    assert [row.label for row in one.board.rows if row.role == "baseline"] == ["identity"]


def test_an_entry_of_another_place_has_a_board_of_its_own(tmp_path):
    site = built(tmp_path / "s", [entry("far", net("far_net", 1, dataset="elsewhere"))])
    assert "elsewhere" in page(site, "entries/index.html").text
    assert "median" not in page(site, "entries/entry-far.html").text


def test_hostile_names_and_references_are_text_and_only_http_leads_out(tmp_path):
    sent = entry(
        "x", net("net", 1, display=HOSTILE), cite=f"{HOSTILE} javascript:alert(1) https://example.org/p",
        links=("https://example.org/p",), signer=HOSTILE, checks=(HOSTILE,),
    )  # fmt: skip
    site = built(tmp_path / "s", [sent])
    for path in (*site.rglob("*.html"), site / "feed.xml"):
        assert "<img src=x" not in path.read_text(encoding="utf-8"), path
    outward = [one for one in page(site, "entries/entry-x.html").addresses if ":" in one]
    assert outward == ["https://example.org/p"]


# ---------------------------------------------------------------------------------------------- a folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an entry that was packed, one that was cut short, and a link that leads out."""
    put(tmp_path / "store", keeping(made("nlm", 30.0, 31.0, 32.0, regime="gaussian(sigma=25)")), ARRAYS)
    (tmp_path / "store" / "store.json").write_text('{"schema": 2, "sealed": true}')
    (tmp_path / "entries").mkdir()
    good = tmp_path / "entries" / "my net.nbz"
    pack(tmp_path / "store", "nlm", good)
    (tmp_path / "entries" / "short.nbz").write_bytes(good.read_bytes()[:-30])
    (tmp_path / "entries" / "link.nbz").symlink_to(good)
    return tmp_path / "entries"


def verified(folder: Path, sha256: str, verdict: str) -> None:
    document = {"sha256": sha256, "verdict": verdict, "cells": [{}], "cells_with_scores": 2, "entry": "x"}
    (folder / f"{verdict}.json").write_text(json.dumps(document))


def test_a_folder_gives_its_entries_and_says_which_are_none(folder):
    entries, left_out = read_folder(folder)
    assert [(one.name, one.method, one.verdict) for one in entries] == [("my-net", "nlm", "")]
    assert len(left_out) == 1 and "short.nbz is no entry" in left_out[0]


def test_records_of_verifications_count_by_the_hash_of_the_entry(folder):
    sha256 = read_folder(folder)[0][0].sha256
    verified(folder, "f" * 64, "refuted")
    verified(folder, sha256, "verified")
    (folder / "damaged.json").write_text("{")
    one = read_folder(folder)[0][0]
    assert (one.verdict, one.checks) == ("verified", ("verified: 1 of 2 cells",))
    verified(folder, sha256, "refuted")
    assert read_folder(folder)[0][0].verdict == "refuted"


def test_the_command_takes_a_folder_and_its_code_says_that_an_entry_is_left_out(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("noisebench.cli.site._catalogue", lambda: CATALOGUE)
    store = str(tmp_path / "store")
    assert main(["site", store, "--entries", str(folder), "--to", str(tmp_path / "s")]) == 1
    assert "left out: " in capsys.readouterr().err
    assert list(broken_links(tmp_path / "s")) == []
    assert main(["site", store, "--entries", str(tmp_path / "none"), "--to", str(tmp_path / "t")]) == 2
    assert not (tmp_path / "t").exists()


# ------------------------------------------------------------------------------------------ the browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    entries = [entry("good", net("good_net", 1)), entry("wrong", net("wrong_net", 3), day=3, verdict="refuted")]
    site = built(tmp_path_factory.mktemp("site") / "s", entries)
    return {"entries": site / "entries" / "index.html", "entry": site / "entries" / "entry-good.html"}


@in_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_filter_hides_rows_and_no_page_has_a_serious_finding(opened, pages, scheme):
    for name in pages:
        shown = opened(name, viewport={"width": 390, "height": 800}, color_scheme=scheme)
        assert shown.evaluate("document.documentElement.scrollWidth") <= 390
        assert findings(shown) == [], name
    shown = opened("entries")
    assert shown.locator("#count").inner_text() == "7 of 7 rows are shown"
    shown.get_by_label("hide rows that are not verified").check()
    assert shown.locator("#count").inner_text() == "5 of 7 rows are shown"
    assert "wrong_net" not in shown.locator("tr:visible").all_inner_texts()
