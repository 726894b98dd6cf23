"""Committed results are run again where code behind them has changed, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import renew_boards
from conftest import ROOT
from msgspec import structs
from noisebench.engine.run import Summary
from noisebench.planning.cells import PlannedCell
from noisebench.store.export import write_export
from noisebench.store.reading import read_records
from noisebench.store.record import Record
from noisebench.store.results import Results

pytestmark = pytest.mark.subprocess
BOARD = "demo_matrix"


def is_changed(record: Record) -> bool:
    return bool(record.cell.method.name == "mean")


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the results of a board, of which one method is as if its code had changed since."""
    monkeypatch.setattr(renew_boards, "RESULTS", tmp_path)
    records = []
    for record in read_records(ROOT / "results" / f"{BOARD}.parquet"):
        if is_changed(record):
            wrong = {name: np.zeros_like(of) for name, of in record.scores.items()}
            record = replace(
                record, cell=structs.replace(record.cell, key=record.cell.key[::-1]), scores=wrong, seal=""
            )
        records.append(record)
    write_export(tmp_path / f"{BOARD}.parquet", Results.of(records))
    return tmp_path / f"{BOARD}.parquet"


def test_without_a_store_nothing_is_run_or_written(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = results.read_bytes()
    assert renew_boards.main([BOARD]) == 0
    out = capsys.readouterr().out
    assert "8 of 80 cells" in out and "8 rows" in out
    assert results.read_bytes() == before


def test_what_changed_is_run_and_the_rest_kept(results: Path, tmp_path: Path) -> None:
    assert renew_boards.main(["--store", str(tmp_path / "stores"), BOARD]) == 0
    committed = {r.cell.key: r for r in read_records(ROOT / "results" / f"{BOARD}.parquet")}
    renewed = {r.cell.key: r for r in read_records(results)}
    assert renewed.keys() == committed.keys()
    for key, record in renewed.items():
        assert record.names == committed[key].names
        for metric, scores in record.scores.items():
            np.testing.assert_allclose(scores, committed[key].scores[metric], rtol=1e-6)
    ran = {r.cell.key for r in read_records(tmp_path / "stores" / BOARD)}
    assert ran == {key for key, record in committed.items() if is_changed(record)}
    assert renew_boards.main([BOARD]) == 0


def skip_all(
    pool: object, due: list[PlannedCell], preload: object, where: object, summary: Summary, *rest: object
) -> None:
    """A run in which nothing applies."""
    summary.outcome |= dict.fromkeys((cell.key for cell in due), "skipped")
    summary.reason |= dict.fromkeys((cell.key for cell in due), "needs colour")


def test_a_cell_that_was_ok_and_is_skipped_fails(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = results.read_bytes()
    monkeypatch.setattr(renew_boards, "run_planned", skip_all)
    assert renew_boards.main(["--store", str(tmp_path / "stores"), BOARD]) == 1
    assert "needs colour" in capsys.readouterr().out
    assert results.read_bytes() == before


def test_a_skipped_cell_that_had_no_row_gets_none(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [record for record in read_records(results) if not is_changed(record)]
    write_export(results, Results.of(kept))
    monkeypatch.setattr(renew_boards, "run_planned", skip_all)
    assert renew_boards.main(["--store", str(tmp_path / "stores"), BOARD]) == 0
    assert {r.cell.key for r in read_records(results)} == {r.cell.key for r in kept}
