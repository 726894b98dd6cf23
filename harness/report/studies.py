"""A study written out: a plot and a table for each chart, as vector and bitmap, Markdown, LaTeX, CSV and JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ..boards.board import Board
from ..boards.build import boards
from ..boards.chart import Chart, Curve
from ..boards.curves import charts
from ..components.tracks import known_track
from ..statistics.power_law import Exponent, exponent, upper_half
from ..store.results import Results
from ..suite.study import DRAWS, Axis
from ..text.errors import UsageError, one_line
from ..text.json_values import plain
from ..text.notation import Notation, notation_of
from ..text.wording import by_number
from .escape import latex, markdown, slug, spreadsheet
from .files import text_bytes, write_files
from .names import shown
from .plots.drawing import Plot, in_columns, plot_files
from .plots.latex import figure_latex
from .plots.levels import draw_levels
from .plots.looks import Looks, looks_of, looks_of_lines
from .plots.maps import draw_map
from .plots.pareto import best_of, draw_cost
from .plots.sheets import Style, style_of
from .short_names import short_names
from .tables import TextTable, csv_text, latex_float, to_markdown, unit_text
from .track_protocols import DrawsSection, HasDraws

MAX_CHARTS = 40
EXPONENTS = (
    "Exponent: e of y ∝ x^e by least squares of logarithms, the mean of a fit a seed with its 95 % t interval over the "
    "seeds. Where that of the upper half of x is another one, the line is bent."
)


def write_study(
    records: Results, axes: Sequence[Axis], to: Path, *, title: str, store: Path | None = None, style: str = ""
) -> tuple[list[Path], list[str]]:
    """Write `study.{md,tex,csv,json}` and `plots/study-*.{png,svg,pdf}`: the files, and why which axis is left out.

    Raises `UsageError` where nothing is left to be written. Plots are in a `style` of `plots/sheets.py`. A chart that
    holds no line has a table alone.

    An axis `draws` writes `draws.csv` too, from the kept outputs of `store`.
    """
    if not records:
        raise UsageError("the study has no cell: run it first")
    records = shown(records)
    ordered = boards(records)
    drawn, left_out = study_charts(ordered, axes, records)
    splits: DrawsSection | None = None
    if store is not None and any(axis.x == DRAWS for axis in axes):
        try:
            splits = draws_of(store, records)
        except UsageError as error:
            left_out.append(str(error))
    if left_out and not drawn and splits is None:
        raise UsageError("; ".join(left_out))
    if len(drawn) > MAX_CHARTS:
        raise UsageError(
            f"the study would have {len(drawn)} plots, more than {MAX_CHARTS}: ask for fewer axes or boards"
        )
    looks, chosen = looks_of(ordered), style_of(style)
    plots = [draw_chart(chart, i, looks, chosen) for i, chart in enumerate(drawn, 1)]
    files: dict[str, bytes] = plot_files([p for p in plots if p is not None], "plots", ("png", "svg", "pdf"))
    document: dict[str, Any] = {
        "title": title,
        "charts": [chart_values(chart, plot) for chart, plot in zip(drawn, plots, strict=True)],
        **({"left_out": left_out} if left_out else {}),
    }
    if splits is not None:
        document["draws"] = splits.values
        files["draws.csv"] = text_bytes(splits.csv)
    text = json.dumps(plain(document), indent=1, ensure_ascii=False, allow_nan=False)
    files |= {
        "study.md": text_bytes(
            "\n".join([*_markdown(drawn, plots, title, left_out), *(splits.markdown if splits else ())])
        ),
        "study.tex": text_bytes("\n".join([*_latex(drawn, plots, chosen), *(splits.latex if splits else ()), ""])),
        "study.csv": text_bytes(_csv(drawn)),
        "study.json": text_bytes(text + "\n"),
    }
    return write_files(files, to, replaces=("study-[0-9]{2}(?:-[a-z0-9]+){2,}",)), left_out


def study_charts(ordered: Sequence[Board], axes: Sequence[Axis], records: Results) -> tuple[list[Chart], list[str]]:
    """The charts of all axes but `draws`, and why which axis has none."""
    drawn: list[Chart] = []
    left_out: list[str] = []
    for axis in axes:
        if axis.x != DRAWS:
            try:
                drawn += map(_shortened, charts(ordered, axis, records))
            except UsageError as error:
                left_out.append(str(error))
    return drawn, left_out


def draws_of(store: Path, records: Results) -> DrawsSection:
    """How errors split over draws of the noise. Raises `UsageError` where the track does not say, or has nothing."""
    name = records[0].cell.track
    track = known_track(name)
    if not isinstance(track, HasDraws):
        raise UsageError(f"study x: {DRAWS}: track {one_line(name)} cannot split errors over draws: leave it out")
    return track.draws(store, records)


def _shortened(chart: Chart) -> Chart:
    """A chart of recipes, its lines named by what differs between them."""
    if not chart.recipes or chart.axis.by:
        return chart
    names, shared = short_names([curve.label for curve in chart.curves])
    curves = tuple(replace(curve, label=names[curve.label]) for curve in chart.curves)
    return replace(chart, curves=curves, family=shared)


def exponents(chart: Chart, curve: Curve) -> tuple[Exponent | None, Exponent | None]:
    """The exponent of a line of a chart that is logarithmic in both, and that of its upper half."""
    if not chart.axis.log_y or chart.axis.by:
        return None, None
    seeds = sorted({seed for p in curve.points for seed in p.seeds})
    fits = [{p.x: p.seeds[seed] for p in curve.points if seed in p.seeds} for seed in seeds]
    fits = fits or [{p.x: p.y for p in curve.points}]
    return exponent(fits), upper_half(fits)


def draw_chart(chart: Chart, place: int, looks: Looks, style: Style) -> Plot | None:
    """Mean quality against x, a line a curve; for a cost the Pareto front as grey steps. None without a line."""
    name = f"study-{place:02d}-{slug(chart.axis.label, 24)}-{slug(chart.where, 40)}"
    if chart.axis.by:
        return in_columns(partial(draw_map, chart, name), style)
    if chart.recipes or chart.axis.metric:
        looks = looks_of_lines(curve.label for curve in chart.curves)
    return in_columns(partial(draw_cost if chart.cost else draw_levels, chart, name, looks), style)


def chart_table(chart: Chart) -> TextTable:
    """A row a curve and a column a value of x; for a cost a row a method."""
    title = f"{chart.column.label}{unit_text(chart.column)}"
    notation = notation_of((p.y for curve in chart.curves for p in curve.points), chart.column.decimals)
    if chart.cost:
        best = best_of(chart)
        points = sorted((p for curve in chart.curves for p in curve.points), key=lambda p: (p.x, by_number(p.method)))
        tails = any(p.tail is not None for p in points)
        rows: tuple[tuple[str, ...], ...] = tuple(
            (p.method, f"{p.x:.4g}", notation.text(p.y),
             *([notation.text(p.tail)] if tails else []), "yes" if (p.method, p.x) in best else "")
            for p in points
        )  # fmt: skip
        header = ("method", chart.x_label, title, *(["worst 5 %"] if tails else []), "on the front")
        return TextTable(header, (False, *(True,) * (len(header) - 2), False), rows)
    values = sorted({p.x for curve in chart.curves for p in curve.points})
    first = f"{chart.axis.by}, and {title}" if chart.axis.by else title
    rows = tuple((curve.label, *(_at(curve, x, notation) for x in values)) for curve in chart.curves)
    header = (f"{first} at {chart.axis.label} =", *(f"{x:g}" for x in values))
    if chart.axis.log_y and not chart.axis.by:
        header = (*header, "exponent", "of the upper half")
        fits = [[e.text if e is not None else "–" for e in exponents(chart, curve)] for curve in chart.curves]
        rows = tuple((*row, *fit) for row, fit in zip(rows, fits, strict=True))
    return TextTable(header, (False, *(True,) * (len(header) - 1)), rows)


def _at(curve: Curve, x: float, notation: Notation) -> str:
    means = [p.y for p in curve.points if p.x == x]
    return " or ".join(notation.text(y) for y in means) or "–"


def _markdown(drawn: Sequence[Chart], plots: Sequence[Plot | None], title: str, left_out: Sequence[str]) -> list[str]:
    out = [f"# {markdown(title)}", ""]
    out += [*(f"- Left out: {markdown(why)}" for why in left_out), *([""] if left_out else [])]
    for chart, plot in zip(drawn, plots, strict=True):
        out += [f"## {markdown(f'{chart.axis.label}: {chart.heading}')}", ""]
        if plot is not None:
            out += [f"![{markdown(plot.caption)}](plots/{plot.name}.png)", "", markdown(plot.caption), ""]
        out += [*to_markdown(chart_table(chart)), ""]
        if chart.axis.log_y and not chart.axis.by:
            out += [EXPONENTS, ""]
        if chart.recipes and chart.family:
            out += [f"The same in all of them: {markdown(chart.family)}", ""]
    return out


def _latex(drawn: Sequence[Chart], plots: Sequence[Plot | None], style: Style) -> list[str]:
    out = [r"% \usepackage{booktabs,graphicx,textcomp}\usepackage[T1]{fontenc}"]
    for place_, (chart, plot) in enumerate(zip(drawn, plots, strict=True), 1):
        caption = latex(plot.caption if plot is not None else chart.heading)
        if plot is not None:
            label = f"fig:noisebench-study-{place_}"
            out += figure_latex(plot, "plots", label, r"width=\linewidth", columns=style.column is not None)
        out += latex_float(caption, chart_table(chart), label=f"tab:noisebench-study-{place_}")
    return out


def _csv(drawn: Sequence[Chart]) -> str:
    head = ("where", "x_name", "x", "metric", "mean", "worst_5_percent", "curve", "method", "on_front", "by",
            "least_seed", "largest_seed")  # fmt: skip
    rows = []
    for chart in drawn:
        best = best_of(chart)
        for curve in chart.curves:
            for p in curve.points:
                tail = "" if p.tail is None else f"{p.tail:.9g}"
                mark = str((p.method, p.x) in best).lower() if chart.cost else ""
                names = spreadsheet(curve.label), spreadsheet(p.method)
                by = "" if p.by is None else f"{p.by:.9g}"
                ends = [f"{end(p.seeds.values()):.9g}" if p.seeds else "" for end in (min, max)]
                where = spreadsheet(chart.heading), spreadsheet(chart.axis.x), f"{p.x:.9g}"
                rows.append((*where, spreadsheet(chart.column.label), f"{p.y:.9g}", tail, *names, mark, by, *ends))
    return csv_text(head, rows)


def chart_values(chart: Chart, plot: Plot | None) -> dict[str, Any]:
    """A chart as plain values."""
    best = best_of(chart)
    return {
        "x": chart.axis.x, "x_label": chart.x_label, "metric": chart.column.label, "unit": chart.column.unit,
        "higher": chart.column.higher, "where": chart.heading, "plot": plot and f"plots/{plot.name}.svg",
        "caption": plot.caption if plot is not None else chart.heading,
        "curves": [
            {
                "label": curve.label, "reference": curve.reference,
                **({"exponent": _fit_values(fits[0]), "of_upper_half": _fit_values(fits[1])} if any(fits) else {}),
                "points": [
                    {"x": p.x, "y": p.y, "worst_5_percent": p.tail, "method": p.method,
                     "difference": p.difference, "interval": p.interval, "busy": p.busy,
                     **({"by": p.by} if p.by is not None else {}),
                     **({"seeds": {str(seed): y for seed, y in p.seeds.items()}} if p.seeds else {}),
                     **({"on_front": (p.method, p.x) in best} if chart.cost else {})}
                    for p in curve.points
                ],
            }
            for curve in chart.curves
            for fits in (exponents(chart, curve),)
        ],
    }  # fmt: skip


def _fit_values(fit: Exponent | None) -> dict[str, Any] | None:
    return None if fit is None else {
        "value": fit.value, "interval": fit.interval, "points": fit.points, "from": fit.start,
    }  # fmt: skip
