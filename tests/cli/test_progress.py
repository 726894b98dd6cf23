"""How far a long call of a method is: told by `info.progress`, shown on the progress line, and nothing else changes."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import noisebench as nb
import pytest
from noisebench.cli import progress
from noisebench.engine.run import RunOptions, run
from noisebench.store.reading import read_records
from noisebench.suite.suite import Suite

PLUGIN = """
import os
import time
import noisebench as nb


@nb.method("long", layout="hwc")
def long(noisy, info):
    for done in range(1, 4):
        if os.fork() == 0:  # a child says nothing on the line of its parent
            info.progress(99, 99)
            os._exit(0)
        time.sleep(0.7)
        info.replace(sigma=None).progress(done, 3)
        info.progress(50, 50)  # too soon after it: not told
    return noisy + info.rng.normal(size=noisy.shape).astype("float32")


@nb.method("quiet", layout="hwc")
def quiet(noisy, info):
    return noisy + info.rng.normal(size=noisy.shape).astype("float32")
"""


class Diary:
    """A watcher that keeps what it is told of calls."""

    def __init__(self) -> None:
        self.within_items: list[tuple[str, int, int]] = []

    def plan(self, todo: int, stored: int, forecast: str) -> None: ...
    def start(self, cell: Any) -> None: ...
    def item(self, cell: Any, n: int, of: int) -> None: ...
    def message(self, cell: Any, text: str) -> None: ...
    def end(self, cell: Any, outcome: str, reason: str) -> None: ...

    def iteration(self, cell: Any, n: int, of: int) -> None:
        self.within_items.append((cell.method.display, n, of))


def test_a_method_says_how_far_it_is_and_gives_what_it_would_have_given(tmp_path: Path) -> None:
    (tmp_path / "long_plugin.py").write_text(PLUGIN)
    suite = Suite(
        methods=("long", "quiet"), datasets=("gaussian_field(n=1, size=16)",), regimes=("none",),
        plugins=(str(tmp_path / "long_plugin.py"),),
    )  # fmt: skip
    diary = Diary()
    run(suite, tmp_path / "s", RunOptions(jobs=1), diary)
    assert diary.within_items == [("long", 1, 3), ("long", 2, 3), ("long", 3, 3)]
    first, second = read_records(tmp_path / "s")
    assert (
        first.outputs == second.outputs if hasattr(first, "outputs") else first.scores["psnr"] == second.scores["psnr"]
    )


def test_who_hears_changes_no_draw_and_goes_with_what_is_made_of_it() -> None:
    told: list[tuple[int, int]] = []
    info = nb.Info({"sigma": 0.1}, b"key")
    heard = info.heard_by(lambda done, of: told.append((done, of)))
    assert heard.rng.normal() == info.rng.normal()
    heard.replace(sigma=0.2).progress(1, 2)
    heard.stream(3).progress(2, 2)
    info.progress(1, 1)
    assert told == [(1, 2), (2, 2)]
    assert list(heard.each("ab")) == ["a", "b"] and told[2:] == [(0, 2), (1, 2)]
    assert heard.disclosed() == info.disclosed() == {"sigma": 0.1}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    yield now


def test_where_there_is_no_terminal_a_line_is_said_now_and_then(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    parts = {part: SimpleNamespace(display=part) for part in ("method", "dataset", "regime")}
    cell: Any = SimpleNamespace(key="k", kind="score", names={}, **parts)
    lines = progress.Plain()
    lines.start(cell)
    for second in range(0, 100, 5):
        clock[0] = second
        lines.iteration(cell, second, 100)
    assert sys.stderr.getvalue().splitlines() == [
        f"method · dataset · regime: iteration {n} of 100" for n in (30, 60, 90)
    ]


class Terminal(io.StringIO):
    """A terminal that keeps what was written to it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("width", [60, 80, 120])
def test_each_line_on_a_terminal_fits_it_and_has_count_and_message(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    parts = {part: SimpleNamespace(display=part * 9, items=None) for part in ("method", "dataset", "regime")}
    cell: Any = SimpleNamespace(key="k", kind="train", seed=0, names={}, **parts)
    with progress.watcher() as lines:
        lines.plan(2, 0, "")
        lines.start(cell)
        lines.message(cell, "step 400 of 600")
        lines.item(cell, 467, 600)
        lines._progress.refresh()
        lines.end(cell, "ok", "")
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", sys.stderr.getvalue())
    shown = [line.rstrip() for line in text.replace("\r", "\n").splitlines()]
    assert max(map(len, shown)) <= width
    assert any("step 400 of 600" in line and "467/600" in line for line in shown)
    assert any(line.startswith("[1/2] ok training methodmethod") and line.endswith(" s)") for line in shown)
