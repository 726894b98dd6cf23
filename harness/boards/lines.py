"""Points of methods or trainings as lines: one for what is the same but the parameter on the x axis."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

from ..spec.parsing import Spec
from ..spec.paths import parameter, without
from ..suite.study import Axis
from .chart import Chart, ChartPoint, curves_of


@dataclass(frozen=True)
class Placed:
    """A point with the spec that it is of, as it is written; `named`: its method has a name of its own."""

    spec: Spec
    point: ChartPoint
    named: bool = False


def by_of(spec: Spec, axis: Axis) -> float | None:
    """The second parameter of a map, None where there is no map."""
    return parameter(spec, axis.by) if axis.by else None


def joined(placed: Sequence[Placed], blank: Chart) -> list[Chart]:
    """`blank` with the points, a line each for what is the same but x; with `by` a chart each for what else is."""
    axis = blank.axis
    families: dict[str, dict[str, list[ChartPoint]]] = defaultdict(lambda: defaultdict(list))
    for one in placed:
        rest = without(one.spec, axis.x)
        if axis.by:
            families[str(without(rest, axis.by))][f"{one.point.by:g}"].append(one.point)
        else:
            families[""][str(rest)].append(one.point)
    drawn = []
    for family, lines in families.items():
        varied = {label: points for label, points in lines.items() if len({p.x for p in points}) > 1}
        if len(varied) > bool(axis.by):
            if not axis.by:
                varied = _called(varied, {one.point.method for one in placed if one.named})
            curves = curves_of(varied, set(), blank.column.higher)
            if axis.by:
                curves = tuple(sorted(curves, key=lambda curve: float(curve.label)))
            drawn.append(replace(blank, curves=curves, family=family))
    return drawn


def _called(lines: Mapping[str, list[ChartPoint]], named: Set[str]) -> dict[str, list[ChartPoint]]:
    """The lines by what the names of their methods begin with, where all have names, and no two begin alike."""
    begin = {label: _beginning([p.method for p in points]) for label, points in lines.items()}
    every = all(p.method in named for points in lines.values() for p in points)
    if not every or not all(begin.values()) or len(set(begin.values())) < len(begin):
        return dict(lines)
    return {begin[label]: points for label, points in lines.items()}


def _beginning(names: Sequence[str]) -> str:
    """What names have in common at their start: no part of a number, no stops at its end; of calls whole arguments."""
    alike = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    start = "".join(letters[0] for letters in alike)
    if _open_calls(start):
        start = start[: max(start.rfind(","), start.rfind("("))]
    elif any(re.match(r"[\d.]", name[len(start) :]) for name in names):
        start = start.rstrip("0123456789.")
    return start.rstrip(" ,;:=") + ")" * _open_calls(start)


def _open_calls(text: str) -> int:
    return text.count("(") - text.count(")")
