"""Which inputs of a key differ between two times, in words: for `noisebench why`."""

from __future__ import annotations

from typing import Any


def differences(before: Any, now: Any, path: str = "") -> list[str]:
    """Each input that differs, as `path: before → now`; a changed source file is named."""
    if before == now:
        return []
    if isinstance(before, dict) and isinstance(now, dict):
        found = []
        for key in sorted(before.keys() | now.keys()):
            where = f"{path}.{key}" if path else key
            if key not in before:
                found.append(_word(where, "absent", now[key]))
            elif key not in now:
                found.append(_word(where, before[key], "absent"))
            else:
                found += differences(before[key], now[key], where)
        return found
    return [_word(path, before, now)]


def _word(path: str, before: Any, now: Any) -> str:
    if path.startswith("sources."):
        name = path.removeprefix("sources.")
        if before == "absent":
            return f"source file {name} is new"
        if now == "absent":
            return f"source file {name} is no longer used"
        return f"source file {name} changed ({str(before)[:12]} → {str(now)[:12]})"
    if path == "data":
        return f"the items of the dataset changed ({str(before)[:12]} → {str(now)[:12]})"
    return f"{path} changed ({before} → {now})"
