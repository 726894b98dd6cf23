"""Two folders are scored on all cores: the same rows in the same order, and the first mistake is the one told."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from noisebench.analysis.folders import score_folders, side_by_side

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
