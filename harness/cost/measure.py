"""Cost of one call in this process: latency beside a reference operation, peak memory, parameters, MACs."""

from __future__ import annotations

import ctypes
import gc
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ..calling import synchronise
from ..errors import one_line
from ..registry import Bound
from ..store.record import Cost
from ..track import Runner, Track
from .energy import energy

WARM_UP = 2
PRELOAD = ("torch", __name__)
"""Modules that each cost needs, for its reference operation and its counters too."""


def measure(
    track: Track, method: Bound, regime: Bound, size: tuple[int, ...], *, repeats: int, device: str, threads: int
) -> Cost:
    """Measure a method on the track's probe of `size` under `regime`.

    Only the call is timed, synchronised, and but for `first_ms` after warm-up; `latency_rel` is the ratio of the
    median to that of an interleaved convolution. What cannot be measured is None, with the reason in `reasons`.
    """
    item = track.probe(size)
    case = track.pose(regime, item, 0)
    runner = track.open(method)
    info = case.info.replace(sample=item) if method.entry.meta["oracle"] else case.info
    start = time.perf_counter()
    runner.setup(device)
    setup = time.perf_counter() - start
    runner.check(info)
    reference = reference_operation(device)
    prepared = runner.prepare(case.given)
    synchronise(device)
    start = time.perf_counter()
    output = runner.call(prepared, info)
    synchronise(device)
    first = (time.perf_counter() - start) * 1e3
    runner.accept(output, case)
    del output

    def call() -> Any:
        return runner.call(runner.prepare(case.given), info)

    for _ in range(WARM_UP - 1):
        call()
    reference()
    reasons: dict[str, str] = {}
    own, cpu, other, other_cpu = [], [], [], []
    for _ in range(repeats):
        prepared = runner.prepare(case.given)
        synchronise(device)
        start, start_cpu = time.perf_counter(), _cpu_seconds()
        runner.call(prepared, info)
        synchronise(device)
        own.append((time.perf_counter() - start) * 1e3)
        cpu.append((_cpu_seconds() - start_cpu) * 1e3)
        start, start_cpu = time.perf_counter(), _cpu_seconds()
        reference()
        synchronise(device)
        other.append((time.perf_counter() - start) * 1e3)
        other_cpu.append((_cpu_seconds() - start_cpu) * 1e3)
    prepared = runner.prepare(case.given)
    if any(getattr(instance, "external", False) for instance in instances(runner)):
        peak = None
        reasons["peak_memory_bytes"] = "the work is done by another program, whose memory is not seen"
    else:
        peak = peak_memory(lambda: runner.call(prepared, info), device, reasons)
    return {
        "size": list(size),
        "device": device,
        "threads": threads,
        "repeats": repeats,
        "setup_s": setup,
        "first_ms": first,
        "latency_ms": {
            "p50": statistics.median(own),
            "p90": float(np.percentile(own, 90)),
            "min": min(own),
        },
        "latency_cpu_ms": statistics.median(cpu),
        "latency_rel": statistics.median(own) / statistics.median(other),
        "reference_ms": statistics.median(other),
        "reference_cpu_ms": statistics.median(other_cpu),
        "peak_memory_bytes": peak,
        "energy_j": energy(call, device, reasons),
        "params": parameters(runner, reasons),
        "macs": macs(call, reasons),
        "reasons": reasons,
    }


def reference_operation(device: str) -> Callable[[], Any]:
    """A 3×3 convolution of 16 to 16 channels at 256×256 in float32, the yardstick of `latency_rel`."""
    import torch

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 16, 256, 256, generator=generator).to(device)
    w = torch.randn(16, 16, 3, 3, generator=generator).to(device)

    def call() -> Any:
        with torch.no_grad():
            return torch.nn.functional.conv2d(x, w, padding=1)

    return call


def _cpu_seconds() -> float:
    """Processor time of this process and of the programs that it has waited for."""
    children = os.times()
    return time.process_time() + children.children_user + children.children_system


def peak_memory(call: Callable[[], Any], device: str, reasons: dict[str, str]) -> int | None:
    """Bytes that `call` needs at its peak above what is held before it.

    CUDA: the allocator's peak. CPU: the kernel's high-water mark of resident memory, reset before the call.
    """
    gc.collect()
    if device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats()
        held = torch.cuda.memory_allocated()
        call()
        torch.cuda.synchronize()
        return int(torch.cuda.max_memory_allocated() - held)
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
    import torch

    modules: list[torch.nn.Module] = []
    for instance in instances(runner):
        held = [instance] if isinstance(instance, torch.nn.Module) else vars(instance).values()
        modules += [v for v in held if isinstance(v, torch.nn.Module)]
    if not modules:
        reasons["params"] = "no torch module: nothing to count"
        return None
    return sum(p.numel() for module in modules for p in module.parameters())


def instances(runner: Runner) -> list[Any]:
    """The instance of a class-form method and of those that it wraps."""
    found = [] if runner.instance is None else [runner.instance]
    for value in vars(runner.instance).values() if found else ():
        found += instances(value) if isinstance(value, type(runner)) else []
    return found


def macs(call: Callable[[], Any], reasons: dict[str, str]) -> int | None:
    """Multiply-accumulates by torch's own counter (conv, linear, matmul, attention); None where it sees none."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    fast = torch.backends.mha.get_fastpath_enabled()
    try:
        torch.backends.mha.set_fastpath_enabled(False)
        with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
            call()
        total = int(counter.get_total_flops()) // 2
    except Exception as error:
        reasons["macs"] = f"torch's counter failed: {one_line(error, 100)}"
        return None
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    if total == 0:
        reasons["macs"] = "torch's counter sees no operation (numpy, OpenCV, FFT and the like are not counted)"
        return None
    return total
