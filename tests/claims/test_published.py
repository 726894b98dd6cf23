"""Verdicts of the package: those of the committed results, stale where code has changed, read without heavy imports."""

from __future__ import annotations

import csv
import math
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from conftest import ROOT
from noisebench.claims import published
from noisebench.claims.effects import Effect, all_claims
from noisebench.claims.published import JudgedClaim, judged_claim, published_bytes, published_claims, read_published
from noisebench.claims.stale import code_behind
from noisebench.claims.stored import cells_behind, judged, keys_of
from noisebench.cli import main

SAMPLE = 42
ENDS = ("effect", "low", "high")
ROWS_OF_THE_DOCS = "`build/published.csv`, which `make published` writes"
FILES = sorted((ROOT / "results" / "claims").glob("*.json.zst"))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rows of the verdicts that the committed results give, with their short table beside them."""
    to = tmp_path_factory.mktemp("published") / "published.csv"
    results = sorted((ROOT / "results" / "claims").iterdir())
    assert results
    main(["reproduce", *(part for file in results for part in ("--from", str(file))), "--to", str(to)])
    return to


@pytest.fixture(scope="module")
def rows(table: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(table.open(encoding="utf-8", newline="")))


def test_the_table_in_the_docs_is_what_the_committed_results_give(table: Path, rows: list[dict[str, str]]) -> None:
    text = (ROOT / "docs" / "published.md").read_text()
    link = f"[{table.name}]({table.name})"
    assert table.with_suffix(".md").read_text() == text.replace(ROWS_OF_THE_DOCS, link)
    assert len(rows) == int(re.findall(r"^(\d+) claims: ", text, re.M)[0])
    counted = re.search(r"^(\d+) verdicts? (?:is|are) stale", text, re.M)
    sources = [line for line in text.splitlines() if line.startswith("|[")]
    stale = sum(int(line.split("|")[-2] or 0) for line in sources)
    assert stale == int(counted[1] if counted else 0) == [row["stale"] for row in rows].count("stale")


def test_the_file_says_what_the_committed_results_do(rows: list[dict[str, str]]) -> None:
    claims = all_claims()
    known = published_claims(claims)
    by_name = {row["claim"]: row for row in rows}
    assert known.keys() == {name for name, row in by_name.items() if row["verdict"] != "not available"}
    for name, one in known.items():
        row = by_name[name]
        assert (one.verdict, one.stale, one.reason[:9_000]) == (row["verdict"], row["stale"] == "stale", row["reason"])
        for end in ENDS:
            value = float(row[end] or "nan")
            assert (getattr(one, end) or 0.0) == pytest.approx(value if math.isfinite(value) else 0.0, rel=1e-3)
        assert " ".join(map(str, one.seeds)) == row["seeds"]
    assert published.PUBLISHED.stat().st_size < 1_000_000


def test_it_is_what_is_made_of_the_committed_results(tmp_path: Path) -> None:
    claims = [claim for claim in all_claims() if SAMPLE in claim.systems]
    rows = judged(claims, FILES)
    cells = cells_behind(rows, FILES)
    behind = {
        row["name"]: {k: v for key in keys_of(row) for k, v in code_behind(cells[key]["of"]).items()} for row in rows
    }
    file = tmp_path / "published.json.xz"
    file.write_bytes(published_bytes([judged_claim(*one) for one in zip(claims, rows, strict=True)], behind))
    assert published_claims(claims, file).keys() == behind.keys()
    names = {claim.name for claim in claims}
    assert code_of_claims(file, names) == code_of_claims(published.PUBLISHED, names)


def code_of_claims(file: Path, names: set[str]) -> dict[str, tuple[JudgedClaim, dict[str, str]]]:
    """The verdicts on claims with the fingerprints behind them."""
    content = read_published(file)
    return {
        one.name: (
            msgspec.structs.replace(one, code=0),
            {content.code[place].name: content.code[place].value for place in content.sets[one.code]},
        )
        for one in content.claims
        if one.name in names
    }


# ---- stale verdicts


@pytest.fixture
def recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the recipes, in the place of those that are installed."""
    folder_of = published._folder_of
    shutil.copytree(folder_of("noisebench.recipes"), tmp_path / "recipes")
    monkeypatch.setattr(
        published, "_folder_of", lambda name: tmp_path / "recipes" if name == "noisebench.recipes" else folder_of(name)
    )
    return tmp_path / "recipes"


def stale_now() -> set[str]:
    before = {one.name for one in read_published().claims if one.stale}
    return {name for name, one in published_claims(all_claims()).items() if one.stale} - before


def names_of(*systems: int) -> set[str]:
    return {claim.name for claim in all_claims() if {*systems} & {*claim.systems}}


def test_an_edited_component_makes_its_verdicts_stale_and_no_others(recipes: Path) -> None:
    part = recipes / "parts" / "hawq_v2.py"
    part.write_text("# a comment\n" + part.read_text())
    assert stale_now() == set()
    part.write_text(part.read_text() + "\nSOMETHING = 1\n")
    assert stale_now() == names_of(42)


def test_a_file_that_is_gone_makes_verdicts_stale(recipes: Path) -> None:
    (recipes / "parts" / "nm.py").unlink()
    assert names_of(6) <= stale_now()


def test_another_version_makes_verdicts_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "TRAINING", 99)
    known = published_claims(all_claims())
    assert names_of(42) <= stale_now() and not names_of(34) & stale_now() - {n for n in known if known[n].steps}


def test_a_claim_that_says_something_else_has_no_verdict() -> None:
    claims = [claim for claim in all_claims() if claim.name == "mean_trace_ranks_layers" and isinstance(claim, Effect)]
    assert published_claims(claims).keys() == {"mean_trace_ranks_layers"}
    assert published_claims([replace(claims[0], says="other words")]) == published_claims(claims)
    assert published_claims([replace(claims[0], holds="omega > 0.6")]) == {}
    assert published_claims([replace(claims[0], seeds=(0, 1))]) == {}


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from noisebench.cli import main; main(['list', 'systems'])\n"
        "heavy = 'torch', 'pandas', 'pyarrow', 'scipy', 'numpy'\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_each_verdict_has_code_behind_it() -> None:
    content = read_published()
    assert {claim.name for claim in all_claims() if claim.kind == "number"} & {one.name for one in content.claims}
    assert [one.name for one in content.claims if not content.sets[one.code] and not one.stale] == []
