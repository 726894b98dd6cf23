"""One house style for all plots: settings, names that fit, marks, places in inches, and both formats of a figure."""

from __future__ import annotations

import io
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...errors import one_line
from ..escape import shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ...boards.rows import Row


MAX_LINES = 12
WIDE = 7.0
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vP*X<>ph"
DASHES = ("-", "--", ":")
GREY = "#6b7280"


@dataclass(frozen=True)
class Plot:
    """A finished plot: file stem, caption, and both formats; PDF on demand, inside `styled`."""

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
    """A name of at most `inches` for each label: where two would look the same, what differs between them is shown.

    Where that has no room either, numbers tell them apart.
    """
    alike: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        alike[fit(label, inches)].append(label)
    result: dict[str, str] = {}
    taken: set[str] = set()
    for label in labels:
        same = alike[fit(label, inches)]
        shown = _difference(label, same) if len(same) > 1 else label
        name, number = fit(shown, inches), 2
        while name in taken:
            name, number = f"{fit(shown, inches - 0.25)} ({number})", number + 1
        taken.add(name)
        result[label] = name
    return result


def _difference(label: str, labels: Sequence[str]) -> str:
    """`trained(…width=24…)`: the name, and the arguments from the first to the last that tell `labels` apart."""
    head, opened, _ = label.partition("(")
    if not opened:
        return label
    start, end = _shared(labels), len(label) - _shared([other[::-1] for other in labels])
    start = max(len(head) + 1, *(label.rfind(mark, 0, start) + 1 for mark in "( "))
    end = min((at for mark in ",)" if (at := label.find(mark, max(end, start))) >= 0), default=len(label))
    before = "…" if start > len(head) + 1 else ""
    after = "…" if end < len(label) - 1 else ""
    return f"{head}({before}{label[start:end]}{after})"


def _shared(texts: Sequence[str]) -> int:
    """How many characters all of `texts` begin with."""
    short = min(map(len, texts))
    return next((i for i in range(short) if len({text[i] for text in texts}) > 1), short)


def place(figure: Figure, left: float, bottom: float, width: float, height: float) -> Any:
    """Axes at a place given in inches: nothing is laid out by trial, so drawing is fast and stays put."""
    across, up = figure.get_size_inches()
    return figure.add_axes((left / across, bottom / up, width / across, height / up))


def is_reference(row: Row) -> bool:
    """Whether a row is there to be held against: what sees more than it may, and what a method was given."""
    return row.oracle or row.role == "baseline"


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
