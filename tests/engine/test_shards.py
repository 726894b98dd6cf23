"""The parts of a run: disjoint, balanced by what methods took before, and stable when methods are added."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from board_records import cost_record
from messages import missing_from
from noisebench.engine import forecast
from noisebench.engine.shards import Shard, cells_of, divided, read_shard
from noisebench.store.cells import keys, open_store
from noisebench.store.reading import read_cells
from noisebench.store.upkeep import sizes_of
from noisebench.text.errors import UsageError
from stored_cells import made, put, with_cell

NOTHING: Any = {"cells": {}, "seconds": [0.0, 0.0, 0.0], "rates": {}}


def cell(
    method: str, place: int = 0, *, items: int = 1, after: tuple[str, ...] = (), kind: str = "score", source: str = ""
) -> Any:
    """A planned cell, as far as shards and forecasts read one; another `source` is an edit of its method."""
    key = hashlib.sha256(f"{kind} {method} {place}{source}".encode()).hexdigest()
    return SimpleNamespace(
        key=key,
        kind=kind,
        track="restore",
        method=SimpleNamespace(name=method.partition("(")[0], spec=method, display=method),
        dataset=SimpleNamespace(items=items, display="a", spec="a"),
        after=list(after),
        seed=place,
        inputs={},
        regime=SimpleNamespace(spec="regime"),
        protocol=SimpleNamespace(spec="protocol"),
    )


def keys_of(shard: Shard, cells: Any, store: Path, rates: Any = None) -> set[str]:
    return {c.key for c in cells_of(shard, cells, store, lambda: rates or {}, keep=True)}


def test_shards_are_disjoint_and_together_all(tmp_path: Path) -> None:
    store = open_store(tmp_path / "s")
    cells = [cell("nlm", n) for n in range(50)]
    parts = [keys_of(Shard(n, 7), cells, store) for n in range(1, 8)]
    assert set().union(*parts) == {c.key for c in cells}
    assert sum(map(len, parts)) == 50 and {len(part) for part in parts} == {7, 8}


def test_each_is_given_as_much_to_do_by_what_methods_took() -> None:
    rates = {"score restore slow": 60.0, "score restore fast": 1.0}
    cells = [*(cell("slow", n) for n in range(5)), *(cell("fast", n, items=10) for n in range(60))]
    division = divided(cells, {**NOTHING, "rates": rates})
    assert sum(division["seconds"]) == 5 * 60 + 60 * 10
    assert max(division["seconds"]) - min(division["seconds"]) <= 10
    # By number alone, shards of a third of the cells each would differ by up to two slow ones.
    counts = [list(division["cells"].values()).count(n) for n in (1, 2, 3)]
    assert max(counts) - min(counts) > 3


def test_a_method_that_nothing_is_known_of_counts_as_a_usual_one() -> None:
    division = divided([cell("slow", 1), cell("new", 1)], {**NOTHING, "rates": {"score restore slow": 60.0}})
    assert sorted(division["seconds"]) == [0.0, 60.0, 60.0]


def test_a_method_that_is_added_moves_no_cell(tmp_path: Path) -> None:
    store = open_store(tmp_path / "s")
    before = [cell("nlm", n) for n in range(20)]
    first = [keys_of(Shard(n, 3), before, store) for n in (1, 2, 3)]
    both = [*(cell("bm3d", n) for n in range(20)), *before]
    second = [keys_of(Shard(n, 3), both, store) for n in (1, 2, 3)]
    assert all(old <= new for old, new in zip(first, second, strict=True))
    assert {len(part) for part in second} <= {13, 14} and len(set().union(*second)) == 40


def test_a_method_that_is_edited_between_tasks_with_stores_of_their_own_moves_no_cell(tmp_path: Path) -> None:
    parts = []
    for number, source in ((1, "before"), (2, "after"), (3, "after")):
        cells = [cell(method, n, source=source) for method in ("nlm", "bm3d", "mine") for n in range(20)]
        names = {c.key: (c.method.spec, c.seed) for c in cells}
        store = open_store(tmp_path / f"s{number}")
        parts.append({names[key] for key in keys_of(Shard(number, 3), cells, store)})
    assert sum(map(len, parts)) == len(set().union(*parts)) == 60


def test_copies_of_a_store_divide_alike_whatever_each_has_run_since(tmp_path: Path) -> None:
    stores = [open_store(tmp_path / name) for name in "ab"]
    cells = [cell(f"m{n % 4}", n) for n in range(30)]
    start = {f"score restore m{n}": 2.0**n for n in range(4)}
    for store in stores:
        keys_of(Shard(1, 4), cells, store, start)
    more = [*cells, *(cell("m3", n) for n in range(40, 60))]
    parts = [keys_of(Shard(n, 4), more, store, {"score restore m3": 1.0 + k})
             for n in range(1, 5) for k, store in ((n % 2, stores[n % 2]),)]  # fmt: skip
    assert sum(map(len, parts)) == 50 and len(set().union(*parts)) == 50


def test_a_training_is_where_those_are_that_need_it(tmp_path: Path) -> None:
    store = open_store(tmp_path / "s")
    trainings = [cell("trained", n, kind="train") for n in range(4)]
    users = [cell("trained", n, after=(trainings[n % 4].key,)) for n in range(40)]
    for number in (1, 2):
        part = cells_of(Shard(number, 2), [*trainings, *users], store, dict, keep=True)
        assert len(part) == 22
        mine = {c.key for c in part}
        assert all(set(c.after) <= mine for c in part)


def test_what_a_later_cell_needs_of_two_shards_comes_with_it(tmp_path: Path) -> None:
    store = open_store(tmp_path / "s")
    trainings = [cell("trained", n, kind="train") for n in range(2)]
    parts = [keys_of(Shard(n, 2), trainings, store) for n in (1, 2)]
    assert all(len(part) == 1 for part in parts)
    tuned = cell("tuned", after=tuple(c.key for c in trainings))
    parts = [keys_of(Shard(n, 2), [*trainings, tuned], store) for n in (1, 2)]
    (own,) = [part for part in parts if tuned.key in part]
    assert len(own) == 3 and len(parts[0] | parts[1]) == 3


def test_a_plan_that_is_only_looked_at_leaves_nothing(tmp_path: Path) -> None:
    store = tmp_path / "none"
    assert len(cells_of(Shard(1, 2), [cell("nlm", n) for n in range(4)], store, dict, keep=False)) == 2
    assert not store.exists()


def test_a_division_that_is_damaged_is_named(tmp_path: Path) -> None:
    store = open_store(tmp_path / "s")
    (store / "shards").mkdir()
    file = store / "shards" / "2.json"
    sound = {"cells": {"a": 1}, "seconds": [0.0, 0.0], "rates": {}}
    for wrong in ("{", "[]", *(json.dumps({**sound, **change}) for change in (
        {"cells": {"a": 3}}, {"seconds": [0.0]}, {"rates": {"x": "y"}}, {"cells": []},
    ))):  # fmt: skip
        file.write_text(wrong)
        with pytest.raises(UsageError, match=r"shards/2\.json is damaged: delete it"):
            cells_of(Shard(1, 2), [cell("nlm")], store, dict, keep=True)


@pytest.mark.parametrize("text", ["", "3", "0/4", "5/4", "1/0", "-1/4", "1/4/2", "a/b", "1/999999"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="K/N"):
        read_shard(text)


def test_shards_by_command_share_a_store_or_are_merged(cli: Any, tmp_path: Path) -> None:
    suite = ("--methods", "median(size={3,5})", "--datasets", "gaussian_field(n=1, size=16)", "--regimes",
             "gaussian(sigma={15,25})")  # fmt: skip
    whole = cli("run", *suite, "--store", "whole")
    assert "4 cells: 4 ok" in whole.stdout
    for number in (1, 2):
        assert (
            "2 cells: 2 ok (2 run now)" in cli("run", *suite, "--store", f"s{number}", "--shard", f"{number}/2").stdout
        )
    planned = cli("run", *suite, "--store", "s1", "--shard", "2/2", "--dry-run").stderr
    assert "2 to run, 0 stored; about " in planned
    cli("store", "merge", "s1", "s2", "--to", "all")
    assert keys(tmp_path / "all") == keys(tmp_path / "whole")
    none = "0 cells: none falls to shard 9/9\n"
    assert cli("run", *suite, "--store", "s9", "--shard", "9/9").stdout == none
    assert "--shard must be K/N" in cli("run", *suite, "--store", "new", "--shard", "3/2", code=2).stderr
    assert not (tmp_path / "new").exists()


def test_rates_are_seconds_an_item_of_cells_that_ended_well() -> None:
    stored = [
        with_cell(made("nlm", 30.0, 31.0), seconds=4.0).cell, with_cell(made("nlm", 30.0), seconds=5.0).cell,
        with_cell(made("nlm(h=0.6)", 30.0), seconds=50.0, outcome="failed").cell,
    ]  # fmt: skip
    rates = forecast.rates_of(stored)
    assert rates == {"score restore nlm": 3.0}
    assert forecast.expected_seconds(cell("nlm", items=7), rates) == 21.0
    assert forecast.expected_seconds(cell("nlm(h=0.9)", items=2), rates) == 6.0, "by its name"
    assert forecast.expected_seconds(cell("bm3d"), rates) is None


def test_the_longest_come_first_and_what_is_not_known_before_them() -> None:
    rates = {"score restore slow": 60.0, "score restore fast": 1.0}
    cells = [cell("fast"), cell("new"), cell("slow"), cell("other")]
    assert [c.method.name for c in forecast.longest_first(cells, rates)] == ["new", "other", "slow", "fast"]


def test_a_forecast_is_of_all_cells_and_never_below_the_longest() -> None:
    rates = {"score restore slow": 600.0, "score restore fast": 1.0}
    assert forecast.forecast_text([cell("new")], rates, 2) == ""
    assert forecast.forecast_text([cell("slow"), cell("slow", 1)], rates, 2) == "about 10 min"
    assert forecast.forecast_text([cell("slow")], rates, 8) == "about 10 min"
    text = forecast.forecast_text([cell("fast"), cell("new")], rates, 1)
    assert text.startswith("about 2 s, ") and text.endswith("1 of 2")
    slowest = forecast.forecast_text([cell("slow"), cell("fast")], rates, 2)
    assert not missing_from(slowest, "about 10 min, ", "slow takes on a"), "the straggler is named"
    assert [forecast.span_text(s) for s in (0.2, 40, 600, 7200)] == ["1 s", "40 s", "10 min", "2.0 h"]


def test_a_run_says_how_long_it_will_take_where_the_store_knows(cli: Any, tmp_path: Path) -> None:
    suite = ("--methods", "median", "--datasets", "gaussian_field(n=1, size=16)", "--store", "s", "--regimes")
    assert "about" not in cli("run", *suite, "gaussian(sigma=15)").stderr
    assert "1 cell to run, 0 stored already; about " in cli("run", *suite, "gaussian(sigma=25)").stderr
    assert len(read_cells(tmp_path / "s")[0]) == 2


def test_a_forecast_names_memory_and_room_that_stored_cells_took(tmp_path: Path) -> None:
    cost = cost_record(peak=3 * 2**20).cell.cost
    stored = [with_cell(made("slow", 30.0), cost=cost).cell, made("fast", 30.0).cell]
    assert "up to 3.0 MiB" in forecast.peak_text([cell("slow")], stored)
    assert forecast.peak_text([cell("fast"), cell("new")], stored) == ""
    store = open_store(tmp_path / "store")
    for method in ("slow", "fast"):
        put(store, made(method, 30.0))
    sizes = sizes_of(store)
    assert len(sizes) == 2 and len(sizes_of(store, most=1)) == 1
    assert forecast.room_text(4, [2**20, 3 * 2**20]) == "8.0 MiB on the disk"
    assert forecast.room_text(0, sizes) == forecast.room_text(3, []) == ""
    assert [forecast.size_text(n) for n in (2048, 2**21, 3 * 2**30)] == ["2 KiB", "2.0 MiB", "3.0 GiB"]
