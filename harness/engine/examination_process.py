"""Try a method in processes of their own: `-m noisebench.engine.examination_process OUT S TRACK METHOD REGIME [FILE…]`.

One tries it, and appends JSON lines to the file OUT, one before and one after each check, so that it is known where a
method ended the process or hung. The other watches it for S seconds, with all that it starts, and says how it ended.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from ..components.plugins import load_plugin
from ..components.registry import bind
from ..components.tracks import get_track
from ..planning.needs import refuse_unknown_needs
from ..text.errors import UsageError, one_line
from ..track.examination import Examines
from . import processes
from .examination import examine_on_items
from .method_process import limit_data
from .supervisor import Stopped, ready_to_supervise

MEMORY = min(16 * 2**30, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
"""Bytes that a method may take, with all that it starts: inputs are tiny."""
MOST = 128
"""Processes that a method may have started at once."""
_LOOK = 0.05


def main(out: str, seconds: str, *asked: str) -> None:
    """Have a child try the method, and end it with all its offspring where it takes too much of anything."""
    with suppress(Stopped):
        ready_to_supervise()
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            processes.die_with_parent()
            os.setsid()
            limit_data(MEMORY)
            track, method, regime, *plugins = asked
            examine(out, track, method, regime, plugins)
            return
        try:
            stopped = _watched(child, float(seconds))
            end = processes.exit_code(child) if not stopped else None
        finally:
            processes.kill_group(child)
            processes.kill_descendants()
        with Path(out).open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps({"stopped": stopped, "end": end}) + "\n")


def _watched(child: int, seconds: float) -> str:
    """Wait for the end of a child. Returns what it took too much of, and an empty text where it ended by itself."""
    ended, deadline = os.pidfd_open(child), time.monotonic() + seconds
    try:
        while not select.select([ended], [], [], _LOOK)[0]:
            tree = processes.descendants(os.getpid())
            if len(tree) - 1 > MOST:
                return f"took more than {MOST} processes"
            if processes.used_bytes(tree, MEMORY) > MEMORY:
                return f"took more than {MEMORY / 2**30:.3g} GiB"
            if time.monotonic() > deadline:
                return f"still running after {seconds:g} s"
    finally:
        os.close(ended)
    return ""


def examine(out: str, track: str, method: str, regime: str, plugins: Sequence[str]) -> None:
    """Try the method: findings as JSON lines in the file `out`."""
    pid = os.getpid()
    with Path(out).open("a", encoding="utf-8") as file:

        def tell(**line: Any) -> None:
            if os.getpid() != pid:  # a method forked, and its child came back: it must not go on too
                os._exit(1)
            file.write(json.dumps(line) + "\n")
            file.flush()

        tell(trying="reading the method")
        try:
            for plugin in plugins:
                load_plugin(plugin)
            field_of_work = get_track(track)
            bound = bind(method, "method", track)
            refuse_unknown_needs(bound, field_of_work)
            if regime:
                bind(regime, "regime", track)
        except UsageError as error:
            tell(usage=one_line(error))
            return
        tries = (
            field_of_work.examine if isinstance(field_of_work, Examines) else partial(examine_on_items, field_of_work)
        )
        for finding in tries(bound, lambda name: tell(trying=name), regime):
            tell(finding=asdict(finding))
        tell(done=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
