"""The plot of quality against latency, with the front of what nothing beats in both."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...boards.board import Board, cost_setting
from ...boards.rows import Row
from ...errors import one_line
from ...wording import counted
from ..escape import slug
from ..tables import unit_text
from .drawing import MAX_LINES, WIDE, Plot, fit, is_reference, legend_names, marks, place, plain_number, save


def pareto_boards(boards: Sequence[Board]) -> list[Board]:
    """Boards with at least two methods that have both a finite mean and a latency."""
    return sorted((b for b in boards if len(_points(b)) >= 2), key=lambda b: -len(b.rows))


def _points(board: Board) -> list[tuple[Row, float, float]]:
    points = []
    for row in board.ranked:
        latency = (row.cost["latency_ms"] or {}).get("p50") if row.cost else None
        mean = row.scores[board.rank_by.label].mean if board.rank_by else math.nan
        if latency is not None and latency > 0 and math.isfinite(latency) and math.isfinite(mean):
            points.append((row, latency, mean))
    return points


def front(points: Sequence[tuple[float, float]], higher: bool) -> list[int]:
    """Indices of the points that no other beats in both latency and quality, by latency."""
    sign = 1.0 if higher else -1.0
    kept: list[int] = []
    top = -math.inf
    for i in sorted(range(len(points)), key=lambda i: (points[i][0], -sign * points[i][1], i)):
        if sign * points[i][1] > top:
            kept.append(i)
            top = sign * points[i][1]
    return kept


def draw_pareto(board: Board, number: int) -> Plot:
    """Mean quality against median latency, log x; the front as steps; names in the legend, best first."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter

    column = board.rank_by
    assert column is not None
    points = _points(board)
    best = front([(latency, mean) for _, latency, mean in points], column.higher)
    keep = sorted({*best, *range(min(len(points), 2 * MAX_LINES))})[: 2 * MAX_LINES]
    names = legend_names([points[i][0].label for i in keep], 2.1)
    style = marks((points[i][0].label, is_reference(points[i][0])) for i in keep)
    height = max(2.8, 0.75 + 0.163 * len(keep))
    figure = Figure(figsize=(WIDE, height))
    axes = place(figure, 0.58, 0.5, 3.85, height - 0.82)
    xs, ys = [points[i][1] for i in best], [points[i][2] for i in best]
    axes.step(xs, ys, where="post", color="#9aa1ab", linewidth=1.4, zorder=1, label="Pareto front")
    for i in keep:
        row, latency, mean = points[i]
        look = {**style[row.label], "linestyle": "none", "markerfacecolor": "none", "markeredgewidth": 1.3}
        axes.plot([latency], [mean], label=names[row.label], zorder=3, markersize=6, clip_on=False, **look)
    axes.set_xscale("log")
    span = max(p[1] for p in points) / min(p[1] for p in points)
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0,) if span > 30 else (1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(plain_number)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.07, y=0.08)
    setting = cost_setting(points[0][0].cost)
    axes.set_xlabel(fit(f"median latency of one call (ms, log), {setting}", 4.3))
    axes.set_ylabel(f"mean {column.label}{unit_text(column)}")
    axes.set_title(fit(f"{board.title}, {board.protocol}, {board.seeds_text}", 6.3, 9), loc="left")
    figure.legend(
        loc="upper left",
        bbox_to_anchor=(4.5 / WIDE, 1 - 0.28 / height),
        handlelength=1.6,
        labelspacing=0.35,
        borderaxespad=0.0,
    )
    caption = (
        f"Quality against latency on {board.title}: mean {column.label} and median latency ({setting}); "
        f"the grey steps are the Pareto front of the ranked methods."
    )
    if len(keep) < len(points):
        caption += f" Left out: {counted(len(points) - len(keep), 'method')} of lower mean."
    return save(
        figure,
        f"pareto-{number:02d}-{slug(board.dataset, 24)}-{slug(board.regime, 24)}",
        one_line(caption, 600),
    )
