"""The process of one method: it answers the scorer's questions, and holds neither truth, nor rows, nor the store."""

from __future__ import annotations

import importlib
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn, TypedDict

from ..components.plugins import described_at, load_plugin
from ..components.registry import Bound, bind
from ..components.tracks import get_track
from ..store.cell_json import plain_values
from ..text.errors import Invalid, NotFinite, Skip, UsageError, message_of, one_line, text_of, with_item
from ..text.extras import absent_extra, needs_packages
from ..track.attacks import Differentiates
from ..track.calling import call_all_on, items_together
from ..track.posed_case import Case
from ..track.runner import used_device
from ..track.runner_protocol import Runner
from ..track.track_protocol import Track
from ..training.checkpoint import give_checkpoints
from . import processes
from .channel import HungUp, answer, hear
from .messages import Ending
from .opened_files import noticing_opened_files, seen_files

if TYPE_CHECKING:
    from .training_process import Start

_PROGRESS_EVERY = 0.5
"""Seconds between two words on how far a call is, at least."""
THREADED = {"torch": "set_num_threads", "cv2": "setNumThreads"}
"""Libraries with threads of their own, and how they are told how many they may use."""


class Task(TypedDict):
    """What the method's process is told of its cell. `trained`: where the checkpoint of each recipe lies."""

    track: str
    method: str
    plugins: list[str]
    device: str
    threads: int
    folders: dict[str, str]
    trained: dict[str, str]


class Opened(TypedDict):
    """What comes of the set-up: its seconds, the device that the method works on, and how many items go into a call."""

    seconds: float
    device: str
    together: int


def serve(channel: socket.socket) -> NoReturn:
    """Answer until the scorer hangs up; the process ends here whatever happens."""
    pid = os.getpid()
    verbs: dict[str, Callable[..., Any]] = {
        "open": lambda task: _open(task, verbs, _progress_to(channel)),
        "measure": _measure,
        "train": lambda task, start: _train(task, start, verbs),
    }
    while True:
        try:
            try:
                verb, *words = hear(channel)
                reply: dict[str, Any] = {"value": verbs[verb](*words)}
            except HungUp:
                raise
            except BaseException as error:
                reply = {"end": plain_values(ending_of(error))}
            if (seen := seen_files()) is not None:
                reply["opened"] = seen
            if os.getpid() != pid:  # a method forked, and its child came back: it must not answer too
                os._exit(1)
            try:
                answer(channel, reply)
            except Invalid as error:
                answer(channel, {"end": plain_values(ending_of(error))})
        except BaseException:
            os._exit(0)


def _progress_to(channel: socket.socket) -> Callable[[int, int], None]:
    """What tells the scorer how far a long call is, now and then; a child of the method's process says nothing."""
    pid, sent_at = os.getpid(), time.monotonic()

    def tell(done: int, of: int) -> None:
        nonlocal sent_at
        if time.monotonic() - sent_at < _PROGRESS_EVERY or os.getpid() != pid:
            return
        sent_at = time.monotonic()
        try:
            answer(channel, {"progress": [int(done), int(of)]})
        except HungUp:
            os._exit(0)

    return tell


def _open(task: Task, verbs: dict[str, Callable[..., Any]], tell: Callable[[int, int], None]) -> Opened:
    """Import the method and set it up; then `verbs` has what it can be asked."""
    with noticing_opened_files(task["folders"]):
        runner = _loaded(task)
        start = time.perf_counter()
        runner.setup(task["device"])
        setup = time.perf_counter() - start
    device = used_device(runner, task["device"])
    verbs["expect"] = runner.expect

    def call_all(cases: Sequence[Case]) -> list[dict[str, Any]]:
        with noticing_opened_files(task["folders"]):
            telling = [replace(case, info=case.info.heard_by(tell)) for case in cases]
            called = call_all_on(runner, telling, device)
        return [{"output": output, "seconds": seconds, "notes": notes} for output, seconds, notes in called]

    def differentiate(cases: Sequence[Case]) -> Any:
        with noticing_opened_files(task["folders"]):
            return runner.differentiate(cases) if isinstance(runner, Differentiates) else None

    verbs["call"], verbs["call_all"], verbs["differentiate"] = lambda case: call_all([case])[0], call_all, differentiate
    return {"seconds": setup, "device": device, "together": items_together(runner)}


def _train(task: Task, start: Start, verbs: dict[str, Callable[..., Any]]) -> dict[str, Any]:
    """Make the network that is to be trained; then `verbs` has what its training can be asked."""
    from .training_process import training_verbs

    with noticing_opened_files(task["folders"]):
        training, opened = training_verbs(_loaded(task), task["device"], start)
    verbs.update(training)
    return opened


def _loaded(task: Task) -> Runner:
    track, method = _bound(task)
    return track.open(method)


def _bound(task: Task) -> tuple[Track, Bound]:
    """The track and the method, with its plug-ins and checkpoints at hand."""
    give_checkpoints(task["trained"])
    for file in task["plugins"]:
        load_plugin(file)
    track = get_track(task["track"])
    return track, bind(task["method"], "method", track.name)


def _measure(task: Task, regime: str, size: tuple[int, ...], repeats: int) -> Mapping[str, Any]:
    """The cost of one call: see `cost/measure.py`."""
    from ..cost.measure import measure

    with noticing_opened_files(task["folders"]):
        track, method = _bound(task)
        cost = measure(
            track,
            method,
            bind(regime, "regime", track.name),
            size,
            repeats=repeats,
            device=task["device"],
            threads=task["threads"],
        )
        return dict(plain_values(cost))


def confined(channel: socket.socket, memory: int | None, threads: int) -> socket.socket:
    """Limit this process to what a method may have. Returns the channel."""
    processes.drop_capabilities()
    if memory is not None:
        limit_data(memory)
    use_threads(threads)
    return channel


def use_threads(threads: int) -> None:
    """Tell the libraries that are loaded how many threads they may use."""
    for module, name in THREADED.items():
        if module in sys.modules:
            getattr(sys.modules[module], name)(threads)


def limit_data(memory: int) -> None:
    """Let allocations fail beyond the limit, on top of what the bare process has mapped already."""
    import resource

    with suppress(OSError, ValueError), open("/proc/self/statm", "rb") as file:
        mapped = int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_DATA, (mapped + memory, mapped + memory))


def ending_of(error: BaseException) -> Ending:
    """How a cell ends by an exception."""
    if isinstance(error, Skip):
        return Ending(outcome="skipped", reason=one_line(error), needs=one_line(error.needs))
    if isinstance(error, Invalid):
        return Ending(outcome="invalid", reason=one_line(message_of(error)), finite=not isinstance(error, NotFinite))
    if package := absent_extra(error):
        return Ending(outcome="skipped", reason=needs_packages([package]), needs=f"package {package}")
    if isinstance(error, UsageError):  # it says itself what is wrong, and where
        return Ending(outcome="failed", reason=one_line(message_of(error)))
    text = text_of(error)
    memory = isinstance(error, MemoryError) or "can't allocate memory" in text or "out of memory" in text
    return Ending(
        outcome="oom" if memory else "failed",
        reason=one_line(with_item(error, described_at(error, 300))),
        traceback="".join(traceback.format_exception(error))[-4000:],
    )


def main(descriptor: str, memory: str, threads: str, *modules: str) -> None:
    """The method's process in a sandbox, where it begins anew."""
    for name in modules:
        importlib.import_module(name)
    serve(confined(socket.socket(fileno=int(descriptor)), int(memory) or None, int(threads)))


if __name__ == "__main__":
    main(*sys.argv[1:])
