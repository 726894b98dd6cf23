"""Where scores changed over commits: lines, Markdown, plain values, and a plot of each series that changed."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from ..gate.trend import LEVEL, Series, Trend, TrendChange
from ..gate.verdict import RATIO
from ..statistics.change_points import LEAST
from ..text.errors import one_line
from ..text.notation import notation_of
from ..text.wording import counted
from .escape import markdown
from .plots.drawing import Plot, fit, new_figure, place, plain_number, save, styled
from .plots.looks import COLOURS, GREY
from .plots.sheets import HOUSE
from .tables import TextTable, to_markdown

_LISTED, _DRAWN = 20, 12
"""Changes that the terminal lists, and series that are drawn."""
_BARS = "▁▂▃▄▅▆▇█"
_WIDTH, _HEIGHT = HOUSE.width / 2, 1.9
"""Inches of a panel."""


def trend_lines(trend: Trend) -> list[str]:
    """What the terminal shows: a line a change, the newest first, then a summary."""
    changes = _changes(trend)
    lines = [
        f"{one_line(series.method, 60)} · {one_line(series.place, 120)} · {series.metric}: {_text(series, change)} at "
        f"{_commit(trend, change.place)} (for sure {_span(trend, change)})  {_sparkline(trend, series)}"
        for series, change in changes[:_LISTED]
    ]
    if len(changes) > _LISTED:
        lines.append(f"… and {counted(len(changes) - _LISTED, 'more change')}; --json or --to DIR has all")
    return [*lines, _summary(trend)]


def _summary(trend: Trend) -> str:
    of = f"{counted(len(trend.series), 'score')} over {counted(len(trend.names), 'commit')}"
    if len(trend.names) < LEAST:
        return f"{of}: a change needs {LEAST} to be told from chance"
    changed = len(trend.changed)
    finding = f"{changed:,} changed" if changed else "no change is told from chance"
    return f"{of}: {finding} (error rate {LEVEL:g} over all together)"


def trend_markdown(trend: Trend) -> str:
    """A section for a job summary or a comment."""
    changes = _changes(trend)
    table = TextTable(
        ("method", "where", "metric", "change", "at", "for sure", "trend"),
        (False, False, False, True, False, False, False),
        tuple(
            (series.method, series.place, series.metric, _text(series, change), _commit(trend, change.place),
             _span(trend, change), _sparkline(trend, series))
            for series, change in changes
        ),
    )  # fmt: skip
    return "\n".join(["## Trend", "", markdown(_summary(trend)), "", *(to_markdown(table) if changes else []), ""])


def trend_values(trend: Trend) -> dict[str, Any]:
    """Everything, for JSON."""
    return {
        "commits": [{"name": name, "title": title} for name, title in zip(trend.names, trend.titles, strict=True)],
        "error_rate": LEVEL,
        "series": [
            {
                "method": one.method, "place": one.place, "metric": one.metric, "unit": one.unit,
                "values": [one.values.get(at) for at in range(len(trend.names))],
                "changes": [
                    {"at": trend.names[change.place], "before": change.before, "after": change.after,
                     "between": [trend.names[change.first], trend.names[change.last]]}
                    for change in one.changes
                ],
            }
            for one in trend.series
        ],
    }  # fmt: skip


def _changes(trend: Trend) -> list[tuple[Series, TrendChange]]:
    """All changes, the newest first."""
    changes = [(series, change) for series in trend.changed for change in series.changes]
    return sorted(changes, key=lambda pair: -pair[1].place)


def _text(series: Series, change: TrendChange) -> str:
    notation, more = notation_of(series.values.values(), series.decimals), max(0, 4 - series.decimals)
    before, after, moved = (
        notation.text(value, more) for value in (change.before, change.after, change.after - change.before)
    )
    unit = series.unit if series.unit == RATIO else f" {series.unit}".rstrip()
    return f"{before} → {after}{unit} ({'' if change.after < change.before else '+'}{moved})"


def _commit(trend: Trend, at: int) -> str:
    title = one_line(trend.titles[at], 60)
    return f"{trend.names[at]} {title!r}" if title else one_line(trend.names[at], 60)


def _span(trend: Trend, change: TrendChange) -> str:
    return f"after {one_line(trend.names[change.first], 60)}, up to {one_line(trend.names[change.last], 60)}"


def _sparkline(trend: Trend, series: Series) -> str:
    """A bar a commit, a space for one that does not compare."""
    low, high = min(series.values.values()), max(series.values.values())
    step = (high - low) / (len(_BARS) - 1) or 1.0
    return "".join(
        _BARS[round((series.values[at] - low) / step)] if at in series.values else " " for at in range(len(trend.names))
    )


def draw_trend(trend: Trend) -> Plot | None:
    """A panel for each series that changed, two side by side; None where none did."""
    shown = trend.changed[:_DRAWN]
    if not shown:
        return None
    lines = math.ceil(len(shown) / 2)
    with styled():
        figure = new_figure(_WIDTH * min(len(shown), 2), _HEIGHT * lines)
        for panel, series in enumerate(shown):
            x, bottom = _WIDTH * (panel % 2), _HEIGHT * (lines - 1 - panel // 2)
            axes = place(figure, x + 0.75, bottom + 0.45, _WIDTH - 0.9, _HEIGHT - 0.95)
            _draw(axes, trend, series)
            across, up = figure.get_size_inches()
            for row, text in enumerate((series.method, series.place)):
                figure.text((x + 0.1) / across, (bottom + _HEIGHT - 0.15 - 0.17 * row) / up, fit(text, _WIDTH - 0.2),
                            va="center", color="black" if row == 0 else GREY)  # fmt: skip
        return save(figure, "trend", "Scores over commits; a line where a score changed, a band where it is for sure.")


def _draw(axes: Any, trend: Trend, series: Series) -> None:
    """The values, the mean between changes, and the commit of each change below it."""
    places = [*series.values]
    for change in series.changes:
        axes.axvspan(change.first, change.last, color=COLOURS[1], alpha=0.15, linewidth=0)
        axes.axvline(change.place - 0.5, color=COLOURS[1], linewidth=0.8)
    starts = [places[0], *(change.place for change in series.changes), places[-1] + 1]
    for start, end in pairwise(starts):
        level = [series.values[at] for at in places if start <= at < end]
        axes.hlines(sum(level) / len(level), start - 0.5, end - 0.5, color=GREY, linewidth=0.8)
    axes.plot(places, [*series.values.values()], color=COLOURS[0], marker="o", markersize=3)
    marked = sorted({0, len(trend.names) - 1, *(change.place for change in series.changes)})
    axes.set_xticks(marked, ["\n" * (number % 2) + fit(trend.names[at], 0.7) for number, at in enumerate(marked)])
    axes.yaxis.set_major_formatter(plain_number)
    axes.margins(y=0.15)
    axes.set_ylabel(fit(f"{series.metric}{f' ({series.unit})' if series.unit else ''}", _HEIGHT - 0.9))
