"""The cost of a method in a sandbox, taken from outside of its process: it says nothing that goes into it."""

from __future__ import annotations

import os
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from msgspec import UNSET

from ..components.registry import bind
from ..components.tracks import get_track
from ..cost.energy import energy
from ..cost.measure import LONGEST, WARM_UP, Timing, busy_of, compared, reference_times, timed
from ..cost.references import reference_operation
from ..store.cell import Cost
from ..text.errors import one_line
from ..text.extras import is_installed
from ..track.calling import reveal
from ..track.track_protocol import case_of
from . import processes
from .channel import MethodProcess, answer, ask, hear, read_answer
from .messages import Job

_INSIDE = "--sandbox: it can be counted in the method's own process alone, which is not believed"
_UNKNOWN = ("params", "weight_bytes", "macs")


def outside_cost(job: Job, method: MethodProcess, task: Any) -> Cost:
    """The cost of a call as the socket sees it, less the time that the same messages take to a process that does
    nothing; processor time and peak memory are those of the method's whole tree of processes.
    """
    cell, repeats = job.cell, int(job.cell.inputs["repeats"])
    track = get_track(cell.track)
    size = tuple(cell.inputs["size"])
    item = track.probe(size)
    case = case_of(track, bind(cell.regime.display, "regime", track.name), item, 0)
    probe = _OutsideProbe(method, job.process, ("call", reveal(case, item, cell.shown)))
    start = time.perf_counter()
    method.asked("open", task)
    setup = time.perf_counter() - start
    reasons = dict.fromkeys(_UNKNOWN, _INSIDE)
    start = time.perf_counter()
    output, peak = _peak(probe.call, probe.tree, reasons)
    first = (time.perf_counter() - start) * 1e3
    for _ in range(WARM_UP - 1):
        probe.call()
    reference = reference_operation("cpu") if is_installed("torch") else None
    timings = probe.timings(output, reference, repeats)
    wall = timings.less_messages(lambda one: one.wall)
    p50 = statistics.median(wall)
    if p50 <= 0:
        reasons["latency_ms"] = reasons["latency_rel"] = "--sandbox: shorter than the messages to the method's process"
    cost = Cost(
        size=list(size),
        device=job.device,
        threads=job.threads,
        repeats=repeats,
        setup_s=setup,
        first_ms=first,
        latency_ms={"p50": p50, "p90": float(np.percentile(wall, 90)), "min": max(0.0, min(wall))} if p50 > 0 else None,
        latency_cpu_ms=statistics.median(timings.less_messages(lambda one: one.cpu)) if p50 > 0 else None,
        latency_rel=None,
        reference_ms=statistics.median(one.wall for one in timings.references) if timings.references else None,
        reference_cpu_ms=statistics.median(one.cpu for one in timings.references) if timings.references else None,
        busy=busy_of(timings.references, job.threads),
        peak_memory_bytes=peak,
        energy_j=energy(probe.call, job.device, reasons),
        params=None,
        weight_bytes=None,
        macs=None,
        reasons=reasons,
        references_ms=reference_times(reference, "cpu", job.threads) if reference and job.device == "cpu" else UNSET,
    )
    if job.device != "cpu":
        reasons["latency_rel"] = "--sandbox: the reference operation is measured on the CPU alone"
        return cost
    return compared(cost)


@dataclass(frozen=True)
class _OutsideTimings:
    """Calls of a method, the same messages to a process that does nothing, and the reference operation, in turn."""

    calls: list[Timing] = field(default_factory=list)
    messages: list[Timing] = field(default_factory=list)
    references: list[Timing] = field(default_factory=list)

    def less_messages(self, part: Callable[[Timing], float]) -> list[float]:
        """Part of each call, less the median of what its messages take."""
        messages = statistics.median(map(part, self.messages))
        return [part(one) - messages for one in self.calls]


@dataclass(frozen=True)
class _OutsideProbe:
    """A method's process, by its number too, and the question that has it called."""

    method: MethodProcess
    process: int
    question: tuple[Any, ...]

    def tree(self) -> list[int]:
        """The processes of the method."""
        return [self.process, *processes.descendants(self.process)]

    def processor_seconds(self) -> float:
        """What processors have worked for them."""
        return processes.processor_seconds(self.tree())

    def call(self) -> Any:
        """The output of a call."""
        return self.method.asked(*self.question)

    def timings(self, output: Any, reference: Callable[[], Any] | None, repeats: int) -> _OutsideTimings:
        """Calls that give such an output, with what they are to be compared with."""
        timings = _OutsideTimings()
        if reference is not None:
            reference()
        with _echo(output) as (ask_echo, echo_worked):
            for _ in range(repeats):
                timings.calls.append(timed(self.call, "cpu", worked=self.processor_seconds))
                timings.messages.append(timed(lambda: ask_echo(*self.question), "cpu", worked=echo_worked))
                if reference is not None:
                    span = min(timings.calls[-1].wall / 1e3, LONGEST)
                    timings.references.append(timed(reference, "cpu", span))
        return timings


def _peak(call: Callable[[], Any], tree: Callable[[], list[int]], reasons: dict[str, str]) -> tuple[Any, int | None]:
    """What the first call gives, and the bytes that the processes need at their peak in it, above those before it."""
    try:
        processes.forget_peak(tree())
    except OSError as error:
        reasons["peak_memory_bytes"] = f"the kernel's high-water mark cannot be reset here: {one_line(error, 80)}"
        return call(), None
    before = processes.peak_bytes(tree())
    output = call()
    return output, max(0, processes.peak_bytes(tree()) - before)


@contextmanager
def _echo(output: Any) -> Iterator[tuple[Callable[..., Any], Callable[[], float]]]:
    """A process that gives the same answer to each question: how it is asked, and the seconds that it worked."""
    near, far = socket.socketpair()
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            near.close()
            while True:
                hear(far)
                answer(far, {"value": output})
        os._exit(0)
    far.close()

    def asked(*question: Any) -> Any:
        ask(near, *question)
        return read_answer(near)

    try:
        yield asked, lambda: processes.processor_seconds([child])
    finally:
        near.close()
        processes.kill_child(child)
