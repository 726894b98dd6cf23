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

from ..errors import one_line
from ..regimes.degrade import degrade_sample
from ..registry import Bound
from ..store.record import Cost
from ..tracks.restore import Restorer, Sample
from .energy import energy

WARM_UP = 2


def measure(method: Bound, regime: Bound, size: tuple[int, int], *, repeats: int, device: str, threads: int) -> Cost:
    """Measure a method on a grey picture of `size` (H, W) under `regime`.

    Only `restore` is timed, synchronised, and but for `first_ms` after warm-up; `latency_rel` is the ratio of the
    median to that of an interleaved convolution. What cannot be measured is None, with the reason in `reasons`.
    """
    sample = Sample("cost", test_picture(size))
    noisy, info = degrade_sample(regime, sample, 0)
    if method.entry.meta["oracle"]:
        info = info.replace(sample=sample)
    restorer = Restorer(method)
    start = time.perf_counter()
    restorer.setup(device)
    setup = time.perf_counter() - start
    restorer.check(info)
    reference = reference_operation(device)
    wait = _synchroniser(device)
    shape = (*size, 1)
    prepared = restorer.prepare(noisy)
    wait()
    start = time.perf_counter()
    output = restorer.call(prepared, info)
    wait()
    first = (time.perf_counter() - start) * 1e3
    restorer.collect(output, shape)
    del output
    for _ in range(WARM_UP - 1):
        restorer.call(restorer.prepare(noisy), info)
    reference()
    reasons: dict[str, str] = {}
    own, cpu, other, other_cpu = [], [], [], []
    for _ in range(repeats):
        prepared = restorer.prepare(noisy)
        wait()
        start, start_cpu = time.perf_counter(), _cpu_seconds()
        restorer.call(prepared, info)
        wait()
        own.append((time.perf_counter() - start) * 1e3)
        cpu.append((_cpu_seconds() - start_cpu) * 1e3)
        start, start_cpu = time.perf_counter(), _cpu_seconds()
        reference()
        wait()
        other.append((time.perf_counter() - start) * 1e3)
        other_cpu.append((_cpu_seconds() - start_cpu) * 1e3)
    prepared = restorer.prepare(noisy)
    if any(getattr(instance, "external", False) for instance in instances(restorer)):
        peak = None
        reasons["peak_memory_bytes"] = "the work is done by another program, whose memory is not seen"
    else:
        peak = peak_memory(lambda: restorer.call(prepared, info), device, reasons)
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
        "energy_j": energy(lambda: restorer.call(restorer.prepare(noisy), info), device, reasons),
        "params": parameters(restorer, reasons),
        "macs": macs(lambda: restorer.call(restorer.prepare(noisy), info), reasons),
        "reasons": reasons,
    }


def test_picture(size: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A fixed grey picture (H, W) with smooth parts, edges and texture."""
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float64)
    waves = 0.5 + 0.2 * np.sin(x / 17) * np.cos(y / 23) + 0.1 * np.sin(x * y / 997)
    discs = ((x // 32 + y // 32) % 2) * 0.2 - 0.1
    byte: np.ndarray[Any, np.dtype[np.uint8]] = np.rint(np.clip(waves + discs, 0, 1) * 255).astype(np.uint8)
    return byte


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


def _synchroniser(device: str) -> Callable[[], None]:
    if not device.startswith("cuda"):
        return lambda: None
    import torch

    return torch.cuda.synchronize


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


def parameters(restorer: Restorer, reasons: dict[str, str]) -> int | None:
    """Number of parameters of the torch modules that a class-form method holds; 0 cannot be told from unknown."""
    import torch

    modules: list[torch.nn.Module] = []
    for instance in instances(restorer):
        held = [instance] if isinstance(instance, torch.nn.Module) else vars(instance).values()
        modules += [v for v in held if isinstance(v, torch.nn.Module)]
    if not modules:
        reasons["params"] = "no torch module: nothing to count"
        return None
    return sum(p.numel() for module in modules for p in module.parameters())


def instances(restorer: Restorer) -> list[Any]:
    """The instance of a class-form method and of those that it wraps."""
    found = [] if restorer.instance is None else [restorer.instance]
    for value in vars(restorer.instance).values() if found else ():
        found += instances(value) if isinstance(value, Restorer) else []
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
