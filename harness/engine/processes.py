"""What the engine asks of the operating system: death signals, sub-reaping, trees of processes, their memory."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from contextlib import suppress

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def die_with_parent(sig: int = signal.SIGKILL) -> None:
    """Ask the kernel for `sig` when the parent dies (Linux)."""
    _prctl(_PR_SET_PDEATHSIG, sig)


def adopt_orphans() -> None:
    """Become the parent of every orphaned descendant, however it detached itself (Linux)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def parents() -> dict[int, int]:
    """pid → parent pid of all processes that can be seen (empty without /proc)."""
    found: dict[int, int] = {}
    try:
        names = os.listdir("/proc")
    except OSError:
        return found
    for name in names:
        if name.isdigit():
            with suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", "rb") as file:
                found[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
    return found


def descendants(pid: int) -> list[int]:
    """All living descendants of `pid`."""
    children: dict[int, list[int]] = {}
    for child, parent in parents().items():
        children.setdefault(parent, []).append(child)
    found: list[int] = []
    todo = [pid]
    while todo:
        for child in children.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


def kill_all_children(worker: int) -> None:
    """SIGKILL the worker's group and every descendant of this process, and reap them."""
    deadline = time.monotonic() + 10
    while True:
        with suppress(OSError):
            os.killpg(worker, signal.SIGKILL)
        for pid in descendants(os.getpid()):
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        if time.monotonic() > deadline:
            return
        time.sleep(0.002)


def resident_bytes(pids: list[int]) -> int:
    """Resident memory of these processes less what they share with files, in bytes."""
    page = os.sysconf("SC_PAGE_SIZE")
    total = 0
    for pid in pids:
        with suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/statm", "rb") as file:
            fields = file.read().split()
            total += max(0, int(fields[1]) - int(fields[2])) * page
    return total
