"""Study files: suites with `study:`, which says what quality is drawn against. Read strictly."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, runtime_checkable

from ..components.longer_trainings import longer
from ..components.tracks import known_track
from ..spec.figures import reached_of
from ..spec.parsing import expand, show
from ..spec.paths import ANY
from ..text.errors import UsageError, one_line
from .reading import UNWRITTEN, Check, FileModel, YamlPart, plain_text, read_yaml
from .suite import EXAMPLES, Suite, suite_from

if TYPE_CHECKING:
    from ..track.track_protocol import Track

COSTS = {
    "latency": ("latency p50", "ms"),
    "latency_rel": ("median latency, × the reference operation", ""),
    "memory": ("peak memory of one call", "MiB"),
    "params": ("parameters", ""),
    "weights": ("bytes of parameters", "KiB"),
    "macs": ("multiply-accumulates of one call", ""),
}
TIMES = ("latency", "latency_rel")
"""Costs that are too long where the machine was busy."""
DRAWS = "draws"
"""The axis that splits the error over draws of the noise, instead of drawing it against something."""
METRIC = "metric."
"""Prefix of a metric that an axis draws quality against."""
TRAINING = "training."
"""Prefix of a figure of a training that an axis names."""
_PARAMETER = re.compile(rf"({re.escape(ANY)}|[A-Za-z_]\w*)(\.[A-Za-z_]\w*)+")
_NAME = re.compile(r"[A-Za-z_]\w*")
_BOTH = "xy"
"""The value of `log` for two logarithmic axes."""


def _x(value: Any) -> str:
    known = isinstance(value, str) and (value in (*COSTS, DRAWS) or value.removeprefix(METRIC) not in ("", value))
    if not isinstance(value, str) or not (known or _PARAMETER.fullmatch(value)):
        raise ValueError(
            f"one of {', '.join(COSTS)}, {DRAWS}, {METRIC}NAME, or name.parameter such as gaussian.sigma or *.steps"
        )
    return value


def _y(value: Any) -> str:
    text = plain_text(value)
    figure = text.removeprefix(TRAINING) if text.startswith(TRAINING) else ""
    reached = reached_of(figure)
    try:
        known = float(reached[1]) if reached else 0.0
    except ValueError:
        known = math.nan
    if text.startswith(TRAINING) and (math.isnan(known) or not (reached or _NAME.fullmatch(figure))):
        raise ValueError(f"a metric, or {TRAINING}NAME such as {TRAINING}steps or {TRAINING}steps_to(28.5)")
    return text


def _parameter(value: Any) -> str:
    if not isinstance(value, str) or not _PARAMETER.fullmatch(value):
        raise ValueError("name.parameter, such as trained.batch")
    return value


def _log(value: Any) -> bool:
    if not isinstance(value, bool) and value != _BOTH:
        raise ValueError(f"true, false or {_BOTH}")
    return bool(value)


@dataclass(frozen=True)
class Axis(FileModel):
    """One plot a board, or a family of boards.

    `x` is a cost of `COSTS`, a parameter of a regime or method (`gaussian.sigma`, `trained.optimizer.lr`, `*.steps` of
    all that have it), `metric.` and another metric (methods of one name are a line then), or `draws`: a table of bias²
    and variance of the error over the seeds, in a track that splits it. `y` is a metric (empty: the suite's rank_by),
    or `training.` and a figure of the trainings. `log` makes x logarithmic (costs always are), `log_y` y too, with the
    exponents of power laws. `by` is a second parameter: a map of both, coloured by y.
    """

    x: Annotated[str, Check(_x)]
    y: Annotated[str, Check(_y)] = ""
    log: Annotated[bool, Check(_log)] = False
    log_y: bool = field(default=False, metadata=UNWRITTEN)
    by: Annotated[str, Check(_parameter)] = ""

    called = "study"

    @property
    def of_any(self) -> bool:
        """Whether x is a parameter of whatever method or regime has one of its name."""
        return self.x.startswith(f"{ANY}.")

    @property
    def label(self) -> str:
        """The label of x: the parameter alone where it is that of any method."""
        return self.x.removeprefix(f"{ANY}.")

    @property
    def metric(self) -> str:
        """The metric that x is; empty where it is none."""
        return self.x.removeprefix(METRIC) if self.x.startswith(METRIC) else ""

    @property
    def figure(self) -> str:
        """The figure of a training that y is; empty where it is a metric."""
        return self.y.removeprefix(TRAINING) if self.y.startswith(TRAINING) else ""


@runtime_checkable
class SplitsDraws(Protocol):
    """A track that splits an error over draws of the noise: the mean of `split_metric`, which must be scored."""

    split_metric: str


def read_study(path: str | Path) -> tuple[Suite, tuple[Axis, ...]]:
    """The suite of a study file and its axes. Raises `UsageError` with file and line."""
    file = read_yaml(path, "study", EXAMPLES)
    if "study" not in file.mapping:
        raise UsageError(
            f"{one_line(file.file)}: study is missing: list what to draw, such as study: [{{x: gaussian.sigma}}]; "
            "`noisebench run` runs a plain suite"
        )
    suite = _at_budgets(file, suite_from(file))
    return suite, _axes(file, suite)


def read_suite_or_study(path: str | Path) -> Suite:
    """The suite of a file, whose `study` is read too where it has one. Raises `UsageError` with file and line."""
    file = read_yaml(path, "suite", EXAMPLES)
    suite = suite_from(file)
    if "study" in file.mapping:
        suite = _at_budgets(file, suite)
        _axes(file, suite)
    return suite


def _at_budgets(file: YamlPart, suite: Suite) -> Suite:
    """The suite with each training at each of the file's `budgets`, as claims have them. Raises `UsageError`."""
    if "budgets" not in file.mapping:
        return suite
    budgets = file.mapping["budgets"]
    whole = isinstance(budgets, tuple) and len(budgets) > 1 and all(type(budget) is int for budget in budgets)
    if not whole or budgets[0] < 1 or list(budgets) != sorted({*budgets}):
        raise file.mistake("budgets: two whole numbers or more, from 1, each larger than the one before", "budgets")
    named = suite.names.get("method", {})
    names, places = dict(named), dict(suite.places)
    methods: dict[str, None] = {}
    for place, text in enumerate(suite.methods):
        for spec in expand(text):
            try:
                at_each = [(budget, *longer(spec, suite.track, budget)) for budget in budgets]
            except UsageError as error:
                raise file.mistake(str(error), "methods", place) from None
            for budget, scaled, trains in at_each:
                method = show(scaled) if trains else text
                methods[method] = None
                places[method] = suite.places[text]
                if trains and text in named:
                    names[method] = f"{named[text]}, {budget} ×"
    if [*methods] == [*suite.methods]:
        raise file.mistake("budgets: no method trains, so that each would be the same at every budget", "budgets")
    return replace(suite, methods=tuple(methods), names={**suite.names, "method": names}, places=places)


def _axes(file: YamlPart, suite: Suite) -> tuple[Axis, ...]:
    """What the `study` of a file lists. Raises `UsageError`."""
    drawn = file.items("study", name="study")
    if not drawn:
        raise file.mistake("study must be a list, such as study: [{x: gaussian.sigma}]", "study")
    track = known_track(suite.track)
    # Of a track that only a plug-in brings, what it scores by default is known when the suite is planned.
    metrics = suite.metrics or (track.defaults.metrics if track is not None else ())
    axes = []
    for part in drawn:
        if "x" not in part.mapping:
            raise part.mistake("x is missing: what quality is drawn against")
        axis = replace(part.read(Axis), log_y=part.mapping.get("log") == _BOTH)
        why = _why_no_figure(axis)
        if why is not None:
            raise part.mistake(why)
        if axis.y and not axis.figure and metrics and axis.y not in metrics:
            raise part.mistake(f"y {one_line(axis.y)!r} is not among the metrics: {', '.join(metrics)}")
        if axis.metric and metrics and axis.metric not in metrics:
            raise part.mistake(f"x {one_line(axis.x)!r}: no such metric among {', '.join(metrics)}")
        if axis.x in COSTS and not suite.cost.sizes:
            raise part.mistake(f"x {axis.x} needs costs: add cost: {{sizes: [256x256]}}")
        why = _why_no_draws(suite, track, metrics) if axis.x == DRAWS else None
        if why is not None:
            raise part.mistake(f"x {DRAWS} {why}")
        axes.append(axis)
    return tuple(axes)


def _why_no_figure(axis: Axis) -> str | None:
    if axis.by == axis.x:
        return f"by {one_line(axis.by)} is x itself: name another parameter"
    if axis.x not in (*COSTS, DRAWS) and not axis.metric:
        return None
    if axis.figure or axis.by or axis.log_y:
        option = "by" if axis.by else f"y {TRAINING}" if axis.figure else f"log: {_BOTH}"
        return f"{option} is for an x that is a parameter, such as trained.optimizer.lr, not {axis.x}"
    return None


def _why_no_draws(suite: Suite, track: Track | None, metrics: Sequence[str]) -> str | None:
    if track is not None and not isinstance(track, SplitsDraws):
        return f"is for errors that split, and track {track.name} has none: name a cost or a parameter"
    if len(set(suite.seeds)) < 2:
        return "needs several seeds: add seeds: [0, 1, 2, 3]"
    if suite.keep != "all":
        return "needs the outputs: add keep: all"
    if isinstance(track, SplitsDraws) and track.split_metric not in metrics:
        return f"needs the metric {track.split_metric}: add it to metrics"
    return None
