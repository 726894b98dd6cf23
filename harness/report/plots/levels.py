"""The plot of quality against the level of a regime: boards that differ in one number, a line a method."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from ...boards.levels import Family
from ...boards.rows import Column, Row
from ...errors import one_line
from ...wording import counted
from ..escape import slug
from ..tables import unit_text
from .drawing import (
    GREY,
    MAX_LINES,
    WIDE,
    Plot,
    fit,
    is_reference,
    legend_names,
    marks,
    place,
    plain_number,
    save,
    text_width,
)


def draw_family(family: Family, number: int) -> Plot:
    """Mean quality and the difference to the best at each level, a line a method."""
    from matplotlib.figure import Figure

    first = family.boards[0][1]
    column = first.rank_by
    assert column is not None
    rows, left_out = _lines(family, column)
    lines = {label: _line(family, label, column) for label in rows}
    best = {
        level: (max if column.higher else min)(finite)
        for level, board in family.boards
        if (finite := [r.scores[column.label].mean for r in board.ranked
                       if math.isfinite(r.scores[column.label].mean)])
    }  # fmt: skip
    columns = 3 if all(text_width(label, 8) <= 1.7 for label in rows) else 2
    names = legend_names(list(rows), WIDE / columns - 0.62)
    style = marks((label, is_reference(rows[label])) for label in rows)
    depth = 0.165 * math.ceil(len(rows) / columns) + 0.1
    figure = Figure(figsize=(WIDE, 2.95 + depth))
    left = place(figure, 0.58, depth + 0.5, 2.82, 1.98)
    right = place(figure, 4.1, depth + 0.5, 2.82, 1.98)
    for label, points in lines.items():
        xs, ys = [x for x, _ in points], [y for _, y in points]
        look = {**style[label], "markerfacecolor": "white", "markeredgewidth": 1.0}
        left.plot(xs, ys, label=names[label], **look)
        right.plot(xs, [y - best[x] for x, y in points if x in best], **look)
    parameter = family.parameter.split(".")[-1]
    levels = [level for level, _ in family.boards]
    for axes in (left, right):
        axes.set_xlabel(fit(f"{parameter} of {family.regime}", 2.8))
        if len(levels) <= 8:
            axes.set_xticks(levels)
        axes.xaxis.set_major_formatter(plain_number)
        axes.margins(x=0.06, y=0.07)
    left.set_ylabel(f"mean {column.label}{unit_text(column)}")
    right.set_ylabel(f"difference to the best ranked{unit_text(column)}")
    if _bound_difference(right, lines, best, rows):
        right.set_title(f"{first.words['given']} outside the range", fontsize=8, color=GREY, loc="right")
    heading = fit(f"{first.dataset}, {first.protocol}, {first.seeds_text}", WIDE - 0.3, 9)
    figure.text(0.5, 1 - 0.17 / (2.95 + depth), heading, ha="center", va="center", fontsize=9)
    figure.legend(
        loc="lower center",
        ncols=columns,
        handlelength=3.0,
        columnspacing=1.4,
        borderaxespad=0.2,
        labelspacing=0.35,
    )
    caption = (
        f"Quality against {parameter} of {family.regime} on {first.dataset}: mean {column.label} over "
        f"{first.words['items']} (left) and its difference to the best ranked method (right). "
        f"Grey: {first.words['given']} and references."
    )
    if left_out:
        caption += f" Left out: {counted(left_out, 'method')} of lower mean."
    name = f"level-{number:02d}-{slug(first.dataset, 24)}-{slug(family.regime, 24)}"
    return save(figure, name, one_line(caption, 600))


def _lines(family: Family, column: Column) -> tuple[dict[str, Row], int]:
    """Rows by label, best at the highest level first, at most `MAX_LINES`; and how many were left out."""
    rows: dict[str, Row] = {}
    means: dict[str, list[float]] = defaultdict(list)
    for _, board in reversed(family.boards):
        for row in board.rows:
            mean = row.scores[column.label].mean if column.label in row.scores else math.nan
            if math.isfinite(mean) and row.unranked in ("", *_oracle_reason(row)):
                rows.setdefault(row.label, row)
                means[row.label].append(mean)
    several = [label for label in rows if len(means[label]) >= 2]
    sign = -1.0 if column.higher else 1.0
    several.sort(key=lambda label: (sign * means[label][0], label))
    references = [label for label in several if is_reference(rows[label])]
    kept = [label for label in several if label not in references][: MAX_LINES - min(len(references), 2)]
    chosen = [label for label in several if label in kept or label in references[:4]]
    return {label: rows[label] for label in chosen}, len(several) - len(chosen)


def _oracle_reason(row: Row) -> tuple[str, ...]:
    return (row.unranked,) if row.oracle and row.unranked.startswith("oracle") else ()


def _line(family: Family, label: str, column: Column) -> list[tuple[float, float]]:
    points = []
    for level, board in family.boards:
        for row in board.rows:
            if row.label == label and column.label in row.scores:
                mean = row.scores[column.label].mean
                if math.isfinite(mean):
                    points.append((level, mean))
    return points


def _bound_difference(
    axes: Any, lines: dict[str, list[tuple[float, float]]], best: dict[float, float], rows: dict[str, Row]
) -> bool:
    """Leave the baseline out of the range, where it would squeeze the contenders; whether it is left out."""
    gaps = {label: [y - best[x] for x, y in points if x in best] for label, points in lines.items()}
    every = [gap for own in gaps.values() for gap in own]
    contenders = [gap for label, own in gaps.items() if rows[label].role != "baseline" for gap in own]
    if not contenders or max(contenders) == min(contenders):
        return False
    pad = 0.07 * (max(contenders) - min(contenders))
    low, high = min(contenders) - pad, max(contenders) + pad
    if min(every) >= low and max(every) <= high:
        return False
    axes.set_ylim(low, high)
    return True
