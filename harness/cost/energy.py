"""Energy of a call, by the running counters of processor packages that Linux shows."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

POWERCAP = Path("/sys/class/powercap")
SPAN = 0.2
"""The counters advance once a millisecond, so calls are repeated for so many seconds."""


def energy(call: Callable[[], Any], device: str, reasons: dict[str, str], root: Path = POWERCAP) -> float | None:
    """Joules of one call: what all processor packages took while it ran, idle and other work included.

    None, with the reason in `reasons`, where no counter can be read or where the work is on another device.
    """
    if device != "cpu":
        reasons["energy_j"] = "only the counters of the processor are read"
        return None
    packages = _packages(root)
    if not packages:
        reasons["energy_j"] = f"no energy counter in {POWERCAP}"
        return None
    try:
        calls, start, before = 0, time.perf_counter(), [_read(p, "energy_uj") for p in packages]
        while calls == 0 or time.perf_counter() - start < SPAN:
            call()
            calls += 1
        after = [_read(p, "energy_uj") for p in packages]
        ranges = [_read(p, "max_energy_range_uj") for p in packages]
    except (OSError, ValueError):
        reasons["energy_j"] = "the energy counter may not be read here (it needs permission)"
        return None
    spent = sum(b - a if b >= a else b - a + full for a, b, full in zip(before, after, ranges, strict=True))
    if spent == 0:
        reasons["energy_j"] = "the energy counter does not advance"
        return None
    return spent / 1e6 / calls


def _packages(root: Path) -> list[Path]:
    """The domains that are whole packages; their parts, and the domain of the whole platform, would count twice."""
    try:
        domains = sorted(p for p in root.glob("*rapl:*") if p.name.count(":") == 1)
        return [p for p in domains if (p / "name").read_text().startswith("package")]
    except OSError:
        return []


def _read(package: Path, name: str) -> int:
    return int((package / name).read_text())
