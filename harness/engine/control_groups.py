"""Control groups of the kernel (v2): limits of memory and processes that nothing in a method's tree gets around."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
_CURRENT_GROUP = Path("/proc/self/cgroup")
_THREADS = 8
"""Tasks that each process may be, on average: the kernel counts threads."""


def new_group(name: str, memory: int, processes: int) -> Path | None:
    """A group with these limits; None where this process may make none. The watcher of the tree is there anyhow."""
    for place in _places():
        group = place / name
        with suppress(OSError):
            if {"memory", "pids"} <= set((place / "cgroup.subtree_control").read_text().split()):
                group.mkdir()
                with suppress(OSError):
                    (group / "memory.max").write_text(str(memory))
                    (group / "pids.max").write_text(str(processes * _THREADS))
                    for limit, value in (("memory.swap.max", "0"), ("memory.oom.group", "1")):
                        if (group / limit).exists():
                            (group / limit).write_text(value)
                    return group
                group.rmdir()
    return None


def join(group: Path) -> None:
    """Move this process into a group, and all that it will start; the watcher alone limits it where that fails."""
    with suppress(OSError):
        (group / "cgroup.procs").write_text(str(os.getpid()))


def out_of_memory(group: Path) -> bool:
    """Whether the kernel has killed something in a group for its limit of memory."""
    with suppress(OSError, ValueError):
        events = dict(line.split() for line in (group / "memory.events").read_text().splitlines())
        return int(events.get("oom_kill", 0)) > 0
    return False


def remove_group(group: Path) -> None:
    """Remove a group whose processes were killed, which takes the kernel a moment."""
    for _ in range(50):
        with suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.01)


def _places() -> Iterator[Path]:
    """Where a group can be: beside that of this process, or in it."""
    with suppress(OSError):
        lines = _CURRENT_GROUP.read_text().splitlines()
        for place in (line.partition("::/")[2] for line in lines if line.startswith("0::/")):
            yield from dict.fromkeys(((ROOT / place).parent if place else ROOT, ROOT / place))
