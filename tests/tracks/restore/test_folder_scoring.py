"""Folders paired by name, and scored on all cores: the same rows in the same order, the first mistake is told."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from noisebench.boards.signature import explain_signature
from noisebench.cli import main
from noisebench.data.folders import list_files, pair_folders
from noisebench.tracks.restore.folder_scoring import score_folders, side_by_side

N = 7


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    for i in range(N):
        clean = rng.integers(0, 256, (24 + i, 30, 3), dtype=np.uint8)
        for name, picture in (("clean", clean), ("out", clean // 2)):
            (tmp_path / name).mkdir(exist_ok=True)
            nb.write_picture(tmp_path / name / f"{i}.png", picture)
    return tmp_path / "out", tmp_path / "clean"


def test_rows_are_those_of_one_picture_after_another(folders, two_cores):
    out, clean = folders
    rows, sets, _ = score_folders(str(out), str(clean), "uint8", ("psnr", "ssim", "gmsd"))
    assert [row["item"] for row in rows] == [str(i) for i in range(N)] and sets == {}
    for i, row in enumerate(rows):
        one = nb.score(nb.read_picture(out / f"{i}.png"), nb.read_picture(clean / f"{i}.png"), ("psnr", "ssim", "gmsd"))
        assert row["scores"] == one


def test_one_suffix_may_be_a_text(folders: tuple[Path, Path]) -> None:
    assert list_files(folders[0], ".png") == list_files(folders[0], (".png",))
    with pytest.raises(nb.UsageError, match="it holds none of .pngs"):
        list_files(folders[0], ".pngs")


def test_as_many_run_at_once_as_there_are_cores(two_cores):
    both = threading.Barrier(2)

    def job(i: int) -> int:
        both.wait(30)  # passes only where two are here at once
        return i

    assert side_by_side([lambda i=i: job(i) for i in range(6)]) == list(range(6))


def test_one_core_or_one_picture_starts_no_thread(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    assert set(side_by_side([threading.get_ident] * 3)) == {threading.get_ident()}
    monkeypatch.undo()
    assert side_by_side([threading.get_ident]) == [threading.get_ident()]


def test_the_first_mistake_in_order_is_told_and_threads_of_opencv_are_as_before(folders, two_cores):
    import cv2

    out, clean = folders
    for i in (5, 3):
        nb.write_picture(out / f"{i}.png", np.zeros((9, 9), np.uint8))
    before = cv2.getNumThreads()
    with pytest.raises(nb.UsageError, match=r"3\.png is 9x9"):
        score_folders(str(out), str(clean), "uint8", ("psnr",))
    assert cv2.getNumThreads() == before


def test_the_metric_of_a_plugin_is_called_by_one_thread(folders, two_cores):
    seen = set()

    @nb.metric("counts_threads")
    def counts_threads(pair):
        seen.add(threading.get_ident())
        return 0.0

    score_folders(*map(str, folders), "uint8", ("psnr", "counts_threads"))
    assert seen == {threading.get_ident()}


def test_metrics_of_other_packages_are_called_by_one_thread(folders, two_cores, monkeypatch):
    from noisebench.tracks.restore import folder_scoring

    called = []
    monkeypatch.setattr(folder_scoring, "side_by_side", lambda jobs: called.append(len(jobs)) or [j() for j in jobs])
    score_folders(*map(str, folders), "uint8", ("psnr", "torchmetrics(name=TotalVariation)"))
    assert called == []
    score_folders(*map(str, folders), "uint8", ("psnr", "ssim"))
    assert called == [N]


# ---- pairing


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    for side in ("one", "two"):
        (tmp_path / side / "sub").mkdir(parents=True)
    return tmp_path / "one", tmp_path / "two"


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


def test_files_are_paired_by_name_without_ending_in_the_order_of_names(sides):
    one, two = sides
    touch(one, "b.x", "a.b.y", "notes.txt", "sub/a.x")
    touch(two, "a.b.X", "b.x", "c.txt", "sub/a.y")
    assert pair_folders(one, two, (".x", ".y")) == [
        ("a.b", one / "a.b.y", two / "a.b.X"),
        ("b", one / "b.x", two / "b.x"),
    ]
    assert [name for name, _, _ in pair_folders(one, str(two), (".x", ".y"), "**/*")] == ["a.b", "b", "sub/a"]


def test_all_that_is_unmatched_is_told_by_folder(sides):
    one, two = sides
    touch(one, *(f"{i:02d}.x" for i in range(12)), "z.x")
    touch(two, "z.x", "y\n.x")
    with pytest.raises(nb.UsageError) as caught:
        pair_folders(one, two, (".x",))
    listed = ", ".join(f"'{i:02d}'" for i in range(8))
    message = str(caught.value)
    assert message.startswith(f"unmatched files: {listed} and 4 more only in {one}; 'y' only in {two}: ")
    assert message.endswith(" same names")


def test_two_files_of_one_name_are_an_error(sides):
    one, two = sides
    touch(one, "a.x", "a.y")
    touch(two, "a.x")
    with pytest.raises(nb.UsageError, match=r"one has .* 'a' \('a.x', 'a.y'\): keep one"):
        pair_folders(one, two, (".x", ".y"))


def test_a_folder_that_is_none_says_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(nb.UsageError) as caught:
        list_files("gone", (".x",))
    message = str(caught.value)
    assert message.startswith("gone ") and message.endswith(f"not exist (looked in {tmp_path}): check the path")


# ---- the verbs


def test_score_reads_every_form_that_the_dataset_folder_reads(tmp_path, capsys):
    import cv2

    picture = np.arange(144, dtype=np.uint8).reshape(6, 8, 3)
    for side, ending in (("out", ".ppm"), ("clean", ".bmp")):
        (tmp_path / side).mkdir()
        assert cv2.imwrite(str(tmp_path / side / f"a{ending}"), picture)
    assert main(["score", str(tmp_path / "out"), str(tmp_path / "clean"), "--metrics", "psnr"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:3]] == [["picture", "psnr"], ["a", "inf"], ["mean", "inf"]]


def test_a_mean_is_over_the_pictures_that_are_not_identical_with_their_number_beside_it(folders, capsys):
    import json

    out, clean = map(str, folders)
    nb.write_picture(folders[0] / "0.png", nb.read_picture(folders[1] / "0.png"))
    assert main(["score", out, clean, "--metrics", "psnr", "mse", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    first, *others = document["rows"]
    assert first["scores"] == {"psnr": "inf", "mse": 0} and others
    assert document["mean"]["psnr"] == pytest.approx(np.mean([r["scores"]["psnr"] for r in others]), rel=1e-12)
    assert document["identical"] == {"psnr": 1, "mse": 0}
    assert main(["score", out, clean, "--metrics", "psnr"]) == 0
    assert "(1 identical)" in capsys.readouterr().out
    assert document["mean"]["mse"] == pytest.approx(np.mean([r["scores"]["mse"] for r in document["rows"]]), rel=1e-12)


def test_scores_without_any_value_end_with_an_error(folders, capsys):
    out, clean = map(str, folders)
    assert main(["score", out, clean, "--protocol", "y8(border=500)", "--metrics", "psnr"]) == 1
    err = capsys.readouterr().err
    assert "border of the protocol" in err and "no pixel" in err


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (("score", "a", "b"), "track functions cannot score folders"),
        (("explain", "a", "b"), "track functions knows no conventions to explain a pair by"),
    ],
)
def test_a_track_that_has_not_the_verb_says_so_in_one_line(line, says, capsys):
    assert main([*line, "--track", "functions"]) == 2
    message = capsys.readouterr().err
    assert says in message and message.count("\n") == 1


@pytest.mark.parametrize("named", ["link", "pipe"])
def test_a_picture_that_is_no_file_is_named_and_not_passed_over(tmp_path: Path, named: str) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "c.png").mkdir()
    assert list(list_files(tmp_path, [".png"])) == ["a.png"]
    (tmp_path / "b.png").symlink_to("nowhere.png") if named == "link" else os.mkfifo(tmp_path / "b.png")
    with pytest.raises(nb.UsageError, match=r"broken links.*: remove 'b\.png'$"):
        list_files(tmp_path, [".png"])


def test_an_empty_name_is_not_the_folder_one_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(nb.UsageError, match="empty name: give its path"):
        list_files("", [".png"])


def test_the_signature_of_a_score_names_all_metrics_and_can_be_explained(folders: tuple[Path, Path]) -> None:
    out, clean = folders
    *_, signature = score_folders(str(out), str(clean), "y8(border=2)", ("psnr", "gmsd"))
    parts = [(part["part"], part["value"], part["now"]) for part in explain_signature(signature)["parts"]]
    assert parts[:3] == [
        ("metric", "psnr", "same version now"),
        ("metric", "gmsd", "same version now"),
        ("protocol", "y8(border=2)", "same version now"),
    ]
    assert parts[3:] == [("items", f"{N} pictures", ""), ("noisebench", nb.__version__, "this one")]
