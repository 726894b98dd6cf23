"""The index of a store: what is read through it is what is read without it, whatever was done to the cells since."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from messages import missing_from
from noisebench.cli import main
from noisebench.store import cells, index, reading, results, seals, tables, upkeep
from noisebench.store.cell_json import plain_values
from noisebench.store.keys import key_of
from noisebench.store.record import Panel, Record
from noisebench.store.request_times import mark_asked
from stored_cells import edit, made, put, seal_again, with_cell, without_seals

N = 12


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of cells that all have settled, and that is large enough for an index, and to be decoded in parts."""
    monkeypatch.setattr(index, "FEWEST", 3)
    monkeypatch.setattr(tables, "_AT_ONCE", 5)
    monkeypatch.setattr(results, "_AT_ONCE", 5)
    monkeypatch.setattr(index, "SETTLED", -(10**15))
    folder = cells.open_store(tmp_path / "store")
    for number in range(N):
        one = made("nlm", 1.5 * number, np.inf, np.nan, seed=number)
        put(folder, with_cell(one, notes=[f"note {number % 2}"], seconds=0.1 * number))
    cost = with_cell(made("tv", seed=99), kind="cost", metrics={}, reason="é\ud800 \"'\n", setup_s=float("nan"))
    put(folder, with_cell(cost, outcome="failed", words={"b": "1", "a": "2"}))
    return folder


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the cells that are read from their files."""
    seen: list[str] = []

    def spied(load: Callable[..., Any]) -> Callable[..., Any]:
        return lambda store, key, *more, **named: (seen.append(key), load(store, key, *more, **named))[1]

    for name, modules in (("load_record", (cells, index, reading)), ("read_cell", (cells, reading, upkeep))):
        seen_by = spied(getattr(cells, name))
        for module in modules:
            monkeypatch.setattr(module, name, seen_by)
    return seen


def told(record: Record) -> tuple[Any, ...]:
    """All that a record holds, with the order of its parts and the types of its columns."""
    numbers = [(name, v.dtype.str, v.tobytes()) for name, v in [("", record.seconds), *record.scores.items()]]
    texts = record.items, record.input_sha256, record.output_sha256, record.notes
    others = (
        record.panel, record.mistakes, record.seal, record.whole, record.asked, dict(record.names), record.plugins,
    )  # fmt: skip
    return json.dumps(record.cell, default=plain_values), texts, numbers, others


def everything(store: Path) -> tuple[Any, ...]:
    """What each reader of a store finds."""
    every, damaged = reading._read(store)
    genuine, aside = reading.read_genuine(store)
    found, left_out = reading.read_cells(store)
    there = [(json.dumps(r.cell, default=plain_values), r.asked) for r in upkeep.readable(store)]
    lines = [*map(str, damaged), *aside, *left_out]
    return (
        [told(r) for r in every],
        [told(r) for r in genuine],
        lines,
        [json.dumps(c, default=plain_values) for c in found],
        there,
    )


def same_without(store: Path) -> tuple[Any, ...]:
    """What readers find, which is the same without an index."""
    found = everything(store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "FEWEST", 10**9)
        without = everything(store)
    for one, other in zip(found, without, strict=True):
        assert len(one) == len(other)
        assert [pair for pair in zip(one, other, strict=True) if pair[0] != pair[1]] == []
    return found


def file_of(store: Path) -> Path:
    return store / "index" / "cells.arrow"


def test_the_index_has_what_the_cells_have_and_no_cell_is_opened_for_it(store, read):
    found = same_without(store)
    assert len(found[0]) == len(found[3]) == N + 1 and file_of(store).is_file()
    del read[:]
    assert everything(store) == found and not read
    assert index.indexed_cells(store, cells.keys(store)).keys() == set(cells.keys(store))


def test_what_a_key_was_made_from_is_looked_at_once_and_again_where_a_cell_was_sealed_anew(store, monkeypatch):
    one, other = put(store, made("nlm", 1.0, seed=50)), put(store, made("nlm", 2.0, seed=51))
    reading.read_records(store)
    seen: list[str] = []
    monkeypatch.setattr(seals, "key_of", lambda inputs, known=None: (seen.append(inputs["seed"]), key_of(inputs))[1])

    def edited() -> dict[str, str | None]:
        found = [r for r in reading.read_records(store) if r.cell.key in (one, other)]
        return {r.cell.key: why for r, why in zip(found, seals.why_each_edited(found), strict=True)}

    assert edited() == {one: None, other: None} and not seen
    edit(store, other, seed=52)
    seal_again(store, other)
    found = edited()
    assert found.keys() == {one, other} and found[one] is None
    assert not missing_from(found[other] or "", "edited by hand", "its seed", "its key")
    assert set(seen) == {51}


def test_what_cells_have_alike_is_one_object(store):
    first, second = (reading.read_records(store) and reading.read_records(store))[:2]
    assert first.cell.method is second.cell.method and first.items is second.items


def test_a_cell_that_was_edited_is_read_anew_and_its_seal_is_checked(store, read):
    key = next(r.cell.key for r in reading.read_records(store) if r.cell.seed == 3)
    file = cells.cell_dir(store, key) / "cell.json"
    before = file.stat()
    text = file.read_text()
    edited = text.replace("Some CPU", "Soft CPU")
    assert len(edited) == len(text) and edited != text
    file.write_text(edited)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    del read[:]
    found = same_without(store)
    assert set(read) >= {key} and len(found[0]) == N + 1 and len(found[1]) == len(found[3]) == N
    assert all("edited by hand" in line and key[:12] in line for line in found[2]) and len(found[2]) == 2
    file.write_text(text)
    assert same_without(store)[2] == []


@pytest.mark.parametrize("name", ["scores.parquet", "seal"])
def test_a_file_that_was_changed_is_noticed(store, name):
    key = reading.read_records(store)[0].cell.key
    file = cells.cell_dir(store, key) / name
    before, data = file.stat(), bytearray(file.read_bytes())
    data[len(data) // 3] ^= 1
    if name == "seal":  # which is replaced; one that is written over is what `store verify` finds
        file.unlink()
    with open(file, "r+b" if file.exists() else "wb") as out:
        out.write(data)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert len(same_without(store)[1]) == N


def test_cells_that_come_go_and_are_sealed_anew_are_followed(store, read):
    first, second, third = (r.cell.key for r in reading.read_records(store)[:3])
    shutil.rmtree(cells.cell_dir(store, first))
    edit(store, second, reason="another")
    seal_again(store, second)
    new = put(store, made("bm3d", 4.0, 5.0, seed=7))
    del read[:]
    found = {json.loads(text)["key"]: json.loads(text) for text in everything(store)[3]}
    assert first not in found and found[second]["reason"] == "another" and new in found and third in found
    assert set(read) == {second, new}
    same_without(store)
    del read[:]
    everything(store)
    assert not read


def test_when_a_run_asked_is_followed_and_no_cell_is_opened_for_it(store, read):
    keys = [r.cell.key for r in reading.read_records(store)]
    mark_asked(store, keys[:4])
    del read[:]
    asked = {r.cell.key: r.asked for r in reading.read_records(store)}
    assert not read and len({asked[key] for key in keys[:4]}) == 1 and asked[keys[0]] > asked[keys[5]]
    same_without(store)


def test_a_panel_is_read_where_there_is_one_now(store):
    key = reading.read_records(store)[0].cell.key
    file = cells.cell_dir(store, key) / "panel.json"
    file.write_text(json.dumps({"item": "p000", "clean": "AAAA"}))
    assert reading.read_records(store)[0].panel == Panel("p000", {"clean": b"\0\0\0"})
    file.write_text(json.dumps({"item": "p001", "clean": "AAAA"}))
    assert reading.read_records(store)[0].panel == Panel("p001", {"clean": b"\0\0\0"})
    file.unlink()
    assert reading.read_records(store)[0].panel is None


def test_mistakes_are_read_where_there_are_some_now(store):
    key = reading.read_records(store)[0].cell.key
    file = cells.cell_dir(store, key) / "mistakes.json"
    file.write_text('[[1, "a", "b", 0.5, "AAAA"]]')
    assert same_without(store)[0]
    (one,) = reading.read_records(store)[0].mistakes or ()
    assert (one.item, one.answer, one.picture) == (reading.read_records(store)[0].items[1], "b", b"\0\0\0")
    file.write_text("[]")
    assert reading.read_records(store)[0].mistakes == ()
    file.unlink()
    assert reading.read_records(store)[0].mistakes is None


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flipped(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]


def _another_version(data: bytes) -> bytes:
    return data.replace(b" of noisebench", b" of another one")


@pytest.mark.parametrize("name", ["cells.arrow", "items.arrow"])
@pytest.mark.parametrize(
    "damage",
    [_cut, _flipped, lambda data: b"", lambda data: b"[]", lambda data: data + b"0", None, _another_version],
    ids=["cut off", "a bit flipped", "empty", "no index", "longer", "not there", "another version"],
)
def test_an_index_that_is_damaged_or_of_another_version_is_made_again(store, damage, name, read):
    found = everything(store)
    file = store / "index" / name
    whole = file.read_bytes()
    if damage is None:
        file.unlink()
    else:
        assert damage(whole) != whole
        file.write_bytes(damage(whole))
    if damage is _another_version:
        sealed = {n: (store / "index" / n).read_bytes() for n in ("cells.arrow", "items.arrow")}
        (store / "index" / "seal").write_bytes(seals.files_seal(sealed))
    del read[:]
    assert everything(store) == found and len(read) == N + 1
    assert index.read_tables(store, True) is not None


def test_an_index_without_its_seal_is_made_again(store, read):
    found = everything(store)
    (store / "index" / "seal").unlink()
    del read[:]
    assert everything(store) == found and len(read) == N + 1


def test_the_index_is_a_table_for_any_tool_that_reads_arrow(store):
    feather = pytest.importorskip("pyarrow.feather")
    everything(store)
    seen, items = (feather.read_table(store / "index" / name) for name in ("cells.arrow", "items.arrow"))
    assert seen["method"].to_pylist().count("nlm") == N and sorted(seen["seed"].to_pylist()) == [*range(N), 99]
    first = seen["key"].to_pylist()[items["cell"][0].as_py()]
    assert items["score.psnr"][0].as_py() == reading.read_records(store)[0].scores["psnr"][0]
    assert first == reading.read_records(store)[0].cell.key


def test_a_store_that_takes_no_file_is_read_without_one(store, monkeypatch):
    def refused(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(index.os, "replace", refused)
    found = everything(store)
    assert len(found[0]) == N + 1 and list((store / "index").iterdir()) == []
    (store / "index").rmdir()
    (store / "index").write_text("in the way")
    assert everything(store) == found


def test_what_changed_just_now_is_in_no_file_for_it_may_change_again_unseen(store, monkeypatch):
    monkeypatch.setattr(index, "SETTLED", 3_600_000_000_000)
    assert len(reading.read_records(store)) == N + 1
    assert not file_of(store).exists()


def test_stores_without_seals_and_small_ones_have_no_index(store, monkeypatch):
    without_seals(store)
    found = same_without(store)
    assert len(found[0]) == N and not (store / "index").exists()
    monkeypatch.setattr(index, "FEWEST", N + 2)
    assert index.indexed(store, cells.keys(store), rows=True, noted={}) is None and not (store / "index").exists()


def test_few_changes_do_not_write_the_index_again(store, monkeypatch):
    everything(store)
    monkeypatch.setattr(index, "_CHANGED_SHARE", 2)
    before = file_of(store).stat().st_mtime_ns
    put(store, made("bm3d", 4.0, 5.0, seed=7))
    assert len(same_without(store)[0]) == N + 2 and file_of(store).stat().st_mtime_ns == before


def test_parts_that_no_cell_has_any_more_leave_the_index(store):
    everything(store)
    gone = put(store, made("bm3d", 4.0, 5.0, seed=7, reason="only here"))
    everything(store)
    assert b"only here" in file_of(store).read_bytes()
    shutil.rmtree(cells.cell_dir(store, gone))
    everything(store)
    assert b"only here" not in file_of(store).read_bytes()


def test_two_readers_at_once_and_a_writer_leave_a_sound_index(store):
    found: list[int] = []

    def look() -> None:
        found.extend(len(reading.read_records(store)) for _ in range(6))

    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(6):
        put(store, made("bm3d", 4.0, 5.0, seed=number))
    for reader in readers:
        reader.join()
    assert len(found) == 12 and all(N + 1 <= n <= N + 7 for n in found)
    assert len(same_without(store)[0]) == N + 7 and index.read_tables(store, True) is not None
    assert sorted(p.name for p in (store / "index").iterdir()) == ["cells.arrow", "items.arrow", "seal"]


def test_an_index_that_another_run_mends_between_two_looks_at_it_is_held_against_the_store_anew(store, monkeypatch):
    everything(store)
    shutil.rmtree(cells.cell_dir(store, cells.keys(store)[0]))
    look = index.read_tables

    def mended_meanwhile(folder: Path, rows: bool) -> Any:
        if rows:
            monkeypatch.setattr(index, "read_tables", look)
            reading.read_records(store)
        return look(folder, rows)

    monkeypatch.setattr(index, "read_tables", mended_meanwhile)
    found = index.indexed_cells(store, cells.keys(store))
    assert index.read_tables is look and list(found) == cells.keys(store)
    same_without(store)


def test_verify_reads_every_cell_and_not_the_index(store, read):
    everything(store)
    del read[:]
    upkeep.verify(store, lambda track: None)
    assert set(read) == set(cells.keys(store))


def test_a_report_is_the_same_with_and_without_the_index(store, tmp_path, capsys, monkeypatch):
    for number in range(N):
        put(store, made("bm3d", 1.0 * number, 7.0, 8.0, seed=number))

    def written(to: Path) -> dict[str, bytes]:
        assert main(["report", str(store), "--to", str(to)]) == 0
        return {
            str(f.relative_to(to)): f.read_bytes() for f in to.rglob("*") if f.suffix not in (".png", ".svg", ".pdf")
        }

    made_anew, again = written(tmp_path / "a"), written(tmp_path / "b")
    monkeypatch.setattr(index, "FEWEST", 10**9)
    without = written(tmp_path / "c")
    assert made_anew == again == without and "summary.json" in without
