"""The CUDA devices of `--devices`: each cell has one of them to itself, and sees no other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

_LISTED = re.compile(r"cuda:\d+(?:,(?:cuda:)?\d+)*", re.ASCII)


def read_devices(text: str) -> tuple[str, ...]:
    """`cuda:0,cuda:1`, or `cuda:0,1`, as a list; one that is named twice has two cells. Raises ValueError."""
    if not _LISTED.fullmatch(text):
        raise ValueError("CUDA devices with their numbers, such as cuda:0,cuda:1")
    return tuple(f"cuda:{int(number)}" for number in re.findall(r"\d+", text))


def free_device(devices: Sequence[str], taken: Iterable[str]) -> str | None:
    """The first device that no cell has; None where each is taken."""
    return next(iter((Counter(devices) - Counter(taken)).elements()), None)


def visible_to(device: str, given: str | None) -> str:
    """`CUDA_VISIBLE_DEVICES` for a cell that has `device`, in a process for which it may be `given` already.

    The cell finds the device as `cuda`, whatever its number is, so that nothing that is stored of it has the number.
    """
    number = int(device.partition(":")[2])
    names = [name for name in (given or "").split(",") if name.strip()]
    return names[number].strip() if number < len(names) else str(number)
