"""A study written out: a plot and a table for each chart, as vector and bitmap, Markdown, LaTeX, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..boards.board import boards
from ..boards.curves import Chart, Curve, charts
from ..errors import UsageError, one_line
from ..json_values import plain
from ..store.record import Record
from ..study import DRAWS, Axis
from ..track import known_track
from ..wording import by_number, counted
from .data import common_words
from .escape import latex, markdown, slug, spreadsheet
from .files import text_bytes, write_files
from .plots.drawing import MAX_LINES, WIDE, Plot, fit, legend_names, marks, place, plain_number, save, styled
from .plots.pareto import front
from .sections import DrawsSection, HasDraws
from .tables import Table, number, to_latex, to_markdown, unit_text

MAX_CHARTS = 40


def write_study(
    records: Sequence[Record], axes: Sequence[Axis], to: Path, *, title: str, store: Path | None = None
) -> list[Path]:
    """Write `study.{md,tex,csv,json}` and `plots/study-*.{png,svg,pdf}`; the files written. Raises `UsageError`.

    An axis `draws` writes `draws.csv` too, from the kept outputs of `store`.
    """
    if not records:
        raise UsageError("the study has no cell: run it first")
    ordered = boards(records)
    drawn = [chart for axis in axes if axis.x != DRAWS for chart in charts(ordered, axis)]
    if len(drawn) > MAX_CHARTS:
        raise UsageError(
            f"the study would have {len(drawn)} plots, more than {MAX_CHARTS}: ask for fewer axes or boards"
        )
    items = common_words(ordered)["items"]
    splits = draws_of(store, records) if store is not None and any(axis.x == DRAWS for axis in axes) else None
    with styled():
        plots = [draw_chart(chart, i, items) for i, chart in enumerate(drawn, 1)]
        files: dict[str, bytes] = {}
        for plot in plots:
            files |= {f"plots/{plot.name}.png": plot.png, f"plots/{plot.name}.svg": plot.svg}
            files[f"plots/{plot.name}.pdf"] = plot.pdf()
    document: dict[str, Any] = {
        "title": title,
        "charts": [chart_values(chart, plot) for chart, plot in zip(drawn, plots, strict=True)],
    }
    if splits is not None:
        document["draws"] = splits.values
        files["draws.csv"] = text_bytes(splits.csv)
    text = json.dumps(plain(document), indent=1, ensure_ascii=False, allow_nan=False)
    files |= {
        "study.md": text_bytes("\n".join([*_markdown(drawn, plots, title), *(splits.markdown if splits else ())])),
        "study.tex": text_bytes("\n".join([*_latex(drawn, plots), *(splits.latex if splits else ()), ""])),
        "study.csv": text_bytes(_csv(drawn)),
        "study.json": text_bytes(text + "\n"),
    }
    return write_files(files, to, replaces=("study-",))


def draws_of(store: Path, records: Sequence[Record]) -> DrawsSection:
    """How errors split over draws of the noise. Raises `UsageError` where the track does not say, or has nothing."""
    name = records[0].cell["track"]
    track = known_track(name)
    if not isinstance(track, HasDraws):
        raise UsageError(f"study x: {DRAWS}: track {one_line(name)} cannot split errors over draws: take it away")
    return track.draws(store, records)


def best_of(chart: Chart) -> set[tuple[str, float]]:
    """(method, x) of the points on the Pareto front of a cost chart."""
    points = [point for curve in chart.curves for point in curve.points]
    kept = front([(p.x, p.y) for p in points], chart.column.higher)
    return {(points[i].method, points[i].x) for i in kept} if chart.cost else set()


def draw_chart(chart: Chart, place_: int, items: str) -> Plot:
    """Mean quality over `items` against x, a line a curve; for a cost the Pareto front as grey steps."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    shown = chart.curves[: 2 * MAX_LINES]
    names = legend_names([curve.label for curve in shown], 2.1)
    style = marks((curve.label, curve.reference) for curve in shown)
    height = max(2.8, 0.75 + 0.163 * len(shown))
    figure = Figure(figsize=(WIDE, height))
    axes = place(figure, 0.62, 0.5, 3.85, height - 0.82)
    if chart.cost:
        best = best_of(chart)
        steps = sorted({(p.x, p.y) for curve in chart.curves for p in curve.points if (p.method, p.x) in best})
        xs, ys = [x for x, _ in steps], [y for _, y in steps]
        axes.step(xs, ys, where="post", color="#9aa1ab", linewidth=1.4, zorder=1, label="Pareto front")
    for curve in shown:
        look = {**style[curve.label], "markerfacecolor": "white", "markeredgewidth": 1.0}
        if chart.cost:
            look |= {"linewidth": 0.6, "markersize": 5.5}
        xs, ys = [p.x for p in curve.points], [p.y for p in curve.points]
        axes.plot(xs, ys, label=names[curve.label], zorder=3, **look)
    values = sorted({p.x for curve in shown for p in curve.points})
    log = (chart.cost or chart.axis.log) and values[0] > 0
    if log:
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    if not chart.cost and len(values) <= 8:
        axes.set_xticks(values)
        axes.minorticks_off()
    axes.xaxis.set_major_formatter(plain_number)
    axes.margins(x=0.06, y=0.08)
    axes.set_xlabel(fit(f"{chart.x_label}{' (log)' if log else ''}", 4.3))
    axes.set_ylabel(f"mean {chart.column.label}{unit_text(chart.column)}")
    axes.set_title(fit(chart.where, 6.3, 9), loc="left")
    box = (4.6 / WIDE, 1 - 0.28 / height)
    figure.legend(loc="upper left", bbox_to_anchor=box, handlelength=2.6, labelspacing=0.35, borderaxespad=0.0)
    caption = f"Mean {chart.column.label} over {items} against {chart.x_label} ({chart.where})."
    if chart.cost:
        caption += " The grey steps are the Pareto front."
    if len(shown) < len(chart.curves):
        caption += f" Left out: {counted(len(chart.curves) - len(shown), 'curve')} of lower mean; the table has all."
    return save(figure, f"study-{place_:02d}-{slug(chart.axis.x, 24)}-{slug(chart.where, 40)}", one_line(caption, 600))


def chart_table(chart: Chart) -> Table:
    """A row a curve and a column a value of x; for a cost a row a method."""
    title = f"{chart.column.label}{unit_text(chart.column)}"
    if chart.cost:
        best = best_of(chart)
        points = sorted((p for curve in chart.curves for p in curve.points), key=lambda p: (p.x, by_number(p.method)))
        rows: tuple[tuple[str, ...], ...] = tuple(
            (p.method, f"{p.x:.4g}", number(p.y, chart.column.decimals), number(p.tail, chart.column.decimals),
             "yes" if (p.method, p.x) in best else "")
            for p in points
        )  # fmt: skip
        return Table(
            ("method", chart.x_label, title, "worst 5 %", "on the front"), (False, True, True, True, False), rows
        )
    values = sorted({p.x for curve in chart.curves for p in curve.points})
    rows = tuple((curve.label, *(_at(curve, x, chart) for x in values)) for curve in chart.curves)
    return Table((f"{title} at {chart.axis.x} =", *(f"{x:g}" for x in values)), (False, *(True,) * len(values)), rows)


def _at(curve: Curve, x: float, chart: Chart) -> str:
    means = [p.y for p in curve.points if p.x == x]
    return " or ".join(number(y, chart.column.decimals) for y in means) or "–"


def _markdown(drawn: Sequence[Chart], plots: Sequence[Plot], title: str) -> list[str]:
    out = [f"# {markdown(title)}", ""]
    for chart, plot in zip(drawn, plots, strict=True):
        out += [f"## {markdown(f'{chart.axis.x}: {chart.where}')}", ""]
        out += [f"![{markdown(plot.caption)}](plots/{plot.name}.png)", "", markdown(plot.caption), ""]
        out += [*to_markdown(chart_table(chart)), ""]
    return out


def _latex(drawn: Sequence[Chart], plots: Sequence[Plot]) -> list[str]:
    out = [r"% \usepackage{booktabs,graphicx,textcomp}\usepackage[T1]{fontenc}"]
    for place_, (chart, plot) in enumerate(zip(drawn, plots, strict=True), 1):
        caption = rf"\caption{{{latex(plot.caption)}}}"
        out += ["", r"\begin{figure}", r"\centering", rf"\includegraphics[width=\linewidth]{{plots/{plot.name}.pdf}}"]
        out += [caption, rf"\label{{fig:noisebench-study-{place_}}}", r"\end{figure}"]
        out += ["", r"\begin{table}", r"\centering", caption, rf"\label{{tab:noisebench-study-{place_}}}"]
        out += [*to_latex(chart_table(chart)), r"\end{table}"]
    return out


def _csv(drawn: Sequence[Chart]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("where", "x_name", "x", "metric", "mean", "worst_5_percent", "curve", "method", "on_front"))
    for chart in drawn:
        best = best_of(chart)
        for curve in chart.curves:
            for p in curve.points:
                tail = "" if p.tail is None else f"{p.tail:.9g}"
                mark = str((p.method, p.x) in best).lower() if chart.cost else ""
                names = spreadsheet(curve.label), spreadsheet(p.method)
                writer.writerow((spreadsheet(chart.where), chart.axis.x, f"{p.x:.9g}", chart.column.label, f"{p.y:.9g}",
                                 tail, *names, mark))  # fmt: skip
    return text.getvalue()


def chart_values(chart: Chart, plot: Plot) -> dict[str, Any]:
    """A chart as plain values."""
    best = best_of(chart)
    return {
        "x": chart.axis.x, "x_label": chart.x_label, "metric": chart.column.label, "unit": chart.column.unit,
        "higher": chart.column.higher, "where": chart.where, "plot": f"plots/{plot.name}.svg", "caption": plot.caption,
        "curves": [
            {
                "label": curve.label, "reference": curve.reference,
                "points": [
                    {"x": p.x, "y": p.y, "worst_5_percent": p.tail, "method": p.method,
                     **({"on_front": (p.method, p.x) in best} if chart.cost else {})}
                    for p in curve.points
                ],
            }
            for curve in chart.curves
        ],
    }  # fmt: skip
