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
_EXPLAINS = frozenset({
    "after_step", "grad_cam", "gradient", "guessed_map", "integrated_gradients", "normgrad", "occlusion", "randomized",
    "smooth_grad",
})  # fmt: skip
_GOALS: Mapping[str, Mapping[str, str]] = {
    "adapt": {"doubted": "higher", "doubted(of=unknown)": "higher"},
    "generate": {"brightness": "none", "brightness_spread": "1", "kurtosis": "3", "largest": "none", "nearest": "1",
                 "rms": "1"},
    "graph": {"edges": "none", "varsortability": "none"},
    "matrix": {"numerical_rank": "none"},
    "restore": {"brightness": "none", "local_contrast": "1"},
}  # fmt: skip
"""What is best by metrics that were stored as if more, or less, were."""
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


def old_goal(track: str, name: str) -> str:
    """What is best by a metric, `higher`, `none` or a number; empty where its cell says the right side."""
    return _GOALS.get(track, {}).get(name, "")


def old_explains(track: str, method: str) -> bool:
    """Whether a method gives maps beside the answers of the classifier that it explains."""
    return track == "classify" and method in _EXPLAINS
