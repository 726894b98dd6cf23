"""Exports, seals, keys and what a record says: the same after a round trip, and every edit shows."""

from __future__ import annotations

import base64
import dataclasses
import errno
import hashlib
import json
import lzma
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from board_records import as_schema_1, cell_of, cost_record, panel_of, record, sealed, sha
from conftest import ROOT
from messages import missing_by_line, missing_from
from msgspec import structs
from noisebench.store import parquet_export
from noisebench.store.cell import OUTCOMES, MetricPart, SetPart
from noisebench.store.cell_json import plain_values, why_not_sound
from noisebench.store.cells import open_store, read_record
from noisebench.store.export import export_text, read_export, why_no_number, write_export
from noisebench.store.key_changes import differences
from noisebench.store.keys import combined, key_of, output_key
from noisebench.store.outputs import Kept
from noisebench.store.previews import View
from noisebench.store.record import Panel, Record, decimals_of, gate_of, item_count, order_of, role_of, words_of
from noisebench.store.seals import refuse_nan, seal_of, seal_of_text, why_edited, why_seal_broken
from noisebench.text.errors import UsageError
from stored_cells import FILES, A, B, made, put, refused, rekeyed, same, why_no_cell, with_cell


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return open_store(tmp_path / "store")


# ------------------------------------------------------------------------------------------ exports and seals


def exported() -> list[Record]:
    """Three cells: pictures shared and not, a score of each sort, and no rows."""
    a = replace(
        made("nlm", 30.0, math.inf, -math.inf, math.nan, row_notes=["", "identical", "", "too small"]),
        panel=panel_of("p000", b"clean", b"noisy", b"restored"),
    )
    b = replace(made("bm3d", 1.0), panel=panel_of("p000", b"clean", b"noisy", b"other"))
    return [a, b, made("broken", outcome="failed", pictures=3, items=[], reason="no")]


def written(text: str, folder: Path) -> Path:
    file = folder / "export.json"
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    return file


def test_an_export_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    ones = [replace(one, seconds=one.seconds * 3) for one in exported()[:2]]
    two = replace(ones[0], scores={**ones[0].scores, "ssim": np.arange(4.0)})
    ones[0] = with_cell(two, metrics={**two.cell.metrics, "ssim": two.cell.metrics["psnr"]})
    found = read_export(written(export_text(ones), tmp_path))
    assert len(found) == 2
    for one, other in zip(found, sorted(ones, key=lambda r: r.cell.key), strict=True):
        same(one, other)
        assert one.seal == seal_of(other) and why_seal_broken(one) is None and one.cell.request is None


def test_a_compressed_export_is_read_back_and_a_damaged_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, packed = tmp_path / "e.json", tmp_path / "e.json.xz"
    write_export(plain, exported())
    write_export(packed, exported())
    assert plain.read_text() == export_text(exported()) and packed.stat().st_size < plain.stat().st_size / 2
    for one, other in zip(read_export(packed), read_export(plain), strict=True):
        same(one, other)
    data = packed.read_bytes()
    for wrong, reason in (
        (data[:-40], "compressed, and cut off"),
        (data[:60] + b"no" + data[62:], "compressed, and damaged"),
    ):
        packed.write_bytes(wrong)
        assert reason in refused(lambda: read_export(packed))
    packed.write_bytes(data)
    monkeypatch.setattr(parquet_export, "_LARGEST", 1000)
    assert not missing_from(refused(lambda: read_export(packed)), str(packed), "compressed", "cut off or larger")


def test_a_small_file_that_unpacks_to_very_much_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bomb.json.xz"
    file.write_bytes(lzma.compress(b'{"noisebench_export": 2, "cells": [], "pictures": []}' + b" " * (65 << 20)))
    with pytest.raises(UsageError, match=r"bomb\.json\.xz.* larger than 64 MiB"):
        read_export(file)


def test_what_a_run_was_asked_for_is_not_read_from_an_export(tmp_path: Path) -> None:
    document = json.loads(export_text(exported()[:1]))
    asked = {"suite": "s", "plugins": ["evil.py"], "folders": {}}
    document["cells"][0]["cell"]["request"] = asked
    (tmp_path / "x.json").write_text(json.dumps(document))
    assert read_export(tmp_path / "x.json")[0].cell.request is None


def test_an_export_is_a_row_a_line_and_a_picture_once() -> None:
    ones = exported()[:2]
    text = export_text(ones)
    assert text.endswith(" ]\n}\n") and "request" not in text
    document = json.loads(text)
    assert list(document) == ["noisebench_export", "cells", "pictures"] and document["noisebench_export"] == 2
    first, second = sorted(ones, key=lambda r: r.cell.key)
    parts = [*first.panel.parts.values(), second.panel.parts["restored"]]
    assert [base64.b64decode(t) for t in document["pictures"]] == parts
    assert [entry["panel"] for entry in document["cells"]] == [
        {"item": "p000", "clean": "0", "noisy": "1", "restored": "2"},
        {"item": "p000", "clean": "0", "noisy": "1", "restored": "3"},
    ]
    nlm = next(entry for entry in document["cells"] if entry["cell"]["method"]["name"] == "nlm")
    one = ones[0]
    values = [30.0, "inf", "-inf", None]
    assert nlm["metrics"] == ["psnr"] and nlm["seal"] == seal_of(one)
    assert nlm["rows"] == [
        [one.items[i], one.input_sha256[i], one.output_sha256[i], one.notes[i], 0.1, values[i]] for i in range(4)
    ]
    assert sum(line.startswith("    [") for line in text.splitlines()) == 5


def test_equal_records_give_equal_text_and_seals() -> None:
    ones = exported()
    turned = [replace(one, cell=cell_of(dict(reversed(plain_values(one.cell).items())))) for one in reversed(ones)]
    assert export_text(turned) == export_text(ones)
    assert [seal_of(one) for one in reversed(turned)] == [seal_of(one) for one in ones]


def test_an_export_of_hundreds_of_cells_rows_and_pictures_is_read_back(tmp_path: Path) -> None:
    n = 300
    many = replace(made("many", *map(float, range(n))), panel=Panel("p", {f"x{i}": b"%d" % i for i in range(n)}))
    few = record("few", {"psnr": [1.0]})
    ones = [many, *(with_cell(few, key=sha(str(i))) for i in range(n - 1))]
    found = read_export(written(export_text(ones), tmp_path))
    assert [one.cell.key for one in found] == sorted(one.cell.key for one in ones)
    same(next(one for one in found if one.panel is not None), many)


def test_an_export_without_cells_or_pictures_is_read_back(tmp_path: Path) -> None:
    assert read_export(written(export_text([]), tmp_path)) == []
    (one,) = read_export(written(export_text([exported()[2]]), tmp_path))
    assert (one.items, one.panel, one.seconds.shape) == ([], None, (0,))


def edited_export(**fields: Any) -> str:
    document = json.loads(export_text(exported()[:1]))
    return json.dumps({**document, **fields})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ("[]", "it is no mapping"),
        ("{}", "it lacks noisebench_export, cells, pictures"),
        ('{"noisebench_export": 2}', "it lacks cells, pictures"),
        ('{"noisebench_export": 2, "cells": []}', "it lacks pictures"),
        ('{"noisebench_export": 2, "cells": {}, "pictures": []}', "`cells` is no list"),
        (edited_export(pictures=["a*b=", "", ""]), "Only base64 data is allowed"),
        (
            edited_export(pictures=["a"]),
            "Invalid base64-encoded string: number of data characters (1) cannot be 1 more than a multiple"[:79] + "…",
        ),
        ("[" * 100_000, "nested too deeply"),
        ("\udcff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
)
def test_what_is_no_export_is_named_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    file = written(text, tmp_path)
    said = refused(lambda: read_export(file))
    assert said.startswith(f"{file} is not ") and f" export ({reason}): `noisebench export STORE --to FILE`" in said


def entry_of(**fields: Any) -> str:
    """An export of one cell, fields of which are others."""
    (entry,) = json.loads(export_text(exported()[:1]))["cells"]
    return edited_export(cells=[{**entry, **fields}])


def first_row(*values: Any) -> str:
    """An export of one cell, the first row of which ends otherwise."""
    (entry,) = json.loads(export_text(exported()[:1]))["cells"]
    first, *others = entry["rows"]
    return edited_export(cells=[{**entry, "rows": [[*first[: -len(values)], *values], *others]}])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (edited_export(pictures=[]), "list index out of range"),
        (edited_export(cells=[3]), "'int' object is not subscriptable"),
        (entry_of(cell={}), "(schema is missing"),
        (entry_of(cell=[]), "names with values, not list"),
        (entry_of(panel={"item": 1}), "`panel` holds what is no text"),
        (entry_of(panel={"item": "p", "clean": "-1"}), "`panel` names a picture that is not there"),
        (entry_of(panel={"clean": "0"}), "'item'"),
        (
            entry_of(panel={"item": "p", "clean": "x" * 90}),
            f"(invalid literal for int() with base 10: '{'x' * 90}"[:120] + "…",
        ),
        (entry_of(panel=[]), "'list' object has no attribute 'values'"),
        (entry_of(metrics="psnr"), "`metrics` lists a metric that the cell was not scored by"),
        (entry_of(metrics=[3]), "`metrics` lists a metric that the cell was not scored by"),
        (entry_of(metrics=["ssim"]), "`metrics` lists a metric that the cell was not scored by"),
        (entry_of(metrics=["psnr", "psnr"]), "`metrics` lists one twice"),
        (entry_of(rows={}), "`rows` is no list"),
        (entry_of(rows=[{}]), "row 1 has not 6 values"),
        (entry_of(metrics=[]), "row 1 has not 5 values"),
        (entry_of(rows=[["", "", "", "", 0]]), "row 1 has not 6 values"),
        (entry_of(rows=[["", "", "", None, 0, 0]]), "row 1: an item, hash or note is no text"),
        (first_row("x" * 90), "row 1: a whole number, not '" + "x" * 59),
        (first_row("nan"), "row 1: a whole number, not 'nan'"),
        (first_row(True), "row 1: a whole number, not True"),
        (first_row(2**63), "row 1: a whole number below 2**63"),
        (first_row([], 30.0), "row 1: a whole number, not list"),
    ],
)
def test_a_damaged_cell_of_an_export_is_named_by_its_number(tmp_path: Path, text: str, reason: str) -> None:
    file = written(text, tmp_path)
    said = refused(lambda: read_export(file))
    assert said.startswith(f"{file}: cell number 1 is damaged (") and said.endswith(f"{reason}): export it again")


def test_a_damaged_cell_is_counted_from_the_first(tmp_path: Path) -> None:
    document = json.loads(export_text(exported()))
    document["cells"][2]["cell"]["outcome"] = "fine"
    file = written(json.dumps(document), tmp_path)
    assert refused(lambda: read_export(file)).startswith(
        f"{file}: cell number 3 is damaged (outcome: 'fine' is none of"
    )
    document["cells"][1]["cell"]["schema"] = 3
    said = refused(lambda: read_export(written(json.dumps(document), tmp_path)))
    assert not missing_from(said, f"{file}: cell number 2", "newer noisebench (schema 3)", "upgrade")


def test_an_export_of_a_newer_noisebench_an_older_one_and_none(tmp_path: Path) -> None:
    for schema, said in ((3, "3"), ("2", "2"), (None, "None"), ("x" * 50, "x" * 39 + "…")):
        file = written(edited_export(noisebench_export=schema), tmp_path)
        message = refused(lambda file=file: read_export(file))
        assert not missing_from(message, f"export {file}", f"newer noisebench (schema {said})", "upgrade")
    assert len(read_export(written(edited_export(noisebench_export=1), tmp_path))) == 1
    assert refused(lambda: read_export(tmp_path / "no.json")) == (
        f"export {tmp_path / 'no.json'}: {os.strerror(errno.ENOENT)}"
    )
    with pytest.raises(UsageError, match="Is a directory"):
        read_export(tmp_path)


def test_every_edit_of_what_an_export_says_breaks_its_seal() -> None:
    one = replace(exported()[0], seal="")
    assert why_seal_broken(one) is None, "a cell of a store has none"
    one = replace(one, seal=seal_of(one))
    assert why_seal_broken(one) is None
    other = ["x", *one.items[1:]]
    edits: dict[str, Any] = {
        "items": other, "input_sha256": other, "output_sha256": other, "notes": other,
        "seconds": np.add(one.seconds, [0, 0, 0, 1e-9]), "scores": {"psnr": one.scores["psnr"] + [1e-9, 0, 0, 0]},
        "cell": structs.replace(one.cell, seed=1),
    }  # fmt: skip
    for name, value in [*edits.items(), ("scores", {"ssim": one.scores["psnr"]})]:
        assert not missing_from(why_seal_broken(replace(one, **{name: value})) or "", "edited by hand", "seal"), name


def test_a_seal_hangs_on_neither_crops_nor_the_machine_nor_the_kind_of_nan(store: Path) -> None:
    one = exported()[0]
    payload = np.array([0x7FF8000000000001], dtype="<u8").view("<f8")[0]
    values = np.where(np.isnan(one.scores["psnr"]), payload, one.scores["psnr"]).astype(">f8")
    for other in (
        replace(one, panel=None),
        with_cell(one, request={"cwd": "/elsewhere"}),
        replace(one, scores={"psnr": values}),
        read_record(store, put(store, one)),
    ):
        assert seal_of(other) == seal_of(one)


def test_seals_of_an_export_of_old_are_what_they_were() -> None:
    ones = read_export(ROOT / "tests" / "fixtures" / "schema_1_export.json.xz")
    assert len(ones) > 5 and all(one.seal and one.seal == seal_of(one) for one in ones)
    assert [why_edited(one) for one in ones] == [None] * len(ones)


# ------------------------------------------------------------------------------------------ what may be judged


def test_a_score_that_is_no_number_without_a_reason_is_refused_with_its_names_cut() -> None:
    long = {"m": "m" * 70, "i": "i" * 100, "d": "d" * 70, "w": "w" * 70}
    one = made("nlm", 1.0, 1.0, math.nan, items=["a", "b", long["i"]], display=long["d"], row_notes=["n", "", ""])
    one = read_back(replace(with_cell(one, words={"item": long["w"]}), scores={long["m"]: one.scores["psnr"]}))
    short = {c: c * 59 + "…" for c in "mdw"}
    said = refused(lambda: refuse_nan([one], "base.json"))
    assert said.startswith(
        f"base.json: {short['m']} of {short['w']} '{'i' * 79}…' in cell {one.cell.key[:12]} ({short['d']}) is NaN "
    )
    assert not missing_from(said, "restore the file", "delete it", "--update")


def test_a_score_that_is_no_number_is_let_pass_with_a_reason_and_where_the_cell_is_not_ok() -> None:
    one = made("nlm", math.nan, math.inf, math.nan, row_notes=["why", "", "too"])
    refuse_nan([one], "base.json")
    refuse_nan([made("nlm", math.nan, outcome="failed")], "base.json")
    with pytest.raises(UsageError, match="'p002'"):
        refuse_nan([replace(one, notes=["why", "", ""])], "base.json")


def not_its(name: str) -> str:
    return f"edited by hand: its {name} is not the one its key was made from"


def read_back(one: Record) -> Record:
    """The record with texts that are equal to those of its inputs and not the same objects."""
    return replace(one, cell=cell_of(json.loads(json.dumps(one.cell, default=plain_values))))


def test_a_cell_is_what_its_key_was_made_from() -> None:
    one = made()
    for whole in (one, made(outcome="failed"), sealed(cost_record())):
        assert why_edited(read_back(whole)) is None
    assert not missing_from(why_edited(replace(one, seal=sha("other"))) or "", "edited by hand", "seal")
    no_hash = "edited by hand: its inputs do not hash to its key"
    no_track = {name: value for name, value in one.cell.inputs.items() if name != "track"}
    assert why_edited(with_cell(one, inputs=no_track, key=key_of(no_track))) is None, "an early baseline of a test"
    for inputs in ({}, {**one.cell.inputs, "seed": 1}):
        assert why_edited(with_cell(one, inputs=inputs)) == no_hash
    assert why_edited(with_cell(one, key=A)) == no_hash


def test_a_part_of_a_cell_that_is_not_of_its_inputs_is_named() -> None:
    one = read_back(made())
    edited = {
        "track": {"track": "functions"}, "kind": {"kind": "cost"}, "seed": {"seed": 1},
        "method": {"method": structs.replace(one.cell.method, spec="x")},
        "regime": {"regime": structs.replace(one.cell.regime, spec="x")},
        "protocol": {"protocol": structs.replace(one.cell.protocol, spec="x")},
        "dataset fingerprint": {"dataset": structs.replace(one.cell.dataset, fingerprint=A)},
        "metrics": {"metrics": {"psnr": structs.replace(one.cell.metrics["psnr"], version=2)}},
    }  # fmt: skip
    for name, fields in edited.items():
        assert why_edited(with_cell(one, **fields)) == not_its(name)
    for name in ("method", "regime", "protocol"):
        assert why_edited(rekeyed(one, **{name: "text"})) == not_its(name)
    assert why_edited(rekeyed(one, metrics=None)) == not_its("metrics")
    cost = read_back(sealed(cost_record()))
    assert why_edited(with_cell(cost, kind="score")) == not_its("kind")
    assert why_edited(with_cell(cost, method=structs.replace(cost.cell.method, spec="x"))) == not_its("method")


def test_the_version_of_a_metric_is_that_of_its_package_too() -> None:
    one = read_back(made())
    metrics = {"psnr": structs.replace(one.cell.metrics["psnr"], made_with="package 1.2")}
    whole = rekeyed(with_cell(one, metrics=metrics), metrics={"psnr": "1, package 1.2"})
    assert why_edited(whole) is None
    assert why_edited(rekeyed(whole, metrics={"psnr": "1, package 1.3"})) == not_its("metrics")


def fid(network: str) -> SetPart:
    return SetPart(
        version=1, higher=False, unit="", features="", features_sha256=network, resize="", reference="", value=None,
        error=None, interval=None, n=0, d=0, floor=None, flags=[], note="",
    )  # fmt: skip


def test_a_set_metric_is_of_the_network_that_its_key_names() -> None:
    one = read_back(made())
    whole = rekeyed(with_cell(one, sets={"fid": fid(A)}), sets={"fid": {"network_sha256": A}})
    assert why_edited(whole) is None
    assert why_edited(with_cell(whole, sets={"fid": fid(B)})) == not_its("set metrics")
    assert why_edited(with_cell(whole, sets={})) == not_its("set metrics")
    assert why_edited(rekeyed(whole, sets={})) == not_its("set metrics")


def test_an_ok_cell_has_scores_of_all_its_metrics() -> None:
    one = read_back(made())
    assert not missing_from(why_edited(replace(one, scores={})) or "", "edited by hand", "no scores of psnr")
    assert why_edited(replace(one, scores={**one.scores, "more": one.scores["psnr"]})) is None
    failed = read_back(made(outcome="failed"))
    assert why_edited(replace(failed, scores={})) is None


# ------------------------------------------------------------------------------------------ shapes


def psnr_with(**fields: Any) -> dict[str, Any]:
    return {"metrics": {"psnr": {**plain_values(made().cell.metrics["psnr"]), **fields}}}


def part(name: str, **fields: Any) -> dict[str, Any]:
    return {name: {**plain_values(getattr(made().cell, name)), **fields}}


def deep(levels: int) -> Any:
    return json.loads("[" * levels + "]" * levels)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        *((psnr_with(decimals=n), None) for n in (0, 20)),
        *((psnr_with(decimals=n), f"metrics.psnr.decimals: from 0 to 20, not {n}") for n in (-1, 21)),
        (
            {"metrics": {"m" * 50: psnr_with(decimals=21)["metrics"]["psnr"]}},
            f"metrics.{'m' * 39}….decimals: from 0 to 20, not 21",
        ),
        (
            {"metrics": {"m" * 50: psnr_with(gate={"max_drop": -1})["metrics"]["psnr"]}},
            f"metrics.{'m' * 39}….gate: a limit from 0",
        ),
        (psnr_with(decimals=2.0), "metrics.psnr.decimals: a whole number, not 2.0"),
        (psnr_with(decimals=True), "metrics.psnr.decimals: a whole number, not True"),
        (psnr_with(gate={"max_drop": 0}), None),
        (psnr_with(gate={"max_drop": 0.1, "max_drop_item": -1e-9}), "metrics.psnr.gate: a limit from 0"),
        (psnr_with(gate={"max_drop": math.inf}), "metrics.psnr.gate.max_drop: a finite number, not inf"),
        (psnr_with(gate={"max_drop": "1"}), "metrics.psnr.gate.max_drop: a number, not '1'"),
        (psnr_with(gate=3), "metrics.psnr.gate: names with values, not 3"),
        (psnr_with(unit=None), "metrics.psnr.unit: text, not None"),
        (psnr_with(higher=1), "metrics.psnr.higher: true or false, not 1"),
        ({"metrics": {"m" * 50: {}}}, f"metrics.{'m' * 39}….version is missing"),
        ({"seed": 2**63 - 1}, None),
        ({"seed": -(2**63) + 1}, None),
        *(({"seed": n}, "seed: a whole number below 2**63") for n in (2**63, -(2**63))),
        ({"kind": "train"}, "training is missing"),
        ({"outcome": "fine"}, "outcome: 'fine' is none of " + ", ".join(OUTCOMES)),
        ({"outcome": 3}, "outcome: 3 is none of " + ", ".join(OUTCOMES)),
        ({"setup_s": None}, None),
        ({"setup_s": "1"}, "setup_s: a number, not '1'"),
        ({"notes": ["a", 3]}, "notes[1]: text, not 3"),
        ({"notes": "a"}, "notes: a list, not 'a'"),
        (part("method", flags={"role": "boss"}), "role: 'boss' is none of , baseline, sanity, optimum"),
        (part("environment", packages={"numpy": 2}), "packages.numpy: text, not 2"),
        (part("environment", packages=None), None),
        ({"words": {"item": "x"}}, "words.given is missing"),
        ({"words": {**made().cell.words, "level": 3}}, "words.level: text, not 3"),
        ({"more": deep(32)}, None),
        ({"more": deep(34)}, "more: nested more than 32 deep"),
        ({"more": {"a": deep(33)}}, "more: nested more than 32 deep"),
        ({"inputs": []}, "inputs: names with values, not list"),
        ({"request": {"keep": 3}}, "request.keep: text, not 3"),
        ({"rescored": {}}, "rescored.source is missing"),
        ({"sets": {"fid": []}}, "sets.fid: names with values, not list"),
    ],
)
def test_what_is_not_as_documented_is_named_by_its_place(fields: dict[str, Any], why: str | None) -> None:
    assert why_no_cell({**plain_values(made().cell), **fields}) == why


def test_a_field_that_is_missing_is_named_in_the_order_of_the_document() -> None:
    cell: dict[str, Any] = plain_values(made().cell)
    for name in ("inputs", "request"):
        del cell[name]
    assert why_no_cell(cell) is None, "an export has no request, and an old one no inputs"
    for name in ("environment", "seed", "dataset", "key", "schema"):
        del cell[name]
        assert why_no_cell(cell) == f"{name} is missing"
    assert why_no_cell(part("method", spec="x")) == "schema is missing"
    dataset = structs.replace(made().cell.dataset, items=None)
    assert why_not_sound(with_cell(made(), dataset=dataset).cell) == "dataset.items is missing"
    assert why_not_sound(with_cell(made(), dataset=structs.replace(dataset, pictures=3)).cell) is None


def test_a_cost_has_what_was_measured_and_a_ratio_above_0() -> None:
    one = sealed(cost_record())
    assert why_not_sound(one.cell) is None
    assert why_not_sound(with_cell(one, cost=None).cell) == "cost is missing"
    assert why_not_sound(with_cell(one, cost=None, outcome="failed").cell) is None
    for ratio in (None, 1e-9):
        assert why_not_sound(with_cell(one, cost=structs.replace(one.cell.cost, latency_rel=ratio)).cell) is None
    for ratio in (0, -1.0):
        cell = with_cell(one, cost=structs.replace(one.cell.cost, latency_rel=ratio)).cell
        assert why_not_sound(cell) == "cost.latency_rel: a ratio above 0"


def test_a_score_is_a_number_null_or_infinity_in_words() -> None:
    for value in (None, "inf", "-inf", 0, 1.5, math.inf, -(2**63) + 1):
        assert why_no_number(value) is None
    for value in ("nan", "Inf", "", True, [], {}, 2**63):
        assert why_no_number(value) is not None


# ------------------------------------------------------------------------------------------ keys


def test_a_key_is_the_hash_of_sorted_ascii_json_without_spaces() -> None:
    text = '{"a":[1,2.5],"b":{"c":"\\u00e9","d":null}}'
    assert key_of({"b": {"d": None, "c": "é"}, "a": [1, 2.5]}) == hashlib.sha256(text.encode()).hexdigest()


def test_a_key_is_the_same_of_parts_that_are_known_and_names_are_no_part_of_a_value() -> None:
    shared, known = {"spec": "é", "of": [1, None]}, dict[int, tuple[Any, str]]()
    for inputs in ({"b": shared, "a": "x"}, {"b": shared, "a": 'y"'}, {"c": [], 'a":1,"b': 2, "é": shared}):
        assert key_of(inputs, known) == key_of(inputs)
    assert key_of({'a":1,"b': 2}, {}) != key_of({"a": 1, "b": 2}, {})


def test_the_key_of_outputs_leaves_out_how_they_are_scored() -> None:
    inputs = {"seed": 0, "method": {"spec": "nlm"}}
    scored = {**inputs, "protocol": {"spec": "float"}, "metrics": {"psnr": 1}, "sets": {"fid": {}}}
    assert output_key(scored) == key_of(inputs)
    assert output_key({**scored, "data": "x"}) != key_of(inputs)


def test_several_texts_are_hashed_in_order_and_apart() -> None:
    assert combined(["ab", "c"]) == hashlib.sha256(b"ab\nc").hexdigest()
    assert len({combined(parts) for parts in (["ab", "c"], ["a", "bc"], ["c", "ab"], ["abc"])}) == 4


def test_what_changed_between_two_keys_is_said_in_words() -> None:
    old, new = "0123456789abcdef", "fedcba9876543210"
    before = {
        "seed": 0, "data": old, "method": {"spec": "nlm", "versions": {"nlm": 1}}, "gone": 1, "same": {"x": [1]},
        "sources": {"a.py": old, "b.py": old, "same.py": old}, "weights": {"z": 2},
    }  # fmt: skip
    now = {
        "seed": 1, "data": new, "method": {"spec": "nlm", "versions": {"nlm": 2}}, "new": [2], "same": {"x": [1]},
        "sources": {"a.py": new, "c.py": old, "same.py": old}, "weights": 3,
    }  # fmt: skip
    of_method = "of the method"
    assert not missing_by_line(
        differences(before, now),
        ["items of the dataset", "changed (0123456789ab → fedcba987654)"],
        ["gone changed (1 → absent)"],
        ["method.versions.nlm changed (1 → 2)"],
        ["new changed (absent → [2])"],
        ["seed changed (0 → 1)"],
        ["file a.py", of_method, "changed (0123456789ab → fedcba987654)"],
        ["file b.py", of_method, "no longer used"],
        ["file c.py", of_method, "is new"],
        ["weights changed ({'z': 2} → 3)"],
    )
    assert differences(before, before) == []
    assert differences({"a": 2}, {"a": {"b": 1}}) == ["a changed (2 → {'b': 1})"]
    assert differences({"a": 2}, {"a": 1}) == ["a changed (2 → 1)"]
    assert differences({"zdata": "x"}, {"zdata": "y"}) == ["zdata changed (x → y)"]
    for name, owner in (("sources", "method"), ("regime_sources", "regime"), ("metric_sources", "metrics")):
        before, now = ({name: {"a.py": text}} for text in ("zzz", "aaa"))
        assert differences(before, now) == [f"source file a.py of the {owner} changed (zzz → aaa)"]
        assert differences({}, now) == [f"source file a.py of the {owner} is new"]


def test_of_another_scheme_of_fingerprints_no_file_is_said_to_have_changed() -> None:
    now = {"fingerprint": 2, "seed": 0, "sources": {"a.py": "x"}, "regime_sources": {"r.py": "x"}}
    unknown = ["source files", "cannot be compared"]
    assert not missing_by_line(
        differences({"seed": 0, "sources": {"a.py": "y"}}, now), [*unknown, "an earlier noisebench"]
    )
    assert not missing_by_line(
        differences({"fingerprint": 3, "seed": 1}, now), [*unknown, "a later noisebench"], ["seed changed (1 → 0)"]
    )


# ------------------------------------------------------------------------------------------ what records say


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Panel("a", {}), "item"),
        (Record(record().cell), "cell"),  # type: ignore[typeddict-item]
        (View("a", (1, 1), (0, 0, 1, 1), A, B), "clean"),
        (Kept(Path(), Record(record().cell), FILES), "folder"),  # type: ignore[typeddict-item]
    ],
)
def test_what_is_stored_cannot_be_changed_in_passing(value: Any, name: str) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, None)


def test_a_record_without_rows_has_empty_columns_of_its_own() -> None:
    a, b = (Record(record().cell) for _ in range(2))  # type: ignore[typeddict-item]
    assert (a.items, a.input_sha256, a.output_sha256, a.notes, a.scores, a.panel, a.seal) == (
        [], [], [], [], {}, None, "",
    )  # fmt: skip
    assert a.seconds.shape == (0,) and a.items is not b.items


def test_a_role_is_the_one_that_is_stored_and_in_old_cells_found_by_name_and_flag() -> None:
    assert [role_of(record(name).cell.method) for name in ("identity", "oracle", "bayes_optimum", "nlm")] == [
        "baseline", "sanity", "optimum", "",
    ]  # fmt: skip
    old = {name: as_schema_1(record(name)).cell.method for name in ("identity", "oracle", "bayes_optimum", "nlm")}
    assert [role_of(method) for method in old.values()] == ["baseline", "sanity", "optimum", ""]
    assert role_of(structs.replace(old["nlm"], flags=None)) == ""  # type: ignore[typeddict-item]
    assert role_of(structs.replace(old["nlm"], flags={"baseline": True})) == "sanity"
    assert role_of(structs.replace(old["identity"], flags={"role": ""})) == ""


def test_what_a_metric_says_of_itself_comes_before_what_is_known_of_old_ones() -> None:
    full = MetricPart(version=1, higher=True, unit="dB", decimals=5, order=7, gate={"max_drop": 3.0})
    assert (decimals_of("psnr", full), order_of("psnr", full), gate_of("psnr", full)) == (5, 7, {"max_drop": 3.0})
    old: dict[str, Any] = {
        name: MetricPart(version=1, higher=True, unit=unit)
        for name, unit in (("psnr", "dB"), ("ssim", ""), ("mse", ""), ("snr", "dB"), ("psnr ", ""), ("x", "ee"))
    }
    assert {name: (decimals_of(name, p), order_of(name, p), gate_of(name, p)) for name, p in old.items()} == {
        "psnr": (2, 0, {"max_drop": 0.02, "max_drop_item": 0.5}),
        "ssim": (4, 1, {"max_drop": 0.001}),
        "mse": (4, 100, {}),
        "snr": (2, 100, {}),
        "psnr ": (4, 100, {}),
        "x": (4, 100, {}),
    }
    assert decimals_of("psnr", structs.replace(old["psnr"], unit="")) == 2


def test_items_are_counted_and_named_in_cells_of_any_schema() -> None:
    now = record("nlm", pictures=5)
    old = as_schema_1(now)
    assert item_count(now.cell) == item_count(old.cell) == 5
    assert words_of(now.cell) == words_of(old.cell) and words_of(old.cell)["item"] == "picture"
    assert words_of(record("spline", track="functions").cell)["item"] == "function"
    dataset = structs.replace(old.cell.dataset, pictures=None)
    assert item_count(with_cell(old, dataset=dataset).cell) == 0


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("there", "--to there is a folder: name a file in it, such as there/results.json"),
        (
            "x.json.gz",
            "--to x.json.gz: an export is JSON, compressed as .xz alone, or Parquet: name a .json, a .json.xz or a "
            ".parquet",
        ),
    ],
)
def test_an_export_into_a_folder_or_of_another_form_is_refused(cli: Any, tmp_path: Path, to: str, said: str) -> None:
    (tmp_path / "there").mkdir()
    open_store(tmp_path / "st")
    assert cli("export", "st", "--to", to, code=2).stderr == f"noisebench export: {said}\n"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["st", "there"] and not list(tmp_path.glob("there/*"))


def test_what_a_later_noisebench_says_within_a_part_of_a_cell_is_in_its_seal(tmp_path: Path) -> None:
    document = json.loads(export_text([made()]))
    (entry,) = document["cells"]
    entry["cell"]["metrics"]["psnr"]["later"] = {"by": 1}
    text = json.dumps(entry["cell"], sort_keys=True)
    (known,) = read_export(written(json.dumps(document), tmp_path))
    assert not missing_from(why_edited(known) or "", "edited by hand", "seal")
    entry["seal"] = seal_of_text(known, text)
    (later,) = read_export(written(json.dumps(document), tmp_path))
    assert why_edited(later) is None
    entry["cell"]["metrics"]["psnr"]["later"] = {"by": 2}
    (edited,) = read_export(written(json.dumps(document), tmp_path))
    assert not missing_from(why_edited(edited) or "", "edited by hand", "seal")
