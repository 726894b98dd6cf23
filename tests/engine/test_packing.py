"""Cells of a plan as JSON and back: equal, each shared part once, and no work per cell that is one per type."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from msgspec import structs
from noisebench.engine.packing import packed, packed_plan, unpacked, unpacked_plan
from noisebench.planning.cells import PlannedCell
from noisebench.planning.plan import plan, plan_columns
from noisebench.store import cell_json
from noisebench.store.cell_json import written_columns, written_fields
from noisebench.store.keys import Texts, key_form, key_in, key_of, parts_of
from noisebench.suite.suite import CostPlan, Suite


@pytest.fixture(scope="module")
def cells() -> list[PlannedCell]:
    suite = Suite(methods=("identity", "nlm"), datasets=("piecewise(n=2, size=8)",),
                  regimes=("gaussian(sigma=5)", "gaussian(sigma=25)"), seeds=(0, 1))  # fmt: skip
    return plan(suite)


def sent(cells: list[PlannedCell]) -> list[PlannedCell]:
    return unpacked(json.loads(json.dumps(packed(cells))), PlannedCell)


def test_cells_come_back_equal_and_share_their_parts(cells: list[PlannedCell]) -> None:
    back = sent(cells)
    assert back == cells and len(cells) == 8
    assert len({id(cell.dataset) for cell in back}) == 1 and len({id(cell.method) for cell in back}) == 2
    assert len({id(cell.inputs) for cell in back}) == len({id(cell.request) for cell in back}) == 8


def test_cells_of_different_fields_come_back_in_their_order(cells: list[PlannedCell]) -> None:
    mixed = [structs.replace(cell, **({"lacks": "sigma"} if n % 3 == 0 else {"request": None} if n % 3 == 1 else {}))
             for n, cell in enumerate(cells)]  # fmt: skip
    assert sent(mixed) == mixed
    assert sent([]) == []


def test_columns_of_objects_say_what_is_written_of_each(cells: list[PlannedCell]) -> None:
    mixed = [structs.replace(cells[0], lacks="sigma"), structs.replace(cells[1], lacks="", variant=True)]
    columns = list(written_columns(mixed))
    for n, cell in enumerate(mixed):
        assert {name: values[n] for name, values, there in columns if there[n]} == written_fields(cell)


def test_the_fields_of_a_type_are_evaluated_once(cells: list[PlannedCell], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    fields = msgspec.structs.fields
    monkeypatch.setattr(msgspec.structs, "fields", lambda kind: (asked.append(kind), fields(kind))[1])
    cell_json.struct_fields.cache_clear()
    sent(cells)
    assert len(asked) == len(set(asked)) <= 3


def test_a_plan_comes_back_as_the_cells_that_are_planned() -> None:
    suite = Suite(methods=("identity", "nlm"), datasets=("piecewise(n=2, size=8)", "piecewise(n=3, size=8)"),
                  regimes=("gaussian(sigma=5)", "gaussian(sigma=25)+poisson(peak=30)"), seeds=(0, 1),
                  cost=CostPlan(((16, 16),), 2))  # fmt: skip
    columns = plan_columns(suite)
    back = unpacked_plan(json.loads(json.dumps(packed_plan(columns))))
    assert back == list(columns) == plan(suite) and len(columns.templates) == 8 + 2 < len(columns) == 18
    assert columns[-1] == back[-1] and columns[1:3] == back[1:3]
    for cell in back:
        assert (
            cell.key == key_of(cell.inputs or {}) and cell.inputs and cell.inputs["regime"]["spec"] == cell.regime.spec
        )
        assert cell.request is not None and cell.request.regimes == [cell.regime.display]
    assert len({cell.key for cell in back}) == 18


def test_a_percent_sign_in_a_part_is_itself_in_the_key() -> None:
    inputs = {"b%s": {"at": "5 %d"}, "a": "%", "open": "%%"}
    known: Texts = {}
    form = key_form(inputs, ["open"], known)
    assert key_in(form, parts_of({"open": inputs["open"]}, known)) == key_of(inputs)
