"""Baselines: lines that a person reviews, from which a gate says the same as from the whole export."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from board_records import as_schema_1, cost_record, record, sealed
from conftest import ROOT
from messages import missing_from
from noisebench.cli import main
from noisebench.gate.check import check
from noisebench.report.verdict import verdict_values
from noisebench.store.baseline import baseline_text, write_baseline
from noisebench.store.export import export_text, read_export
from noisebench.store.record import Record
from noisebench.suite.rules import Rule
from noisebench.text.errors import UsageError

HOSTILE = "a|b`<script>\"'\n]]>\x00\x1b[31m\ud800·" + "x" * 200


def scored(method: str, shift: float = 0.0, **more: Any) -> Record:
    n = more.pop("n", 6)
    scores = {"psnr": [30 + i / 7 + shift for i in range(n)], "ssim": [0.9 + i / 777 + shift / 100 for i in range(n)]}
    return sealed(record(method, scores, **more))


def stored(records: list[Record], folder: Path, name: str = "b.json") -> Path:
    write_baseline(folder / name, records)
    return folder / name


def suite(shift: float = 0.0, source: str = "source") -> list[Record]:
    """Results of a suite of which `nlm` is edited."""
    edited = [scored("nlm", shift, source=source, regime=f"gaussian(sigma={s})") for s in (15, 25, 50)]
    others = [scored(f"m{i}", regime=f"gaussian(sigma={s})") for i in range(9) for s in (15, 25, 50)]
    return [*others, *edited, sealed(cost_record(source=source))]


def test_each_line_is_short_and_sorted_and_those_of_scores_are_of_one_cell_metric_and_a_few_items() -> None:
    text = baseline_text(suite())
    assert max(map(len, text.splitlines())) < 260
    document = json.loads(text)
    assert list(document) == ["noisebench_baseline", "scores", "sets", "cells", "notes", "parts"]
    assert document["scores"][-3:-1] == [
        ["nlm · photos · gaussian(sigma=50) · uint8 · seed 0", "ssim",
         {f"p00{i}": pytest.approx(0.9 + i / 777) for i in items}]
        for items in ((0, 1, 2, 3), (4, 5))
    ]  # fmt: skip
    for name in ("scores", "cells", "parts"):
        part = text.partition(f'"{name}": [\n')[2].partition("\n[]]")[0].splitlines()
        assert part == sorted(part) and len(part) > 10


def test_an_edit_of_one_method_changes_lines_of_that_method_alone() -> None:
    old, new = (baseline_text(one).splitlines() for one in (suite(), suite(-0.5, "edited")))
    moved = [line for line in difflib.unified_diff(old, new, n=0, lineterm="") if line[:2] in ("-[", "+[")]
    assert moved and all(line[1:].startswith(('["nlm ·', '["method nlm"')) for line in moved)
    scores = [json.loads(line[1:].rstrip(",")) for line in moved if '"psnr"' in line and line[0] == "+"]
    assert [(line[0], len(line[2])) for line in scores] == [
        (f"nlm · photos · gaussian(sigma={s}) · uint8 · seed 0", n) for s in (15, 25, 50) for n in (4, 2)
    ]
    again = [replaced for replaced in suite()]
    assert baseline_text(again[::-1]) == "\n".join([*old, ""]), "order and time of a run change nothing"


def test_it_is_smaller_than_the_export_and_has_shorter_lines() -> None:
    records = read_export(ROOT / "results" / "awgn.parquet")
    export, baseline = export_text(records), baseline_text(records)
    assert len(baseline) < len(export) / 1.9
    assert max(map(len, baseline.splitlines())) < 250 < 2_000 < max(map(len, export.splitlines()))


EXPORTS = ("awgn", "demo", "demo_generate", "demo_classify", "functions", "full")


@pytest.mark.parametrize("name", EXPORTS)
def test_a_gate_says_the_same_of_a_baseline_as_of_the_export_it_was_made_from(tmp_path: Path, name: str) -> None:
    whole = read_export(ROOT / "results" / f"{name}.parquet")
    kept = read_export(stored(whole, tmp_path))
    assert [r.cell.key for r in kept if r.cell.kind == "score"]
    rules = [Rule("r:1", max_latency_rel=1.5)] if any(r.cell.kind == "cost" for r in whole) else []
    assert verdict_values(check(kept, whole, rules)) == verdict_values(check(whole, whole, rules))


def awkward() -> list[Record]:
    """Scores that are infinite or undefined, names that break lines, failed cells, two versions, cells of schema 1."""
    return [
        sealed(record("exact", {"psnr": [math.inf, 30.0, math.nan]}, row_notes=["", "", "too small"])),
        sealed(record(HOSTILE, {"psnr": [1.0, 2.0]}, items=[HOSTILE, "b"])),
        sealed(record("bad", {"psnr": []}, outcome="failed", reason="boom")),
        scored("nlm"),
        scored("nlm", -0.25, source="newer"),
        scored("nlm", dataset="other", n=5),
        scored("identity", seed=3),
        sealed(as_schema_1(scored("old"))),
        sealed(cost_record()),
        sealed(cost_record("gone", outcome="oom", reason="8 GiB")),
    ]


def test_whatever_a_cell_holds_comes_back_with_its_seal(tmp_path: Path) -> None:
    before = awkward()
    found = {one.cell.key: one for one in read_export(stored(before, tmp_path))}
    assert found.keys() == {one.cell.key for one in before}
    for one in before:
        own = found[one.cell.key]
        assert (own.cell.method.display, own.items, own.input_sha256, own.notes) == (
            one.cell.method.display, one.items, one.input_sha256, one.notes,
        )  # fmt: skip
        for metric, values in own.scores.items():
            np.testing.assert_array_equal(values, one.scores[metric])
    assert verdict_values(check(list(found.values()), before)) == verdict_values(check(before, before))


def test_two_exports_of_before_and_a_store_are_baselines_as_they_were(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old.json").write_text(export_text([scored("nlm")]))
    new = stored([scored("nlm")], tmp_path)
    for sides in (("old.json", "b.json"), ("b.json", "old.json")):
        assert main(["check", *(str(tmp_path / side) for side in sides)]) == 0
    assert capsys.readouterr().out.count("no regression: 2 compared, 0 regressions") == 2
    assert main(["check", str(tmp_path / "old.json"), str(new), "--update"]) == 0
    assert (tmp_path / "old.json").read_text() == new.read_text()


def test_an_item_twice_is_no_baseline(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has an item twice: run it again"):
        stored([record("nlm", {"psnr": [1, 2]}, items=["a", "a"])], tmp_path)


# --------------------------------------------------------------------------------------- edited, damaged, hostile


def edited(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return path


def line(document: dict[str, Any], section: str, *start: Any) -> list[Any]:
    return next(one for one in document[section] if one[: len(start)] == list(start))


LABEL = "nlm · photos · gaussian(sigma=25) · uint8 · seed 0"


@pytest.mark.parametrize(
    "change",
    [
        lambda d: line(d, "scores", LABEL, "psnr")[2].update(p000=20.0),
        lambda d: line(d, "parts", "inputs photos · gaussian(sigma=25) · seed 0").__setitem__(2, "0" * 64),
        lambda d: line(d, "parts", "method nlm", "flags", "oracle").__setitem__(3, True),
        lambda d: line(d, "parts", "setting restore score", "metrics", "psnr", "gate", "max_drop").__setitem__(5, 9.0),
        lambda d: line(d, "cells", LABEL, "key").__setitem__(2, "0" * 64),
    ],
)
def test_a_line_that_was_edited_by_hand_does_not_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Any
) -> None:
    base, now = edited(stored([scored("nlm")], tmp_path), change), stored([scored("nlm")], tmp_path, "now.json")
    assert main(["check", str(base), str(now)]) == 3
    assert not missing_from(capsys.readouterr().out, "baseline cell", "edited by hand", "seal")


def deep(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(noisebench_baseline=99), "written by a newer noisebench (layout 99): upgrade to read it"),
        (lambda d: d.update(noisebench_baseline="\n1"), "was written by a newer noisebench"),
        (lambda d: d.pop("scores"), "is damaged (it lacks scores): make it anew with `noisebench check … --update`"),
        (lambda d: d.update(parts={}), "it lacks parts"),
        (lambda d: d["scores"].insert(0, 7), "line 1 of scores is no list of a name and what it has"),
        (lambda d: d["scores"].insert(0, [LABEL, "psnr", 30.0]), "is none of a metric and the scores of items"),
        (lambda d: d["scores"].insert(0, d["scores"][0]), "has psnr of 'p000' twice"),
        (lambda d: d["scores"].pop(0), "has not one psnr for each of its inputs"),
        (lambda d: d["scores"].insert(0, ["new", "psnr", {"a": 1}]), "no line says what 'new' is of"),
        (lambda d: line(d, "scores", LABEL, "psnr")[2].update(p000="x\ny"), "is damaged"),
        (lambda d: line(d, "scores", LABEL, "psnr")[2].update(p000=None), "is NaN and no reason is stored"),
        (lambda d: d["cells"].append([LABEL, "key", "more", 1]), "has both a value and names at 'key'"),
        (lambda d: d["cells"].insert(0, [LABEL, "key", "k"]), "has 'key' twice"),
        (lambda d: d["cells"].insert(0, [LABEL, "key", {"a": 1}]), "is none of names and one value"),
        (lambda d: d["cells"].insert(0, [LABEL, *["x"] * 100, 1]), "is none of names and one value"),
        (lambda d: d["cells"].insert(0, [LABEL, "x", 10**9, 1]), "the places of a list are not 0, 1, 2, …"),
        (lambda d: d["cells"].insert(0, [LABEL, True, 1]), "is none of names and one value"),
        (lambda d: line(d, "cells", LABEL, "of").__setitem__(2, 7), "no names of"),
        (lambda d: line(d, "cells", LABEL, "of")[2].update(method="\x1b"), "there is no method"),
        (lambda d: line(d, "cells", LABEL, "of")[2].update(seed=[1]), "is damaged"),
        (lambda d: d["cells"].remove(line(d, "cells", LABEL, "seal")), "has no seal"),
        (lambda d: d["notes"].insert(0, [LABEL, "why", ["nowhere"]]), "has no item 'nowhere'"),
        (lambda d: d["notes"].insert(0, [LABEL, "why", "p000"]), "is none of a note and its items"),
        (lambda d: d["sets"].insert(0, [LABEL, "fid", {"value": 1.0}]), "there is no set 'fid'"),
        (lambda d: d["parts"].insert(0, deep(100)), "is damaged"),
    ],
)  # fmt: skip
def test_what_is_no_baseline_is_one_line_that_says_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Any, message: str
) -> None:
    base, now = edited(stored([scored("nlm")], tmp_path), change), stored([scored("nlm")], tmp_path, "now.json")
    assert main(["check", str(base), str(now)]) == 2
    said = capsys.readouterr().err
    assert message in said and "b.json" in said and said.count("\n") == 1 and "\x1b" not in said


def test_what_a_merge_left_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = stored([scored("nlm")], tmp_path)
    base.write_text(base.read_text().replace('"cells": [', '<<<<<<< HEAD\n"cells": ['))
    assert main(["check", str(base), str(base)]) == 2
    said = capsys.readouterr().err
    assert not missing_from(said, f"{base} is not", "export") and said.count("\n") == 1


def test_a_baseline_is_no_store_and_says_what_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = stored([scored("nlm")], tmp_path)
    assert main(["store", "ls", str(base)]) == 2
    assert not missing_from(capsys.readouterr().err, f"{base} is an export", "name the store")


def test_a_cell_of_another_environment_keeps_it(tmp_path: Path) -> None:
    other = scored("bm3d", environment={"python": "3.13.0"})
    found = read_export(stored([scored("nlm"), scored("tv"), other], tmp_path))
    assert {one.cell.method.name: one.cell.environment["python"] for one in found} == {
        "bm3d": "3.13.0", "nlm": "3.11.9", "tv": "3.11.9",
    }  # fmt: skip
