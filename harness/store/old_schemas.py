"""What cells of before tracks leave unsaid: all of them are of the track `restore`. Read for ever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .cell import Role


class OldMetric(NamedTuple):
    """What a metric is where its cell does not say so: decimals, place on a board, and what a check lets pass."""

    decimals: int
    order: int
    gate: Mapping[str, float]


_ROLES: Mapping[str, Role] = {"identity": "baseline", "bayes_optimum": "optimum"}
_METRICS: Mapping[str, OldMetric] = {
    "psnr": OldMetric(2, 0, {"max_drop": 0.02, "max_drop_item": 0.5}),
    "ssim": OldMetric(4, 1, {"max_drop": 0.001}),
}
OLD_WORDS: Mapping[str, str] = {
    "item": "picture",
    "items": "pictures",
    "given": "noisy input",
    "output": "restored picture",
    "truth": "clean picture",
    "level": "noise level",
}
"""What the things of a cell are called that does not say so."""


def old_role(method: str, flags: Mapping[str, Any]) -> Role:
    """What a method is on a board."""
    return _ROLES.get(method, "sanity" if flags.get("baseline") else "")


def old_metric(name: str) -> OldMetric:
    """What a metric is."""
    return _METRICS.get(name, OldMetric(4, 100, {}))


def old_decimals(name: str, unit: str) -> int:
    """How many decimals of a metric are printed: two of decibels."""
    return 2 if unit == "dB" else old_metric(name).decimals
