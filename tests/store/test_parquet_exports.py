"""Exports as Parquet: read back as they were written, sealed as JSON is, and refused in one line where damaged."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from board_records import panel_of
from conftest import ROOT
from messages import missing_from
from noisebench.report.write import write_report
from noisebench.store import parquet_export
from noisebench.store.export import export_text, is_export, read_export, write_export
from noisebench.store.reading import read_genuine, read_records
from noisebench.store.record import Mistake, Plugins, Record
from noisebench.store.seals import seal_of, why_seal_broken
from noisebench.text.errors import UsageError
from stored_cells import made, refused, same, with_cell


def exported() -> list[Record]:
    """Cells with pictures shared and not, a score of each sort, all that stands beside a cell, and no rows."""
    a = replace(
        made("nlm", 30.0, math.inf, -math.inf, math.nan, row_notes=["", "identical", "", "too small"]),
        panel=panel_of("p000", b"clean", b"noisy", b"restored"),
        asked="2026-01-01",
        names={"method": "NLM"},
        plugins=Plugins(("m.py",), {"m.py": "import x"}),
    )
    b = replace(
        made("bm3d", 1.0),
        panel=panel_of("p000", b"clean", b"noisy", b"other"),
        mistakes=(Mistake("p000", "cat", "dog", 0.5, b"noisy"),),
    )
    none: list[str] = []
    c = replace(
        made("broken", outcome="failed", pictures=3, reason="no"),
        items=none, input_sha256=none, output_sha256=none, notes=none, seconds=np.empty(0), scores={},
    )  # fmt: skip
    return [a, b, c]


def written(records: list[Record], folder: Path) -> Path:
    file = folder / "e.parquet"
    write_export(file, records)
    return file


def rewritten(file: Path, **columns: Any) -> Path:
    """The file with other columns, as somebody writes it by hand; one that is None is left out."""
    table = pq.ParquetFile(file).read()
    for name, values in columns.items():
        place = table.column_names.index(name)
        table = table.remove_column(place)
        if values is not None:
            table = table.add_column(place, name, values if isinstance(values, pa.Array) else pa.array(values))
    pq.write_table(table, file)
    return file


def test_an_export_is_read_back_as_it_was_written_and_as_json_has_it(tmp_path: Path) -> None:
    ones = exported()
    file = written(ones, tmp_path)
    assert is_export(file)
    found = read_export(file)
    write_export(tmp_path / "e.json", ones)
    for one, other in zip(found, read_export(tmp_path / "e.json"), strict=True):
        same(one, other)
        assert (one.asked, one.names, one.plugins, one.mistakes, one.seal) == (
            other.asked, other.names, other.plugins, other.mistakes, other.seal,
        )  # fmt: skip
        assert why_seal_broken(one) is None and one.cell.request is None
    assert export_text(found) == export_text(ones)


def test_equal_records_give_equal_bytes(tmp_path: Path) -> None:
    once = written(exported(), tmp_path).read_bytes()
    assert written(exported()[::-1], tmp_path).read_bytes() == once


def test_items_and_inputs_that_cells_share_are_stored_once_and_outputs_that_are_inputs_not_at_all(
    tmp_path: Path,
) -> None:
    ones = [made(name, 1.0, 2.0) for name in ("a", "b", "c")]
    ones[2] = replace(ones[2], output_sha256=list(ones[2].input_sha256))
    file = written(ones, tmp_path)
    table = pq.ParquetFile(file).read()
    assert table["items_of"].to_pylist() == [0, 0, 0] and table["item"].null_count == 2
    assert table["output_sha256"].null_count == 1 and table["key"].type == pa.binary(32)
    assert [list(one.output_sha256) == one.input_sha256 for one in read_export(file)].count(True) == 1


def test_what_is_no_hash_is_kept_as_text(tmp_path: Path) -> None:
    one = replace(made("nlm", 1.0), input_sha256=["not hexadecimal"], output_sha256=[""])
    (found,) = read_export(written([one], tmp_path))
    assert (found.input_sha256, found.output_sha256) == (["not hexadecimal"], [""])


def test_an_export_without_cells_is_read_back(tmp_path: Path) -> None:
    assert read_export(written([], tmp_path)) == []


def test_what_is_edited_by_hand_does_not_pass(tmp_path: Path) -> None:
    one = made("nlm", 30.0, 31.0)
    file = written([one], tmp_path)
    (text,) = pq.ParquetFile(file).read()["cell"].to_pylist()
    edits: list[dict[str, Any]] = [
        {"score.psnr": [[30.0, 31.5]]}, {"seconds": [[0.1, 0.2]]}, {"seed": [7]}, {"item": [["p000", "other"]]},
        {"note": [["", "better"]]}, {"cell": [text.replace("uint8", "float")]},
    ]  # fmt: skip
    for edit in edits:
        genuine, aside = read_genuine(rewritten(written([one], tmp_path), **edit))
        assert genuine == [] and not missing_from(aside[0], one.cell.key[:12], "edited by hand", "seal"), edit
    assert len(read_records(rewritten(written([one], tmp_path)))) == 1


def test_a_compact_export_has_what_boards_need_under_a_seal_of_its_own(cli: Any, tmp_path: Path) -> None:
    cli("run", "--methods", "identity", "gaussian_filter", "median", "--datasets", "gaussian_field(n=6, size=16)",
        "--regimes", "gaussian(sigma={15,50})", "--store", "st")  # fmt: skip
    cli("export", "st", "--to", "all.json")
    cli("export", "st", "--to", "few.parquet", "--compact")
    whole, few = read_records(tmp_path / "all.json"), read_records(tmp_path / "few.parquet")
    for one, other in zip(whole, few, strict=True):
        assert other.cell == one.cell and other.input_sha256 == one.input_sha256
        assert all(np.array_equal(other.scores[m], one.scores[m].astype(np.float32)) for m in one.scores)
        assert np.isnan(other.seconds).all() and other.seal == seal_of(other)
        if one.cell.method.name == "identity":
            assert other.output_sha256 == one.output_sha256 == one.input_sha256
        elif one.items:
            assert len(set(other.output_sha256)) == 1 and other.seal != one.seal
    assert len({tuple(one.output_sha256) for one in few if one.items}) == 6
    for name, records in (("a", whole), ("b", few)):
        write_report(records, tmp_path / name)
    files = [path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file()]
    printed = [file for file in files if file.suffix in {".md", ".tex"}]
    assert printed and all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in printed)


def test_every_verb_that_takes_an_export_takes_it(cli: Any, tmp_path: Path) -> None:
    cli("run", "--methods", "identity", "median", "--datasets", "gaussian_field(n=2, size=16)", "--regimes",
        "gaussian(sigma=25)", "--store", "st")  # fmt: skip
    cli("export", "st", "--to", "e.parquet")
    cli("report", "e.parquet", "--to", "board")
    assert "0 regressions" in cli("check", "e.parquet", "st").stdout
    cli("compare", "e.parquet", "st")
    cli("reproduce", "dncnn", "--from", "e.parquet")
    cli("list", "systems", "1", "--store", "e.parquet")
    cli("export", "e.parquet", "--to", "again.json")
    cli("export", "st", "--to", "straight.json")
    assert (tmp_path / "again.json").read_text() == (tmp_path / "straight.json").read_text()
    assert not missing_from(cli("store", "ls", "e.parquet", code=2).stderr, "e.parquet is an export", "name the store")
    cli("check", "e.parquet", "st", "--update")
    assert read_records(tmp_path / "e.parquet")


def test_what_is_no_export_is_named_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(exported(), tmp_path)
    data = file.read_bytes()
    pq.write_table(pa.table({"x": [1]}), tmp_path / "other.parquet")
    said = refused(lambda: read_export(tmp_path / "other.parquet"))
    assert not missing_from(said, "other.parquet", "noisebench_export", "`noisebench export STORE --to FILE`")
    assert not is_export(tmp_path / "other.parquet")
    for wrong in (data[:-40], data[:100], b"PAR1", data[:60] + b"no" + data[62:-300] + bytes(300)):
        file.write_bytes(wrong)
        assert not missing_from(refused(lambda: read_export(file)), f"{file} is not", "(Parquet, and damaged")
    file.write_bytes(data)
    monkeypatch.setattr(parquet_export, "_LARGEST", 1000)
    assert "Parquet, and larger than 0 MiB" in refused(lambda: read_export(file))


def test_a_file_of_a_newer_noisebench_is_refused(tmp_path: Path) -> None:
    file = rewritten(written([made("nlm", 1.0)], tmp_path), noisebench_export=[3])
    said = refused(lambda: read_export(file))
    assert not missing_from(said, f"{file}", "newer noisebench (schema 3)", "upgrade")


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("item", [["a"]], "cell number 1 has columns of different lengths"),
        ("score.psnr", [[1.0]], "cell number 1 has columns of different lengths"),
        ("score.psnr", None, "'score.psnr'"),
        ("items_of", [1], "`items_of` names a cell that is not before it"),
        ("items_of", [-1], "`items_of` names a cell that is not before it"),
        ("item", [None], "a column of lists is of null"),
        ("item", [[1, 2]], "a column of texts is of int64"),
        ("key", [1], "a column of texts is of int64"),
        ("metrics", [None], "'NoneType' object is not iterable"),
        ("metrics", [["psnr", "psnr"]], "`metrics` lists one twice"),
        ("cell", ["[" * 100_000], "nested too deeply"),
        ("cell", ["[]"], "cell number 1 is no mapping"),
        ("cell", ["{}"], "cell number 1 is damaged (schema is missing"),
        ("beside", ['{"panel": {"item": "p", "clean": "7"}}'], "cell number 1 is damaged (list index out of range)"),
        ("pictures", [[None]], "`pictures` holds what is no picture"),
        ("plugin_files", ['{"../m.py": ""}'], "`plugins` holds what is no file of a plug-in"),
    ],
)
def test_what_a_hand_wrote_is_refused_in_one_line(tmp_path: Path, column: str, value: Any, reason: str) -> None:
    file = rewritten(written([made("nlm", 1.0, 2.0)], tmp_path), **{column: value})
    said = refused(lambda: read_export(file))
    assert reason in said and len(said.splitlines()) == 1


def test_a_metric_that_the_cell_was_not_scored_by_is_refused(tmp_path: Path) -> None:
    one = made("nlm", 1.0)
    two = replace(one, scores={**one.scores, "ssim": np.ones(1)})
    with pytest.raises(UsageError, match="cell number 1 is damaged .`metrics` .*not scored by"):
        read_export(written([two], tmp_path))


def test_exports_of_old_are_written_as_parquet_and_their_seals_hold(tmp_path: Path) -> None:
    old = read_export(ROOT / "tests" / "fixtures" / "schema_1_export.json.xz")
    found = read_export(written(old, tmp_path))
    assert [one.cell for one in found] == [one.cell for one in old]
    assert [one.seal for one in found] == [one.seal for one in old]
    assert [why_seal_broken(one) for one in found] == [None] * len(old)


def test_cells_of_several_metrics_are_read_back(tmp_path: Path) -> None:
    one = made("nlm", 1.0, 2.0)
    both = with_cell(one, metrics={**one.cell.metrics, "a.b(c=1)": one.cell.metrics["psnr"]}, key="f" * 64)
    both = replace(both, scores={"a.b(c=1)": np.array([0.1, 0.2]), **one.scores})
    found = {one.cell.key: one for one in read_export(written([one, both], tmp_path))}
    assert list(found["f" * 64].scores) == ["a.b(c=1)", "psnr"]
    same(found["f" * 64], both)
    assert list(found[one.cell.key].scores) == ["psnr"]


def test_json_of_a_file_says_what_parquet_cannot_type(tmp_path: Path) -> None:
    table = pq.read_table(io.BytesIO(written(exported(), tmp_path).read_bytes()))
    cells = [json.loads(text) for text in table["cell"].to_pylist()]
    assert all("key" not in cell and "method" in cell for cell in cells)
    assert table["kind"].to_pylist() == ["score"] * 3
