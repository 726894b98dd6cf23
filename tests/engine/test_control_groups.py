"""The limits of control groups by the kernel's own counts, where this process may make a group (cgroup v2, as root)."""

from __future__ import annotations

import mmap
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from noisebench.engine import control_groups

LIMIT = 64 << 20
"""Bytes that the processes of the group may have."""
PROCESSES = 2
FULL, REFUSED = 3, 4
"""Exit codes of a child: it could have all that it took, and the kernel refused it."""


@pytest.fixture
def group() -> Iterator[Path]:
    made = control_groups.new_group(f"noisebench-test-{os.getpid()}", LIMIT, PROCESSES)
    if made is None:
        pytest.skip("no cgroup v2 with memory and pids in which this process may make a group")
    yield made
    with suppress(OSError):
        (made / "cgroup.kill").write_text("1")
    control_groups.remove_group(made)
    assert not made.exists()


def ended(group: Path, act: Callable[[], int]) -> int:
    """How a process in a group ends that does something: its exit code, or minus the signal that killed it."""
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            control_groups.join(group)
            os._exit(act())
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def fill(file: int) -> int:
    for _ in range(2 * LIMIT >> 20):
        os.write(file, bytes(1 << 20))
    return FULL


def fill_memory() -> int:
    kept = [bytearray(os.urandom(1 << 20)) for _ in range(2 * LIMIT >> 20)]
    return FULL if kept else 1


def fill_shared_memory() -> int:
    shared = mmap.mmap(-1, 2 * LIMIT)
    for start in range(0, len(shared), 4096):
        shared[start] = 1
    return FULL


def fill_dev_shm() -> int:
    with open(f"/dev/shm/noisebench-test-{os.getpid()}", "wb", buffering=0) as file:
        os.unlink(file.name)
        return fill(file.fileno())


def fill_memfd() -> int:
    return fill(os.memfd_create("filled"))


def fill_in_children() -> int:
    """Take two thirds of the limit in each of two children, then wait for both."""
    for _ in range(2):
        if os.fork() == 0:
            kept = bytearray(LIMIT * 2 // 3)
            kept[::4096] = b"x" * len(kept[::4096])
            time.sleep(30)
            os._exit(0)
    for _ in range(2):
        os.wait()
    return FULL


@pytest.mark.parametrize("act", [fill_memory, fill_shared_memory, fill_dev_shm, fill_memfd, fill_in_children])
def test_the_kernel_ends_what_takes_more_memory_than_its_group_may(group: Path, act: Callable[[], int]) -> None:
    assert not control_groups.out_of_memory(group)
    assert ended(group, act) == -signal.SIGKILL
    assert control_groups.out_of_memory(group)


def test_what_stays_within_its_group_is_left_alone(group: Path) -> None:
    assert ended(group, lambda: FULL if bytearray(LIMIT // 4) else 1) == FULL
    assert not control_groups.out_of_memory(group)


def test_the_kernel_refuses_more_processes_than_a_group_may_have(group: Path) -> None:
    most = PROCESSES * control_groups._THREADS

    def start_many() -> int:
        for number in range(most):
            try:
                if os.fork() == 0:
                    time.sleep(30)
                    os._exit(0)
            except BlockingIOError:
                return REFUSED if number == most - 1 else 1
        return FULL

    assert ended(group, start_many) == REFUSED
    assert int((group / "pids.current").read_text()) == most - 1


def test_a_group_is_not_left_by_its_processes(group: Path) -> None:
    """A grandchild in a session of its own is still in it."""

    def leave() -> int:
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(30)
            os._exit(0)
        os.wait()
        return FULL

    assert ended(group, leave) == FULL
    assert len((group / "cgroup.procs").read_text().split()) == 1
