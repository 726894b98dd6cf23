"""The process that planning and cells are forked from: what they need, such as torch, is imported there, never run."""

from __future__ import annotations

import gc
import importlib
import json
import os
import re
import select
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

from ..components.registry import NAMED_KINDS, RECIPE_KINDS, Registry, registry
from ..components.tracks import known_track
from ..text.extras import absent_extra
from . import processes
from .messages import Event, next_job, send_job
from .method_process import serve, use_threads
from .planning_process import reply
from .supervisor import MethodEnd, Scorer, become_method, print_to, ready_to_supervise, supervise
from .worker import work

_LINE = 3500
_POLL = 0.005
_NAME = re.compile(r"[A-Za-z_]\w*")
_PRELOAD = ("numpy", "pyarrow.parquet", "pydantic.type_adapter")


@dataclass(frozen=True)
class _Pair:
    """A supervisor and its scorer, which run one cell after another. Jobs go down the line, a byte comes back."""

    supervisor: int
    scorer: int
    line: socket.socket


def main(track: str) -> Callable[[], NoReturn] | None:
    """Read JSON lines from standard input: a request to plan, modules to preload, and jobs, each of which is given to a
    pair. Answers and events are written as JSON lines.

    Returns None when the run is over; and in a fork what it is to do, so that it has no job on its stack.
    """
    processes.die_with_parent(signal.SIGTERM)
    processes.close_memory()
    sys.path.append(os.getcwd())  # last, so that no file there hides a library's
    events = os.dup(1)
    os.dup2(2, 1)
    os.set_inheritable(events, False)
    idle: list[_Pair] = []
    busy: dict[_Pair, int] = {}
    pending = b""
    while True:
        lines = {pair.line.fileno(): pair for pair in (*busy, *idle)}
        ready, _, _ = select.select([0, *lines], [], [])
        for pair in (lines[fd] for fd in ready if fd in lines):
            alive = _is_released(pair)
            if not alive:
                _reap(pair)
                idle = [other for other in idle if other is not pair]
            if pair in busy:
                send(events, {"event": "gone", "id": busy.pop(pair)})
                idle += [pair] if alive else []
        if 0 in ready:
            data = os.read(0, 65_536)
            if not data:
                break
            *texts, pending = (pending + data).split(b"\n")
            for text in texts:
                message = json.loads(text)
                if "verb" in message:
                    import_named(message["suite"], track)
                    planner = os.fork()
                    if planner == 0:
                        return partial(_plan, message, events)
                    if (code := _ended(planner)) is None:
                        return None
                    send(events, {"event": "planned", "code": code})
                    continue
                if "preload" in message:
                    preload(track, message["preload"])
                    continue
                if not idle:
                    pair_or_task = _new_pair(events, [other.line for other in busy])
                    if not isinstance(pair_or_task, _Pair):
                        return pair_or_task
                    idle.append(pair_or_task)
                pair = idle.pop()
                busy[pair] = message["id"]
                with suppress(OSError):  # it has ended, which is heard next
                    send_job(pair.line, text)
    for pair in (*busy, *idle):
        pair.line.close()
        os.kill(pair.supervisor, signal.SIGTERM)
    for pair in (*busy, *idle):
        _reap(pair)
    return None


def import_named(suite: Mapping[str, Any], track: str) -> None:
    """Import the built-in components that a suite names, with those that they take by default.

    What cannot be imported, the planner will say. Components of plug-ins are imported in forks alone.
    """
    from pydantic import TypeAdapter

    TypeAdapter(int)  # the first imports more, and looks for plug-ins of pydantic: each fork would
    kinds = [registry(kind, track) for kind in (*NAMED_KINDS, *RECIPE_KINDS)]
    built_in: list[tuple[Registry, frozenset[str]]] = []
    with suppress(Exception):  # of a track that is not known
        built_in = [(kind, kind.built_in()) for kind in kinds]
    texts = [json.dumps(suite)]
    seen: set[str] = set()
    while texts:
        named = set(_NAME.findall(texts.pop())) - seen
        seen |= named
        for kind, names in built_in:
            for name in sorted(named & names):
                with suppress(Exception):
                    texts += [default for _, default in kind.get(name).params.values() if isinstance(default, str)]


def _plan(request: dict[str, Any], events: int) -> NoReturn:
    """Answer a request, in a fork of its own."""
    processes.die_with_parent()
    processes.close_memory(False)
    reply(request, events)
    os._exit(0)


def _ended(planner: int) -> int | None:
    """The exit code of the planner, once it has ended; None where the run is over before that, and it is killed."""
    while True:
        pid, status = os.waitpid(planner, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        if select.select([0], [], [], _POLL)[0]:  # nothing is sent until the plan is there: it was closed
            os.kill(planner, signal.SIGKILL)
            os.waitpid(planner, 0)
            return None


def _is_released(pair: _Pair) -> bool:
    """Whether the supervisor says that it is done, and has not ended itself."""
    try:
        return bool(pair.line.recv(1))
    except OSError:
        return False


def _reap(pair: _Pair) -> None:
    """Wait for the supervisor to end, and end its scorer."""
    os.waitpid(pair.supervisor, 0)
    processes.kill_group(pair.scorer)
    os.waitpid(pair.scorer, 0)


def _new_pair(events: int, others: Sequence[socket.socket]) -> _Pair | Callable[[], NoReturn]:
    """Fork a scorer and a supervisor; in each fork, what it is to do."""
    ours, line = socket.socketpair()
    near, far = socket.socketpair()
    printed, output = os.pipe()
    scorer = os.fork()
    if scorer == 0:
        _close(ours, line, near, *others)
        os.close(printed)
        return partial(score_jobs, events, far, output)
    supervisor = os.fork()
    if supervisor == 0:
        _close(ours, far, *others)
        return partial(supervise_jobs, events, line, Scorer(scorer, near, printed, output))
    _close(line, near, far)
    os.close(printed)
    os.close(output)
    return _Pair(supervisor, scorer, ours)


def _close(*sockets: socket.socket) -> None:
    for one in sockets:
        one.close()


def preload(track: str, modules: Sequence[str]) -> None:
    """Import what cells of a track need, and `modules`, so that a fork starts at once."""
    known = known_track(track)
    for name in (*_PRELOAD, *(known.preload if known is not None else ()), *modules):
        try:
            importlib.import_module(name)
        except ImportError as error:
            if not absent_extra(error):
                raise
    gc.collect()
    gc.freeze()


def send(fd: int, message: dict[str, Any]) -> None:
    """One JSON line, short enough to be written in one piece."""
    data = json.dumps(message).encode()
    if len(data) > _LINE:
        data = json.dumps({**message, "reason": "…", "message": "…"}).encode()[:_LINE]
    os.write(fd, data + b"\n")


def supervise_jobs(events: int, line: socket.socket, scorer: Scorer) -> NoReturn:
    """Run what comes down the line, until it closes or the scorer is spent; and each method, in its own fork."""
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nowhere, 0)
        os.close(nowhere)
        end = _run_jobs(events, line, scorer)
        if end is not None:
            line.close()
            scorer.line.close()
            serve(become_method(end))
    except BaseException:
        if os.environ.get("NOISEBENCH_DEBUG"):
            import traceback

            traceback.print_exc()
    os._exit(0)


def _run_jobs(events: int, line: socket.socket, scorer: Scorer) -> MethodEnd | None:
    """Run what comes down the line. Returns in the fork that is to be a method's process."""
    ready_to_supervise()
    while scorer.sound and (got := next_job(line)) is not None:
        job, _ = got
        tell = partial(_tell, events, job.id)
        tell({"event": "began"})
        try:
            end = supervise(job, tell, line.fileno(), scorer)
        except BaseException as error:
            tell({"event": "broken", "message": f"{type(error).__name__}: {error}"[:1000]})
            raise
        if end is not None:
            return end
        if scorer.sound:
            line.sendall(b".")
    return None


def score_jobs(events: int, line: socket.socket, output: int) -> NoReturn:
    """Score the cells that come down the line, until it closes."""
    try:
        processes.die_with_parent(signal.SIGKILL)
        os.setsid()
        print_to(output)
        while (got := next_job(line)) is not None:
            job, descriptors = got
            channel = socket.socket(fileno=descriptors[0]) if descriptors else None
            use_threads(job.threads)
            line.sendall(work(job, partial(_tell, events, job.id), channel))
    except BaseException:
        import traceback

        with suppress(Exception):
            os.write(2, traceback.format_exc()[-2000:].encode())
        os._exit(1)
    os._exit(0)


def _tell(events: int, number: int, message: Event) -> None:
    send(events, {"id": number, **message})


if __name__ == "__main__":
    if (fork := main(sys.argv[1])) is not None:
        fork()
    sys.exit(0)
