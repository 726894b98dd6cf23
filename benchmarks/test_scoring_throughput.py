"""Where scoring should run when all cores are to be used, as pictures a second inside one run.

Three ways to restore and score the same pictures: every cell scores what it restores; a cell scores in a thread
beside the restoring, and half as many cells run; cells restore and send their pictures to the parent, which scores.
The engine does the first: it is the simplest, loses one picture at most when it is killed, and a cell measures its
seconds with no scoring beside it. And folders: one picture after another against a thread for every core.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from queue import Queue

import cv2
import noisebench as nb
import numpy as np
import pytest
from noisebench.tracks.restore.folder_scoring import score_folders, side_by_side

FORK = multiprocessing.get_context("fork")
CORES = max(2, len(os.sched_getaffinity(0)))
SIZE = (512, 512, 3)
EACH = 8
METRICS = ("psnr", "ssim")


@pytest.fixture(autouse=True)
def one_thread():
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(before)


def pictures() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    clean = cv2.resize(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8), SIZE[:2], interpolation=cv2.INTER_CUBIC)
    return (clean / 255 + rng.normal(0, 0.1, clean.shape)).astype(np.float32), clean


NOISY, CLEAN = pictures()


def restore(rounds: int) -> np.ndarray:
    """About as long as scoring for one round."""
    out = NOISY
    for _ in range(rounds):
        out = cv2.GaussianBlur(out, (0, 0), 2.0)
    return out


def cell(rounds: int, n: int) -> None:
    for _ in range(n):
        nb.score(restore(rounds), CLEAN, METRICS)


def cell_with_a_thread(rounds: int, n: int) -> None:
    waiting: Queue[np.ndarray | None] = Queue(1)

    def score() -> None:
        while (out := waiting.get()) is not None:
            nb.score(out, CLEAN, METRICS)

    thread = threading.Thread(target=score)
    thread.start()
    for _ in range(n):
        waiting.put(restore(rounds))
    waiting.put(None)
    thread.join()


def cell_that_sends(rounds: int, n: int, end: Connection) -> None:
    for _ in range(n):
        end.send_bytes(restore(rounds))
    end.close()


def seconds(*targets: Callable[[], None]) -> float:
    children = [FORK.Process(target=target) for target in targets]
    start = time.perf_counter()
    for child in children:
        child.start()
    for child in children:
        child.join()
    return time.perf_counter() - start


def scored_by_cells(rounds: int) -> float:
    return seconds(*[partial(cell, rounds, EACH)] * CORES)


def scored_beside(rounds: int) -> float:
    return seconds(*[partial(cell_with_a_thread, rounds, 2 * EACH)] * (CORES // 2))


def scored_by_parent(rounds: int) -> float:
    ends = [FORK.Pipe(duplex=False) for _ in range(CORES)]
    children = [FORK.Process(target=cell_that_sends, args=(rounds, EACH, write)) for _, write in ends]
    start = time.perf_counter()
    for child in children:
        child.start()

    def receive(end: Connection) -> None:
        for _ in range(EACH):
            out = np.frombuffer(end.recv_bytes(), np.float32).reshape(SIZE)
            nb.score(out, CLEAN, METRICS)

    side_by_side([partial(receive, read) for read, _ in ends])
    for child in children:
        child.join()
    return time.perf_counter() - start


def test_where_cells_are_scored(benchmark):
    """Prints pictures a second; nothing is asserted of time."""
    benchmark.pedantic(lambda: cell(1, 1), rounds=3)
    ways = {"in its cell": scored_by_cells, "beside, half the cells": scored_beside, "in the parent": scored_by_parent}
    print(f"\nrestore and score {SIZE[0]}x{SIZE[1]} RGB on {CORES} cores, best of 5 (median), processor time a picture")
    for rounds in (1, 8):
        taken: dict[str, list[float]] = {name: [] for name in ways}
        busy: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(5):  # interleaved, so that a busy machine is so for all
            for name, way in ways.items():
                before = sum(os.times()[:4])
                taken[name].append(way(rounds))
                busy[name].append(sum(os.times()[:4]) - before)
        total = CORES * EACH
        for name, values in taken.items():
            each = 1e3 * float(np.median(busy[name])) / total
            speed = f"{total / min(values):8.1f} pictures/s  ({total / np.median(values):.1f})"
            print(f"  {rounds} × blur  {name:24}{speed:32}{each:6.1f} ms")


def test_folders_on_all_cores(benchmark, tmp_path, monkeypatch):
    """Prints how many times faster threads are; the rows are the same."""
    for i in range(4 * CORES):
        for name, picture in (("out", NOISY), ("clean", CLEAN)):
            (tmp_path / name).mkdir(exist_ok=True)
            byte = np.clip(np.rint(picture * (255 if name == "out" else 1)), 0, 255).astype(np.uint8)
            nb.write_picture(tmp_path / name / f"{i}.png", byte)
    score = partial(score_folders, str(tmp_path / "out"), str(tmp_path / "clean"), "uint8", METRICS)
    taken: dict[int, list[float]] = {1: [], CORES: []}
    rows = {}
    for _ in range(5):
        for cores, values in taken.items():
            monkeypatch.setattr(os, "sched_getaffinity", lambda _, n=cores: set(range(n)))
            start = time.perf_counter()
            rows[cores] = score()[0]
            values.append(time.perf_counter() - start)
    benchmark.pedantic(score, rounds=1)
    assert rows[1] == rows[CORES]
    one, all_ = 1e3 * min(taken[1]), 1e3 * min(taken[CORES])
    print(f"\nfolder of {4 * CORES} pictures: {one:.0f} ms, on {CORES} cores {all_:.0f} ms: {one / all_:.2f} ×")
