"""Results as pandas frames: the numbers of the rows, the same of a store and of its export."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from board_records import record
from msgspec import structs
from noisebench.notebook.frames import frame_of
from noisebench.store.reading import read_records
from warm_python import warm_folder

pandas = pytest.importorskip("pandas")
PLUGIN = """
import noisebench as nb

@nb.method("breaks")
def breaks(noisy, info):
    if breaks.calls:
        raise RuntimeError("no luck")
    breaks.calls += 1
    return noisy

breaks.calls = 0
"""
CELL = ["track", "method", "dataset", "regime", "seed", "protocol", "item"]
ABOUT = ["seconds", "input_sha256", "output_sha256", "note", "outcome", "key"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two methods, two seeds and one cell that failed half-way, and its export."""
    place = tmp_path_factory.mktemp("frames")
    (place / "plugin.py").write_text(PLUGIN)

    def call(*args: str) -> None:
        done = subprocess.run([str(warm_folder() / "noisebench"), *args], cwd=place, capture_output=True, text=True)
        assert done.returncode in (0, 1), done.stderr

    common = ("--datasets", "photos", "--limit", "3", "--store", "s", "--plugin", "plugin.py")
    for seed in ("0", "1"):
        call("run", "--methods", "identity", "gaussian_filter", "breaks", *common, "--seed", seed,
             "--regimes", "gaussian(sigma=25)", "--metrics", "ssim", "psnr")  # fmt: skip
    call("run", "--methods", "identity", *common, "--regimes", "none", "--metrics", "psnr", "mae")
    call("export", "s", "--to", "s.json")
    return place


def test_columns_are_the_cell_the_item_its_metrics_and_what_is_known_of_it(folder: Path) -> None:
    assert list(nb.frame(folder / "s").columns) == [*CELL, "psnr", "ssim", "mae", *ABOUT]


def test_numbers_are_those_of_the_rows(folder: Path) -> None:
    table = nb.frame(folder / "s")
    records = {r.cell.key: r for r in read_records(folder / "s")}
    assert len(table) == sum(len(r.items) for r in records.values())
    for key, rows in table.groupby("key"):
        record = records[key]
        assert list(rows["item"]) == record.items and list(rows["seconds"]) == list(record.seconds)
        for name, values in record.scores.items():
            np.testing.assert_array_equal(rows[name].to_numpy(), values)
        assert set(rows["method"]) == {record.cell.method.display}
        assert set(rows["seed"]) == {record.cell.seed}


def test_a_metric_that_a_cell_has_not_is_nan_and_infinity_stays(folder: Path) -> None:
    table = nb.frame(folder / "s")
    clean = table[table["regime"] == "none"]
    assert np.isinf(clean["psnr"]).all() and clean["ssim"].isna().all() and (clean["mae"] == 0).all()


def test_a_cell_that_failed_gives_the_rows_that_it_has(folder: Path) -> None:
    table = nb.frame(folder / "s")
    assert list(table[table["method"] == "breaks"].groupby("seed").size()) == [1, 1]
    assert set(table[table["method"] == "breaks"]["outcome"]) == {"failed"}


def test_a_store_and_its_export_are_equal_and_together_count_once(folder: Path) -> None:
    store, export = nb.frame(folder / "s"), nb.frame(folder / "s.json")
    pandas.testing.assert_frame_equal(store, export, check_exact=True)
    pandas.testing.assert_frame_equal(store, nb.frame(folder / "s", folder / "s.json"), check_exact=True)


def test_several_sources_stand_together(folder: Path, tmp_path: Path) -> None:
    document = json.loads((folder / "s.json").read_text())
    for name, part in (("a", document["cells"][:3]), ("b", document["cells"][3:])):
        (tmp_path / name).write_text(json.dumps({**document, "cells": part}))
    both = nb.frame(tmp_path / "b", str(tmp_path / "a"))
    pandas.testing.assert_frame_equal(both, nb.frame(folder / "s.json"), check_exact=True)


def test_what_is_no_store_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(nb.UsageError, match=f"^{re.escape(str(tmp_path))} is not .* store: "):
        nb.frame(tmp_path)


def test_nothing_stored_is_an_empty_frame_with_its_columns() -> None:
    assert list(nb.frame().columns) == [*CELL, *ABOUT] and len(nb.frame()) == 0


def test_a_name_that_utf_8_lacks_has_a_column() -> None:
    one = record("nlm", {"psnr": [30.0]}, items=["a\udc00"])
    cell: Any = structs.replace(one.cell, metrics={"psnr\ud800": one.cell.metrics["psnr"]})
    table = frame_of([replace(one, cell=cell, scores={"psnr\ud800": one.scores["psnr"]})])
    assert table["psnr?"].tolist() == [30.0] and table["item"].tolist() == ["a?"]


def test_a_result_has_its_rows_as_a_frame() -> None:
    result = nb.evaluate("identity", limit=2, metrics=("ssim", "psnr"))
    table = result.frame
    assert list(table.columns) == ["item", "ssim", "psnr", "seconds", "input_sha256", "output_sha256", "note"]
    assert table.to_dict("records") == [{name: row[name] for name in table.columns} for row in result.rows]
    assert table["psnr"].mean() == pytest.approx(result.psnr, rel=1e-15)


def test_pandas_is_imported_when_it_is_used_and_not_before() -> None:
    code = "import noisebench as nb, sys; nb.evaluate; nb.Result; nb.frame; print('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_a_frame_is_refused_in_one_line_where_pandas_is_not_installed(monkeypatch) -> None:
    result = nb.evaluate("identity", limit=1)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(nb.UsageError, match=r'^a frame .* pandas: pip install "noisebench\[pandas\]"$'):
        _ = result.frame
