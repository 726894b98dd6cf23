"""Kept outputs and pictures: who lends them to whom, and that damage is noticed."""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from messages import missing_by_line, missing_from
from msgspec import structs
from noisebench.data.png_files import byte_sha256
from noisebench.planning.replan import Replanned
from noisebench.store.cells import cell_dir, open_store, partial_dir
from noisebench.store.file_changes import ABSENT, LARGE, changes_of, digest_of, file_changes, remember_digest
from noisebench.store.keys import key_of
from noisebench.store.outputs import (
    Kept,
    LostOutput,
    damaged_outputs,
    find_donors,
    open_kept,
    output_file,
    save_output,
)
from noisebench.store.previews import (
    VIEW,
    panel_text,
    picture_file,
    read_panel,
    read_views,
    unnamed_pictures,
    wrong_views,
)
from noisebench.store.record import Panel, Record
from noisebench.store.upkeep import gc, verify
from stored_cells import (
    ARRAYS,
    CLEAN,
    FILES,
    NOISY,
    A,
    B,
    edit,
    in_order,
    lender,
    made,
    picture,
    put,
    rekeyed,
    seal_again,
    shared,
    views,
    with_cell,
    without_seals,
)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return open_store(tmp_path / "store")


# ------------------------------------------------------------------------------------------ kept outputs


def asked(one: Record, **inputs: Any) -> list[Replanned]:
    """A planned cell as a stored one, with other inputs."""
    changed = {**one.cell.inputs, **inputs}
    return [Replanned(kind=one.cell.kind, inputs=changed, key=key_of(changed), request=one.cell.request)]


NEW = {"metrics": {"ssim": 1}, "protocol": {"spec": "float"}}


def lent(store: Path, one: Record, **inputs: Any) -> list[str]:
    """The keys of the cells that would lend it their outputs."""
    return list(find_donors(store, asked(one, **{**NEW, **inputs})).values())


def test_a_cell_that_kept_all_lends_to_one_that_differs_in_how_it_is_scored(store: Path) -> None:
    one = lender()
    key = put(store, one, ARRAYS)
    (wanted,) = asked(one, **NEW)
    assert find_donors(store, [wanted]) == {wanted.key: key}
    assert find_donors(store, asked(one)) == {}, "not to itself"
    for other in ({"seed": 1}, {"data": "x"}, {"regime": {"spec": "none"}}, {"method": {"spec": "m"}},
                  {"sources": {"m.py": A}}, {"weights": {"w": A}}):  # fmt: skip
        assert lent(store, one, **other) == [], other
    assert find_donors(store, [structs.replace(wanted, kind="cost")]) == {} == find_donors(store, [])


@pytest.mark.parametrize(
    ("fields", "lends"),
    [
        ({}, True),
        ({"outcome": "undefined"}, True),
        ({"outcome": "failed"}, False),
        ({"outcome": "oom"}, False),
        ({"outcome": "timeout"}, False),
        ({"kind": "cost"}, False),
        ({"kind": "train"}, False),
        ({"request": {"keep": "sample"}}, True),
        ({"request": {}}, True),
        ({"request": []}, False),
        ({"inputs": None}, False),
    ],
)
def test_only_a_cell_of_scores_whose_method_did_its_work_lends(
    store: Path, fields: dict[str, Any], lends: bool
) -> None:
    key = put(store, lender(), ARRAYS)
    edit(store, key, **fields)
    seal_again(store, key)
    assert lent(store, lender()) == ([key] if lends else [])


def test_a_cell_that_kept_a_part_lends_only_where_its_loss_is_worth_saying(store: Path) -> None:
    one = lender(request={"keep": "sample"})
    folder = cell_dir(store, put(store, one, ARRAYS)) / "outputs"
    for name in ("00000.json", "00000.png"):
        (folder / name).write_text("")
    assert lent(store, one) == [one.cell.key], "notes and pictures are no outputs"
    (folder / "00001.npy").unlink()
    assert lent(store, one) == []
    put(store, lender(), ARRAYS[:2])
    assert lent(store, one) == [one.cell.key], "it was to keep all"
    put(store, lender())
    assert lent(store, one) == [], "it has no outputs at all"


def test_hundreds_of_rows_and_kept_outputs_are_counted(store: Path) -> None:
    n = 300
    one = made("nlm", *[1.0] * n, request={"keep": "sample"})
    key = put(store, one, [np.zeros(1, "<f4")])
    for index in range(1, n):
        (cell_dir(store, key) / "outputs" / f"{index:05d}.npy").touch()
    assert lent(store, one) == [key] and verify(store, lambda track: None) == []


@pytest.mark.parametrize("fault", ["no outputs", "damaged", "edited", "no request", "no mapping", "no inputs"])
def test_cells_that_cannot_lend_are_passed_over(store: Path, fault: str) -> None:
    candidates = (rekeyed(lender(), metrics={f"m{i}": 1}) for i in itertools.count())
    first, last = in_order(candidates, 2)
    if fault == "no request":
        first = replace(first, cell=structs.replace(first.cell, request=None))
    elif fault == "no inputs":
        first = with_cell(first, inputs={})
    put(store, first, () if fault == "no outputs" else ARRAYS)
    if fault == "no mapping":
        edit(store, first.cell.key, request=[])
        seal_again(store, first.cell.key)
    if fault == "damaged":
        edit(store, first.cell.key, "{")
        seal_again(store, first.cell.key)
    elif fault == "edited":
        edit(store, first.cell.key, seed=1)
    put(store, last, ARRAYS)
    assert lent(store, lender()) == [last.cell.key]


def test_a_cell_of_a_store_without_seals_lends(store: Path) -> None:
    key = put(store, lender(), ARRAYS)
    assert lent(without_seals(store), lender()) == [key]


def test_a_cell_lends_while_the_files_that_its_method_opened_are_what_they_were(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "net.pt"
    file.write_bytes(b"weights")
    opened = {"net/net.pt": hashlib.sha256(b"weights").hexdigest()}
    key = put(store, lender(opened=opened), ARRAYS)
    now = lender(request={"keep": "all", "folders": {"net": str(tmp_path)}})
    assert lent(store, now) == [key]
    assert lent(store, lender()) == [], "where its folder lies now is not known"
    file.write_bytes(b"others!")
    assert lent(store, now) == []


def test_a_cell_whose_method_ran_is_preferred_to_one_that_was_rescored(store: Path) -> None:
    candidates = (rekeyed(lender(), metrics={f"m{i}": 1}) for i in itertools.count())
    first, middle, last = in_order(candidates, 3)
    put(store, with_cell(first, rescored={"source": "x", "environment": {}}), ARRAYS)
    assert lent(store, lender()) == [first.cell.key]
    put(store, last, ARRAYS)
    assert lent(store, lender()) == [last.cell.key]
    put(store, middle, ARRAYS)
    assert lent(store, lender()) == [middle.cell.key], "of two, the first by its key"


def lost(call: Callable[[], Any]) -> str:
    with pytest.raises(LostOutput) as error:
        call()
    return str(error.value)


@pytest.fixture
def kept(store: Path) -> Kept:
    one = lender()
    return open_kept(store, put(store, one, ARRAYS), FILES)


def read(kept: Kept, index: int = 1, **other: Any) -> Any:
    """The output of a row, by the names that the row has or by others."""
    named = {"item": kept.record.items[index], "input_sha256": kept.record.input_sha256[index]}
    return kept.read(index, **{**named, **other})


def test_a_kept_output_is_read_with_the_seconds_that_it_took(kept: Kept) -> None:
    kept = replace(kept, record=replace(kept.record, seconds=np.array([1.0, 2.0, 3.0])))
    for index in range(3):
        array, seconds = read(kept, index)
        np.testing.assert_array_equal(array, ARRAYS[index])
        assert seconds == index + 1
    assert read(kept, wanted=(2, 3))[0].shape == (2, 3)
    assert lost(lambda: read(kept, wanted=(3, 2))) == "outputs/00001.npy is damaged"


def test_an_output_of_another_row_or_input_is_not_lent(kept: Kept) -> None:
    for name in ("a" * 70, "z" * 70):
        assert lost(lambda name=name: read(kept, item=name)).endswith(f"no row of {name[:59]}…")
    assert lost(lambda: kept.read(3, "p003", A)).endswith("no row of p003")
    assert lost(lambda: kept.read(0, kept.record.items[1], A)).endswith("no row of p001")
    for hashed in ("", "g"):
        assert not missing_from(lost(lambda hashed=hashed: read(kept, input_sha256=hashed)), "input of p001", "changed")
    named = replace(kept, record=replace(kept.record, items=["n" * 70] * 3))
    assert not missing_from(lost(lambda: read(named, input_sha256="")), f"input of {'n' * 59}… ", "changed")


@pytest.mark.parametrize("value", range(8))
def test_a_kept_output_that_is_not_what_was_scored_is_damaged(kept: Kept, value: int) -> None:
    np.save(output_file(kept.folder, 1, ".npy"), np.full((2, 3), value, "<f4"))
    assert lost(lambda: read(kept)) == "outputs/00001.npy is damaged"


def test_a_kept_output_that_cannot_be_read_says_why(kept: Kept) -> None:
    file = output_file(kept.folder, 1, ".npy")
    assert file == kept.folder / "outputs" / "00001.npy"
    file.write_bytes(b"torn")
    assert lost(lambda: read(kept)) == "outputs/00001.npy is damaged"
    file.unlink()
    assert lost(lambda: read(kept)) == "outputs/00001.npy is missing"
    file.mkdir()
    assert lost(lambda: read(kept)) == "outputs/00001.npy cannot be read"


def test_a_cell_that_is_gone_or_damaged_lends_nothing(store: Path, kept: Kept) -> None:
    key = kept.record.cell.key
    edit(store, key, seed=1)
    for gone in (key, B):
        assert lost(lambda gone=gone: open_kept(store, gone, FILES)).endswith("gone or damaged")
    (cell_dir(store, key) / "scores.parquet").unlink()
    assert lost(lambda: open_kept(store, key, FILES)).endswith("gone or damaged")


def test_an_output_is_lent_as_a_link_and_as_a_copy_where_the_disk_has_none(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, mine = (output_file(folder, 1, ".npy") for folder in (kept.folder, tmp_path))
    for _ in range(2):
        kept.lend(1, tmp_path)
        assert mine.samefile(theirs)

    def link(source: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr(os, "link", link)
    for _ in range(2):
        kept.lend(1, tmp_path)
        assert not mine.samefile(theirs) and mine.read_bytes() == theirs.read_bytes()
    monkeypatch.undo()
    theirs.unlink()
    assert lost(lambda: kept.lend(1, tmp_path)) == "outputs/00001.npy is missing"


def test_writing_over_what_was_lent_leaves_the_lender_as_it_was(kept: Kept, tmp_path: Path) -> None:
    kept.lend(1, tmp_path)
    for value in (8.0, 9.0):
        save_output(tmp_path, 1, np.full((2, 3), value, "<f4"), FILES)
    np.testing.assert_array_equal(np.load(output_file(tmp_path, 1, ".npy")), np.full((2, 3), 9.0))
    np.testing.assert_array_equal(read(kept)[0], ARRAYS[1])


def test_damaged_outputs_are_listed_and_those_that_were_not_kept_are_not(kept: Kept) -> None:
    folder, one = kept.folder, kept.record
    part = with_cell(one, request={"keep": "sample"})
    assert damaged_outputs(folder, one, FILES) == []
    output_file(folder, 0, ".npy").write_bytes(b"")
    output_file(folder, 2, ".npy").unlink()
    torn = "outputs/00000.npy is damaged"
    assert damaged_outputs(folder, one, FILES) == [torn, "outputs/00002.npy is missing"]
    assert damaged_outputs(folder, part, FILES) == [torn]
    shutil.rmtree(folder / "outputs")
    assert damaged_outputs(folder, one, FILES) == []


# ------------------------------------------------------------------------------------------ files of a method


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_files_that_are_others_now_are_named_in_order(store: Path, tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for name in ("same", "below/other"):
        (tmp_path / name).write_text("now")
    before = {"lab/same": digest("now"), "lab/below/other": digest("then"), "lab/gone": digest("now"), "net/x": A}
    was, now = digest("then")[:12], digest("now")[:12]
    assert not missing_by_line(
        file_changes(before, {"lab": str(tmp_path)}, store),
        ["file lab/below/other,", f"changed ({was} → {now})"],
        ["file lab/gone,", f"changed ({now} → absent)"],
        ["file net/x,", f"changed ({A[:12]} → absent)"],
    )
    assert file_changes({"lab/gone": ABSENT, "net/x": ABSENT}, {"lab": str(tmp_path)}, store) == []
    cell = made().cell
    assert changes_of(structs.replace(cell, opened={"net/x": A}), None, store) and changes_of(cell, None, store) == []


def test_only_the_digest_of_a_large_file_that_is_there_is_remembered(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("noisebench.store.file_changes._SETTLED", -(10**18))
    sizes = {"small": LARGE - 1, "large": LARGE}
    for name, size in sizes.items():
        with open(tmp_path / name, "wb") as file:
            file.truncate(size)
    for name in ("small", "gone", "large"):
        remember_digest(str(tmp_path / name), B, store)
    found = {name: digest_of(str(tmp_path / name), store) for name in ("small", "gone", "large")}
    assert found == {"small": digest("\0" * (LARGE - 1)), "gone": ABSENT, "large": B}
    (note,) = (store / "digests").iterdir()
    note.write_text(B[:63])
    assert digest_of(str(tmp_path / "large"), store) == digest("\0" * LARGE), "a torn note is none"
    assert len(note.name) == 64 and gc(store) == [] and not note.exists()


# ------------------------------------------------------------------------------------------ pictures to look at


def test_a_panel_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "panel.json"
    parts = {"clean": b"\x89PNG", "noisy": b""}
    file.write_text(panel_text("a", parts))
    assert read_panel(file) == Panel("a", parts)


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", "{}", "3", '{"item": "a", "clean": 1}', '{"item": "a", "x": "A"}']
)
def test_a_damaged_panel_is_none(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "panel.json").write_text(text)
    assert read_panel(tmp_path / "panel.json") is None


def test_the_hash_of_a_picture_is_that_of_its_shape_and_pixels() -> None:
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3, 1)
    assert byte_sha256(grey) == hashlib.sha256(b"2x3x1\n" + bytes(range(6))).hexdigest()
    assert byte_sha256(grey.transpose(1, 0, 2)) == hashlib.sha256(b"3x2x1\n" + bytes([0, 3, 1, 4, 2, 5])).hexdigest()


def test_a_shared_picture_lies_under_the_first_two_digits_of_its_name(store: Path) -> None:
    assert picture_file(store, "0123") == store / "pictures" / "01" / "0123.png"
    assert VIEW == 512, "docs/page.md says so"


def test_notes_on_kept_items_are_read_in_order_and_without_the_damaged(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cell"
    kept = views(store, folder, 3)
    outputs = folder / "outputs"
    assert read_views(outputs) == [(view, outputs / f"{i:05d}.png") for i, view in enumerate(kept)]
    text = (outputs / "00000.json").read_text()
    assert text == json.dumps(json.loads(text), sort_keys=True)
    (outputs / "00000.json").write_text("{")
    (outputs / "00002.png").unlink()
    assert read_views(outputs) == [(kept[1], outputs / "00001.png")]


NOTE: dict[str, Any] = {"item": "a", "size": [4, 5], "place": [0, 0, 4, 5], "clean": A, "noisy": B}


@pytest.mark.parametrize(
    "fields",
    [
        {"item": 1}, {"size": [4]}, {"size": [4, 5, 3]}, {"place": [0, 0, 4, 5, 6]}, {"place": [0, 0, 4, 5.5]},
        {"size": ["4", 5]}, {"size": 4}, {"clean": "../../../etc/passwd"}, {"noisy": "B" * 64}, {"noisy": 3},
        {"clean": "a" * 65},
    ],
)  # fmt: skip
def test_a_note_that_is_not_of_the_right_form_is_damaged(store: Path, tmp_path: Path, fields: Any) -> None:
    (tmp_path / "00000.png").touch()
    note = tmp_path / "00000.json"
    note.write_text(json.dumps(NOTE))
    assert [view.item for view, _ in read_views(tmp_path)] == ["a"]
    note.write_text(json.dumps({**NOTE, **fields}))
    assert read_views(tmp_path) == [] and list(wrong_views(store, tmp_path)) == ["00000.json is damaged"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "3"])
def test_a_torn_note_is_damaged(store: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "00000.png").touch()
    (tmp_path / "00000.json").write_text(text)
    assert read_views(tmp_path) == [] and list(wrong_views(store, tmp_path)) == ["00000.json is damaged"]


def test_a_note_that_is_a_folder_is_damaged(store: Path, tmp_path: Path) -> None:
    (tmp_path / "00000.json").mkdir()
    assert read_views(tmp_path) == [] and list(wrong_views(store, tmp_path)) == ["00000.json is damaged"]


def test_pictures_that_are_gone_torn_or_others_are_named(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cell"
    kept = views(store, folder, 4)
    outputs = folder / "outputs"
    assert list(wrong_views(store, outputs)) == []
    (outputs / "00000.json").write_text("{")
    (outputs / "00001.png").unlink()
    picture(picture_file(store, kept[1].clean), CLEAN[::-1])
    picture(picture_file(store, kept[1].noisy), NOISY[::-1])
    picture_file(store, kept[2].clean).write_bytes(b"")
    picture_file(store, kept[2].noisy).write_bytes(picture_file(store, kept[3].noisy).read_bytes()[:40])
    deep = (CLEAN + 3).astype(np.uint16)
    picture(picture_file(store, kept[3].clean), deep)
    pictures = [*(f"{kind} picture of p{i}" for i in (1, 2) for kind in ("clean", "noisy")), "clean picture of p3"]
    assert not missing_by_line(
        list(wrong_views(store, outputs)),
        ["00000.json is damaged"],
        *([name, "missing or damaged"] for name in ("00001.png", *pictures)),
    )


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_picture_in_place_of_another_is_noticed_whatever_its_hash(store: Path, tmp_path: Path, seed: int) -> None:
    (view,) = views(store, tmp_path, 1)
    other = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    picture(picture_file(store, view.clean), other)
    assert list(wrong_views(store, tmp_path / "outputs")) == ["the clean picture of p0 is missing or damaged"]


def test_pictures_that_no_cell_names_are_listed(store: Path) -> None:
    views(store, cell_dir(store, A), 1)
    views(store, partial_dir(store, B), 2)
    assert unnamed_pictures(store) == []
    stray = [shared(store, CLEAN[::-1]), shared(store, CLEAN[:, ::-1])]
    files = sorted(picture_file(store, name) for name in stray)
    assert unnamed_pictures(store) == files
    (partial_dir(store, B) / "outputs" / "00001.json").write_text("{")
    gone = [picture_file(store, byte_sha256(pixels + 1)) for pixels in (CLEAN, NOISY)]
    assert unnamed_pictures(store) == sorted([*files, *gone])
    shutil.rmtree(partial_dir(store, B))
    assert unnamed_pictures(store) == sorted([*files, *gone]), "the cell names the others"
    shutil.rmtree(cell_dir(store, A))
    assert len(unnamed_pictures(store)) == 6
