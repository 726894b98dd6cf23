"""Plots from boards: quality against noise level, quality against latency. One house style for all."""

from __future__ import annotations

import io
import math
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..analysis.board import Board, cost_setting
from ..analysis.rows import Column, Row
from ..errors import UsageError, one_line
from ..spec import Spec, parse
from .escape import shorten, slug

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .critical import Diagram

MAX_PLOTS, MAX_PLOTS_OF_MANY, MANY_BOARDS = 8, 3, 50
"""Plots of each kind, fewer where there are many boards; the boards with most methods first."""
MAX_LINES = 12
WIDE = 7.0
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vP*X<>ph"
DASHES = ("-", "--", ":")
GREY = "#6b7280"


@dataclass(frozen=True)
class Plot:
    """A finished picture: file stem, caption, and both formats; PDF on demand, inside `styled`."""

    name: str
    caption: str
    png: bytes
    svg: bytes
    figure: Figure = field(repr=False, compare=False)

    def pdf(self) -> bytes:
        """The same as PDF, without a date."""
        out = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.figure.savefig(out, format="pdf", metadata={"Creator": None, "Producer": None, "CreationDate": None})
        return out.getvalue()


def house_style() -> dict[str, Any]:
    """The matplotlib settings of every plot: 8–9 pt at paper size, no mathtext in names, fixed SVG ids."""
    return {
        "font.family": "DejaVu Sans", "font.size": 8, "axes.titlesize": 9, "axes.labelsize": 8,
        "xtick.labelsize": 8, "ytick.labelsize": 8, "legend.fontsize": 8, "legend.frameon": False,
        "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#444444",
        "axes.linewidth": 0.7, "axes.grid": True, "grid.color": "#e2e5e9", "grid.linewidth": 0.5,
        "axes.axisbelow": True, "lines.linewidth": 1.1, "lines.markersize": 4.2, "figure.dpi": 100,
        "savefig.dpi": 200, "text.parse_math": False, "svg.hashsalt": "noisebench", "svg.fonttype": "path",
        "pdf.fonttype": 42,
        "axes.unicode_minus": True, "axes.formatter.use_mathtext": False, "figure.facecolor": "white",
        "axes.facecolor": "white", "savefig.facecolor": "white", "path.simplify": False,
    }  # fmt: skip


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the house style inside: the user's own matplotlibrc must not change a report."""
    import matplotlib

    style: Any = house_style()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(style)
        yield


def save(figure: Figure, name: str, caption: str, dpi: int = 200) -> Plot:
    """Both formats of a figure, the same bytes each time: no date, no software name."""
    png, svg = io.BytesIO(), io.BytesIO()
    with warnings.catch_warnings():
        # Names may hold characters that the font lacks; a box is drawn in their place.
        warnings.simplefilter("ignore")
        figure.savefig(png, format="png", dpi=dpi, metadata={"Software": None}, pil_kwargs={"compress_level": 4})
        figure.savefig(svg, format="svg", dpi=dpi, metadata={"Date": None, "Creator": None})
    return Plot(name, caption, png.getvalue(), svg.getvalue(), figure)


def draw_all(boards: Sequence[Board], diagrams: Sequence[Diagram]) -> tuple[list[Plot], list[str]]:
    """All plots of a report, and a note for each kind of which some were left out."""
    from .critical import draw_critical
    from .panels import draw_panel, panel_boards

    plots: list[Plot] = []
    notes: list[str] = []
    with styled():
        families = noise_families(boards)
        most = MAX_PLOTS if len(boards) <= MANY_BOARDS else MAX_PLOTS_OF_MANY
        for number, family in enumerate(_limit(families, most, "quality against noise level", notes), 1):
            plots.append(draw_family(family, number))
        for number, board in enumerate(_limit(pareto_boards(boards), most, "quality against latency", notes), 1):
            plots.append(draw_pareto(board, number))
        for number, one in enumerate(_limit(list(diagrams), most, "critical differences", notes), 1):
            plots.append(draw_critical(one, number))
        for number, board in enumerate(_limit(panel_boards(boards), most, "panels of crops", notes), 1):
            plots.append(draw_panel(board, number))
    return plots, notes


def _limit(things: list[Any], most: int, kind: str, notes: list[str]) -> list[Any]:
    if len(things) > most:
        notes.append(f"{kind}: {most} of {len(things)} plots are drawn, those with most methods first")
    return things[:most]


# ------------------------------------------------------------------------------------- names and marks


def text_width(text: str, size: float) -> float:
    """Width in inches of one line at `size` points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        width, _, _ = text_to_path.get_text_width_height_descent(text, FontProperties(size=size), False)
    return float(width) / 72.0


def fit(text: object, inches: float, size: float = 8) -> str:
    """`text` with as much of its middle taken away as must be for it to fit into `inches`."""
    flat = one_line(text)
    if text_width(flat, size) <= inches:
        return flat
    low, high = 1, len(flat) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text_width(shorten(flat, middle), size) <= inches else (low, middle - 1)
    return shorten(flat, low)


def legend_names(labels: Sequence[str], inches: float) -> dict[str, str]:
    """A name of at most `inches` for each label; where two would look the same, numbers tell them apart."""
    result: dict[str, str] = {}
    taken: set[str] = set()
    for label in labels:
        name, number = fit(label, inches), 2
        while name in taken:
            name, number = f"{fit(label, inches - 0.25)} ({number})", number + 1
        taken.add(name)
        result[label] = name
    return result


def place(figure: Figure, left: float, bottom: float, width: float, height: float) -> Any:
    """Axes at a place given in inches: nothing is laid out by trial, so drawing is fast and stays put."""
    across, up = figure.get_size_inches()
    return figure.add_axes((left / across, bottom / up, width / across, height / up))


def marks(rows: Iterable[tuple[str, bool]]) -> dict[str, dict[str, Any]]:
    """Colour, marker and dash of each (label, reference?): references are grey."""
    result: dict[str, dict[str, Any]] = {}
    place = references = 0
    for label, reference in rows:
        if reference:
            result[label] = {
                "color": GREY,
                "marker": "x+12"[references % 4],
                "linestyle": DASHES[1 + references % 2],
            }
            references += 1
        else:
            result[label] = {
                "color": COLOURS[place % len(COLOURS)],
                "marker": MARKERS[place % len(MARKERS)],
                "linestyle": DASHES[place // len(COLOURS) % len(DASHES)],
            }
            place += 1
    return result


def plain_number(value: float, _: object = None) -> str:
    """A tick as a plain number: 0.1, 1, 10."""
    return f"{value:g}"


# ------------------------------------------------------------------------- quality against noise level


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


# ------------------------------------------------------------------------------- quality and latency


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
    style = marks((points[i][0].label, points[i][0].name == "identity") for i in keep)
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
    axes.set_ylabel(f"mean {column.label}{f' ({column.unit})' if column.unit else ''}")
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
        caption += f" {len(points) - len(keep)} methods of lower mean are left out."
    return save(
        figure,
        f"pareto-{number:02d}-{slug(board.dataset, 24)}-{slug(board.regime, 24)}",
        one_line(caption, 600),
    )
