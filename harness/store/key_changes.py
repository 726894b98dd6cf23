"""Which inputs of a key differ between two times, in words: for `noisebench why`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OWNERS = {
    "sources": "the method",
    "dataset_sources": "the dataset",
    "regime_sources": "the regime",
    "protocol_sources": "the protocol",
    "metric_sources": "the metrics",
    "track_sources": "the track",
}
"""The parts of inputs that are source files, and what each is made of."""


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Each input that differs, as `path: before → now`; a changed source file is named, and what it is of.

    Of files that another scheme fingerprinted nobody can say whether they changed.
    """
    scheme = before.get("fingerprint")
    if "fingerprint" in now and scheme != now["fingerprint"]:
        by = "an earlier noisebench" if scheme is None or scheme < now["fingerprint"] else "a later noisebench"
        left_out = {*_OWNERS, "fingerprint"}
        before, now = ({n: v for n, v in of.items() if n not in left_out} for of in (before, now))
        return [
            f"its source files cannot be compared: {by} fingerprinted them differently",
            *_differences(before, now, ()),
        ]
    return _differences(before, now, ())


def _differences(before: Any, now: Any, path: tuple[str, ...]) -> list[str]:
    if before == now:
        return []
    if path and path[0] in _OWNERS and not path[1:]:
        before, now = ({} if files == "absent" else files for files in (before, now))
    if isinstance(before, dict) and isinstance(now, dict):
        changes = []
        for key in sorted(before.keys() | now.keys()):
            changes += _differences(before.get(key, "absent"), now.get(key, "absent"), (*path, key))
        return changes
    return [_word(path, before, now)]


def _word(path: tuple[str, ...], before: Any, now: Any) -> str:
    if path[0] in _OWNERS:
        name, owner = path[-1], _OWNERS[path[0]]
        if before == "absent":
            return f"source file {name} of {owner} is new"
        if now == "absent":
            return f"source file {name} of {owner} is no longer used"
        return f"source file {name} of {owner} changed ({str(before)[:12]} → {str(now)[:12]})"
    if path == ("data",):
        return f"the items of the dataset changed ({str(before)[:12]} → {str(now)[:12]})"
    return f"{'.'.join(path)} changed ({before} → {now})"
