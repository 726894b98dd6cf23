"""Quality against a cost."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace

from ..store.cell import Cost, known
from ..suite.study import COSTS, TIMES, Axis
from .board import Board
from .chart import Chart, ChartPoint, column_of, curves_of, fields_of, is_reference_line, point_of


def cost_value(cost: Cost | None, name: str) -> float | None:
    """One number of a cost, as `COSTS` names it; None where it was not measured."""
    if cost is None:
        return None
    value: float | None
    if name == "latency":
        value = (cost.latency_ms or {}).get("p50")
    elif name == "memory":
        value = None if cost.peak_memory_bytes is None else cost.peak_memory_bytes / 2**20
    elif name == "latency_rel":
        value = cost.latency_rel
    elif name == "weights":
        stored = known(cost.weight_bytes)
        value = None if stored is None else stored / 2**10
    else:
        value = cost.params if name == "params" else cost.macs
    return float(value) if value is not None and value > 0 and math.isfinite(value) else None


def cost_chart(board: Board, axis: Axis, *, joined: bool = True) -> Chart | None:
    """Quality of the ranked methods against a cost; `joined`: those of one name are a line, but for those that the
    suite names. None below two points.
    """
    column = column_of(board, axis)
    if column is None:
        return None
    lines: dict[str, list[ChartPoint]] = defaultdict(list)
    references = set()
    for row in board.ranked:
        x = cost_value(row.cost, axis.x)
        point = point_of(row, column, board, x) if x is not None else None
        if point is not None:
            curve = row.name if joined and not row.written else row.label
            lines[curve].append(replace(point, busy="busy" in row.flags and axis.x in TIMES))
            if is_reference_line(row):
                references.add(curve)
    if sum(map(len, lines.values())) < 2:
        return None
    about, unit = COSTS[axis.x]
    label = f"{about}{f' ({unit})' if unit else ''}, {board.cost_setting}"
    where = board.setting
    return Chart(
        axis, where, label, column, curves_of(lines, references, column.higher), cost=True, heading=where,
        **fields_of(board),
    )  # fmt: skip
