"""One house style for all plots: settings, names that fit, marks, places in inches, and both formats of a figure."""

from __future__ import annotations

import io
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ...text.errors import one_line
from ..escape import shorten
from .sheets import TEXT, Sheet, Style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ...boards.rows import Row


MAX_LINES = 12
DPI = 300
ONE_COLUMN = "one-column"
"""The folder of plots for one column, beside those for the page."""


@dataclass(frozen=True)
class Plot:
    """A finished plot: file stem, caption, and a figure in text of `text` points; each format is made on demand.

    `narrow` is the same for one column, where the style has columns and the plot can be read in one.
    """

    name: str
    caption: str
    figure: Figure = field(repr=False, compare=False)
    text: float = TEXT
    narrow: Plot | None = None

    @cached_property
    def png(self) -> bytes:
        """300 dots an inch, without the name of a program."""
        return self._saved("png", {"Software": None}, pil_kwargs={"compress_level": 4})

    @cached_property
    def svg(self) -> bytes:
        """Without a date; letters are outlines, so that it looks the same everywhere."""
        return self._saved("svg", {"Date": None, "Creator": None})

    @cached_property
    def pdf(self) -> bytes:
        """Without a date; letters are letters of an embedded font."""
        return self._saved("pdf", {"Creator": None, "Producer": None, "CreationDate": None})

    def _saved(self, kind: str, metadata: dict[str, None], **more: Any) -> bytes:
        """The same bytes each time."""
        out = io.BytesIO()
        with warnings.catch_warnings(), styled(self.text):
            # Names may hold characters that the font lacks; a box is drawn in their place.
            warnings.simplefilter("ignore")
            self.figure.savefig(out, format=kind, dpi=DPI, metadata=metadata, **more)
        return out.getvalue()


def plot_files(plots: Sequence[Plot], folder: str, kinds: Sequence[str]) -> dict[str, bytes]:
    """The files of plots by their names below `folder`, those for one column in `one-column/` there.

    `kinds` are of `png`, `svg` and `pdf`.
    """
    files: dict[str, bytes] = {}
    for plot in plots:
        for kind in kinds:
            files[f"{folder}/{plot.name}.{kind}"] = getattr(plot, kind)
        if plot.narrow is not None:
            files |= plot_files([plot.narrow], f"{folder}/{ONE_COLUMN}", kinds)
    return files


def house_style(text: float = TEXT) -> dict[str, Any]:
    """The matplotlib settings of every plot: one size of text, no mathtext, fixed SVG ids."""
    k = text / TEXT
    return {
        "font.family": "DejaVu Sans", "font.size": text, "axes.titlesize": text, "axes.labelsize": text,
        "xtick.labelsize": text, "ytick.labelsize": text, "legend.fontsize": text, "legend.frameon": False,
        "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#444444",
        "axes.linewidth": 0.7 * k, "axes.grid": True, "grid.color": "#e2e5e9", "grid.linewidth": 0.5 * k,
        "axes.axisbelow": True, "lines.linewidth": 1.1 * k, "lines.markersize": 4.2 * k, "figure.dpi": 100,
        "xtick.major.size": 3.5 * k, "ytick.major.size": 3.5 * k, "xtick.minor.size": 2 * k,
        "xtick.major.width": 0.8 * k, "ytick.major.width": 0.8 * k, "xtick.minor.width": 0.6 * k,
        "axes.labelpad": 4 * k,
        "savefig.dpi": DPI, "text.parse_math": False, "svg.hashsalt": "noisebench", "svg.fonttype": "path",
        "pdf.fonttype": 42,
        "axes.unicode_minus": True, "axes.formatter.use_mathtext": False, "figure.facecolor": "white",
        "axes.facecolor": "white", "savefig.facecolor": "white", "path.simplify": False,
    }  # fmt: skip


@contextmanager
def styled(text: float = TEXT) -> Iterator[None]:
    """Draw in the house style inside: the user's own matplotlibrc must not change a report. `text` is in points."""
    import matplotlib

    style: Any = house_style(text)
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(style)
        yield


def in_columns(draw: Callable[[Sheet], Plot | None], style: Style) -> Plot | None:
    """What `draw` makes of the sheet of a page, with that of one column where the style has one."""
    plots = []
    for sheet in (style.page, style.column):
        if sheet is None:
            continue
        with styled(sheet.text):
            plots.append(draw(sheet))
    return plots[0] and replace(plots[0], narrow=plots[1] if len(plots) > 1 else None)


def save(figure: Figure, name: str, caption: str) -> Plot:
    """A plot of a figure that was drawn inside `styled`."""
    import matplotlib

    return Plot(name, caption, figure, float(matplotlib.rcParams["font.size"]))


def text_width(text: str, size: float) -> float:
    """Width in inches of one line at `size` points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        width, _, _ = text_to_path.get_text_width_height_descent(text, FontProperties(size=size), False)
    return float(width) / 72.0


def fit(text: object, inches: float, size: float = TEXT) -> str:
    """`text` with as much of its middle taken away as must be for it to fit into `inches`."""
    flat = one_line(text)
    if text_width(flat, size) <= inches:
        return flat
    low, high = 1, len(flat) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text_width(shorten(flat, middle), size) <= inches else (low, middle - 1)
    return shorten(flat, low)


_FIRST = 3
"""Letters at least that a name keeps where its middle is cut."""


def legend_names(labels: Sequence[str], inches: float, size: float = TEXT) -> dict[str, str]:
    """A name of at most `inches` for each label: where two would look the same, what differs between them is shown.

    Where that has no room either, numbers tell them apart.
    """
    alike: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        alike[fit(label, inches, size)].append(label)
    result: dict[str, str] = {}
    taken: set[str] = set()
    for label in labels:
        same = alike[fit(label, inches, size)]
        shown = _difference(label, same, inches, size) if len(same) > 1 else label
        name, number = fit(shown, inches, size), 2
        while name in taken:
            name, number = f"{fit(shown, inches - 0.25 * size / TEXT, size)} ({number})", number + 1
        taken.add(name)
        result[label] = name
    return result


def _difference(label: str, labels: Sequence[str], inches: float, size: float) -> str:
    """`trained(…width=24…)`: the name, and the arguments from the first to the last that tell `labels` apart.

    Without arguments the first letters, as many as have room, and all from the first word that differs.
    """
    head, opened, _ = label.partition("(")
    if not opened:
        end = shared(labels)
        mid_word = any(other[end - 1 : end + 1].isalnum() for other in labels)
        start = label.rfind(" ", 0, end) + 1 if mid_word else end
        rest = label[start:].lstrip(" ,")
        cut = (f"{label[:kept].rstrip(' ,')}…{rest}" for kept in range(start, _FIRST - 1, -1))
        return next((name for name in cut if text_width(name, size) <= inches), label)
    start, end = shared(labels), len(label) - shared([other[::-1] for other in labels])
    start = max(len(head) + 1, *(label.rfind(mark, 0, start) + 1 for mark in "( "))
    end = min((at for mark in ",)" if (at := label.find(mark, max(end, start))) >= 0), default=len(label))
    before = "…" if start > len(head) + 1 else ""
    after = "…" if end < len(label) - 1 else ""
    return f"{head}({before}{label[start:end]}{after})"


def shared(texts: Sequence[str]) -> int:
    """How many characters all of `texts` begin with."""
    short = min(map(len, texts))
    return next((i for i in range(short) if len({text[i] for text in texts}) > 1), short)


def place(figure: Figure, x: float, y: float, width: float, height: float) -> Any:
    """Axes at a place given in inches: nothing is laid out by trial, so drawing is fast and stays put."""
    across, up = figure.get_size_inches()
    return figure.add_axes((x / across, y / up, width / across, height / up))


def new_figure(width: float, height: float) -> Figure:
    """A figure of so many inches, of no window."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height))


def blank_canvas(width: float, height: float) -> Any:
    """Axes without a frame over all of a new figure, for what is placed in inches."""
    canvas = place(new_figure(width, height), 0, 0, width, height)
    canvas.set_axis_off()
    return canvas


def tick_room(axes: Any, sheet: Sheet) -> float:
    """Inches left of axes of fixed height for the numbers of the y axis and its label."""
    low, high = sorted(axes.get_ylim())
    ticks = [tick for tick in axes.get_yticks() if low <= tick <= high]
    labels = axes.yaxis.get_major_formatter().format_ticks(ticks)
    widest = max((text_width(text, sheet.text) for text in labels), default=0.0)
    return widest + (0.2 + 1.45 * TEXT / 72) * sheet.scale


def set_log_ticks(axis: Any, values: Sequence[float]) -> None:
    """Ticks of a logarithmic axis: 1, 2 and 5 where `values` span less than a factor of 30, else powers of ten."""
    from matplotlib.ticker import LogLocator, NullFormatter

    wide = max(values) / min(values) > 30
    axis.set_major_locator(LogLocator(base=10, subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(plain_number)
    axis.set_minor_formatter(NullFormatter())


def is_reference(row: Row) -> bool:
    """Whether a row is there to be held against: what sees more than it may, and what a method was given."""
    return row.oracle or row.role == "baseline"


def plain_number(value: float, _: object = None) -> str:
    """A tick as a plain number: 0.1, 1, −10."""
    return f"{value:g}".replace("-", "−")
