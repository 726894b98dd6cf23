"""What this machine's processor says of itself."""

from __future__ import annotations


def emulates_bfloat16(told: str) -> bool:
    """Whether a processor has no instructions for bfloat16: torch is slower in it there than in float32 by far.

    told: what it says of itself, as in `/proc/cpuinfo`; False where that names no instructions at all.
    """
    for line in told.splitlines():
        name, _, words = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return not {"avx512_bf16", "amx_bf16", "bf16"} & set(words.split())
    return False


def processor_told() -> str:
    """What this machine says of its processor, empty where it says nothing."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
