"""Files that others wrote, and disks that cannot be written: one line, exit code 2, nothing lost."""

from __future__ import annotations

import errno
import json
import math
import os
import struct
import sys
import zlib
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from noisebench.cli import main
from noisebench.data.disk import DiskFull, noticing_full_disk
from noisebench.statistics.paired_tests import keyed_rng
from noisebench.store.export import export_text, read_export
from noisebench.testing import throwaway
from read_only_disk import read_only
from stored_cells import why_no_cell

ROOT = Path(__file__).resolve().parents[2]
DEEP = "[" * 100_000
READ = (["check", "bad.json", "bad.json"], ["compare", "bad.json", "bad.json"], ["report", "bad.json", "--to", "board"],
        ["export", "bad.json", "--to", "again.json"], ["reproduce", "--from", "bad.json"])  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no reader refused comes out as it was raised."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOISEBENCH_DEBUG", "1")


@pytest.fixture(scope="module")
def export() -> dict[str, Any]:
    """A score and a cost of the committed results with one picture, without the seal that would name every change."""
    document = json.loads(export_text(read_export(ROOT / "results" / "demo.parquet")))
    cells = {e["cell"]["kind"]: {k: v for k, v in e.items() if k != "seal"} for e in document["cells"]}
    cells["score"]["panel"] |= {"clean": "0", "noisy": "0", "restored": "0"}
    return {**document, "cells": [cells["score"], cells["cost"]], "pictures": document["pictures"][:1]}


def refused(args: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a verb ends with, and that its exit code is 2."""
    assert main(args) == 2, args
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1, err
    return err


# -------------------------------------------------------------------------------------------------- exports


@pytest.mark.parametrize("args", READ, ids=lambda args: args[0])
@pytest.mark.parametrize(
    "text",
    [DEEP, '{"noisebench_export": 2, "pictures": [], "cells": ' + DEEP, "", "\0", "7", "[]"],
    ids=["deep", "deep cells", "empty", "binary", "number", "list"],
)
def test_what_is_no_export_is_refused_by_every_verb(
    capsys: pytest.CaptureFixture[str], args: list[str], text: str
) -> None:
    Path("bad.json").write_text(text)
    message = refused(args, capsys)
    assert "bad.json is not " in message and "`noisebench export STORE --to FILE`" in message
    assert os.listdir() == ["bad.json"]


@pytest.mark.parametrize("args", READ, ids=lambda args: args[0])
def test_a_cell_without_its_method_is_refused_by_every_verb(
    export: dict[str, Any], capsys: pytest.CaptureFixture[str], args: list[str]
) -> None:
    document = deepcopy(export)
    del document["cells"][1]["cell"]["method"]
    Path("bad.json").write_text(json.dumps(document))
    assert "bad.json: cell number 2 is damaged (method is missing): export it again" in refused(args, capsys)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document, of lists the first."""
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, one in inside:
        yield from places(one, (*path, key))


GONE = object()


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The document with another value at a place; what is not on the way is shared."""
    key, *rest = path
    copy = document.copy()
    if rest:
        copy[key] = changed(document[key], tuple(rest), value)
    elif value is GONE:
        del copy[key]
    else:
        copy[key] = value
    return copy


@pytest.mark.parametrize(
    "value",
    [None, True, -1, 0, 1.5, 10**19, math.nan, "\ud800\x1b[31m", [7], {"a": {"b": [{}]}}, GONE],
    ids=["null", "true", "minus", "zero", "half", "huge", "nan", "text", "list", "names", "gone"],
)
@pytest.mark.parametrize("which", [0, 1], ids=["score", "cost"])
def test_whatever_one_field_holds_check_and_compare_answer_in_words(
    export: dict[str, Any], capsys: pytest.CaptureFixture[str], value: Any, which: int
) -> None:
    entry = export["cells"][which]
    for path in places({**entry, "rows": entry["rows"][:1]}):
        document = {**export, "cells": [changed(entry, path, value)]}
        Path("bad.json").write_text(json.dumps(document))
        # A side against itself: nothing of it can be a regression.
        code = main(["check", "bad.json", "bad.json"])
        out, err = capsys.readouterr()
        assert code in (0, 2, 3), path
        assert code != 2 or len(err.splitlines()) == 1, (path, err)
        assert "\x1b" not in out + err


@pytest.mark.parametrize(("part", "name", "value", "why"), [
    ("method", "flags", {"trained_on": 7}, "trained_on: a list, not 7"),
    ("environment", "packages", [1], "packages: names with values, not list"),
    ("metrics", "psnr", {"version": 1, "higher": True, "unit": "dB", "decimals": 10**9}, "from 0 to 20, not 10"),
    ("dataset", "items", 2**70, "a whole number below 2**63"),
    ("environment", "nested", json.loads("[" * 40 + "]" * 40), "nested more than 32 deep"),
])  # fmt: skip
def test_a_mistake_is_named_by_its_place(export: dict[str, Any], part: str, name: str, value: Any, why: str) -> None:
    cell: dict[str, Any] = export["cells"][0]["cell"]
    assert why_no_cell(cell) is None
    told = why_no_cell({**cell, part: {**cell[part], name: value}})
    assert told is not None and why in told


@pytest.mark.parametrize(("place", "value", "why"), [
    (5, True, "a whole number, not True"), (5, "nan", "a whole number, not 'nan'"), (5, 10**400, "below 2**63"),
    (0, 7, "is no text"), (4, [], "not list"),
])  # fmt: skip
def test_a_row_that_holds_no_number_is_named(
    export: dict[str, Any], capsys: pytest.CaptureFixture[str], place: int, value: Any, why: str
) -> None:
    document = deepcopy(export)
    document["cells"][0]["rows"][1][place] = value
    with_digits = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    Path("bad.json").write_text(json.dumps(document))
    sys.set_int_max_str_digits(with_digits)
    told = refused(["check", "bad.json", "bad.json"], capsys)
    assert "cell number 1 is damaged (row 2: " in told and why in told


def test_a_name_that_utf_8_lacks_keys_a_draw_as_any_other() -> None:
    assert keyed_rng("\ud800 a").random() != keyed_rng("\ud800 b").random()


def test_an_export_to_a_read_only_disk_is_one_line(export: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    Path("e.json").write_text(json.dumps(export))
    Path("closed").mkdir()
    with read_only(Path("closed")):
        assert main(["export", "e.json", "--to", "closed/e.json"]) == 2
        assert "closed/e.json cannot be written (Read-only file system)" in capsys.readouterr().err


def test_deeply_nested_rules_are_refused(export: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.json").write_text(json.dumps(export))
    Path("rules.yaml").write_text("[" * 5000)
    assert "rules.yaml" in refused(["check", "bad.json", "bad.json", "--rules", "rules.yaml"], capsys)


def test_a_store_whose_mark_is_nested_deeply_is_damaged(capsys: pytest.CaptureFixture[str]) -> None:
    Path("s").mkdir()
    Path("s/store.json").write_text(DEEP)
    for args in (["report", "s"], ["store", "gc", "s"], ["store", "verify", "s"], ["why", "s"], ["check", "s", "s"]):
        assert "s/store.json is damaged" in refused(args, capsys)


def test_what_nobody_foresaw_is_one_line_and_no_regression(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(path: Path) -> None:
        raise RuntimeError("nobody\nforesaw this")

    monkeypatch.delenv("NOISEBENCH_DEBUG")
    monkeypatch.setattr("noisebench.store.reading.read_every", broken)
    Path("b.json").write_text("{}")
    assert "nobody" in refused(["check", "b.json", "b.json"], capsys)


# ---------------------------------------------------------------------------------------------- closed disks


def test_an_update_on_a_read_only_disk_is_one_line_and_no_regression(
    export: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    good = json.loads(export_text(read_export(ROOT / "results" / "demo.parquet")))
    scored = [one for one in good["cells"] if one["cell"]["kind"] == "score" and one["cell"]["outcome"] == "ok"]
    Path("now.json").write_text(json.dumps({**good, "cells": scored[:1]}))
    Path("base").mkdir()
    Path("base/b.json").write_text(Path("now.json").read_text())
    with read_only(Path("base")):
        told = refused(["check", "base/b.json", "now.json", "--update"], capsys)
        assert "base/b.json cannot be written (Read-only file system)" in told
        told = refused(["check", "base/b.json", "now.json", "--to", "base/out"], capsys)
        assert "base/out" in told and "Read-only file system" in told


LOUD = """
import noisebench as nb

@nb.method("loud")
def loud(noisy, info):
    open("called", "w").close()
    return noisy
"""
RUN = ["run", "--methods", "loud", "--plugin", "loud.py", "--datasets", "gaussian_field(n=2, size=16)", "--regimes",
       "none"]  # fmt: skip


def test_a_read_only_store_is_found_before_a_method_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    throwaway(tmp_path, "", loud=LOUD)
    assert main([*RUN, "--store", "s", "--metrics", "psnr"]) == 0
    Path("called").unlink()
    capsys.readouterr()
    with read_only(Path("s")):
        for store in ("s", "s/new"):
            told = refused([*RUN, "--store", store], capsys)
            assert f"store {store}: " in told and "cannot be written (Read-only file system)" in told
            assert not Path("called").exists()
        assert main([*RUN, "--store", "s", "--metrics", "psnr"]) == 0, "nothing is to be run, so nothing to be written"
        capsys.readouterr()
        assert "cannot be written (Read-only file system)" in refused(["store", "gc", "s"], capsys)


def test_a_part_of_a_run_of_which_all_is_stored_needs_no_store_that_can_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    throwaway(tmp_path, "", loud=LOUD)
    part = [*RUN, "--store", "s", "--shard", "1/1"]
    assert main([*RUN, "--store", "s"]) == 0
    capsys.readouterr()
    with read_only(Path("s")):
        assert main(part) == 0 and "1 cell: 1 ok (0 run now)" in capsys.readouterr().out
        told = refused([*part, "--metrics", "mse"], capsys)
    assert "store s: " in told and "cannot be written (Read-only file system)" in told
    assert main(part) == 0 and Path("s/shards/1.json").is_file()


@pytest.mark.parametrize("kind", ["number", "effect"])
def test_no_claim_is_called_not_available_because_of_a_read_only_store(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("closed").mkdir()
    with read_only(Path("closed")):
        told = refused(["reproduce", "--kind", kind, "--store", "closed/s"], capsys)
    assert "store closed/s: " in told and "closed cannot be written (Read-only file system)" in told


def test_gc_says_removed_only_of_what_is_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "s" / "cells" / "aa" / ".tmp-1"
    kept.mkdir(parents=True)
    Path("s/store.json").write_text('{"schema": 2, "sealed": true}')
    with read_only(kept.parent):
        assert main(["store", "gc", "s"]) == 2
        out, err = capsys.readouterr()
        assert "removed" not in out and ".tmp-1 cannot be written" in err and kept.exists()
    assert main(["store", "gc", "s"]) == 0
    assert not kept.exists()


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC])
def test_a_disk_that_takes_no_more_is_no_failure_of_the_method(number: int) -> None:
    with pytest.raises(DiskFull, match="place"), noticing_full_disk(Path("place")):
        raise OSError(number, os.strerror(number))


# ------------------------------------------------------------------------------------ pictures and terminals


@pytest.mark.parametrize("side", [1025, 20_000])
def test_a_stored_crop_of_very_many_pixels_is_none(side: int) -> None:
    from noisebench.tracks.restore.report.stored_crops import decode, stored_pixels

    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", side, 8, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes((side + 1) * 8))
    parts = (head[12:], b"IDAT" + body, b"IEND")
    png = head[:8] + b"".join(
        struct.pack(">I", len(one) - 4) + one + struct.pack(">I", zlib.crc32(one)) for one in parts
    )
    assert decode(png) is None and stored_pixels(png) is None


def test_json_on_a_terminal_spells_what_is_not_printable(capsys: pytest.CaptureFixture[str]) -> None:
    from noisebench.cli.options import print_json

    print_json({"a\x9b": "\u202eé中\x1b"})
    said = capsys.readouterr().out
    assert json.loads(said) == {"a\x9b": "\u202eé中\x1b"} and "é中" in said
    assert all(c.isprintable() or c == "\n" for c in said)
