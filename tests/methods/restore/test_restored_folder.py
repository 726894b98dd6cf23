"""Restored pictures of somebody else as a method: paired by name, what is missing is listed, nothing is guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.store.reading import read_records

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with three clean pictures, and an empty folder `out`."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "c"):
        put(f"clean/{name}.png", GREY + ord(name) % 5)
    Path("out").mkdir()
    return tmp_path


def put(name: str, picture: Any) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    nb.write_picture(name, picture)


def psnr(pattern: str = "*.png", limit: int | None = None) -> list[float]:
    clean = f"folder(path='clean', pattern={pattern!r})"
    return [
        row["psnr"] for row in nb.evaluate("folder(path='out')", clean, "none", limit=limit, metrics=("psnr",)).rows
    ]


def test_pictures_of_any_depth_and_form_are_paired_by_name():
    put("out/c.npy", ((GREY + ord("c") % 5) / np.float32(255)).astype(np.float32)[:, :, None])
    put("out/b.png", (GREY + ord("b") % 5).astype(np.uint16) * 257)
    put("out/a.PNG".lower(), GREY + ord("a") % 5)
    assert psnr() == [np.inf] * 3


def test_a_grey_level_beside_the_truth_is_a_mean_squared_error_of_one():
    for name in ("a", "b", "c"):
        put(f"out/{name}.png", GREY + ord(name) % 5 + 1)
    assert psnr() == pytest.approx([10 * np.log10(255**2)] * 3, abs=1e-9)


def test_all_that_is_missing_is_listed_before_anything_is_scored():
    put("out/b.png", GREY)
    put("out/x.png", GREY)
    with pytest.raises(nb.UsageError, match=r"no picture named 'a', 'c' in 'out': 2 of 3 missing.*'b.png', 'x.png'"):
        psnr()


def test_what_the_limit_leaves_out_may_be_missing():
    put("out/a.png", GREY + ord("a") % 5)
    assert psnr(limit=1) == [np.inf]


def test_a_name_that_is_there_twice_is_an_error_where_it_is_needed():
    for name in ("a.png", "b.png", "c.png", "c.npy"):
        put(f"out/{name}", GREY)
    with pytest.raises(nb.UsageError, match="two pictures named 'c' in 'out', 'c.npy', 'c.png': keep one"):
        psnr()


def test_pictures_of_a_dataset_that_differ_in_their_ending_are_paired_by_it():
    put("clean/a.npy", GREY + 20)
    put("out/a.png", GREY + ord("a") % 5)
    put("out/a.npy", GREY + 20)
    assert psnr("a.*") == [np.inf, np.inf]


def test_subfolders_of_the_dataset_are_subfolders_of_the_results():
    put("clean/one/p.png", GREY + 3)
    put("clean/two/p.png", GREY + 4)
    put("out/one/p.png", GREY + 3)
    put("out/two/p.npy", ((GREY + 4) / np.float32(255)).astype(np.float32))
    assert psnr("*/*.png") == [np.inf, np.inf]


@pytest.mark.parametrize(
    ("picture", "says"),
    [
        (GREY[1:], "5×8 grey, where 6×8 grey is due"),
        (np.repeat(GREY[:, :, None], 3, 2), "6×8 colour, where 6×8 grey is due"),
    ],
)
def test_a_picture_of_another_size_is_invalid_and_named(picture, says):
    put("out/a.png", picture)
    with pytest.raises(nb.Invalid, match=f"a.png' is {says}"):
        psnr(limit=1)


def test_a_damaged_picture_is_named():
    Path("out/a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(nb.UsageError, match=r"a\.png"):
        psnr(limit=1)


def test_pictures_that_the_dataset_does_not_have_are_noted(cli, here):
    for name in ("a", "b", "c", "other", "z"):
        put(f"out/{name}.png", GREY)
    cli("run", "--methods", "folder(path='out')", "--datasets", "folder(path='clean')", "--regimes", "none")
    (record,) = read_records(here / "nb-store")
    assert record.cell.outcome == "ok"
    (note,) = record.cell.notes
    assert note.startswith("pictures in 'out' ") and note.endswith(": 'other.png', 'z.png'")


@pytest.mark.parametrize(("path", "says"), [("gone", "is not a folder"), ("empty", "has no file that matches")])
def test_a_folder_that_is_none_is_said_before_anything_runs(cli, here, path, says):
    (here / "empty").mkdir()
    spec = f"folder(path={path!r})"
    done = cli("run", "--methods", spec, "--datasets", "folder(path='clean')", "--regimes", "none", code=2)
    assert says in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (here / "nb-store").exists()


def test_there_is_nothing_to_time_and_nothing_to_try(cli):
    put("out/a.png", GREY)
    assert "nothing to try" in cli("doctor", "folder(path='out')").stdout
