"""A score's signature: the one line that pins it down, and how it is read back."""

from __future__ import annotations

import re
from typing import Any

from ..errors import UsageError, nearest, one_line
from ..registry import METRICS, PROTOCOLS, REGIMES, Registry, bind

_PARTS = ("metric", "protocol", "regime", "dataset", "seed", "noisebench")


def split(text: str) -> list[str]:
    """The parts of a signature. Raises `UsageError`."""
    parts = text.strip().split("|")
    if len(parts) != len(_PARTS):
        raise UsageError(
            f"signature {one_line(text, 120)!r} has {len(parts)} parts, not {len(_PARTS)}: "
            "metric|protocol@v|regime@v|dataset:hash|seed N|noisebench V"
        )
    return parts


def explain_signature(text: str) -> dict[str, Any]:
    """Each part of a signature spelled out, and whether this version still means the same. Raises `UsageError`."""
    metric, protocol, regime, dataset, seed, version = split(text)
    from .. import __version__

    parts: list[dict[str, str]] = []
    for name, spec, registry in (("metric", metric, METRICS), ("protocol", protocol, PROTOCOLS)):
        parts.append(_part(name, spec, registry))
    plain, versions = _versioned(regime)
    bound = bind(plain, REGIMES)
    now = "+".join(str(p.entry.version) for p in bound.parts)
    told = sorted({d for p in bound.parts for d in p.entry.meta["discloses"]})
    parts.append(
        {
            "part": "regime",
            "value": bound.canonical,
            "meaning": "; then ".join(p.entry.doc for p in bound.parts)
            + (f" Discloses {', '.join(told)}." if told else ""),
            "now": _agrees(versions, now),
        }
    )
    match = re.fullmatch(r"(.+):([0-9a-f]+)…?", dataset)
    if match is None:
        raise UsageError(f"signature part {one_line(dataset)!r} is not dataset:hash")
    parts.append(
        {
            "part": "dataset",
            "value": match[1],
            "meaning": f"the pictures whose fingerprint (ids and pixels, in order) begins with {match[2]}",
            "now": "",
        }
    )
    if not re.fullmatch(r"seeds? [\d, ]+", seed):
        raise UsageError(f"signature part {one_line(seed)!r} is not 'seed N': {nearest(seed, ['seed 0'])}")
    parts.append(
        {
            "part": "seed",
            "value": seed.partition(" ")[2],
            "meaning": "the key of each picture's noise: SHA-256 of regime, this seed, the clean pixels and the draw",
            "now": "",
        }
    )
    parts.append(
        {
            "part": "noisebench",
            "value": version.removeprefix("noisebench "),
            "meaning": "the version that took the score",
            "now": "this one" if version == f"noisebench {__version__}" else f"this is {__version__}",
        }
    )
    return {"signature": text.strip(), "parts": parts}


def _versioned(text: str) -> tuple[str, str]:
    spec, at, version = text.rpartition("@")
    return (spec, version) if at and re.fullmatch(r"[\d+]+", version) else (text, "")


def _agrees(then: str, now: str) -> str:
    if not then:
        return ""
    return "same version now" if then == now else f"now at version {now}: numbers may differ"


def _part(name: str, text: str, registry: Registry) -> dict[str, str]:
    spec, version = _versioned(text)
    bound = bind(spec, registry)
    return {
        "part": name,
        "value": bound.canonical,
        "meaning": " ".join((bound.entry.obj.__doc__ or "").split()),
        "now": _agrees(version, str(bound.entry.version)),
    }
