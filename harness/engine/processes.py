"""What the engine asks of the operating system: death signals, sub-reaping, trees of processes, their memory."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP = 1, 4, 24
_PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 36, 38
_CAPABILITIES_VERSION = 0x20080522
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LOOKS_INTO_OTHERS = (2, 8, 16, 17, 19, 21, 38, 39, 40)
"""Capabilities by which root sees the memory of others, or gets them back: DAC_READ_SEARCH, SETPCAP, SYS_MODULE,
SYS_RAWIO, SYS_PTRACE, SYS_ADMIN, PERFMON, BPF, CHECKPOINT_RESTORE. DAC_OVERRIDE stays: it opens no memory, and a method
may need it to read its own files."""


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def close_memory(closed: bool = True) -> None:
    """Close this process's memory, descriptors and environment in /proc to all others (Linux); forks inherit it."""
    _prctl(_PR_SET_DUMPABLE, 0 if closed else 1)


def drop_capabilities() -> None:
    """Give up for good what lets root look into other processes (Linux); nobody else has it."""
    if sys.platform != "linux":
        return
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    for capability in _LOOKS_INTO_OTHERS:
        _prctl(_PR_CAPBSET_DROP, capability)
    libc = ctypes.CDLL(None, use_errno=True)
    # Twice effective, permitted, inheritable: of the capabilities 0 to 31 and 32 to 63.
    head, sets = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION, 0), (ctypes.c_uint32 * 6)()
    if libc.capget(head, sets) == 0:
        for capability in _LOOKS_INTO_OTHERS:
            for kind in range(3):
                sets[3 * (capability // 32) + kind] &= ~(1 << capability % 32)
        libc.capset(head, sets)


def keep_freed_memory() -> None:
    """Have glibc keep up to 256 MiB of what is freed for what is allocated next; other libraries of C do nothing.

    To get it from the kernel anew takes a sixth of a short step of a training on a CPU.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_TRIM_THRESHOLD, 256 * 2**20)
        libc.mallopt(_M_MMAP_THRESHOLD, 32 * 2**20)


def close_all_but(kept: int) -> None:
    """Close every descriptor above standard error but one."""
    os.closerange(3, kept)
    os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))


def die_with_parent(sig: int = signal.SIGKILL) -> None:
    """Ask the kernel for `sig` when the parent dies (Linux)."""
    _prctl(_PR_SET_PDEATHSIG, sig)


def adopt_orphans() -> None:
    """Become the parent of every orphaned descendant, however it detached itself (Linux)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def parents() -> dict[int, int]:
    """pid → parent pid of all processes that can be seen (empty without /proc)."""
    by_pid: dict[int, int] = {}
    try:
        names = os.listdir("/proc")
    except OSError:
        return by_pid
    for name in names:
        if name.isdigit():
            with suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", "rb") as file:
                by_pid[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
    return by_pid


def descendants(pid: int) -> list[int]:
    """All living descendants of `pid`."""
    children: dict[int, list[int]] = {}
    for child, parent in parents().items():
        children.setdefault(parent, []).append(child)
    pids: list[int] = []
    todo = [pid]
    while todo:
        for child in children.get(todo.pop(), []):
            pids.append(child)
            todo.append(child)
    return pids


def kill_descendants() -> None:
    """SIGKILL every descendant of this process, and reap them."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:  # orphans come to this process: without a child it has no descendant
            return
        for pid in descendants(os.getpid()):
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)


def kill_child(pid: int) -> None:
    """SIGKILL a child, and wait for its end; nothing where it was reaped already."""
    with suppress(ChildProcessError):
        if not os.waitpid(pid, os.WNOHANG)[0]:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def kill_group(pid: int) -> None:
    """SIGKILL a process that leads its own session, and all that have not left it."""
    for kill in (os.killpg, os.kill):
        with suppress(OSError):
            kill(pid, signal.SIGKILL)


def exit_code(pid: int) -> int | None:
    """How a process ended that its parent has not reaped yet, as `waitstatus_to_exitcode` has it; None if unknown."""
    with suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/stat", "rb") as file:
        state, *_, status = file.read().rpartition(b")")[2].split()
        return os.waitstatus_to_exitcode(int(status)) if state == b"Z" else None
    return None


def used_bytes(pids: Sequence[int], limit: int) -> int:
    """Memory of these processes, in bytes: their own and what they share, each page once, without mapped files.

    Up to the `limit` a sum is good enough that counts pages more than once: the exact one takes longer.
    """
    most = sum(_kilobytes(pid, "status", b"RssAnon:", b"RssShmem:") for pid in pids) * 1024
    if most <= limit:
        return most
    return sum(_kilobytes(pid, "smaps_rollup", b"Pss_Anon:", b"Pss_Shmem:") for pid in pids) * 1024


def _kilobytes(pid: int, name: str, *fields: bytes) -> int:
    with suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/{name}", "rb") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith(fields))
    return 0


def scratch_bytes(pids: Sequence[int], places: Sequence[str]) -> int:
    """What lies in the temporary folders of sandboxed processes and in files of memory that they hold open, in bytes.
    What of it is mapped is counted among their memory too."""
    of_host = {os.stat(place).st_dev for place in places if os.path.isdir(place)}
    folders: dict[int, int] = {}
    files: dict[tuple[int, int], int] = {}
    for pid in pids:
        with suppress(OSError):
            for place in (f"/proc/{pid}/root{name}" for name in places):
                if (device := os.stat(place).st_dev) not in of_host and device not in folders:
                    status = os.statvfs(place)
                    folders[device] = (status.f_blocks - status.f_bfree) * status.f_frsize
            for link in (f"/proc/{pid}/fd/{number}" for number in os.listdir(f"/proc/{pid}/fd")):
                if os.readlink(link).startswith("/memfd:"):
                    file = os.stat(link)
                    files[file.st_dev, file.st_ino] = file.st_blocks * 512
    return sum(folders.values()) + sum(files.values())


def processor_seconds(pids: Sequence[int]) -> float:
    """Processor time of these processes and of the programs that they have waited for."""
    total, tick = 0.0, os.sysconf("SC_CLK_TCK")
    for pid in pids:
        with suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/stat", "rb") as file:
            waited_for = file.read().rpartition(b")")[2].split()[13:15]
            total += time.clock_gettime(~pid << 3 | 2) + sum(map(int, waited_for)) / tick  # clock_getcpuclockid(3)
    return total


def peak_bytes(pids: Sequence[int]) -> int:
    """The most resident memory that each of these processes had since `forget_peak`, added up."""
    return sum(_kilobytes(pid, "status", b"VmHWM:") for pid in pids) * 1024


def forget_peak(pids: Sequence[int]) -> None:
    """Count peaks from now on. Raises OSError where the kernel does not."""
    for pid in pids:
        with open(f"/proc/{pid}/clear_refs", "w") as file:
            file.write("5")
