"""The processor's instructions, by /proc/cpuinfo."""

from __future__ import annotations


def emulates_bfloat16(cpuinfo: str) -> bool:
    """Whether a processor has no bfloat16 instructions: torch is then much slower in bfloat16 than in float32.

    `cpuinfo` is the text of `/proc/cpuinfo`; False where it names no instructions at all.
    """
    for line in cpuinfo.splitlines():
        name, _, words = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return not {"avx512_bf16", "amx_bf16", "bf16"} & set(words.split())
    return False


def read_cpuinfo() -> str:
    """The text of `/proc/cpuinfo`, empty where there is none."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
