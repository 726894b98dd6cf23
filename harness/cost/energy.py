"""Energy of a call, by the running counters of processor packages (RAPL, Linux) and of graphics cards (NVML)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..text.extras import needs_packages

POWERCAP = Path("/sys/class/powercap")
SPAN = {"cpu": 0.2, "cuda": 1.0}
"""Seconds for which calls are repeated: a package counts once a millisecond, a card ten times a second or less."""


class _NoCounter(Exception):
    """Why no counter can be read."""


@dataclass(frozen=True)
class _Counter:
    """What a package or card has taken since it was switched on, in microjoules; from `full` it starts again at 0."""

    read: Callable[[], int]
    full: int


def energy(call: Callable[[], Any], device: str, reasons: dict[str, str], root: Path = POWERCAP) -> float | None:
    """Joules of one call: what all processor packages, or the card, took while it ran, other work included.

    `call` returns when the device has finished. On a card the processor's share is not counted. None, with the reason
    in `reasons`, where no counter can be read.
    """
    kind = device.partition(":")[0]
    try:
        if kind not in SPAN:
            raise _NoCounter("only the counters of processors and of NVIDIA cards are read")
        counters = _packages(root) if kind == "cpu" else [_card(device)]
        calls, start, before = 0, time.perf_counter(), [one.read() for one in counters]
        while calls == 0 or time.perf_counter() - start < SPAN[kind]:
            call()
            calls += 1
        after = [one.read() for one in counters]
    except _NoCounter as error:
        reasons["energy_j"] = str(error)
        return None
    spent = sum(b - a if b >= a else b - a + one.full for a, b, one in zip(before, after, counters, strict=True))
    if spent == 0:
        reasons["energy_j"] = "the energy counter does not advance"
        return None
    return spent / 1e6 / calls


def _packages(root: Path) -> list[_Counter]:
    """The domains that are whole packages; their parts, and the domain of the whole platform, would count twice."""
    try:
        domains = sorted(p for p in root.glob("*rapl:*") if p.name.count(":") == 1)
        packages = [p for p in domains if (p / "name").read_text().startswith("package")]
    except OSError:
        packages = []
    if not packages:
        raise _NoCounter(f"no energy counter in {POWERCAP}")

    def read(file: Path) -> int:
        try:
            return int(file.read_text())
        except (OSError, ValueError):
            raise _NoCounter("the energy counter may not be read here (it needs permission)") from None

    return [_Counter(partial(read, p / "energy_uj"), read(p / "max_energy_range_uj")) for p in packages]


def _card(device: str) -> _Counter:
    """The counter of the card that `cuda` or `cuda:1` is."""
    try:
        import pynvml
    except ImportError:
        raise _NoCounter(f"the energy of a card {needs_packages(['nvidia-ml-py'])}") from None
    place = int(device.partition(":")[2] or 0)
    visible = [one for one in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if one]
    try:
        pynvml.nvmlInit()
        name = visible[place] if visible else str(place)
        if name.startswith("GPU-"):
            handle = pynvml.nvmlDeviceGetHandleByUUID(name)
        elif pynvml.nvmlDeviceGetCount() > 1 and os.environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID":
            raise _NoCounter("CUDA and NVML may count the cards otherwise: set CUDA_DEVICE_ORDER=PCI_BUS_ID")
        else:
            handle = pynvml.nvmlDeviceGetHandleByIndex(int(name))

        def read() -> int:
            try:
                return 1000 * int(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle))
            except pynvml.NVMLError as error:
                raise _NoCounter(f"the card tells no energy ({error})") from None

        return _Counter(read, 0)
    except (pynvml.NVMLError, IndexError, ValueError) as error:
        raise _NoCounter(f"the card {device} is not found by NVML ({error})") from None
