"""The store by its functions: cells are whole or absent, rows outlive a kill, damage is named and removed."""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import math
import os
import re
import resource
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from board_records import cost_record, panel_of, record, sealed
from messages import missing_by_line, missing_from
from msgspec import structs
from noisebench.data import disk
from noisebench.data.disk import DiskFull, noticing_full_disk, write_file, write_named
from noisebench.store.cell import OUTCOMES
from noisebench.store.cells import (
    Damaged,
    append_row,
    asked_of,
    cell_dir,
    cell_lock,
    commit,
    existing_store,
    genuine_cell,
    is_genuine,
    keys,
    open_store,
    outcome_of,
    partial_dir,
    read_cell,
    read_record,
    read_rows,
    schema_of,
    seals_cells,
    stamp_of,
    valid_length,
)
from noisebench.store.export import export_text
from noisebench.store.outputs import output_file, save_output
from noisebench.store.previews import panel_text, picture_file, unnamed_pictures
from noisebench.store.reading import matching, read_cells, read_every, read_genuine, read_records
from noisebench.store.request_times import asked_in, mark_asked
from noisebench.store.upkeep import gc, old_cells, readable, remove_cells, verify
from noisebench.text.errors import UsageError
from noisebench.track.outputs import ArrayFiles
from read_only_disk import read_only
from stored_cells import (
    ARRAYS,
    CLEAN,
    FILES,
    A,
    B,
    edit,
    in_order,
    lender,
    made,
    mode,
    names,
    partial_made,
    put,
    refused,
    rekeyed,
    row,
    rows_of,
    same,
    seal_again,
    shared,
    umask,
    views,
    with_cell,
    without_seals,
)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return open_store(tmp_path / "store")


# ------------------------------------------------------------------------------------------ a store's folder


def test_a_new_store_is_made_with_the_folders_above_it_and_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    for _ in range(2):
        assert open_store(path) == path
        assert json.loads((path / "store.json").read_text()) == {"schema": 2, "sealed": True}
        assert names(path) == ["cells", "store.json"]
    assert existing_store(path) == path and schema_of(path) == 2 and keys(path) == []


def test_an_empty_folder_becomes_a_store(tmp_path: Path) -> None:
    assert open_store(tmp_path) == tmp_path
    assert names(tmp_path) == ["cells", "store.json"]


def test_runs_that_begin_at_once_on_a_new_store_all_open_it(tmp_path: Path) -> None:
    failed: list[Exception] = []

    def begin(path: Path, barrier: threading.Barrier) -> None:
        barrier.wait()
        try:
            open_store(path)
        except Exception as error:
            failed.append(error)

    for n in range(20):
        barrier = threading.Barrier(4)
        threads = [threading.Thread(target=begin, args=(tmp_path / str(n), barrier)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []
    assert all(names(tmp_path / str(n)) == ["cells", "store.json"] for n in range(20))


def test_what_is_no_store_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("mine")
    for name in ("file", "folder"):
        path = tmp_path / name
        said = refused(lambda path=path: open_store(path))
        assert not missing_from(said, f"{path} is not ", "store: ", "empty or new folder", "--store")
        said = refused(lambda path=path: existing_store(path))
        assert not missing_from(said, f"{path} is not ", "store: `noisebench run … --store DIR`")
        said = refused(lambda path=path: read_records(path / "no"))
        assert not missing_from(said, f"store {path / 'no'} does not exist: ", "check the path", "`noisebench run`")
    assert (tmp_path / "file").read_text() == "mine" and names(tmp_path / "folder") == ["notes.txt"]
    path = tmp_path / "file" / "below"
    assert refused(lambda: open_store(path)) == f"store {path} cannot be made: Not a directory"


@pytest.mark.parametrize("mark", ["", "{", "[2]", "\xff", '{"schema": true}', '{"schema": -5}'])
def test_a_damaged_mark_of_a_store_is_named(tmp_path: Path, mark: str) -> None:
    (tmp_path / "store.json").write_bytes(mark.encode("latin-1"))
    says = f"{tmp_path / 'store.json'} is damaged: restore it, or use another --store"
    for call in (schema_of, open_store, existing_store):
        assert refused(lambda call=call: call(tmp_path)) == says


def test_a_missing_mark_of_a_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "store.json").write_text('{"cells": []}')
    assert refused(lambda: schema_of(tmp_path / "other")).startswith(f"{tmp_path / 'other' / 'store.json'} is damaged")
    assert refused(lambda: schema_of(tmp_path)).startswith(f"{tmp_path / 'store.json'} is damaged")


@pytest.mark.parametrize(("schema", "said"), [(3, "3"), ("2", "2")])
def test_a_store_of_a_newer_schema_is_refused(store: Path, schema: Any, said: str) -> None:
    (store / "store.json").write_text(json.dumps({"schema": schema}))
    says = (
        f"store {store} was written by a newer noisebench (schema {said}, this one reads up to 2): upgrade "
        "noisebench, or use another --store"
    )
    for call in (schema_of, open_store, existing_store):
        assert refused(lambda call=call: call(store)) == says


def test_a_store_of_an_older_schema_is_read_and_not_written_to(store: Path) -> None:
    (store / "store.json").write_text('{"schema": 1}')
    assert existing_store(store) == store and schema_of(store) == 1 and read_records(store) == []
    said = refused(lambda: open_store(store))
    assert not missing_from(said, f"store {store} was written", "older noisebench (schema 1)", "new --store")


# ------------------------------------------------------------------------------------------ cells and their locks


def test_a_cell_lies_under_the_first_two_digits_of_its_key(store: Path) -> None:
    key = "0123" + "4" * 60
    assert cell_dir(store, key) == store / "cells" / "01" / key
    assert partial_dir(store, key) == store / "partial" / key


def test_a_cell_is_held_by_one_at_a_time(store: Path) -> None:
    with cell_lock(store, A) as first:
        assert first is True
        with cell_lock(store, A) as second, cell_lock(store, B) as other:
            assert (second, other) == (False, True)
        with cell_lock(store, A) as third:
            assert third is False
    with cell_lock(store, A) as again:
        assert again is True


def test_files_of_a_store_are_read_by_all_and_written_by_their_owner(store: Path) -> None:
    with umask(0):
        key = put(store, made())
        with cell_lock(store, key):
            pass
        write_file(store / "mark", b"x")
    with umask(0o077):
        other = put(store, made("bm3d"))
    assert mode(store / "locks" / key) == mode(store / "mark") == 0o644
    assert mode(cell_dir(store, key)) == mode(cell_dir(store, other)) == 0o755


@pytest.mark.parametrize("text", ["", "{", "[]", '{"key": 1}', '"ok"'])
def test_a_damaged_cell_has_no_outcome(store: Path, text: str) -> None:
    key = put(store, made(outcome="failed"))
    assert outcome_of(store, key) == "failed"
    edit(store, key, text)
    seal_again(store, key)
    assert outcome_of(store, key) is None
    assert outcome_of(store, B) is None


def test_a_cell_that_was_edited_by_hand_has_no_outcome(store: Path) -> None:
    key = put(store, made(outcome="failed"))
    edit(store, key, reason="mine")
    assert outcome_of(store, key) is None and genuine_cell(store, key) is None
    seal_again(store, key)
    assert outcome_of(store, key) == "failed"
    found = genuine_cell(store, key)
    assert found is not None and found.reason == "mine"


def test_when_a_run_asked_for_a_cell_last_is_noted_beside_it(store: Path) -> None:
    one = made()
    key = one.cell.key
    assert asked_of(store, key) == ""
    times = [datetime.now(UTC)]
    for note in (lambda: put(store, one), lambda: mark_asked(store, [B, key])):
        note()
        found = asked_of(store, key)
        times += [datetime.fromisoformat(found), datetime.now(UTC)]
        assert len(found) == len("2026-01-01T00:00:00.000000+00:00") and found.endswith("+00:00")
        assert read_record(store, key).asked == found, "a note is no edit"
    assert times == sorted(times) and times[1] < times[3]
    assert [record.asked for record in readable(store)] == [found]
    (cell_dir(store, key) / "asked").write_bytes(b"\xff")
    (note,) = (store / "asked").iterdir()
    assert asked_of(store, key) == found == note.name[: len(found)]
    note.write_bytes(b"\xff")
    assert asked_of(store, key) == ""


def test_a_note_of_a_run_takes_the_place_of_those_that_say_no_more(store: Path) -> None:
    one, other = (put(store, made(name)) for name in ("one", "other"))
    notes = []
    for keys_of in ([one], [one, other], [one], [other]):
        mark_asked(store, keys_of)
        notes.append(sorted(file.name for file in (store / "asked").iterdir()))
    assert [len(names) for names in notes] == [1, 1, 2, 3] and notes[0][0] not in notes[1]
    assert asked_in(store) == {one: notes[2][1][:32], other: notes[3][2][:32]}
    mark_asked(store, [])
    (store / "asked" / "mine.txt").write_text(one)
    os.mkfifo(store / "asked" / f"{notes[3][2][:32]}-00000000")
    assert asked_in(store) == {one: notes[2][1][:32], other: notes[3][2][:32]}
    shutil.rmtree(cell_dir(store, other))
    gc(store)
    assert sorted(file.name for file in (store / "asked").iterdir()) == [*notes[3][:2], "mine.txt"]
    (store / "asked" / "mine.txt").unlink()
    mark_asked(store, [one, B])
    assert len(list((store / "asked").iterdir())) == 2 and not (store / "asked" / notes[3][1]).exists()
    shutil.rmtree(store / "asked")
    (store / "asked").write_text("no folder")
    mark_asked(store, [one])
    assert asked_in(store) == {} and asked_of(store, one)


def test_a_stamp_tells_one_version_of_a_cell_from_the_next(store: Path) -> None:
    one = made()
    assert stamp_of(store, one.cell.key) is None
    key = put(store, one)
    first = stamp_of(store, key)
    assert first is not None and stamp_of(store, key) == first
    put(store, one)
    assert stamp_of(store, key) not in (None, first)


# ------------------------------------------------------------------------------------------ rows of an unfinished cell


def line(index: int, key: str = A) -> bytes:
    return json.dumps(row(index, key)).encode() + b"\n"


def test_rows_are_read_as_they_were_added(tmp_path: Path) -> None:
    assert read_rows(tmp_path, A) == [] and valid_length(tmp_path, []) == 0
    length = 0
    for index in range(3):
        append_row(tmp_path, row(index), length)
        rows = read_rows(tmp_path, A)
        assert rows == [row(i) for i in range(index + 1)]
        length = valid_length(tmp_path, rows)
        assert length == (tmp_path / "rows.jsonl").stat().st_size
    assert (tmp_path / "rows.jsonl").read_bytes() == line(0) + line(1) + line(2)
    assert valid_length(tmp_path, rows[:2]) == len(line(0) + line(1))


@pytest.mark.parametrize(
    "bad",
    [line(1)[:-1], line(1)[:-4], b"{\n", b"[1]\n", b'"text"\n', b"{}\n", line(1, "0" * 64), line(1, B), b"\n"],
)
def test_rows_end_before_the_first_that_is_torn_or_of_another_cell(tmp_path: Path, bad: bytes) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(line(0) + bad)
    rows = read_rows(tmp_path, A)
    assert rows == [row(0)]
    append_row(tmp_path, row(5), valid_length(tmp_path, rows))
    assert file.read_bytes() == line(0) + line(5)
    if bad.endswith(b"\n"):
        file.write_bytes(line(0) + bad + line(2))
        assert read_rows(tmp_path, A) == [row(0)]


def test_a_row_that_the_disk_takes_only_half_of_is_said_and_written_over_by_the_next(tmp_path: Path) -> None:
    append_row(tmp_path, row(0), 0)
    length = len(line(0))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length + 20, limits[1]))
    try:
        with pytest.raises(DiskFull) as error:
            append_row(tmp_path, row(1), length)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not missing_from(
        str(error.value), f"writing {tmp_path} ({os.strerror(errno.ENOSPC)})", "free some space", "stored so far"
    )
    assert (tmp_path / "rows.jsonl").stat().st_size == length + 20
    assert read_rows(tmp_path, A) == [row(0)]
    append_row(tmp_path, row(1), length)
    assert read_rows(tmp_path, A) == [row(0), row(1)]


# ------------------------------------------------------------------------------------------ writing a cell


def test_a_cell_is_read_back_as_it_was_stored(store: Path) -> None:
    one = made("nlm", 30.0, math.inf, -math.inf, math.nan, row_notes=["", "identical", "", "too small"])
    one = replace(one, seconds=np.array([0.5, 1.5, 0.0, 2.0]), panel=panel_of("p000", b"\x89c", b"n", b"r"))
    partial = partial_dir(store, one.cell.key)
    save_output(partial_made(partial), 0, ARRAYS[0], FILES)
    (partial / "panel.json").write_text(panel_text("p000", one.panel.parts))
    (partial / "rows.jsonl").write_text("dropped")
    commit(store, one.cell, rows_of(one))
    same(read_record(store, one.cell.key), one)
    home = cell_dir(store, one.cell.key)
    assert names(home) == ["asked", "cell.json", "outputs", "panel.json", "scores.parquet", "seal"]
    assert names(home.parent) == [one.cell.key] and not partial.exists()
    np.testing.assert_array_equal(np.load(home / "outputs" / "00000.npy"), ARRAYS[0])


def test_a_metric_that_a_row_lacks_is_not_a_number_and_a_text_that_it_lacks_is_empty(store: Path) -> None:
    one = made()
    rows = rows_of(one)
    rows[1]["scores"] = {}
    del rows[2]["note"]
    commit(store, one.cell, rows)
    found = read_record(store, one.cell.key)
    np.testing.assert_array_equal(found.scores["psnr"], [30.0, math.nan, 32.0])
    assert found.notes == ["", "", ""]


def test_a_cell_of_a_cost_has_no_rows(store: Path) -> None:
    one = sealed(cost_record())
    found = read_record(store, put(store, one))
    assert (found.items, found.scores, found.seconds.tolist(), found.panel) == ([], {}, [], None)
    assert found.cell.cost == one.cell.cost


def test_cell_json_is_text_to_be_read_and_compared(store: Path) -> None:
    file = cell_dir(store, put(store, made("nlm", dataset="größe"))) / "cell.json"
    text = file.read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n"


def test_columns_are_stored_plain_which_is_twice_as_fast_to_read(store: Path) -> None:
    rows = pq.ParquetFile(cell_dir(store, put(store, made())) / "scores.parquet").metadata.row_group(0)
    for column in (rows.column(i) for i in range(rows.num_columns)):
        assert column.compression == "UNCOMPRESSED" and not column.has_dictionary_page and not column.is_stats_set


def test_a_cell_that_is_done_again_takes_the_place_of_the_old_one(store: Path) -> None:
    old = made()
    key = put(store, old, ARRAYS)
    new = replace(old, scores={"psnr": old.scores["psnr"] + 1})
    assert put(store, new) == key
    same(read_record(store, key), new)
    assert names(cell_dir(store, key)) == ["asked", "cell.json", "scores.parquet", "seal"]
    assert names(cell_dir(store, key).parent) == [key]


def test_a_cell_that_cannot_be_written_leaves_what_was_there(store: Path) -> None:
    one = made()
    key = put(store, one)
    partial = partial_dir(store, key)
    append_row(partial_made(partial), row(0, key), 0)
    broken = rows_of(one)
    del broken[1]["seconds"]
    with pytest.raises(KeyError):
        commit(store, one.cell, broken)
    assert names(cell_dir(store, key).parent) == [key] and read_rows(partial, key) == [row(0, key)]
    same(read_record(store, key), one)


def test_a_disk_that_is_full_while_a_cell_is_written_is_said(store: Path) -> None:
    one = made()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(DiskFull, match=f"while writing {re.escape(str(store))} "):
            commit(store, one.cell, rows_of(one))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names(cell_dir(store, one.cell.key).parent) == [] and keys(store) == []


def test_a_cell_is_on_the_disk_before_it_has_its_name(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed, named = [], []
    flush, rename = os.fsync, os.rename

    def fsync(fd: int) -> None:
        flushed.append(os.fstat(fd).st_ino)
        flush(fd)

    def renamed(source: Path, target: Path) -> None:
        named.append((Path(target), len(flushed)))
        rename(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", renamed)
    home = cell_dir(store, put(store, made()))
    inodes = [(home / name).stat().st_ino for name in ("cell.json", "scores.parquet", "seal", ".")]
    assert named == [(home, 4)] and flushed == [*inodes, home.parent.stat().st_ino]


def test_nothing_is_renamed_from_one_folder_to_another_where_that_cannot_be(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename

    def renamed(source: Path, target: Path) -> None:
        if Path(source).parent != Path(target).parent:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename(source, target)

    monkeypatch.setattr(os, "rename", renamed)
    for _ in range(2):  # the second takes the place of the first
        home = cell_dir(store, put(store, made(), [np.ones((2, 3), "<f4")] * 3))
        assert names(home / "outputs") == ["00000.npy", "00001.npy", "00002.npy"]
        assert names(home.parent) == [home.name] and not names(store / "partial")


# ------------------------------------------------------------------------------------------ reading cells


def test_keys_are_those_of_cells_in_order_and_nothing_else_that_lies_there(store: Path) -> None:
    assert keys(store) == []
    (store / "cells" / "stray").write_text("")
    put_all = [put(store, made(name)) for name in ("a", "b", "c", "d")]
    for name in (".tmp-1", "0" * 63, "0" * 65, "G" * 64):
        (store / "cells" / put_all[0][:2] / name).mkdir()
    assert keys(store) == sorted(put_all)
    shutil.rmtree(store / "cells")
    assert keys(store) == [] and put(store, made("a")) == put_all[0] and keys(store) == put_all[:1]


@pytest.mark.parametrize(
    "fields", [{"key": "0" * 64}, {"key": "f" * 64}, {"outcome": "fine"}, {"outcome": "failed ok"}, {"schema": "2"}]
)
def test_a_cell_that_is_not_what_its_place_says_is_damaged(store: Path, fields: dict[str, Any]) -> None:
    key = put(store, made())
    file = edit(store, key, **fields)
    seal_again(store, key)
    with pytest.raises(Damaged) as error:
        read_cell(store, key)
    assert str(error.value) == f"{file} is damaged: `noisebench store gc` removes it, `run` does it again"


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}", '{"schema": 2}', "3"])
def test_a_torn_cell_is_damaged(store: Path, text: str | None) -> None:
    key = put(store, made())
    file = cell_dir(store, key) / "cell.json"
    file.unlink()
    if text is not None:
        file.write_text(text)
        seal_again(store, key)
    why = " (No such file or directory)" if text is None else ""
    for call in (read_cell, read_record):
        with pytest.raises(Damaged, match=re.escape(f"{file} is damaged{why}: ")):
            call(store, key)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_cell_of_any_outcome_and_of_an_older_schema_is_read(store: Path, outcome: str) -> None:
    one = with_cell(made(outcome=outcome), schema=1)
    assert read_cell(store, put(store, one)).outcome == outcome


def test_a_cell_of_a_newer_schema_is_not_damaged_and_says_what_reads_it(store: Path) -> None:
    key = put(store, with_cell(made(), schema=3))
    file = cell_dir(store, key) / "cell.json"
    with pytest.raises(UsageError) as error:
        read_cell(store, key)
    assert not isinstance(error.value, Damaged)
    assert not missing_from(str(error.value), f"{file} was written", "newer noisebench", "upgrade")
    assert refused(lambda: gc(store)) == str(error.value) and keys(store) == [key]


def test_damaged_scores_are_named_with_the_first_80_characters_of_the_reason(store: Path) -> None:
    key = put(store, made())
    file = cell_dir(store, key) / "scores.parquet"
    file.write_bytes(b"PAR1 not really, but long enough to be taken for one")
    seal_again(store, key)
    with pytest.raises(Damaged) as error:
        read_record(store, key)
    whole = re.fullmatch(
        rf"{re.escape(str(file))} is damaged \((.*)\): `noisebench store gc` removes it, `run` does it again",
        str(error.value),
    )
    assert whole is not None and len(whole[1]) == 80 and whole[1].endswith("…")
    file.unlink()
    with pytest.raises(Damaged, match=rf"scores\.parquet is damaged \({os.strerror(errno.ENOENT)}\): "):
        read_record(store, key)


def test_a_store_and_its_export_are_read_in_the_order_of_the_keys(store: Path, tmp_path: Path) -> None:
    ones = [made(name) for name in ("a", "b", "c", "d", "e", "f")]
    for one in ones:
        put(store, one)
    (tmp_path / "export.json").write_text(export_text(ones[::-1]))
    wanted = sorted(ones, key=lambda one: one.cell.key)
    for path in (store, tmp_path / "export.json"):
        found = read_records(path)
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            same(one, other)


def test_a_text_that_many_cells_share_is_held_once(store: Path) -> None:
    for method in ("nlm", "bm3d"):
        put(store, made(method, row_notes=["a note"] * 3))
    a, b = read_records(store)
    for x, y in ((a.items, b.items), (a.input_sha256, b.input_sha256), (a.notes, b.notes)):
        assert x == y and all(s is t for s, t in zip(x, y, strict=True))


def test_a_cell_is_found_by_the_start_of_its_key_and_by_parts_of_its_names() -> None:
    one = made("nlm", display="nlm(h=2)", dataset="photos", regime="gaussian(sigma=25)").cell
    method = structs.replace(one.method, name="nlm", display="fast(1)")
    two = with_cell(made("bm3d", dataset="set12", regime="poisson(peak=3)"), method=method).cell
    found: dict[str, list[Any]] = {
        one.key[:9]: [one], one.key[1:9]: [], "h=2": [one], "set1": [two], "photos": [one], "poisson": [two],
        "fast": [two], "nlm": [one, two], "lm": [one, two], "": [one, two], "mean": [],
    }  # fmt: skip
    assert {text: matching([one, two], text) for text in found} == found
    usual = with_cell(made("nlm"), method=structs.replace(one.method, display="nlm", spec="nlm(h=0.6, reach=6)")).cell
    found = {"nlm(h=0.6)": [usual], "nlm(reach=6, h=0.6)": [usual], "nlm(h=2)": [one], "nlm(h=0.8)": []}
    assert {text: matching([one, usual], text) for text in found} == found


# ------------------------------------------------------------------------------------------ seals


def edited(store: Path, key: str) -> str:
    """The message about a cell that does not match its seal."""
    return (
        f"{store}: cell {key[:12]} was edited by hand: its content does not match its seal: `noisebench store gc` "
        "removes it, `run` does it again"
    )


def score_again(folder: Path) -> None:
    """Add 1 dB to every score, and leave all else."""
    table = pq.read_table(folder / "scores.parquet")
    place = table.schema.get_field_index("psnr")
    scores = pa.array([value + 1 for value in table.column("psnr").to_pylist()])
    pq.write_table(table.set_column(place, "psnr", scores), folder / "scores.parquet")


def test_the_seal_of_a_cell_is_the_hashes_of_its_files(store: Path) -> None:
    key = put(store, made())
    folder = cell_dir(store, key)
    text = "".join(
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n"
        for name in ("cell.json", "scores.parquet")
    )
    assert (folder / "seal").read_text() == text
    found = read_record(store, key)
    assert (found.seal, found.whole) == (text, True) and is_genuine(store, key, True)


def test_every_edit_of_the_files_of_a_cell_breaks_its_seal(store: Path) -> None:
    edits: list[Callable[[Path], object]] = [
        lambda folder: (folder / "cell.json").write_text((folder / "cell.json").read_text() + "\n"),
        score_again,
        lambda folder: (folder / "seal").write_text(""),
        lambda folder: (folder / "seal").unlink(),
    ]
    for change in edits:
        key = put(store, made())
        change(cell_dir(store, key))
        with pytest.raises(Damaged) as error:
            read_record(store, key)
        assert str(error.value) == edited(store, key) == refused(lambda: read_records(store))
        assert not is_genuine(store, key, True) and outcome_of(store, key) is None
        assert read_genuine(store) == ([], [edited(store, key)])
        (found,) = read_every(store)
        assert found.whole is False and found.cell.key == key
        assert verify(store, files_of) == [edited(store, key)]


def test_a_cell_whose_files_are_gone_is_not_genuine(store: Path) -> None:
    for name in ("cell.json", "scores.parquet"):
        key = put(store, made())
        (cell_dir(store, key) / name).unlink()
        assert not is_genuine(store, key, False)


@pytest.mark.parametrize(
    ("mark", "seals"),
    [
        ('{"schema": 2, "sealed": true}', True),
        *((text, False) for text in ('{"schema": 2}', '{"sealed": 1}', '{"sealed": false}', "{", "[]", "3")),
    ],
)
def test_a_store_seals_its_cells_where_its_mark_says_so(store: Path, mark: str, seals: bool) -> None:
    assert seals_cells(store) is True
    (store / "store.json").write_text(mark)
    assert seals_cells(store) is seals
    (store / "store.json").unlink()
    assert seals_cells(store) is False


def test_a_store_that_was_made_before_there_were_seals_is_read(store: Path) -> None:
    one = made()
    key = put(store, one)
    without_seals(store)
    found = read_record(store, key)
    same(found, one)
    assert (found.seal, found.whole) == ("", True) and outcome_of(store, key) == "ok"
    assert [record.cell.key for record in read_records(store)] == [key] and gc(store) == []
    assert read_cells(store) == ([found.cell], [])


def test_a_cell_that_is_in_an_old_store_with_a_seal_is_held_to_it(store: Path) -> None:
    old, new = put(store, made("old")), made("new")
    without_seals(store)
    key = put(store, new)
    edit(store, key, seed=1)
    assert read_genuine(store)[1] == [edited(store, key)]
    assert [cell.key for cell in read_cells(store)[0]] == [old]


def test_a_cell_without_a_seal_is_read_by_its_documented_shape(store: Path) -> None:
    key = put(store, made())
    without_seals(store)
    file = edit(store, key, seed="x")
    says = f"{file} is damaged (seed: a whole number, not 'x'): `noisebench store gc` removes it, `run` does it again"
    assert refused(lambda: read_record(store, key)) == says
    assert read_cells(store) == ([], [says]) and read_genuine(store) == ([], [says])
    assert refused(lambda: read_every(store)) == says


def test_what_is_wrong_with_a_cell_of_an_edited_store_is_its_shape_before_its_seal(store: Path) -> None:
    key = put(store, made())
    file = edit(store, key, seed="x")
    assert refused(lambda: read_record(store, key)).startswith(f"{file} is damaged (seed: ")


def test_cells_that_are_left_out_are_counted(store: Path) -> None:
    ones = sorted((made(name) for name in ("a", "b", "c")), key=lambda one: one.cell.key)
    first, second, third = (put(store, one) for one in ones)
    for key in (first, third):
        edit(store, key, seed=1)
    found, aside = read_genuine(store)
    assert [one.cell.key for one in found] == [second] and aside == [edited(store, first), edited(store, third)]
    assert refused(lambda: read_records(store)) == f"{aside[0]} (and 1 more cell)"
    torn = edit(store, second, "{")
    found, aside = read_genuine(store)
    assert found == [] and aside == [
        f"{torn} is damaged: `noisebench store gc` removes it, `run` does it again",
        edited(store, first),
        edited(store, third),
    ]
    assert refused(lambda: read_records(store)) == f"{aside[0]} (and 2 more cells)"
    cells, aside = read_cells(store)
    mend = ("`noisebench store gc` removes it", "`run` does it again")
    assert cells == [] and not missing_by_line(
        aside,
        [f"{store}: cell {first[:12]} ", "damaged or was edited", *mend],
        [f"{torn} is damaged: ", *mend],
        [f"{store}: cell {third[:12]} ", "damaged or was edited", *mend],
    )


def test_an_edited_cell_of_an_export_is_to_be_exported_again(store: Path, tmp_path: Path) -> None:
    one = made()
    put(store, one)
    document = json.loads(export_text(read_records(store)))
    document["cells"][0]["rows"][0][5] = 99.0
    file = tmp_path / "export.json"
    file.write_text(json.dumps(document))
    said = refused(lambda: read_records(file))
    assert not missing_from(said, f"{file}: cell {one.cell.key[:12]} ", "edited by hand", "seal", ": export it again")


# ------------------------------------------------------------------------------------------ the disk


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_room_is_one_clear_line(tmp_path: Path, number: int) -> None:
    with pytest.raises(DiskFull) as error, noticing_full_disk(tmp_path):
        raise OSError(number, "no room")
    assert not missing_from(str(error.value), f"writing {tmp_path} (no room)", "free some space", "stored so far")


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path: Path, number: int) -> None:
    with pytest.raises(DiskFull) as error, noticing_full_disk(tmp_path):
        raise OSError(number, "not yours")
    said = str(error.value)
    assert not missing_from(said, f"{tmp_path} cannot be written (not yours): ", "make it writable", "another place")


def test_another_failure_of_the_disk_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), noticing_full_disk(tmp_path):
        raise FileNotFoundError(errno.ENOENT, "no")
    with pytest.raises(KeyError), noticing_full_disk(tmp_path):
        raise KeyError(errno.ENOSPC)


def test_a_file_is_written_whole_or_stays_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for data in (b"one", b"two, longer"):
        write_file(file, data)
        assert file.read_bytes() == data and names(tmp_path) == ["file"]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_file(file, b"longer than there is room")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert file.read_bytes() == b"two, longer" and names(tmp_path) == ["file"]


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed = []
    flush = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (flushed.append((os.fstat(fd).st_ino, names(tmp_path))), flush(fd)))
    write_file(tmp_path / "file", b"x")
    disk.sync_dir(tmp_path)
    (inode, before), (folder, after) = flushed
    assert inode == (tmp_path / "file").stat().st_ino and len(before) == 1 and before[0].startswith(".tmp-")
    assert folder == tmp_path.stat().st_ino and after == ["file"]


# ------------------------------------------------------------------------------------------ upkeep


def files_of(track: str) -> ArrayFiles | None:
    return FILES if track == "restore" else None


def test_a_sound_store_has_no_problems_and_nothing_to_remove(store: Path) -> None:
    put(store, lender(), ARRAYS)
    views(store, cell_dir(store, lender().cell.key))
    put(store, made("broken", outcome="failed", pictures=9))
    put(store, with_cell(sealed(cost_record()), dataset=structs.replace(record().cell.dataset, items=3)))
    put(store, rekeyed(with_cell(made("train", pictures=9), kind="train"), kind="train"))
    before = sorted(store.rglob("*"))
    assert verify(store, files_of) == [] and gc(store) == []
    assert sorted(p for p in store.rglob("*") if p != store / "locks") == before


def test_what_is_wrong_with_a_cell_is_a_line_each(store: Path) -> None:
    (few, many, twice) = (made(name, pictures=n) for name, n in (("few", 4), ("many", 2), ("twice", 3)))
    twice = replace(twice, items=["a", "b", "a"])
    for one in (few, many, twice):
        put(store, one)
    rows = [(few, "3 rows", "4 were due"), (many, "3 rows", "2 were due"), (twice, "item 'a'", "two rows")]
    parts = sorted((f"cell {one.cell.key[:12]}: ", *due) for one, *due in rows)
    assert not missing_by_line(sorted(verify(store, files_of)), *parts)


@pytest.mark.parametrize("inputs", [{}, *({"seed": n} for n in range(6))])
def test_inputs_that_do_not_hash_to_the_key_are_said(store: Path, inputs: Any) -> None:
    key = put(store, with_cell(made(), inputs=inputs))
    assert not missing_by_line(verify(store, files_of), [f"cell {key[:12]}: its inputs", "key", "cell.json was edited"])


def test_damaged_outputs_and_pictures_are_said_with_their_cell(store: Path) -> None:
    one = lender()
    key = put(store, one, ARRAYS)
    views(store, cell_dir(store, key), 1)
    output_file(cell_dir(store, key), 2, ".npy").unlink()
    (cell_dir(store, key) / "outputs" / "00000.png").unlink()
    picture_lost = f"cell {key[:12]}: 00000.png is missing or damaged"
    assert verify(store, files_of) == [f"cell {key[:12]}: outputs/00002.npy is missing", picture_lost]
    assert verify(store, lambda track: None) == [picture_lost], "of a track that is not known here no output is read"


def test_a_damaged_cell_is_said_and_the_others_are_looked_at(store: Path) -> None:
    candidates = (made(f"m{i}", pictures=4) for i in itertools.count())
    first, last = in_order(candidates, 2)
    for one in (first, last):
        put(store, one)
    file = cell_dir(store, first.cell.key) / "cell.json"
    file.write_text("{")
    assert verify(store, files_of) == [
        f"{file} is damaged: `noisebench store gc` removes it, `run` does it again",
        f"cell {last.cell.key[:12]}: 3 rows where 4 were due",
    ]


def test_gc_removes_what_no_run_can_use_and_says_what(store: Path) -> None:
    sound, damaged, edited, done = (put(store, made(name)) for name in ("sound", "damaged", "edited", "done"))
    (cell_dir(store, damaged) / "scores.parquet").write_bytes(b"")
    seal_again(store, damaged)
    edit(store, edited, seed=1)
    for name in (".tmp-1", ".old-2"):
        (cell_dir(store, sound).parent / name).mkdir()
    for key in (done, "f" * 64):
        append_row(partial_made(partial_dir(store, key)), row(0, key), 0)
    views(store, cell_dir(store, sound), 1)
    stray = shared(store, CLEAN[::-1])
    with cell_lock(store, sound):
        pass
    assert not missing_by_line(
        gc(store),
        *(["damaged or edited", f"cell {key[:12]}"] for key in sorted([damaged, edited])), [".tmp-1"], [".old-2"],
        ["partial rows", f"stored cell {done[:12]}"], [f"picture {stray[:12]} ", "no cell"],
    )  # fmt: skip
    assert keys(store) == sorted([sound, done])
    assert sorted(p.name for p in (store / "cells").glob("*/*")) == sorted([sound, done])
    assert names(store / "partial") == ["f" * 64] and names(store / "locks") == []
    assert [p.stem for p in unnamed_pictures(store)] == [] and not picture_file(store, stray).exists()
    assert len(list((store / "pictures").glob("*/*.png"))) == 2
    assert gc(store) == [] and verify(store, files_of) == []


def test_gc_leaves_what_is_not_its_own_and_does_the_rest(store: Path, tmp_path: Path) -> None:
    key = put(store, made())
    strays = [store / "locks" / "sub", store / "digests" / "sub", store / "pictures" / "aa" / "x.png"]
    for stray in strays:
        stray.mkdir(parents=True)
    (store / "digests" / "note").write_text("x")
    (tmp_path / "mine").mkdir()
    room = cell_dir(store, key).parent
    (room / ".tmp-x").write_text("x")
    (room / ".tmp-y").symlink_to(tmp_path / "mine")
    (store / "cells" / "ff").mkdir()
    (store / "cells" / "ff" / ("f" * 64)).write_text("no folder")
    with cell_lock(store, key):
        pass
    assert sorted(gc(store)) == [".tmp-x", ".tmp-y", f"damaged or edited cell {'f' * 12}"]
    assert all(stray.is_dir() for stray in (*strays, tmp_path / "mine")) and keys(store) == [key]
    assert names(store / "locks") == names(store / "digests") == ["sub"] and gc(store) == []


def test_a_pipe_among_the_files_of_a_cell_is_damage_and_does_not_hang(store: Path) -> None:
    keys_of = [put(store, made(name)) for name in ("a", "b", "c")]
    for key, file in zip(keys_of, ("cell.json", "scores.parquet", "seal"), strict=True):
        (cell_dir(store, key) / file).unlink()
        os.mkfifo(cell_dir(store, key) / file)
        with pytest.raises(Damaged):
            read_record(store, key)
    assert read_genuine(store)[0] == [] and len(verify(store, files_of)) == 3
    with pytest.raises(Damaged, match=r"cell\.json is damaged \(Not a regular file\)"):
        read_cell(store, keys_of[0])
    assert len(gc(store)) == 3 and keys(store) == []
    key = put(store, lender(), ARRAYS)
    output = output_file(cell_dir(store, key), 0, FILES.suffix)
    for file in (output, *(cell_dir(store, key) / name for name in ("asked", "panel.json", "mistakes.json"))):
        file.unlink(missing_ok=True)
        os.mkfifo(file)
    assert asked_of(store, key) == "" and read_record(store, key).panel is None
    assert verify(store, files_of) == [f"cell {key[:12]}: outputs/{output.name} is damaged"]


def test_a_deeply_nested_file_beside_a_cell_is_left_aside(store: Path) -> None:
    key = put(store, made())
    views(store, cell_dir(store, key), 1)
    for name in ("panel.json", "mistakes.json", "outputs/00000.json"):
        (cell_dir(store, key) / name).write_text("[" * 200_000)
    record = read_record(store, key)
    assert record.panel is None and record.mistakes is None
    assert any("00000.json is damaged" in line for line in verify(store, files_of))
    assert len(gc(store)) == 2 and keys(store) == [key]  # the pictures, which nothing names now


def test_a_file_that_a_user_names_is_written_as_what_it_is(store: Path, tmp_path: Path) -> None:
    file, link, pipe = tmp_path / "file", tmp_path / "link", tmp_path / "pipe"
    write_named(file, b"1")
    assert file.read_bytes() == b"1" and file.stat().st_mode & 0o777 == 0o644
    file.chmod(0o600)
    link.symlink_to(file)
    write_named(link, b"2")
    assert link.is_symlink() and file.read_bytes() == b"2" and file.stat().st_mode & 0o777 == 0o600
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_named(pipe, b"3")
    assert os.read(reader, 9) == b"3" and pipe.is_fifo()
    os.close(reader)
    for within in ("store.json", "cells/x"):
        with pytest.raises(UsageError, match="lies within the store"):
            write_named(store / within, b"4")
    assert schema_of(store)


def test_a_cell_that_may_not_be_read_is_no_damaged_one(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = put(store, made())
    file, read = cell_dir(store, key) / "cell.json", disk.read_regular

    def denied(path: Path) -> bytes:
        if path == file:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr("noisebench.store.cells.read_regular", denied)
        for look in (gc, lambda s: genuine_cell(s, key), lambda s: read_record(s, key)):
            with pytest.raises(UsageError, match=r"cell\.json cannot be read \(Permission denied\)"):
                look(store)
    assert read_record(store, key).cell.key == key


def test_gc_leaves_what_a_run_holds(store: Path) -> None:
    key = put(store, made())
    append_row(partial_made(partial_dir(store, key)), row(0, key), 0)
    with cell_lock(store, key):
        assert gc(store) == []
        assert read_rows(partial_dir(store, key), key) == [row(0, key)] and names(store / "locks") == [key]
    assert not missing_by_line(gc(store), ["partial rows", f"stored cell {key[:12]}"])
    assert names(store / "partial") == [] and names(store / "locks") == []


def test_gc_leaves_the_temporary_folder_of_a_cell_that_is_being_written(store: Path) -> None:
    key = put(store, made())
    edit(store, key, seed=1)
    (stage := cell_dir(store, key).parent / ".tmp-1").mkdir()
    with cell_lock(store, key):
        assert gc(store) == [] and stage.is_dir() and keys(store) == [key]
    assert gc(store) == [f"damaged or edited cell {key[:12]}", ".tmp-1"] and not stage.exists()


def test_cells_are_removed_with_all_that_they_kept_and_those_that_a_run_holds_are_not(store: Path) -> None:
    mine, held, other = lender(), made("held"), made("other")
    for one in (mine, held, other):
        put(store, one, ARRAYS if one is mine else ())
    with cell_lock(store, held.cell.key):
        removed = remove_cells(store, [read_cell(store, one.cell.key) for one in (held, mine)])
    assert [cell.key for cell in removed] == [mine.cell.key]
    assert keys(store) == sorted([held.cell.key, other.cell.key])
    assert list(store.glob("cells/*/.*")) == [] and verify(store, files_of) == []


def test_a_cell_is_removed_where_an_earlier_removal_of_it_was_stopped(store: Path) -> None:
    one = made()
    key = put(store, one)
    left = cell_dir(store, key).with_name(f".old-{key}")
    left.mkdir()
    (left / "cell.json").write_text("{}")
    assert [cell.key for cell in remove_cells(store, [one.cell])] == [key] and keys(store) == []
    assert list(store.glob("cells/*/*")) == []
    assert remove_cells(store, [one.cell]) == [one.cell], "one that another removed meanwhile is gone too"


def test_cells_of_a_store_that_cannot_be_written_are_not_removed(store: Path) -> None:
    one = made()
    key = put(store, one)
    with read_only(store):
        said = refused(lambda: remove_cells(store, [one.cell]))
        assert said == refused(lambda: gc(store))
    assert said.startswith(f"store {store}: ") and "Read-only file system" in said
    assert keys(store) == [key] and verify(store, files_of) == []


def test_a_cell_that_cannot_be_removed_is_named_and_left_whole(store: Path) -> None:
    one = made()
    key = put(store, one)
    folder = cell_dir(store, key).parent
    with read_only(folder), pytest.raises(DiskFull) as error:
        remove_cells(store, [one.cell])
    assert str(error.value).startswith(f"{cell_dir(store, key)} cannot be written (Read-only file system)")
    assert keys(store) == [key] and verify(store, files_of) == []


def test_old_cells_are_those_of_older_versions_of_methods(store: Path) -> None:
    now = made("nlm")
    before = with_cell(now, method=structs.replace(now.cell.method, versions={"nlm": 0}))
    before = rekeyed(before, method={**before.cell.inputs["method"], "versions": {"nlm": 0}})
    for one in (before, now, made("bm3d")):
        put(store, one)
    assert [cell.key for cell in old_cells(store)] == [before.cell.key]
    mark_asked(store, [before.cell.key])
    assert [cell.key for cell in old_cells(store)] == [now.cell.key], "what a run asked for last is the newest"
