"""The plot of quality against noise level: boards that differ in one number of the regime, a line a method."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..analysis.board import Board
from ..analysis.rows import Column, Row
from ..errors import UsageError, one_line
from ..spec import Spec, parse
from .drawing import GREY, MAX_LINES, WIDE, Plot, fit, legend_names, marks, place, plain_number, save, text_width
from .escape import slug


@dataclass(frozen=True)
class Family:
    """Boards that differ in one numeric parameter of the regime only."""

    parameter: str
    regime: str
    boards: tuple[tuple[float, Board], ...]


def _numbers(spec: Spec) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in (spec, *spec.then):
        for key, value in part.args:
            if isinstance(value, int | float) and not isinstance(value, bool):
                found[f"{part.name}.{key}"] = float(value)
    return found


def _without(spec: Spec, parameter: str) -> str:
    parts = []
    for part in (spec, *spec.then):
        kept = tuple((k, v) for k, v in part.args if f"{part.name}.{k}" != parameter)
        parts.append(str(Spec(part.name, kept)))
    return " + ".join(parts)


def noise_families(boards: Sequence[Board]) -> list[Family]:
    """Families with at least two levels of one parameter, those with most methods first."""
    found: dict[tuple[Any, ...], dict[float, Board]] = defaultdict(dict)
    for board in boards:
        try:
            spec = parse(board.regime_spec)
        except UsageError:
            continue
        if board.rank_by is None or not board.ranked:
            continue
        for parameter, value in _numbers(spec).items():
            key = (
                board.dataset, board.fingerprint, board.protocol, board.seeds, board.rank_by.label,
                _without(spec, parameter), parameter, _without(parse(_bare(board.regime)), parameter),
            )  # fmt: skip
            found[key][value] = board
    families = [
        Family(key[6], key[7], tuple(sorted(levels.items(), key=lambda item: item[0])))
        for key, levels in sorted(found.items(), key=lambda item: repr(item[0]))
        if len(levels) >= 2
    ]
    return sorted(families, key=lambda f: -max(len(board.rows) for _, board in f.boards))


def _bare(regime: str) -> str:
    try:
        parse(regime)
    except UsageError:
        return "regime"
    return regime


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
    style = marks((label, rows[label].oracle or rows[label].name == "identity") for label in rows)
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
    left.set_ylabel(f"mean {column.label}{f' ({column.unit})' if column.unit else ''}")
    right.set_ylabel(f"difference to the best ranked{f' ({column.unit})' if column.unit else ''}")
    _bound_difference(right, lines, best, column, rows)
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
        f"pictures (left) and its difference to the best ranked method (right). "
        f"Grey: noisy input and references."
    )
    if left_out:
        caption += f" {left_out} methods of lower mean are left out."
    name = f"noise-level-{number:02d}-{slug(first.dataset, 24)}-{slug(family.regime, 24)}"
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
    references = [label for label in several if rows[label].oracle or rows[label].name == "identity"]
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
    axes: Any,
    lines: dict[str, list[tuple[float, float]]],
    best: dict[float, float],
    column: Column,
    rows: dict[str, Row],
) -> None:
    """Leave the noisy input out of the range, where it would squeeze the contenders; and say so."""
    gaps = [
        y - best[x] for label, points in lines.items() if rows[label].name != "identity" for x, y in points if x in best
    ]
    everything = [y - best[x] for points in lines.values() for x, y in points if x in best]
    if not gaps or max(gaps) == min(gaps):
        return
    pad = 0.07 * (max(gaps) - min(gaps))
    low, high = min(gaps) - pad, max(gaps) + pad
    if min(everything) < low or max(everything) > high:
        axes.set_ylim(low, high)
        axes.set_title("noisy input outside the range", fontsize=8, color=GREY, loc="right")
