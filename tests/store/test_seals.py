"""A stored cell that was edited by hand, or damaged, passes nowhere: it is named, left out or refused."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import noisebench as nb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from board_records import record
from messages import missing_from
from msgspec import structs
from noisebench.cli import main
from noisebench.store.cells import cell_dir, commit, keys, open_store, outcome_of, partial_dir, read_record
from noisebench.store.export import export_text
from noisebench.store.keys import key_of
from noisebench.store.reading import read_genuine, read_records
from noisebench.store.record import Record
from noisebench.text.errors import UsageError

Edit = Callable[[Path], None]


def cell(method: str, psnr: float) -> Record:
    """A cell of six pictures as a run would store it."""
    one = record(method, {"psnr": [psnr + i for i in range(6)]})
    parts = {part: {"spec": getattr(one.cell, part).spec, "versions": getattr(one.cell, part).versions}
             for part in ("method", "regime", "protocol")}  # fmt: skip
    inputs: dict[str, Any] = {
        **parts, "kind": "score", "track": "restore@1", "seed": 0, "data": one.cell.dataset.fingerprint,
        "metrics": {"psnr": 1}, "sources": {},
    }  # fmt: skip
    return replace(one, cell=structs.replace(one.cell, inputs=inputs, key=key_of(inputs)))


def stored(path: Path, *records: Record) -> Path:
    """A store that holds these cells."""
    store = open_store(path)
    for one in records:
        partial_dir(store, one.cell.key).mkdir(parents=True)
        rows = [
            {"item": one.items[i], "input_sha256": one.input_sha256[i], "output_sha256": one.output_sha256[i],
             "note": "", "seconds": 0.1, "scores": {m: float(v[i]) for m, v in one.scores.items()}}
            for i in range(len(one.items))
        ]  # fmt: skip
        commit(store, structs.replace(one.cell, request={}), rows)
    return store


GOOD, BAD = cell("bm3d", 30.0), cell("nlm", 20.0)
KEY = BAD.cell.key


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return stored(tmp_path / "store", GOOD, BAD)


def score(folder: Path) -> None:
    """Give every picture 99 dB."""
    table = pq.read_table(folder / "scores.parquet")
    place = table.schema.get_field_index("psnr")
    pq.write_table(table.set_column(place, "psnr", pa.array([99.0] * table.num_rows)), folder / "scores.parquet")


def name(folder: Path) -> None:
    """Say that another method was run."""
    text = (folder / "cell.json").read_text()
    (folder / "cell.json").write_text(text.replace('"display": "nlm"', '"display": "mine"'))


def bare(folder: Path) -> None:
    """Take the seal away."""
    (folder / "seal").unlink()


def torn(folder: Path) -> None:
    """Cut the scores short, as a bad disk would."""
    (folder / "scores.parquet").write_bytes((folder / "scores.parquet").read_bytes()[:100])


EDITS = pytest.mark.parametrize("edit", [score, name, bare, torn])


def lines_of(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    return out + err


@EDITS
def test_store_verify_names_the_cell(store: Path, capsys: pytest.CaptureFixture[str], edit: Edit) -> None:
    assert main(["store", "verify", str(store)]) == 0
    edit(cell_dir(store, KEY))
    assert main(["store", "verify", str(store)]) == 1
    out = lines_of(capsys)
    assert KEY[:12] in out and out.endswith("2 cells, 1 problem\n")


@EDITS
def test_a_list_and_a_report_leave_the_cell_out_and_name_it(store: Path, edit: Edit) -> None:
    edit(cell_dir(store, KEY))
    records, left_out = read_genuine(store)
    assert [r.cell.method.name for r in records] == ["bm3d"]
    assert len(left_out) == 1 and KEY[:12] in left_out[0] and "`noisebench store gc` removes it" in left_out[0]


@EDITS
def test_a_verdict_needs_every_cell(store: Path, edit: Edit) -> None:
    edit(cell_dir(store, KEY))
    for read in (read_records, lambda path: read_record(path, KEY), nb.frame):
        with pytest.raises(UsageError, match=KEY[:12]):
            read(store)


def test_a_report_of_the_others_is_written_and_its_exit_code_says_that_one_is_missing(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score(cell_dir(store, KEY))
    assert main(["report", str(store), "--to", str(tmp_path / "board")]) == 1
    assert f"left out: {store}: cell {KEY[:12]} was edited by hand" in capsys.readouterr().err
    board = (tmp_path / "board" / "leaderboard.md").read_text()
    assert "bm3d" in board and "nlm" not in board and "99.0" not in board


def test_an_edited_cell_of_an_export_is_left_out_of_a_report_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(export_text([GOOD, BAD]))
    next(e for e in document["cells"] if e["cell"]["key"] == KEY)["rows"][0][5] = 99.0
    (tmp_path / "e.json").write_text(json.dumps(document))
    assert main(["report", str(tmp_path / "e.json"), "--to", str(tmp_path / "board"), "--json"]) == 1
    (left_out,) = json.loads(capsys.readouterr().out)["left_out"]
    assert f"cell {KEY[:12]} was edited by hand" in left_out and left_out.endswith("export it again")
    assert "nlm" not in (tmp_path / "board" / "leaderboard.md").read_text()


def test_check_calls_an_edited_cell_not_comparable_on_either_side(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "base.json").write_text(export_text([GOOD, BAD]))
    assert main(["check", str(tmp_path / "base.json"), str(store)]) == 0
    score(cell_dir(store, KEY))
    assert main(["check", str(tmp_path / "base.json"), str(store)]) == 3
    assert not missing_from(lines_of(capsys), "current cell", "edited by hand")
    assert main(["check", str(store), str(tmp_path / "base.json")]) == 3
    assert not missing_from(lines_of(capsys), "baseline cell", "edited by hand", "seal")


def test_check_refuses_a_damaged_cell_and_does_not_call_it_a_regression(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "base.json").write_text(export_text([GOOD]))
    torn(cell_dir(store, KEY))
    assert main(["check", str(tmp_path / "base.json"), str(store)]) == 2
    assert "is damaged" in capsys.readouterr().err


def test_compare_names_the_cell_and_compares_the_others(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    score(cell_dir(store, KEY))
    assert main(["compare", str(store), str(store), "--json"]) == 1
    out, err = capsys.readouterr()
    assert err.count(f"cell {KEY[:12]} was edited by hand") == 2
    assert [d["method_a"] for d in json.loads(out)["differences"]] == ["bm3d"]


@EDITS
def test_export_writes_nothing(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], edit: Edit) -> None:
    edit(cell_dir(store, KEY))
    assert main(["export", str(store), "--to", str(tmp_path / "e.json")]) == 2
    assert KEY[:12] in capsys.readouterr().err and not (tmp_path / "e.json").exists()


def test_ls_lists_the_others(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (cell_dir(store, KEY) / "cell.json").write_text("[" * 100_000)
    assert main(["store", "ls", str(store)]) == 1
    out, err = capsys.readouterr()
    assert "bm3d" in out and "nlm" not in out and KEY in err
    assert main(["store", "ls", str(store), "--json"]) == 1
    assert [cell["method"]["name"] for cell in json.loads(capsys.readouterr().out)] == ["bm3d"]


@EDITS
def test_gc_removes_the_cell_and_a_run_takes_it_for_absent(
    store: Path, capsys: pytest.CaptureFixture[str], edit: Edit
) -> None:
    assert outcome_of(store, KEY) == "ok"
    edit(cell_dir(store, KEY))
    assert outcome_of(store, KEY) is None
    assert main(["store", "gc", str(store)]) == 0
    assert keys(store) == [GOOD.cell.key]


def test_the_seal_is_what_sha256sum_checks(store: Path) -> None:
    folder = cell_dir(store, KEY)
    assert subprocess.run(["sha256sum", "--quiet", "-c", "seal"], cwd=folder, check=False).returncode == 0
    digest = hashlib.sha256((folder / "scores.parquet").read_bytes()).hexdigest()
    assert f"{digest}  scores.parquet\n" in (folder / "seal").read_text()


def test_a_store_made_before_there_were_seals_is_read_and_said_to_be_old_once(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (store / "store.json").write_text('{"schema": 2}')
    bare(cell_dir(store, KEY))
    for args, code in ((["export", "--to", str(tmp_path / "e.json")], 0), (["store", "verify"], 0)):
        verb = args[0]
        assert main([verb, *args[1:], str(store)] if verb == "store" else [verb, str(store), *args[1:]]) == code
        assert capsys.readouterr().err.count("before there were seals") == 1
    assert outcome_of(store, KEY) == "ok" and len(read_records(store)) == 2


def test_an_export_whose_seals_were_taken_away_is_said_to_have_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(export_text([GOOD, BAD]))
    del document["cells"][0]["seal"]
    (tmp_path / "e.json").write_text(json.dumps(document))
    assert main(["check", str(tmp_path / "e.json"), str(tmp_path / "e.json")]) == 0
    assert not missing_from(capsys.readouterr().err, "e.json: 1 of 2 cells", "before there were seals")
