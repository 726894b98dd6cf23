"""What axes say: metrics and parameters as a paper writes them, with the units that they declare."""

from __future__ import annotations

import re

from ...boards.chart import Chart
from ...boards.rows import Column
from ...components.registry import registry
from ...spec.parameter_types import AxisLabel
from ...text.errors import UsageError
from ..tables import unit_text


def metric_name(track: str, label: str) -> str:
    """`PSNR` for `psnr`, `PSNR-HVS(masked=True)` for that; as it is where nothing is declared or known."""
    name = re.match(r"\w*", label)
    bare = name[0] if name is not None else ""
    try:
        declared = str(registry("metric", track).get(bare).meta.get("title", ""))
    except UsageError:  # of a plug-in that is not loaded
        declared = ""
    return f"{declared or bare}{label[len(bare) :]}"


def metric_text(track: str, column: Column) -> str:
    """`PSNR (dB)`."""
    return f"{metric_name(track, column.label)}{unit_text(column)}"


_WORDS = {"lr": "learning rate", "n": "number of items", "batch": "batch size", "beta1": "β₁", "beta2": "β₂"}


def parameter_word(name: str) -> str:
    """The name of a parameter in words: `learning rate` for `lr`."""
    return _WORDS.get(name, name.replace("_", " "))


def parameter_text(path: str) -> str:
    """The path of a parameter in words: `learning rate of the optimizer` for `trained.optimizer.lr`.

    A parameter of a method that is not trained is `h of nlm`; what is no path is as it is.
    """
    if not re.fullmatch(r"[a-z_]\w*(\.[a-z_]\w*)+", path):
        return path
    method, *owners, name = path.split(".")
    word = parameter_word(name)
    if not owners:
        return f"{word} of the training" if method == "trained" else f"{word} of {method}"
    if owners[0] == "parts":
        return f"{word} of the part {owners[-1]}"
    return f"{word} of the {owners[-1].replace('_', ' ')}"


def level_text(chart: Chart) -> str:
    """What the x axis of a chart says: `σ (of 255)` where the regime declares it, else as the chart has it."""
    name, _, parameter = chart.axis.x.partition(".")
    if chart.cost or not chart.regime:
        return chart.x_label if chart.cost else parameter_text(chart.x_label)
    try:
        annotation, _ = registry("regime", chart.track).get(name).params[parameter]
    except (UsageError, KeyError):
        return chart.x_label
    labels = [str(mark) for mark in getattr(annotation, "__metadata__", ()) if isinstance(mark, AxisLabel)]
    return labels[-1] if labels else chart.x_label
