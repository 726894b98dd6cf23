"""Memory that a training frees is kept for its next step: the kernel is not asked for it again."""

from __future__ import annotations

import subprocess
import sys

import pytest

_FAULTS = """
import sys
import numpy as np
from resource import RUSAGE_SELF, getrusage
from noisebench.engine.processes import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
def work():
    held = [np.ones(2**17) for _ in range(4)]
    return sum(map(len, held))
work()
before = getrusage(RUSAGE_SELF).ru_minflt
for _ in range(50):
    work()
print(getrusage(RUSAGE_SELF).ru_minflt - before)
"""


def _faults(how: str) -> int:
    return int(subprocess.run([sys.executable, "-c", _FAULTS, how], capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is told so")
def test_what_is_freed_is_not_asked_of_the_kernel_again() -> None:
    # 50 times 4 MiB are 51,200 pages.
    assert _faults("keep") < 2_000
