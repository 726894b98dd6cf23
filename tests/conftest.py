"""What all tests share: where the data is, and a way to call the program as a user does."""

from __future__ import annotations

import compileall
import gc
import io
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from checkout import DATA, ROOT
from markers import DESCRIPTIONS, SECONDS, ProcessWatch, mark
from warm_python import SHARED, start_engine_warm, warm_folder

# One thread for each process of tests: the suite runs one on each core, and threads that wait for each other are slow.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# A suite that a shell started in the background hears no Ctrl-C, and neither would the commands that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

__all__ = ["DATA", "ROOT", "Run"]

Run = Callable[..., "subprocess.CompletedProcess[str]"]


PROCESSES = ProcessWatch()


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers, compile the package once, and have processes of the engine forked from a warm one."""
    for name, description in DESCRIPTIONS.items():
        config.addinivalue_line("markers", f"{name}: {description} (set by tests/support/markers.py)")
    config.addinivalue_line("markers", f"slow: a case takes longer than {SECONDS} s (listed in tests/slow_tests.txt)")
    # Where Python is asked to write no bytecode, each command of a test would compile the package anew.
    if sys.dont_write_bytecode and not hasattr(config, "workerinput"):
        for folder in ("harness", "methods", "datasets"):
            compileall.compile_dir(ROOT / folder, quiet=2)
    if getattr(config.option, "numprocesses", None):
        os.environ[SHARED] = str(warm_folder())
    start_engine_warm()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """Keep the bytecode of tests, and keep tests out of collections of garbage, each of which would take 0.5 s."""
    asked, sys.dont_write_bytecode = sys.dont_write_bytecode, False
    gc.disable()
    try:
        result = yield
    finally:
        sys.dont_write_bytecode = asked
    gc.collect()
    gc.freeze()
    gc.enable()
    return result


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what a test uses, so that `-m` can choose by it."""
    if isinstance(item, pytest.Function):
        mark(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Let a test start processes where a marker says that it does."""
    PROCESSES.allowed = any(item.get_closest_marker(name) for name in DESCRIPTIONS)
    try:
        return (yield)
    finally:
        PROCESSES.allowed = True


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The global generators as every test finds them: what one draws is the same in any order and on any worker."""
    random.seed(0)
    np.random.seed(0)
    if (torch := sys.modules.get("torch")) is not None:
        # Without a GPU `torch.manual_seed` also formats the stack, for a GPU that may come: a millisecond a test.
        gpu = torch.cuda.is_available() or torch.backends.mps.is_available()
        (torch.manual_seed if gpu else torch.default_generator.manual_seed)(0)


@pytest.fixture
def data_dir() -> Path:
    """The folder of real test sets; skips where it is missing."""
    if not DATA.is_dir():
        pytest.skip(f"no test sets at {DATA}: set NOISEBENCH_DATA")
    return DATA


IN_PROCESS = ("report", "compare", "check", "export", "store", "weights", "why")
"""Verbs that only read a store: called in the process of the test, which saves the start of another one."""


@pytest.fixture
def cli(tmp_path: Path) -> Run:
    """Call `noisebench …` in a folder of its own."""

    def call(
        *args: object, cwd: Path = tmp_path, code: int | None = 0, timeout: float = 240
    ) -> subprocess.CompletedProcess[str]:
        words = [str(arg) for arg in args]
        if words[0] in IN_PROCESS and "--plugin" not in words:
            done = called_here(words, cwd)
        else:
            done = subprocess.run(
                [str(warm_folder() / "noisebench"), *words],
                cwd=cwd, capture_output=True, text=True, timeout=timeout,
                env={**os.environ, "NOISEBENCH_DATA": str(DATA)},
            )  # fmt: skip
        if code is not None:
            assert done.returncode == code, f"exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done

    return call


def called_here(words: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """What a command prints and its exit code, without a process of its own."""
    from noisebench.cli import main

    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with mock.patch.dict(os.environ, NOISEBENCH_DATA=str(DATA)), chdir(cwd), redirect_stdout(out), redirect_stderr(err):
        try:
            code = main(words)
        except SystemExit as error:
            code = int(error.code or 0)
    texts = [stream.buffer.getvalue().decode("utf-8") for stream in (out, err)]  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(words, code, *texts)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of arrays that are made once, in a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "noisebench" / "made"
