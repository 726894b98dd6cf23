"""Study file: a suite with `study:`, which says what quality is drawn against. Read strictly."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .errors import UsageError, nearest, one_line
from .strict import compose, mapping, mistake, plain_text, scalar
from .suite import Suite, suite_from

COSTS = {
    "latency": ("median latency of one call", "ms"),
    "latency_rel": ("median latency, × the reference operation", ""),
    "memory": ("peak memory of one call", "MiB"),
    "params": ("parameters", ""),
    "macs": ("multiply-accumulates of one call", ""),
}
DRAWS = "draws"
"""What an axis names to split the error over draws of the noise, instead of drawing it against something."""
_PARAMETER = re.compile(r"[A-Za-z_]\w*\.[A-Za-z_]\w*")


@dataclass(frozen=True)
class Axis:
    """One plot a board, or a family of boards: `x` is a cost of `COSTS`, or `name.parameter` of a regime or method.

    `x` may also be `draws`: a table of bias² and variance of the error over the seeds.
    `y` is a metric (empty: the suite's rank_by); `log` makes x logarithmic (costs always are).
    """

    x: str
    y: str = ""
    log: bool = False


def read_study(path: str | Path) -> tuple[Suite, tuple[Axis, ...]]:
    """The suite of a study file and its axes. Raises `UsageError` with file and line."""
    file = Path(path)
    fields = mapping(compose(file, "study"), file)
    node = fields.get("study")
    if node is None:
        raise UsageError(
            f"{one_line(file)}: study is missing: list what to draw, such as study: [{{x: gaussian.sigma}}]; "
            "`noisebench run` runs a plain suite"
        )
    suite = suite_from(fields, file)
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        raise mistake(node, file, "study must be a list, such as study: [{x: gaussian.sigma}]")
    axes = []
    for child in node.value:
        found: dict[str, Any] = {}
        for key, value in mapping(child, file).items():
            if key not in _CHECKS:
                raise mistake(value, file, f"unknown key {one_line(key)!r} in study: {nearest(key, _CHECKS)}")
            found[key] = scalar(value, file, f"study.{key}", _CHECKS[key])
        if "x" not in found:
            raise mistake(child, file, "x is missing: what quality is drawn against")
        axis = Axis(**found)
        if axis.y and axis.y not in suite.metrics:
            raise mistake(child, file, f"y {one_line(axis.y)!r} is not among the metrics: {', '.join(suite.metrics)}")
        if axis.x in COSTS and not suite.cost.sizes:
            raise mistake(child, file, f"x {axis.x} needs costs: add cost: {{sizes: [256x256]}}")
        lacking = _lacking_for_draws(suite) if axis.x == DRAWS else ""
        if lacking:
            raise mistake(child, file, f"x {DRAWS} needs {lacking}")
        axes.append(axis)
    return suite, tuple(axes)


def _lacking_for_draws(suite: Suite) -> str:
    if len(set(suite.seeds)) < 2:
        return "several seeds: add seeds: [0, 1, 2, 3]"
    if suite.keep != "all":
        return "the restored pictures: add keep: all"
    return "" if "mse" in suite.metrics else "the metric mse: add it to metrics"


def _x(value: Any) -> str:
    if not isinstance(value, str) or (value not in (*COSTS, DRAWS) and not _PARAMETER.fullmatch(value)):
        raise ValueError(f"one of {', '.join(COSTS)}, {DRAWS}, or name.parameter such as gaussian.sigma or nlm.h")
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


_CHECKS: dict[str, Callable[[Any], Any]] = {"x": _x, "y": plain_text, "log": _truth}
