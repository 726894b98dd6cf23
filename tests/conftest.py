"""What all tests share: where the data is, and a way to call the program as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# One thread for each process of tests: the suite runs one on each core, and threads that wait for each other are slow.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("NOISEBENCH_DATA", ROOT.parent / "shared" / "data"))

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def data_dir() -> Path:
    """The folder of real test sets; skips where it is missing."""
    if not DATA.is_dir():
        pytest.skip(f"no test sets at {DATA}: set NOISEBENCH_DATA")
    return DATA


@pytest.fixture
def cli(tmp_path: Path) -> Run:
    """Call `noisebench …` in a folder of its own."""

    def call(
        *args: object, cwd: Path = tmp_path, code: int | None = 0, timeout: float = 240
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "noisebench", *map(str, args)],
            cwd=cwd, capture_output=True, text=True, timeout=timeout,
            env={**os.environ, "NOISEBENCH_DATA": str(DATA)},
        )  # fmt: skip
        if code is not None:
            assert done.returncode == code, f"exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done

    return call


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of arrays that are made once, in a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "noisebench" / "made"
