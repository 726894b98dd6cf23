"""Cost of one call in this process: latency beside a reference operation, peak memory, parameters, MACs."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from msgspec import UNSET, UnsetType, structs

from ..components.registry import Bound
from ..store.cell import Cost
from ..text.errors import one_line
from ..text.extras import is_installed, needs_packages
from ..track.calling import synchronise
from ..track.info import Info
from ..track.posed_case import Case
from ..track.runner import used_device
from ..track.runner_protocol import Runner
from ..track.track_protocol import Track, case_of
from .energy import energy
from .macs import macs
from .pace import judged_by_cpu, pace
from .references import OTHERS, reference_operation

WARM_UP = 2
COARSE = 1e-3
"""Seconds of a step of the clock of processor time with which short calls cannot be compared."""
LONGEST = 0.5
"""Seconds for which the reference operation is repeated after one call, at most."""
ROUNDS = 15
"""How often all reference operations are timed in turn, once the method is measured."""
PRELOAD = ("torch", __name__)
"""Modules that each cost needs, for its reference operation and its counters too."""


def measure(
    track: Track, method: Bound, regime: Bound, size: tuple[int, ...], *, repeats: int, device: str, threads: int
) -> Cost:
    """Measure a method on the track's probe of `size` under `regime`.

    Only the call is timed, synchronised, and but for `first_ms` after warm-up. After each call the reference operation
    is repeated for as long, so that a busy machine slows both alike. `latency_rel` is the ratio of their median times,
    or of their CPU times where they had to wait for the processor, and the call for nothing else. What cannot be
    measured is None, with the reason in `reasons`: without torch there is no reference operation.
    """
    item = track.probe(size)
    case = case_of(track, regime, item, 0)
    runner = track.open(method)
    info = case.info.replace(sample=item) if method.entry.meta["oracle"] else case.info
    start = time.perf_counter()
    runner.setup(device)
    setup = time.perf_counter() - start
    probe = _Probe(runner, case, info, used_device(runner, device))
    runner.check(info)
    reference = reference_operation(probe.device) if is_installed("torch") else None
    first = probe.first_ms()
    for _ in range(WARM_UP - 1):
        probe.call()
    calls, references = probe.timings(reference, repeats)
    reasons: dict[str, str] = {}
    is_external = any(getattr(instance, "external", False) for instance in instances(runner))
    if is_external:
        reasons["peak_memory_bytes"] = "the work is done by another program, whose memory is not seen"
        reasons["macs"] = "the work is done by another program, whose operations are not seen"
    wall = [one.wall for one in calls]
    cost = Cost(
        size=list(size),
        device=probe.device,
        threads=threads,
        repeats=repeats,
        setup_s=setup,
        first_ms=first,
        latency_ms={"p50": statistics.median(wall), "p90": float(np.percentile(wall, 90)), "min": min(wall)},
        latency_cpu_ms=statistics.median(one.cpu for one in calls),
        latency_rel=None,
        reference_ms=statistics.median(one.wall for one in references) if references else None,
        reference_cpu_ms=statistics.median(one.cpu for one in references) if references else None,
        busy=busy_of(references, threads),
        peak_memory_bytes=None if is_external else probe.peak_memory(reasons),
        energy_j=energy(probe.finish_call, probe.device, reasons),
        params=parameters(runner, reasons),
        weight_bytes=weight_bytes(runner, reasons),
        macs=None if is_external else macs(probe.call, reasons),
        reasons=reasons,
        references_ms=reference_times(reference, probe.device, threads) if reference is not None else UNSET,
    )
    return compared(cost)


@dataclass(frozen=True)
class _Probe:
    """A method that is set up on a device, and the case that it is measured on."""

    runner: Runner
    case: Case
    info: Info
    device: str

    def prepared(self) -> Any:
        """What the method is called on, fresh for each call."""
        return self.runner.prepare(self.case.given)

    def call(self) -> Any:
        """Prepare, and call."""
        return self.runner.call(self.prepared(), self.info)

    def finish_call(self) -> None:
        """The same, to its end on the device."""
        self.call()
        synchronise(self.device)

    def first_ms(self) -> float:
        """Milliseconds of the first call. Raises what `accept` raises of its output."""
        prepared = self.prepared()
        synchronise(self.device)
        start = time.perf_counter()
        output = self.runner.call(prepared, self.info)
        synchronise(self.device)
        first = (time.perf_counter() - start) * 1e3
        self.runner.accept(output, self.case)
        return first

    def timings(self, reference: Callable[[], Any] | None, repeats: int) -> tuple[list[Timing], list[Timing]]:
        """Calls, and the reference operation for as long after each."""
        calls, references = list[Timing](), list[Timing]()
        if reference is not None:
            reference()
        for _ in range(repeats):
            prepared = self.prepared()
            calls.append(timed(partial(self.runner.call, prepared, self.info), self.device))
            if reference is not None:
                references.append(timed(reference, self.device, min(calls[-1].wall / 1e3, LONGEST)))
        return calls, references

    def peak_memory(self, reasons: dict[str, str]) -> int | None:
        """Bytes of one call at its peak."""
        prepared = self.prepared()
        return peak_memory(lambda: self.runner.call(prepared, self.info), self.device, reasons)


def reference_times(compute: Callable[[], Any], device: str, threads: int) -> dict[str, float]:
    """Milliseconds of each reference operation, in turn, so that a busy machine slows them alike.

    They come after the method, whose memory they would drive out of the cache. Of one thread it is processor time,
    where the clock of that is fine enough: waits do not count.
    """
    operations = {"compute": compute, **{name: prepare(device) for name, prepare in OTHERS.items()}}
    for operation in operations.values():
        operation()
    timings: dict[str, list[Timing]] = {name: [] for name in operations}
    for _ in range(ROUNDS):
        for name, operation in operations.items():
            timings[name].append(timed(operation, device))
    worked = device == "cpu" and threads == 1 and clock_step() <= COARSE
    return {
        name: statistics.median(one.cpu if worked else one.wall for one in of_one) for name, of_one in timings.items()
    }


def busy_of(reference: Sequence[Timing], threads: int) -> float | UnsetType:
    """How many times longer the reference operation took than it worked; unset where no work was seen."""
    worked = sum(one.cpu for one in reference)
    return sum(one.wall for one in reference) / worked * processors(threads) if worked else UNSET


def compared(cost: Cost) -> Cost:
    """The cost with `latency_rel`, which is refused where no reference operation was timed, and where the clock of
    processor time is coarse: all calls take one step of it, and whether they had to wait is not seen."""
    if cost.reference_ms is None:
        names = ("latency_rel", "reference_ms", "reference_cpu_ms")
        return structs.replace(cost, reasons={**cost.reasons, **dict.fromkeys(names, needs_packages(["torch"]))})
    step = clock_step()
    if step <= COARSE:
        return structs.replace(cost, latency_rel=relative(cost))
    names = ("latency_rel", "latency_cpu_ms", "reference_cpu_ms")
    why = f"processor time is counted in steps of {step * 1e3:.3g} ms here: too coarse to compare calls by"
    reasons = {**cost.reasons, **dict.fromkeys(names, why)}
    return structs.replace(
        cost, latency_rel=None, latency_cpu_ms=None, reference_cpu_ms=None, busy=UNSET, reasons=reasons
    )


def clock_step() -> float:
    """The least seconds by which the clock of processor time moves on; at most a tenth."""
    steps: list[float] = []
    end, last = time.perf_counter() + 0.1, time.process_time()
    while len(steps) < 3 and time.perf_counter() < end:
        if (now := time.process_time()) > last:
            steps.append(now - last)
            last = now
    return min(steps, default=0.1)


def relative(cost: Cost) -> float | None:
    """Latency over that of the reference; CPU time over CPU time where only that can be compared."""
    cost_pace = pace(cost)
    if cost_pace is not None and judged_by_cpu(cost_pace):
        return cost_pace.cpu
    return cost.latency_ms["p50"] / cost.reference_ms if cost.latency_ms and cost.reference_ms else None


def processors(threads: int) -> int:
    """Number of CPUs that n threads can use."""
    return min(threads, len(os.sched_getaffinity(0)))


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one call, and those that processors worked for it."""

    wall: float
    cpu: float


def timed(call: Callable[[], Any], device: str, span: float = 0.0, worked: Callable[[], float] | None = None) -> Timing:
    """One call, or the mean of calls repeated for `span` seconds; synchronised. `worked` gives the seconds that
    processors have worked, where that is not of this process."""
    synchronise(device)
    worked = worked or _cpu_seconds
    calls, start, start_cpu = 0, time.perf_counter(), worked()
    while True:
        call()
        synchronise(device)
        calls += 1
        took = time.perf_counter() - start
        if took >= span:
            return Timing(took * 1e3 / calls, (worked() - start_cpu) * 1e3 / calls)


def _cpu_seconds() -> float:
    """Processor time of this process and of the programs that it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def peak_memory(call: Callable[[], Any], device: str, reasons: dict[str, str]) -> int | None:
    """Bytes that `call` needs at its peak beyond those in use before it.

    CUDA: the allocator's peak. CPU: the kernel's high-water mark of resident memory, reset before the call.
    """
    gc.collect()
    if device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        torch.cuda.synchronize()
        return int(torch.cuda.max_memory_allocated() - before)
    try:
        ctypes.CDLL(None).malloc_trim(0)
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        before = _status("VmRSS")
        call()
        return max(0, _status("VmHWM") - before)
    except (OSError, AttributeError) as error:
        reasons["peak_memory_bytes"] = f"the kernel's high-water mark cannot be reset here: {one_line(error, 80)}"
        return None


def _status(name: str) -> int:
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
    raise OSError(f"no {name} in /proc/self/status")


def parameters(runner: Runner, reasons: dict[str, str]) -> int | None:
    """Number of parameters of the torch modules that a class-form method holds; 0 cannot be told from unknown."""
    tensors = _parameters_of(instances(runner))
    if tensors is None:
        reasons["params"] = "no torch module: nothing to count"
        return None
    return sum(int(parameter.numel()) for parameter in tensors)


def weight_bytes(runner: Runner, reasons: dict[str, str]) -> int | None:
    """Bytes of these parameters: those that they take, or as a method declares by its attribute `weight_bytes`.

    A declaration covers all that the method wraps, such as a network whose weights it rounds to few bits.
    """
    everything = instances(runner)
    declaring = [one for one in everything if isinstance(getattr(one, "weight_bytes", None), int)]
    covered = {id(inner) for one in declaring for inner in _with_wrapped(one)}
    others = _parameters_of([one for one in everything if id(one) not in covered])
    if others is None and not declaring:
        reasons["weight_bytes"] = "no torch module: nothing to count"
        return None
    declared = sum(int(one.weight_bytes) for one in declaring)
    return declared + sum(int(parameter.nbytes) for parameter in others or ())


def _parameters_of(instances: list[Any]) -> list[Any] | None:
    """Each parameter of their torch modules once; None where there is no module."""
    if not is_installed("torch"):
        return None
    import torch

    modules: list[torch.nn.Module] = []
    for instance in instances:
        members = [instance] if isinstance(instance, torch.nn.Module) else vars(instance).values()
        modules += [v for v in members if isinstance(v, torch.nn.Module)]
    return list({id(p): p for module in modules for p in module.parameters()}.values()) if modules else None


def instances(runner: Runner) -> list[Any]:
    """The instance of a class-form method and of those that it wraps."""
    return [] if runner.instance is None else _with_wrapped(runner.instance)


def _with_wrapped(instance: Any) -> list[Any]:
    """An instance, and those that it wraps: attributes with an `instance`, such as runners."""
    collected = [instance]
    for value in vars(instance).values():
        inner = getattr(value, "instance", None) if hasattr(type(value), "instance") else None
        collected += [] if inner is None else _with_wrapped(inner)
    return collected
