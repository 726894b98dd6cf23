"""Results of an earlier schema are read for ever: an export and a store that noisebench 0.1.0 wrote before tracks."""

from __future__ import annotations

import csv
import json
import lzma
import shutil
from pathlib import Path

import pytest
from conftest import ROOT
from messages import missing_from
from noisebench.store.reading import read_records
from noisebench.store.record import decimals_of, gate_of, item_count, order_of, role_of

FIXTURES = ROOT / "tests" / "fixtures"
SAMPLE = (
    "demo_adapt", "demo_audio", "demo_generate", "demo_graph", "demo_matrix", "demo_segment",
    "claims/bandlimited_weights", "claims/published",
)  # fmt: skip
"""Those of the sample of results/test_reference.py are tried there, where their boards are made."""
EXPORTS = [
    FIXTURES / "schema_1_export.json.xz",
    *(ROOT / "results" / f"{name}.parquet" for name in SAMPLE),
]


def rows_of(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The old store, in a folder of its own."""
    shutil.copytree(FIXTURES / "schema_1_store", tmp_path / "old")
    return tmp_path / "old"


@pytest.mark.parametrize("file", EXPORTS, ids=lambda file: file.stem)
def test_every_committed_export_makes_boards_and_passes_its_own_check(cli, file: Path) -> None:
    cli("report", file, "--to", "board")
    assert "0 regressions" in cli("check", file, file).stdout


def test_a_board_of_an_old_store_is_what_it_was(cli, old: Path, tmp_path: Path) -> None:
    done = cli("report", "old", "--to", "board")
    assert not missing_from(done.stderr, "old was written", "older noisebench (schema 1)")
    # What the version that wrote it made of it; these columns have other names now, and intervals hold all at once.
    renamed = {"pictures": "items", "below_noisy": "below_baseline"}
    now, then = rows_of(tmp_path / "board" / "leaderboard.csv"), rows_of(FIXTURES / "schema_1_leaderboard.csv")
    assert len(now) == len(then) == 9
    for row, was in zip(now, then, strict=True):
        same = {renamed.get(name, name): value for name, value in was.items()}
        wider = {name: row[name] for name in ("interval_low", "interval_high")}
        # A row of a failed cell says more than it did.
        told = {} if was["outcome"] == "ok" else {name: row[name] for name in ("spec", "protocol", "regime", "dataset")}
        assert {**same, **wider, **told, "track": "restore"} == row
        assert row["spec"].startswith(was["method"].partition("(")[0])
        for name, sign in (("interval_low", 1), ("interval_high", -1)):
            assert (was[name] == "") == (row[name] == "")
            assert not was[name] or sign * float(row[name]) < sign * float(was[name])


def test_what_old_cells_lack_is_found(old: Path) -> None:
    cells = {r.cell.method.name: r.cell for r in read_records(old) if r.cell.kind == "score"}
    assert {name: role_of(cell.method) for name, cell in cells.items()} == {
        "identity": "baseline", "bayes_optimum": "optimum", "gaussian_filter": "sanity", "median": "",
    }  # fmt: skip
    cell = cells["median"]
    assert item_count(cell) == 7
    assert [(decimals_of(n, p), order_of(n, p)) for n, p in sorted(cell.metrics.items())] == [(2, 0), (4, 1)]
    assert gate_of("psnr", cell.metrics["psnr"]) == {"max_drop": 0.02, "max_drop_item": 0.5}


def test_other_verbs_read_it_and_say_that_it_is_old(cli, old: Path) -> None:
    cli("export", "old", "--to", "new.json")
    again = json.loads((old.parent / "new.json").read_text())
    assert {entry["cell"]["schema"] for entry in again["cells"]} == {1}
    for args in (("check", "new.json", "old"), ("compare", "old", "new.json"), ("store", "ls", "old")):
        assert "older noisebench" in cli(*args).stderr
    assert "0 problems" in cli("store", "verify", "old").stdout
    said = cli("why", "old", "median").stdout
    assert not missing_from(said, "to be run again", "source files", "an earlier noisebench")


def test_a_run_into_it_is_refused_and_writes_nothing(cli, old: Path) -> None:
    before = sorted(p.relative_to(old) for p in old.rglob("*"))
    done = cli("run", "--methods", "median", "--datasets", "gaussian_field(n=1, size=16)", "--regimes", "none",
               "--store", "old", code=2)  # fmt: skip
    assert not missing_from(done.stderr, "store old", "older noisebench (schema 1)", "new --store")
    assert sorted(p.relative_to(old) for p in old.rglob("*")) == before


def test_an_old_export_edited_by_hand_does_not_pass(cli, tmp_path: Path) -> None:
    text = lzma.decompress((FIXTURES / "schema_1_export.json.xz").read_bytes())
    document = json.loads(text)
    cell = next(e for e in document["cells"] if e["rows"] and e["cell"]["method"]["name"] == "median")
    cell["rows"][0][5] += 1.0
    (tmp_path / "edited.json").write_text(json.dumps(document))
    done = cli("check", FIXTURES / "schema_1_export.json.xz", "edited.json", code=3)
    assert "edited by hand" in done.stdout
