"""Several stores made one: cells come over whole, the first of equals stays, and what differs stops everything."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from board_records import training_of
from messages import missing_from
from msgspec import structs
from noisebench.store.cell import known
from noisebench.store.cells import WEIGHTS, asked_of, cell_dir, keys, open_store, partial_dir, read_record
from noisebench.store.merge import merge, plan_merger
from noisebench.store.names import add_names, read_names
from noisebench.store.previews import picture_file
from stored_cells import ARRAYS, edit, keeping, made, made_cost, put, refused, same, views, with_cell, without_seals


@pytest.fixture
def stores(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Two empty stores and the place of a third."""
    return open_store(tmp_path / "a"), open_store(tmp_path / "b"), tmp_path / "all"


def merged(*stores: Path, to: Path) -> list[str]:
    merger = plan_merger(stores)
    assert merger.conflicts == []
    return list(merge(merger, to))


def test_cells_of_both_come_over_whole_and_a_second_merger_copies_nothing(stores: Any) -> None:
    a, b, to = stores
    first, second = made("nlm"), made("bm3d", 20.0)
    put(a, first), put(b, second)
    assert sorted(merged(a, b, to=to)) == sorted(keys(to)) == sorted(one.cell.key for one in (first, second))
    for one, store in ((first, a), (second, b)):
        key = one.cell.key
        same(read_record(to, key), one)
        for file in cell_dir(store, key).iterdir():
            assert (cell_dir(to, key) / file.name).read_bytes() == file.read_bytes(), file.name
    merger = plan_merger([to, a, b])
    assert (merger.alike, list(merge(merger, to))) == (2, [])


def test_a_score_that_differs_is_a_conflict_that_is_named(stores: Any) -> None:
    a, b, _ = stores
    put(a, made("nlm", 30.0, 31.0, 32.0))
    key = put(b, with_cell(made("nlm", 30.0, 31.5, 32.0)))
    merger = plan_merger([a, b])
    (line,) = merger.conflicts
    item = read_record(a, key).items[1]
    assert f"cell {key[:12]}" in line and f"psnr of {item} is 31.0 in one, 31.5 in the other" in line
    assert str(a) in line and str(b) in line


def test_no_value_in_both_is_no_difference_and_in_one_it_is(stores: Any) -> None:
    a, b, _ = stores
    put(a, made("nlm", 30.0, np.nan, 32.0)), put(b, made("nlm", 30.0, np.nan, 32.0))
    put(a, made("bm3d", 30.0, np.nan)), put(b, made("bm3d", 30.0, 31.0))
    merger = plan_merger([a, b])
    assert (
        merger.alike == 1 and len(merger.conflicts) == 1 and "is nan in one, 31.0 in the other" in merger.conflicts[0]
    )


def test_outputs_that_differ_under_equal_scores_are_a_conflict(stores: Any) -> None:
    a, b, _ = stores
    one = made("nlm")
    put(a, one), put(b, replace(one, output_sha256=["f" * 64, *one.output_sha256[1:]]))
    assert "the outputs of " in plan_merger([a, b]).conflicts[0]


def test_a_result_stands_for_a_failure_wherever_it_is_first(stores: Any) -> None:
    a, b, to = stores
    one = made("nlm")
    put(a, with_cell(one, outcome="timeout", reason="1 h")), put(b, one)
    for order in ((a, b), (b, a)):
        merger = plan_merger(order)
        assert merger.bettered == 1 and list(merger.chosen.values()) == [b]
    put(open_store(to), with_cell(one, outcome="failed", reason="no"))
    assert merged(to, a, b, to=to) == [one.cell.key]
    assert read_record(to, one.cell.key).cell.outcome == "ok"


def test_a_result_and_another_outcome_for_good_are_a_conflict(stores: Any) -> None:
    a, b, _ = stores
    one = made("nlm")
    put(a, with_cell(one, outcome="skipped", reason="not for grey pictures")), put(b, one)
    assert not missing_from(plan_merger([a, b]).conflicts[0], f"cell {one.cell.key[:12]}", "one is skipped", "other ok")
    put(a, with_cell(one, outcome="skipped", reason="needs pyiqa", needs="pyiqa"))
    assert plan_merger([a, b]).conflicts == []


def put_trained(store: Path, tensors: bytes, seconds: float) -> str:
    """Store a training whose checkpoint holds these bytes, and a card that says how long it took."""
    header = {"w": {"dtype": "U8", "shape": [len(tensors)], "data_offsets": [0, len(tensors)]}}
    text = json.dumps({**header, "__metadata__": {"noisebench_card": json.dumps({"seconds": seconds})}}).encode()
    data = len(text).to_bytes(8, "little") + text + tensors
    key = put(store, with_cell(made("nlm"), training=training_of(weights_sha256=hashlib.sha256(data).hexdigest())))
    (cell_dir(store, key) / WEIGHTS).write_bytes(data)
    return key


def test_trained_weights_that_differ_are_a_conflict(stores: Any) -> None:
    a, b, _ = stores
    put_trained(a, b"one", 1.0), put_trained(b, b"two", 1.0)
    assert "the trained weights differ" in plan_merger([a, b]).conflicts[0]


def test_equal_weights_of_trainings_that_took_other_times_are_no_conflict(stores: Any) -> None:
    a, b, _ = stores
    put_trained(a, b"one", 1.0), put_trained(b, b"one", 12.5)
    merger = plan_merger([a, b])
    assert (merger.conflicts, merger.alike) == ([], 1)


@pytest.mark.parametrize("gone", [True, False])
def test_a_training_whose_checkpoint_is_damaged_gives_way_to_a_sound_one(stores: Any, gone: bool) -> None:
    a, b, to = stores
    key = put_trained(a, b"one", 1.0)
    file = cell_dir(a, key) / WEIGHTS
    if gone:
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    (line,) = plan_merger([a]).damaged
    assert f"{WEIGHTS} is {'missing' if gone else 'damaged'}" in line and f"store rm {a} {key[:12]} --yes" in line
    put_trained(b, b"one", 2.0)
    merger = plan_merger([a, b])
    assert merger.chosen == {key: b} and len(merger.damaged) == 1
    assert list(merge(merger, to)) == [key] and plan_merger([to]).damaged == []


def test_the_version_that_was_asked_for_last_in_any_store_is_the_newest(stores: Any) -> None:
    a, b, to = stores
    one, other = (with_cell(made("nlm"), key=name * 64) for name in "12")
    for store, record, asked in ((a, one, "1"), (a, other, "2"), (b, one, "3")):
        (cell_dir(store, put(store, record)) / "asked").write_text(f"2026-01-0{asked}T00:00:00.000000+00:00")
    merged(a, b, to=to)
    assert asked_of(to, "1" * 64)[:10] == "2026-01-03" and asked_of(to, "2" * 64)[:10] == "2026-01-02"
    merged(a, b, to=a)
    assert asked_of(a, "1" * 64)[:10] == "2026-01-03" and asked_of(b, "1" * 64)[:10] == "2026-01-03"


def test_of_equal_cells_the_one_that_kept_more_outputs_stays(stores: Any) -> None:
    a, b, to = stores
    one = keeping(made("nlm"))
    key = put(a, one, ARRAYS[:1])
    put(b, one, ARRAYS), put(open_store(to), one)
    assert merged(to, a, b, to=to) == [key] and len(list((cell_dir(to, key) / "outputs").iterdir())) == 3
    assert merged(to, a, b, to=to) == []


def test_failures_of_several_stores_are_not_told_as_equal_results(stores: Any) -> None:
    a, b, _ = stores
    for store, reason in ((a, "1 h"), (b, "2 h")):
        put(store, with_cell(made("nlm"), outcome="timeout", reason=reason))
    merger = plan_merger([a, b])
    assert (merger.failed, merger.alike, merger.conflicts) == (1, 0, [])


def test_names_come_over_and_two_of_one_spec_are_a_conflict(stores: Any) -> None:
    a, b, to = stores
    put(a, made("nlm"))
    add_names(a, "restore", {"method": {"nlm(h=0.8)": "Means"}})
    add_names(b, "restore", {"method": {"bm3d": "Blocks"}})
    merged(a, b, to=to)
    assert read_names(to)["restore"]["method"] == {"nlm(h=0.8)": "Means", "bm3d": "Blocks"}
    add_names(b, "restore", {"method": {"nlm(h=0.8)": "Other"}})
    assert "has the name 'Means', and 'Other' in" in plan_merger([a, b]).conflicts[0]


def test_one_name_of_two_specs_is_a_conflict(stores: Any) -> None:
    a, b, _ = stores
    add_names(a, "restore", {"method": {"nlm": "Ours"}})
    add_names(b, "restore", {"method": {"bm3d": "Ours"}})
    assert not missing_from(plan_merger([a, b]).conflicts[0], str(b), "'Ours'", "nlm", "bm3d", "names.json")


def test_damaged_cells_are_left_out_and_unfinished_ones_are_counted(stores: Any) -> None:
    a, b, to = stores
    key = put(a, made("nlm"))
    edit(a, key, seed=5)
    partial_dir(b, "c" * 64).mkdir(parents=True)
    merger = plan_merger([a, b])
    assert len(merger.damaged) == 1 and merger.unfinished == 1 and merger.chosen == {}
    assert list(merge(merger, to)) == [] and (to / "store.json").is_file()


def test_pictures_to_look_at_come_with_their_cell(stores: Any) -> None:
    a, b, to = stores
    key = put(a, made("nlm"))
    views(a, cell_dir(a, key))
    merged(a, b, to=to)
    pictures = sorted(path.relative_to(a) for path in a.glob("pictures/*/*.png"))
    assert pictures and pictures == sorted(path.relative_to(to) for path in to.glob("pictures/*/*.png"))
    assert sorted(p.name for p in (cell_dir(to, key) / "outputs").iterdir())


@pytest.mark.parametrize("name", ["outputs/00000.npy", "mistakes.json", "weights.safetensors"])
@pytest.mark.parametrize("kind", ["link", "dangling", "pipe"])
def test_a_cell_with_a_link_or_a_pipe_is_left_out_and_named(stores: Any, tmp_path: Path, name: str, kind: str) -> None:
    a, b, to = stores
    bad, good = put(a, made("nlm")), put(a, made("bm3d"))
    put(b, made("nlm"))
    file = cell_dir(a, bad) / name
    file.parent.mkdir(exist_ok=True)
    (tmp_path / "private").write_text("secret")
    if kind == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to(tmp_path / ("private" if kind == "link" else "nowhere"))
    merger = plan_merger([a, b])
    (line,) = merger.damaged
    assert f"{file} is {'no regular file' if kind == 'pipe' else 'a link'}, which is not copied" in line
    assert merger.chosen == {good: a, bad: b} and sorted(merge(merger, to)) == sorted([good, bad])
    assert not any(path.is_symlink() or path.is_fifo() for path in to.rglob("*"))


def test_what_is_no_file_of_a_cell_and_pictures_behind_links_do_not_come_over(stores: Any, tmp_path: Path) -> None:
    a, _, to = stores
    key = put(a, made("nlm"))
    view = views(a, cell_dir(a, key), 1)[0]
    os.rename(picture_file(a, view.clean), tmp_path / "private.png")
    picture_file(a, view.clean).symlink_to(tmp_path / "private.png")
    (cell_dir(a, key) / "extra").symlink_to(tmp_path / "private.png")
    (cell_dir(a, key) / "notes.txt").write_text("mine")
    assert merged(a, to=to) == [key]
    assert not {"extra", "notes.txt"} & {path.name for path in cell_dir(to, key).iterdir()}
    assert picture_file(to, view.noisy).is_file() and not picture_file(to, view.clean).exists()


def test_a_store_named_twice_and_one_without_seals_are_refused(stores: Any) -> None:
    a, b, _ = stores
    assert "named twice" in refused(lambda: plan_merger([a, a]))
    assert "an older noisebench" in refused(lambda: plan_merger([a, without_seals(b)]))


def test_an_empty_folder_takes_the_cells_as_it_takes_those_of_a_run(stores: Any, cli: Any) -> None:
    a, _, to = stores
    put(a, made("nlm"))
    to.mkdir()
    assert "1 cell copied, 1 are there" in cli("store", "merge", a, "--to", to).stdout
    (folder := to.parent / "mine").mkdir()
    (folder / "notes.txt").touch()
    said = cli("store", "merge", a, "--to", folder, code=2).stderr
    assert not missing_from(said, f"{folder} is not", "store", "empty or new folder")


def test_an_export_in_the_place_of_a_store_is_called_one(stores: Any, cli: Any, tmp_path: Path) -> None:
    a, _, to = stores
    put(a, made("nlm"))
    for name in ("x.json", "x.json.xz"):
        cli("export", a, "--to", name)
        for verb in (("merge", a, name, "--to", to), ("ls", name)):
            said = cli("store", *verb, code=2).stderr
            assert not missing_from(said, f"{name} is an export", "name the store")
    (tmp_path / "x.json").write_text("{}")
    said = cli("store", "ls", "x.json", code=2).stderr
    assert not missing_from(said, "x.json is not", "store", "`noisebench run … --store DIR`")
    assert not to.exists()


def test_of_costs_the_first_of_an_idle_machine_stays_else_that_of_the_least_busy_one(stores: Any, cli: Any) -> None:
    a, b, to = stores

    def kept(*busy: float | None) -> float | None:
        for store, factor in zip((a, b), busy, strict=True):
            one = made_cost("nlm", 256, 256, 1)
            put(store, with_cell(one, cost=structs.replace(one.cell.cost, **({"busy": factor} if factor else {}))))
        merger = plan_merger([a, b])
        assert (merger.measured, merger.alike, merger.conflicts) == (1, 0, [])
        (key,) = merger.chosen
        cost = read_record(merger.chosen[key], key).cell.cost
        assert cost is not None
        return known(cost.busy)

    assert [kept(3.0, 1.0), kept(3.0, 1.4), kept(1.4, 3.0)] == [1.0, 1.4, 1.4]
    assert [kept(1.08, 1.0), kept(1.0, 1.08)] == [1.08, 1.0], "all idle machines are alike"
    assert [kept(None, 1.0), kept(3.0, None)] == [None, 3.0], "one that does not tell is no better, and no worse"
    kept(3.0, 1.0)
    told = "1 measured in several, of which that of the least busy machine is kept"
    assert told in cli("store", "merge", a, b, "--to", to).stdout


def test_merge_by_command(stores: Any, cli: Any) -> None:
    a, b, to = stores
    put(a, made("nlm")), put(b, made("bm3d", 20.0))
    assert "2 cells copied, 2 are there" in cli("store", "merge", a, b, "--to", to).stdout
    said = json.loads(cli("store", "merge", a, b, "--to", to, "--json").stdout)
    assert said["copied"] == [] and said["alike"] == 2
    shutil.rmtree(to)
    put(b, made("nlm", 30.0, 31.5, 32.0))
    done = cli("store", "merge", a, b, "--to", to, code=1)
    assert "1 conflict, nothing was written" in done.stdout and not to.exists()
    for wrong, text in (
        (("merge", a, b), "store merge needs --to DIR"),
        (("ls", a, "--to", to), "--to is of store merge"),
        (("verify", a, b), "takes one STORE"),
        (("merge", a, "nowhere", "--to", to), "does not exist"),
    ):
        assert text in cli("store", *wrong, code=2).stderr
